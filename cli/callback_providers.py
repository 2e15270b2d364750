"""Who may call back, as the settings have it: each provider whose secret is known."""

from config.channel_settings import decoded_verification_key, decoded_webhook_secret
from config.settings import Settings
from notifier.callbacks.postmark import PostmarkCallbacks
from notifier.callbacks.sendgrid import SendGridCallbacks
from notifier.callbacks.ses import SesCallbacks
from notifier.callbacks.standard_webhooks import StandardWebhooks
from notifier.callbacks.tidings import Provider
from notifier.callbacks.twilio import TwilioCallbacks
from notifier.callbacks.vonage import VonageCallbacks


def callback_providers(settings: Settings) -> dict[str, Provider]:
    """Providers by name. A provider without a secret cannot prove itself, so it is not there."""
    found: list[Provider] = []
    found += [
        TwilioCallbacks(sms.auth_token.get_secret_value())
        for sms in (settings.sms, settings.second_sms)
        if sms.provider == "twilio" and sms.auth_token is not None
    ]
    callbacks = settings.callbacks
    if callbacks.postmark_login is not None:
        found.append(PostmarkCallbacks(callbacks.postmark_login.get_secret_value()))
    if callbacks.webhook_secrets:
        keys = [
            decoded_webhook_secret(each.get_secret_value()) for each in callbacks.webhook_secrets
        ]
        found.append(StandardWebhooks(keys, tolerance_seconds=callbacks.tolerance_seconds))
    if callbacks.sendgrid_key is not None:
        key = decoded_verification_key(callbacks.sendgrid_key)
        found.append(SendGridCallbacks(key, tolerance_seconds=callbacks.tolerance_seconds))
    if callbacks.vonage_secret is not None:
        secret = callbacks.vonage_secret.get_secret_value()
        found.append(VonageCallbacks(secret, tolerance_seconds=callbacks.tolerance_seconds))
    if callbacks.sns_topics:
        found.append(SesCallbacks(callbacks.sns_topics))
    return {provider.name: provider for provider in found}
