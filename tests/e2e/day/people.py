"""Who is told, where, and what each of them wants: drawn from the seed, all kinds mixed."""

import json
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from notifier.contact_file import ContactLine
from notifier.push_places import WEB_PUSH, service_of
from notifier.webhooks.subscriptions import WEBHOOK
from simulator.accounts import Cast
from simulator.catchers.web_push_keys import subscription_keys
from tests.e2e.day.hooks import Hook, hooks_of

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
_BAD_BROWSERS = (*_BAD_TOPICS, "gone-")


class Person(NamedTuple):
    """`places`: channel to destination. `quiet`: microseconds between which nothing rings, today's.

    `hook`: the webhook that their news is posted to, beside all that.
    """

    line: ContactLine
    places: Mapping[str, str]
    suppressed: frozenset[str] = frozenset()
    quiet: tuple[int, int] | None = None
    hook: Hook | None = None

    @property
    def has_a_browser(self) -> bool:
        """Whether they are pushed to in a browser, rather than by ntfy."""
        return service_of(self.places.get("push", "")) == WEB_PUSH

    @property
    def one_by_one(self) -> bool:
        return self.line.one_by_one == "yes"

    def declines(self, kind: str, channel: str) -> bool:
        """Whether they said that news of this kind must not come on this channel."""
        if channel == WEBHOOK:
            return self.hook is None or not self.hook.wants(kind)
        only = self.line.pauses_only == "yes" and kind not in _PAUSES
        return only or f"{kind}:{channel}" in self.line.off.split()

    def sleeps(self, kind: str, channel: str, at: int) -> bool:
        """Whether news of this kind must not ring now."""
        if self.quiet is None or channel not in RINGING:
            return False
        urgent = self.line.urgent_pauses == "yes" and kind in _PAUSES
        return self.quiet[0] <= at < self.quiet[1] and not urgent


def drawn(cast: Cast, seed: int, now: datetime, web_url: str) -> dict[str, Person]:
    """Everybody by account; the first employee and the first employer have no wishes and no trouble.

    `web_url`: of the catchers, where browsers and webhooks are at home.
    """
    rng = random.Random(f"people {seed}")
    accounts = [*cast.employees, *cast.employers]
    plain = (cast.employees[0], cast.employers[0])
    hooks = hooks_of(accounts, plain, seed)
    found = {}
    for number, account in enumerate(accounts, start=1):
        person = _plain(account, number)
        if account not in plain:
            person = _drawn(rng, person, number, now, web_url)
        found[account] = person._replace(hook=hooks.get(account))
    return _suppressed_with_others(found)


def _suppressed_with_others(people: Mapping[str, Person]) -> dict[str, Person]:
    """A place that is suppressed for one is suppressed for all who share it: trouble has few phones."""
    places = {
        (channel, person.places[channel])
        for person in people.values()
        for channel in person.suppressed
    }
    return {
        account: person._replace(
            suppressed=frozenset(channel for channel, _ in places & set(person.places.items()))
        )
        for account, person in people.items()
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


def _drawn(rng: random.Random, plain: Person, number: int, now: datetime, web_url: str) -> Person:
    line = _where(rng, plain.line, number, web_url)
    line, quiet = _when(rng, line, now)
    line = _what(rng, line)
    person = _person(line)
    some = sorted(set(person.places) & {"email", "sms"})
    suppressed = frozenset(rng.sample(some, 1)) if some and rng.random() < 0.06 else frozenset()
    return person._replace(quiet=quiet, suppressed=suppressed)


def _person(line: ContactLine) -> Person:
    places = {"email": line.email, "sms": line.phone, "push": line.push}
    return Person(line, {channel: place for channel, place in places.items() if place})


def _browser(web_url: str, name: str) -> str:
    """A web-push subscription, whose keys the catcher knows by its name."""
    endpoint = f"{web_url}/web-push/{name}"
    return json.dumps({"endpoint": endpoint, "keys": subscription_keys(name)})


def _where(rng: random.Random, line: ContactLine, number: int, web_url: str) -> ContactLine:
    """Some have no phone or no push, some a browser to push to, some have a place that is trouble."""
    if rng.random() < 0.15:
        line = line._replace(phone="")
    push = rng.random()
    in_browser = 0.1 <= push < 0.35
    if push < 0.1:
        line = line._replace(push="")
    elif in_browser:
        line = line._replace(push=_browser(web_url, f"day-{number}"))
    trouble = rng.random()
    if trouble < 0.04:
        line = line._replace(email=f"{rng.choice(_BAD_MAILS)}.{number}@example.test")
    elif trouble < 0.07 and line.phone:
        line = line._replace(phone=rng.choice(_BAD_PHONES))
    elif trouble < 0.1 and in_browser:
        line = line._replace(push=_browser(web_url, f"{rng.choice(_BAD_BROWSERS)}{number}"))
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
