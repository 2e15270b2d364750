"""One line per notice told: what `up` prints while it runs."""

import threading
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rich.console import Console
from sqlalchemy import Connection, Row, select, tuple_

from cli.times import when_seconds
from notifier.content import decode_content
from notifier.schema import delivery, notice
from notifier.states import CANARY, CLAIMED, HANDED_OFF, HELD, PENDING, QUEUED
from notifier.told_as import DELIVERIES, told_columns
from store.clock import now_micros
from store.engine import Database
from store.errors import Transient

_POLL_SECONDS = 0.5
_NOTICES_PER_POLL = 200
_PATIENCE_MICROS = 60 * 1_000_000  # then a notice is printed as far as it has come
_UNDER_WAY = frozenset({HELD, PENDING, QUEUED, CLAIMED, HANDED_OFF})
_ORDER = {"in_app": 0, "push": 1, "email": 2, "sms": 3}
_Place = tuple[int, UUID]  # of a notice: planned_at, notice_id


class Announcer:
    """Prints each notice once all of its deliveries have come to rest; holds nothing back for others."""

    def __init__(self, database: Database, console: Console) -> None:
        self._database = database
        self._console = console
        self._past: _Place = (now_micros(), UUID(int=0))
        self._told: set[UUID] = set()

    def run(self, stop: threading.Event) -> None:
        """Print until told to stop."""
        while not stop.wait(_POLL_SECONDS):
            try:
                with self._database.read() as conn:
                    lines = self._lines(conn)
            except Transient:
                continue
            for line in lines:
                self._console.print(line, highlight=False, soft_wrap=True)

    def _lines(self, conn: Connection) -> list[str]:
        notices = conn.execute(
            select(notice)
            .where(notice.c.kind != CANARY)
            .where(tuple_(notice.c.planned_at, notice.c.notice_id) > tuple_(*self._past))
            .order_by(notice.c.planned_at, notice.c.notice_id)
            .limit(_NOTICES_PER_POLL)
        ).all()
        fresh = [row for row in notices if row.notice_id not in self._told]
        found: dict[UUID, list[Row[Any]]] = {row.notice_id: [] for row in fresh}
        query = (
            select(delivery.c.notice_id, delivery.c.channel, *told_columns())
            .select_from(DELIVERIES)
            .where(delivery.c.notice_id.in_(list(found)))
        )
        for row in conn.execute(query):
            found[row.notice_id].append(row)
        patient_since = now_micros() - _PATIENCE_MICROS
        at_rest = [
            row
            for row in fresh
            if row.planned_at < patient_since or not _under_way(found[row.notice_id])
        ]
        self._told.update(row.notice_id for row in at_rest)
        self._move_on(notices)
        return [_line(row, found[row.notice_id]) for row in at_rest]

    def _move_on(self, notices: Sequence[Row[Any]]) -> None:
        """Look no further back than the oldest notice that is still to be told."""
        for row in notices:
            if row.notice_id not in self._told:
                return
            self._past = (row.planned_at, row.notice_id)
            self._told.remove(row.notice_id)


def _under_way(deliveries: Sequence[Row[Any]]) -> bool:
    return not deliveries or any(row.state in _UNDER_WAY for row in deliveries)


def _line(row: Row[Any], deliveries: Sequence[Row[Any]]) -> str:
    what = "" if row.stream_id is None else f"stream {row.stream_id} "
    who = "somebody" if row.content is None else decode_content(row.content).role
    ways = sorted(deliveries, key=lambda each: _ORDER.get(each.channel, 9))
    told = " · ".join(_way(each, row.closed_at) for each in ways)
    late = ", late" if row.late else ""
    kind = row.kind.replace("_", " ")
    return f"{when_seconds(row.closed_at)}  {what}{kind}{late}, {who} told: {told}"


def _way(row: Row[Any], closed_at: int) -> str:
    at = row.accepted_at or row.delivered_at
    if at is None:
        return f"{row.channel} {row.state}"
    return f"{row.channel} {at / 1_000_000 - closed_at:.1f} s"
