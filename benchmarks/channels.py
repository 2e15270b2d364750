"""Durable, deduplicated push, SMS and webhooks against bare loops to the same local provider.

The provider runs in a process of its own. Each bare loop sends by the library that one would take
(bare_channels.py): no database, no broker, no record. Ours claims, marks, sends and settles each letter
durably, by the worker of `pausewire notify`.
"""

import importlib.util
import statistics
import sys
from collections.abc import Callable
from typing import NamedTuple

from pydantic import SecretStr
from sqlalchemy import bindparam, update

from benchmarks import apart, bare_channels, chain, http_sink, places, sends
from benchmarks.report import Line, Target
from benchmarks.scale import Scale
from config.channel_settings import SmsSettings
from config.push_settings import PushSettings
from config.settings import BrokerSettings, Settings
from config.webhook_settings import WebhookSettings
from notifier.schema import delivery
from notifier.webhooks import subscriptions
from store.clock import now_micros
from store.engine import Database
from tests.fakes.planned import plan_many, vault

LETTERS_PER_RECEIVER = 20
NOBODY = subscriptions.Owner(account_id=None)
# product.md: push and webhooks against Apprise's bare loop; the others as email is against its own.
BESIDE_APPRISE = 2.0
BESIDE_OTHERS = 0.8

Loop = Callable[[int, int], float]


def by_ntfy(port: int, letters: int) -> float:
    """Apprise's loop to ntfy."""
    return bare_channels.by_apprise(f"ntfy://127.0.0.1:{port}/pausewire-{{}}", letters)


def by_json(port: int, letters: int) -> float:
    """Apprise's loop to a receiver of JSON."""
    return bare_channels.by_apprise(f"json://127.0.0.1:{port}/hook/{{}}", letters)


class Way(NamedTuple):
    """A channel and the bare loops that stand beside it, each with its word and the least ratio."""

    what: str
    channel: str
    beside: tuple[tuple[Loop, str, float], ...]
    needs: str | None = None


WAYS = {
    "ntfy": Way("push by ntfy", "push", ((by_ntfy, "Apprise, 8 threads", BESIDE_APPRISE),)),
    "web push": Way(
        "web push",
        "push",
        ((bare_channels.pushed, "pywebpush, one session", BESIDE_OTHERS),),
        needs="pywebpush",
    ),
    "webhook": Way(
        "webhooks",
        "webhook",
        (
            (by_json, "Apprise, 8 threads", BESIDE_APPRISE),
            (bare_channels.signed, "httpx, signed", BESIDE_OTHERS),
        ),
    ),
    "sms": Way("SMS", "sms", ((bare_channels.texted, "httpx", BESIDE_OTHERS),)),
}


def lines(scale: Scale, call: apart.Call = apart.call) -> list[Line]:
    """Letters a second of each channel on each database."""
    made: list[Line] = []
    with http_sink.running() as port:
        for name, way in WAYS.items():
            if way.needs is not None and importlib.util.find_spec(way.needs) is None:
                print(f"left out: {way.what}, no {way.needs} (make tools)", file=sys.stderr)
                continue
            for kind in scale.kinds:
                made += _of(name, kind, port, scale, call)
    return made


def _of(name: str, kind: str, port: int, scale: Scale, call: apart.Call) -> list[Line]:
    way, ours = WAYS[name], []
    theirs: list[list[float]] = [[] for _ in way.beside]
    for _ in range(scale.rounds):
        for (loop, _, _), rates in zip(way.beside, theirs, strict=True):
            rates.append(call(loop, port, scale.letters))
        with chain.fresh_url(scale.postgres, kind) as url:
            ours.append(call(our_rate, name, url, port, scale.letters))
    return [
        Line(
            what=f"{way.what}, durable and deduplicated, {kind}",
            ours=statistics.median(ours),
            unit="sends/s",
            beside=word,
            theirs=statistics.median(rates),
            target=Target(of="ratio", bound=least),
        )
        for (_, word, least), rates in zip(way.beside, theirs, strict=True)
    ]


def our_rate(name: str, url: str, port: int, letters: int) -> float:
    """Letters a second of the worker by one way."""
    database = Database.open(url)
    channel = WAYS[name].channel
    made: dict[str, Callable[[int], str]] = {
        "ntfy": places.topic,
        "web push": lambda number: places.subscription(port, number),
        "webhook": lambda number: places.hook(port, number),
        "sms": places.phone,
    }
    with database.begin() as conn:
        ids = plan_many(conn, [made[name](number) for number in range(letters)], channel=channel)
    if channel == "webhook":
        _subscribe(database, ids, port)
    measured = sends.rate(_settings(name, port), database, letters)
    database.close()
    return measured


def _subscribe(database: Database, ids: list[object], port: int) -> None:
    """A subscription for each twenty deliveries, each delivery about a stream of its own."""
    now = now_micros()
    with database.begin() as conn:
        receivers = [
            subscriptions.create(
                conn,
                vault(),
                subscriptions.Wanted(places.hook(port, number)),
                owner=NOBODY,
                now=now,
            )[0]
            for number in range(len(ids) // LETTERS_PER_RECEIVER + 1)
        ]
        conn.execute(
            update(delivery)
            .where(delivery.c.delivery_id == bindparam("is_id"))
            .values(
                contact_id=bindparam("is_receiver"),
                endpoint=bindparam("is_endpoint"),
                lane=bindparam("is_lane"),
                lane_position=bindparam("is_place"),
            ),
            [
                {
                    "is_id": each,
                    "is_receiver": receivers[number // LETTERS_PER_RECEIVER],
                    "is_endpoint": str(receivers[number // LETTERS_PER_RECEIVER]),
                    "is_lane": f"{receivers[number // LETTERS_PER_RECEIVER]}:{number}",
                    "is_place": number,
                }
                for number, each in enumerate(ids)
            ],
        )


def _settings(name: str, port: int) -> Settings:
    place = f"http://127.0.0.1:{port}"
    broker = BrokerSettings(worker_threads=sends.WORKER_THREADS)
    hooks = WebhookSettings(allowed_networks=("127.0.0.0/8",), enabled=name == "webhook")
    if name == "sms":
        sms = SmsSettings(
            provider="twilio",
            base_url=place,
            account_sid=places.ACCOUNT,
            auth_token=SecretStr(places.TOKEN),
            sender=places.SENDER,
        )
        return Settings(sms=sms, broker=broker, webhooks=hooks)
    push = {
        "ntfy": PushSettings(ntfy_url=place),
        "web push": PushSettings(
            vapid_key=SecretStr(places.VAPID_KEY), vapid_subject=places.SUBJECT
        ),
    }
    return Settings(push=push.get(name, PushSettings()), broker=broker, webhooks=hooks)
