"""Prices as the settings name them, and amounts as people read them."""

from collections.abc import Mapping

from config.cost_settings import CostSettings

_WHOLE = 1_000_000


def prices(settings: CostSettings) -> Mapping[str, int]:
    """What one delivery costs by channel, in millionths of the currency; others cost nothing."""
    return {
        "email": settings.email_micros,
        "sms": settings.sms_micros,
        "push": settings.push_micros,
    }


def cost_of(deliveries: Mapping[str, int], priced: Mapping[str, int]) -> int:
    """What so many deliveries by channel cost, in millionths."""
    return sum(count * priced.get(channel, 0) for channel, count in deliveries.items())


def total(micros: int, currency: str, priced: Mapping[str, int]) -> str:
    """The amount, or that nobody said what anything costs."""
    if not micros and not any(priced.values()):
        return "not known: no price is set (costs.*)"
    return amount(micros, currency)


def amount(micros: int, currency: str) -> str:
    """As `12.3400 USD`, exact to a hundredth of a cent."""
    return f"{micros // _WHOLE}.{micros % _WHOLE // 100:04d} {currency}"
