"""13 The limits that settings ask for, wired to the providers that are on; holds no logic."""

from collections.abc import Iterator, Mapping

from config.limit_settings import read_domain_limit
from config.settings import Settings
from notifier.channels.channel import Channel
from notifier.channels.push_services import PushServices
from notifier.channels.several import Several
from notifier.limits import Pace, at_most, steady
from notifier.pacing import Paces
from notifier.privacy import Vault
from notifier.sites import domain_lookup
from notifier.spending import Caps, Spending
from notifier.storm import Brake

_MINUTE = 60
_HOUR = 3600


def paces_of(settings: Settings, vault: Vault, channels: Mapping[str, Channel]) -> Paces:
    """Every bucket's pace. A named domain is known by the keyed hash that its contacts carry."""
    limits = settings.limits
    per_second = {
        "email": limits.email_per_second,
        "sms": limits.sms_per_second,
        "push": limits.push_per_second,
    }
    persons = {
        "email": at_most(limits.person_email_per_hour, _HOUR),
        "push": at_most(limits.person_push_per_hour, _HOUR),
        "sms": at_most(limits.person_sms_per_hour, _HOUR),
    }
    providers = {
        provider: steady(per_second.get(name, 0), limits.burst)
        for name, channel in channels.items()
        for provider in _providers(channel)
    }
    domains = (read_domain_limit(each) for each in limits.domains)
    return Paces(
        providers=_limited(providers),
        domain=at_most(limits.domain_per_minute, _MINUTE),
        domains={
            domain_lookup(vault, each.domain): at_most(each.per_minute, _MINUTE) for each in domains
        },
        persons=_limited(persons),
    )


def spending_of(settings: Settings) -> Spending:
    """What a day may cost."""
    costs = settings.costs
    return Spending(
        Caps(
            prices={
                "email": costs.email_micros,
                "sms": costs.sms_micros,
                "push": costs.push_micros,
            },
            total=costs.day_cap_micros,
            channels={
                "email": costs.email_day_cap_micros,
                "sms": costs.sms_day_cap_micros,
                "push": costs.push_day_cap_micros,
            },
        )
    )


def brake_of(settings: Settings) -> Brake:
    """How much may leave within a minute."""
    limits = settings.restraint
    return Brake(
        per_minute=limits.storm_per_minute,
        per_employer=limits.storm_employer_per_minute,
        hold_seconds=limits.storm_hold_minutes * 60,
    )


def _providers(channel: Channel) -> Iterator[str]:
    if isinstance(channel, PushServices):
        yield from (each.provider for each in channel.services.values())
    elif isinstance(channel, Several):
        yield from (each.provider for each in channel.channels)
    else:
        yield channel.provider


def _limited(paces: Mapping[str, Pace | None]) -> dict[str, Pace]:
    return {name: pace for name, pace in paces.items() if pace is not None}
