"""Providers calling back at a rate that rises: how soon they are answered, and whether each counts once.

SMS that Twilio has accepted, on PostgreSQL; k6 brings each message's statuses, signed as Twilio signs
them, some twice and many out of order, to two `pausewire api`. One of them is killed on the way and comes
back. In the end every status that was answered is in the database once, and each message stands as it
was told.
"""

import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from sqlalchemy import func, select

from benchmarks import chain, k6, sms_statuses
from benchmarks.api_pair import ApiPair, api_pair
from benchmarks.report import Line, Target
from benchmarks.scale import Scale
from benchmarks.sms_statuses import Message, Status
from notifier.callbacks.arrivals import DONE, WAITING
from notifier.schema import callback, delivery
from notifier.states import ACCEPTED, BOUNCED, DELIVERED
from store.engine import Database

P95_MILLIS = 100.0
P99_MILLIS = 200.0
MOST_WAITING = 500  # five seconds of the highest rate
_KILLED_AT = 0.7  # of the run: at its highest rate
_AWAY_SECONDS = 5
_SETTLE_SECONDS = 120
_LOOK_SECONDS = 0.5
_SETTINGS: Final = {
    "PAUSEWIRE_CALLBACKS__BASE_URL": sms_statuses.PUBLIC_URL,
    "PAUSEWIRE_SMS__AUTH_TOKEN": sms_statuses.TOKEN,
}
_ENDS: Final = {"delivered": DELIVERED, "undelivered": BOUNCED}
_WAITING: Final = select(func.count()).where(callback.c.state == WAITING)


class Found(NamedTuple):
    """What the load met, and the most callbacks that waited to be worked off."""

    answered: k6.Answered
    most_waiting: int


def lines(scale: Scale) -> list[Line]:
    """Nothing where there is no k6 or no PostgreSQL server."""
    if k6.program() is None or scale.postgres is None:
        print("callbacks are left out: they need k6 and a PostgreSQL server", file=sys.stderr)
        return []
    answered, most_waiting = measure(scale)
    rate = max(each.rate for each in scale.callback_stages)
    what = f"callbacks, to {rate} a second, an API process killed"

    def line(name: str, ours: float, unit: str, bound: float) -> Line:
        target = Target(of="ours", bound=bound, at_most=True)
        return Line(what=f"{what}, {name}", ours=ours, unit=unit, target=target)

    return [
        Line(what=f"{what}, p50", ours=answered.p50, unit="ms", target=None),
        line("p95", answered.p95, "ms", P95_MILLIS),
        line("p99", answered.p99, "ms", P99_MILLIS),
        line("refused or given up", answered.refused + answered.unanswered, "requests", 0),
        line("not begun in time", answered.dropped, "requests", 0),
        Line(what=f"{what}, cut and sent again", ours=answered.cut, unit="requests", target=None),
        line("most waiting", most_waiting, "callbacks", MOST_WAITING),
    ]


def measure(scale: Scale) -> Found:
    """One run. Raises SystemExit where a status was lost or counted twice, or a message stands wrongly."""
    dice = random.Random(5)
    with (
        TemporaryDirectory(prefix=chain.PREFIX) as name,
        chain.fresh_url(scale.postgres, "postgresql") as url,
    ):
        folder, database = Path(name), Database.open(url)
        try:
            messages = sms_statuses.accepted(database, _most_requests(scale) // 2, dice)
            told = sms_statuses.statuses(messages, dice)
            with api_pair(folder, url, _SETTINGS) as pair, _watching(database) as waiting:
                answered = _loaded(folder, scale, told, pair)
                _settled(database)
            judge(database, messages, told[: answered.requests])
        finally:
            database.close()
    return Found(answered, max(waiting))


def _most_requests(scale: Scale) -> int:
    """As many as the stages hold."""
    rates = [0, *(each.rate for each in scale.callback_stages)]
    pairs = zip(rates, rates[1:], scale.callback_stages, strict=False)
    return round(sum((before + after) / 2 * each.seconds for before, after, each in pairs))


def _loaded(folder: Path, scale: Scale, told: Sequence[Status], pair: ApiPair) -> k6.Answered:
    load = k6.Load(
        calls=[status.call() for status in told],
        servers=[f"http://127.0.0.1:{port}{sms_statuses.PATH}" for port in pair.ports],
        header=sms_statuses.SIGNATURE,
        stages=scale.callback_stages,
    )
    seconds = sum(each.seconds for each in scale.callback_stages)
    process = k6.running(folder, load)
    try:
        time.sleep(seconds * _KILLED_AT)
        pair.kill_one(_AWAY_SECONDS)
        return k6.ended(process, folder, seconds + _SETTLE_SECONDS)
    finally:
        process.kill()


@contextmanager
def _watching(database: Database) -> Iterator[list[int]]:
    """How many callbacks wait, looked at all the time."""
    seen, stop = [0], threading.Event()

    def look() -> None:
        while not stop.wait(_LOOK_SECONDS):
            seen.append(_waiting(database))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def _waiting(database: Database) -> int:
    with database.read() as conn:
        return conn.scalar(_WAITING) or 0


def _settled(database: Database) -> None:
    """Wait until every callback was worked off."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while waiting := _waiting(database):
        if time.monotonic() > deadline:
            with database.read() as conn:
                why = conn.scalar(select(callback.c.outcome).where(callback.c.state == WAITING))
            raise SystemExit(f"{waiting} callbacks were not worked off in time: {why}")
        time.sleep(_LOOK_SECONDS)


def judge(database: Database, messages: Sequence[Message], told: Sequence[Status]) -> None:
    """Raises SystemExit unless each status that was answered counts once, and none else."""
    with database.read() as conn:
        rows = conn.execute(select(callback.c.message_id, callback.c.kind, callback.c.state)).all()
        standing = conn.execute(select(delivery.c.delivery_id, delivery.c.state)).all()
    kept = Counter(Status(row.message_id, row.kind) for row in rows)
    states = {row.delivery_id: row.state for row in standing}
    ends = {sid: _ENDS[word] for sid, word in told if word in _ENDS}
    faults = {
        "lost": [*(set(told) - set(kept))],
        "from nowhere": [*(set(kept) - set(told))],
        "doubled": [status for status, count in kept.items() if count > 1],
        "not worked off": [row.message_id for row in rows if row.state != DONE],
        "standing wrongly": [
            each.sid
            for each in messages
            if states[each.delivery_id] != ends.get(each.sid, ACCEPTED)
        ],
    }
    if any(faults.values()) or not ends:
        raise SystemExit(json.dumps({name: found[:5] for name, found in faults.items()}))
