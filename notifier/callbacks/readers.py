"""Which provider's events are read by what."""

from collections.abc import Mapping

from notifier.callbacks import postmark, sendgrid, ses, standard_webhooks, twilio, vonage
from notifier.callbacks.tidings import Reader

READERS: Mapping[str, Reader] = {
    twilio.TwilioCallbacks.name: twilio.read,
    postmark.PostmarkCallbacks.name: postmark.read,
    sendgrid.SendGridCallbacks.name: sendgrid.read,
    vonage.VonageCallbacks.name: vonage.read,
    ses.SesCallbacks.name: ses.read,
    standard_webhooks.StandardWebhooks.name: standard_webhooks.read,
}
