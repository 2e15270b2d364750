"""Settings of what a delivery costs, for reports and backtests."""

from typing import Any

from config.fields import Section, setting


def _price(of: str) -> Any:
    meaning = f"what {of} costs, in millionths of `costs.currency`; 0: nothing, or not known"
    return setting(0, meaning, unit="millionths", ge=0, le=10**9)


def _cap(of: str) -> Any:
    meaning = (
        f"what {of} may cost in one day (UTC), in millionths of `costs.currency`; what is beyond it is"
        " held, with an alarm; 0: no cap"
    )
    return setting(0, meaning, unit="millionths", ge=0, le=10**15)


class CostSettings(Section):
    """What a message costs at its provider, and what a day may cost."""

    currency: str = setting("USD", "the currency that prices are in", pattern="^[A-Z]{3}$")
    email_micros: int = _price("an email")
    sms_micros: int = _price("an SMS (a segment, where the provider counts these)")
    push_micros: int = _price("a push")
    day_cap_micros: int = _cap("all channels together")
    email_day_cap_micros: int = _cap("email")
    sms_day_cap_micros: int = _cap("SMS")
    push_day_cap_micros: int = _cap("push")
