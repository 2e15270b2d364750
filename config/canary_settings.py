"""Settings of the canary: a delivery each minute that proves that people can be told."""

from pydantic import field_validator

from config.fields import Section, setting


class CanarySettings(Section):
    """A delivery each minute that travels as people's do, and reaches nobody."""

    enabled: bool = setting(True, "send a canary each minute; uptime is judged by it")
    email: str | None = setting(
        None,
        "mailbox that the canary goes to by email, through the real server; none: it stops short of a"
        " provider",
    )

    @field_validator("email")
    @classmethod
    def _email_is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not all(value.rpartition("@")):
            raise ValueError("give an address such as canary@example.org")
        return value
