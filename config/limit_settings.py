"""Settings of how fast messages leave: by provider, by mail domain, by person."""

import re
from typing import Any, NamedTuple

from pydantic import field_validator

from config.fields import Section, setting

_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")
_HOURLY = "further ones wait, up to their deadline; 0: no limit"


class DomainLimit(NamedTuple):
    """Most mails a minute to one domain; 0: no limit."""

    domain: str
    per_minute: int


def read_domain_limit(text: str) -> DomainLimit:
    """`example.org=60`. Raises ValueError."""
    domain, _, number = text.partition("=")
    if not _DOMAIN.fullmatch(domain) or not re.fullmatch(r"[0-9]{1,6}", number):
        raise ValueError("give domains in lower case (IDNA) with mails a minute: example.org=60")
    return DomainLimit(domain, int(number))


def _per_second(what: str) -> Any:
    return setting(0, f"most {what}; 0: no limit", unit="messages a second", ge=0, le=100_000)


def _per_hour(default: int, what: str) -> Any:
    meaning = f"most {what} to one person in an hour; {_HOURLY}"
    return setting(default, meaning, unit="messages an hour", ge=0, le=100_000)


class LimitSettings(Section):
    """How fast messages leave. What is over a limit waits, urgent news first; nothing is lost by it.

    A provider, or a mail domain, that says itself that it is too much is left alone for as long as it asks,
    whatever stands here.
    """

    email_per_second: float = _per_second("mails by one server (`email.*`)")
    sms_per_second: float = _per_second("SMS by one provider (`sms.*`)")
    push_per_second: float = _per_second("pushes by one service (`push.*`)")
    burst: int = setting(
        10, "messages that may leave at once after a pause, of those limits", unit="messages", ge=1
    )
    domain_per_minute: int = setting(
        0,
        "most mails to one domain in a minute; 0: no limit",
        unit="messages a minute",
        ge=0,
        le=100_000,
    )
    domains: tuple[str, ...] = setting(
        (),
        'domains with a limit of their own, as JSON: `["example.org=60"]`; 0 takes the limit away',
        unit="messages a minute",
    )
    person_email_per_hour: int = _per_hour(60, "mails")
    person_push_per_hour: int = _per_hour(60, "pushes, over all devices,")
    person_sms_per_hour: int = _per_hour(20, "SMS")

    @field_validator("domains")
    @classmethod
    def _domains_are_limits(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            read_domain_limit(value)
        return values
