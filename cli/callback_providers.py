"""Who may call back, as the settings have it: each provider whose secret is known."""

from config.channel_settings import decoded_verification_key, decoded_webhook_secret
from config.settings import Settings
from notifier.callbacks.sendgrid import SendGridCallbacks
from notifier.callbacks.ses import SesCallbacks
from notifier.callbacks.standard_webhooks import StandardWebhooks
from notifier.callbacks.tidings import Provider
from notifier.callbacks.twilio import TwilioCallbacks
from notifier.callbacks.vonage import VonageCallbacks


def callback_providers(settings: Settings) -> dict[str, Provider]:
    """Providers by name. A provider without a secret cannot prove itself, so it is not there."""
    found: list[Provider] = []
    if settings.sms.provider == "twilio" and settings.sms.auth_token is not None:
        found.append(TwilioCallbacks(settings.sms.auth_token.get_secret_value()))
    callbacks = settings.callbacks
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
