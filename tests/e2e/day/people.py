"""Who is told, where, and what each of them wants: drawn from the seed, all kinds mixed."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from notifier.contact_file import ContactLine
from simulator.accounts import Cast

MICROS = 1_000_000
RINGING = ("push", "sms")
_LANGUAGES = ("en", "es", "fr", "pt", "de", "ar", "hi")
_ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York")
_KINDS = ("paused", "resumed", "cancelled", "contract_paused", "contract_resumed")
_PAUSES = ("paused", "contract_paused")
_ORDERS = ("email push sms", "sms email", "push sms", "none")
# Places that are trouble each time, whatever the provider's mood.
_BAD_MAILS = ("reject", "data-fail", "greylist", "slow", "cut")
_BAD_PHONES = ("+15005550001", "+15005550004", "+15005550020", "+15005550021", "+15005550030")
_BAD_TOPICS = ("fail500-", "slow-", "cut-")


class Person(NamedTuple):
    """`places`: channel to destination. `quiet`: microseconds between which nothing rings, today's."""

    line: ContactLine
    places: Mapping[str, str]
    suppressed: frozenset[str] = frozenset()
    quiet: tuple[int, int] | None = None

    @property
    def one_by_one(self) -> bool:
        return self.line.one_by_one == "yes"

    def declines(self, kind: str, channel: str) -> bool:
        """Whether they said that news of this kind must not come on this channel."""
        only = self.line.pauses_only == "yes" and kind not in _PAUSES
        return only or f"{kind}:{channel}" in self.line.off.split()

    def sleeps(self, kind: str, channel: str, at: int) -> bool:
        """Whether news of this kind must not ring now."""
        if self.quiet is None or channel not in RINGING:
            return False
        urgent = self.line.urgent_pauses == "yes" and kind in _PAUSES
        return self.quiet[0] <= at < self.quiet[1] and not urgent


def drawn(cast: Cast, seed: int, now: datetime) -> dict[str, Person]:
    """Everybody by account; the first employee and the first employer have no wishes and no trouble."""
    rng = random.Random(f"people {seed}")
    accounts = [*cast.employees, *cast.employers]
    plain = {cast.employees[0], cast.employers[0]}
    return {
        account: _plain(account, number) if account in plain else _drawn(rng, account, number, now)
        for number, account in enumerate(accounts, start=1)
    }


def _plain(account: str, number: int) -> Person:
    return _person(
        ContactLine(
            account,
            email=f"person.{number}@example.test",
            phone=f"+1555{100_000 + number:07d}",
            push=f"ntfy:day-{number}",
            language=_LANGUAGES[number % len(_LANGUAGES)],
        )
    )


def _drawn(rng: random.Random, account: str, number: int, now: datetime) -> Person:
    line = _where(rng, _plain(account, number).line, number)
    line, quiet = _when(rng, line, now)
    line = _what(rng, line)
    person = _person(line)
    some = sorted(set(person.places) & {"email", "sms"})
    suppressed = frozenset(rng.sample(some, 1)) if some and rng.random() < 0.06 else frozenset()
    return person._replace(quiet=quiet, suppressed=suppressed)


def _person(line: ContactLine) -> Person:
    places = {"email": line.email, "sms": line.phone, "push": line.push}
    return Person(line, {channel: place for channel, place in places.items() if place})


def _where(rng: random.Random, line: ContactLine, number: int) -> ContactLine:
    """Some have no phone or no push, some have a place that is trouble."""
    if rng.random() < 0.15:
        line = line._replace(phone="")
    if rng.random() < 0.1:
        line = line._replace(push="")
    trouble = rng.random()
    if trouble < 0.04:
        line = line._replace(email=f"{rng.choice(_BAD_MAILS)}.{number}@example.test")
    elif trouble < 0.07 and line.phone:
        line = line._replace(phone=rng.choice(_BAD_PHONES))
    elif trouble < 0.1 and line.push:
        line = line._replace(push=f"ntfy:{rng.choice(_BAD_TOPICS)}{number}")
    return line


def _when(
    rng: random.Random, line: ContactLine, now: datetime
) -> tuple[ContactLine, tuple[int, int] | None]:
    """Some have quiet hours, of these most have them now, and until long after the run."""
    if rng.random() >= 0.2:
        return line, None
    zone = rng.choice(_ZONES)
    local = now.astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0)
    is_now = rng.random() < 0.7
    starts = local + timedelta(hours=-1 if is_now else 13)
    ends = starts + timedelta(minutes=rng.randrange(8 * 60, 10 * 60))
    line = line._replace(
        time_zone=zone,
        quiet_hours=f"{starts:%H:%M}-{ends:%H:%M}",
        urgent_pauses=rng.choice(("yes", "no")),
    )
    span = (int(starts.timestamp()) * MICROS, int(ends.timestamp()) * MICROS)
    return line, span if is_now else None


def _what(rng: random.Random, line: ContactLine) -> ContactLine:
    """Some want only pauses, some have pairs switched off, some are told on one channel at a time."""
    if rng.random() < 0.1:
        line = line._replace(pauses_only="yes")
    if rng.random() < 0.12:
        pairs = {
            f"{rng.choice(_KINDS)}:{rng.choice(('email', 'push', 'sms'))}"
            for _ in range(rng.randint(1, 4))
        }
        line = line._replace(off=" ".join(sorted(pairs)))
    if rng.random() < 0.12:
        line = line._replace(one_by_one="yes", order=rng.choice(_ORDERS))
    return line
