"""Settings of asking providers what became of messages that nobody told of."""

from pydantic import SecretStr, field_validator

from config.fields import Section, checked_url, setting


class LookUpSettings(Section):
    """Asking Twilio, Vonage and Postmark for what their callbacks did not tell. Nothing is sent by asking.

    Amazon SNS cannot be asked and calls nobody back about an SMS: what it took stays `accepted`, and what
    it may have taken `unknown` until a person settles it. Mail servers cannot be asked, nor can SES, and
    SendGrid sells the history of mails apart: their callbacks tell of mails.
    """

    enabled: bool = setting(True, "ask the providers that are on and can be asked")
    after_minutes: float = setting(
        60,
        "a message that was taken, and of which nothing was heard for so long, is asked for",
        unit="minutes",
        gt=0,
        le=1440,
    )
    per_minute: int = setting(
        30, "most questions to one provider", unit="questions a minute", ge=1, le=6000
    )
    vonage_url: str = setting("https://api.nexmo.com", "address of Vonage's Reports API")

    postmark_token: SecretStr | None = setting(
        None,
        "server API token of the Postmark server that mails go through: what became of them is asked"
        " there; mails are then marked for it. None: off",
    )
    postmark_url: str = setting("https://api.postmarkapp.com", "address of Postmark's API")

    @field_validator("vonage_url", "postmark_url")
    @classmethod
    def _url_is_http(cls, value: str) -> str:
        return checked_url(value, "https", "http").rstrip("/")
