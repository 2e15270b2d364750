"""What one person is told about one employer, as one thing: a bundle, its lock, and what it was told last.

In: bundles by name (privacy.bundle_id). Out: what each was told, behind the lock of its row, so that
planning (8e restraint.py) and gathering (8f gather.py) never work on one bundle at once.
"""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text, delete, select

from store import bulk
from store.schema import key_text, metadata

# One row per bundle; the row's lock is the bundle's. `told`: when each kind was told last, JSON. `until`:
# when nothing of it counts any more, microseconds.
gathering = Table(
    "gathering",
    metadata,
    Column("bundle", key_text(), primary_key=True),
    Column("until", BigInteger, nullable=False),
    Column("told", Text, nullable=False),
    Index("ix_gathering_until", "until"),
)

_COLUMNS = ("bundle", "until", "told")
_KEY = ("bundle",)
_AT_ONCE = 500  # SQLite takes at most 999 parameters in old builds
_KEEP_MICROS = 86_400_000_000


class Last(NamedTuple):
    """The last news of a kind: when it left or is to leave, microseconds.

    `led`: it was the first one of its window; else it told what had been held.
    """

    at: int
    led: bool


Told = dict[str, Last]  # by kind


def lock(conn: Connection, names: Collection[str], *, wait: bool = True) -> dict[str, Told]:
    """The bundles of these names, new ones empty, locked until the transaction ends.

    Always in the order of names, so that two who lock several never wait for each other. `wait` False:
    those that somebody else has are left out.
    """
    found: dict[str, Told] = {}
    for some in _parts(sorted(names)):
        new = [(name, 0, "{}") for name in some]
        bulk.insert_many(conn, gathering, _COLUMNS, new, on_conflict="nothing")
        rows = conn.execute(
            select(gathering.c.bundle, gathering.c.told)
            .where(gathering.c.bundle.in_(some))
            .order_by(gathering.c.bundle)
            .with_for_update(skip_locked=not wait)
        )
        found |= {row.bundle: msgspec.json.decode(row.told, type=Told) for row in rows}
    return found


class Windows(NamedTuple):
    """How long what was told holds back more of its kind, microseconds. `by_kind`: where it is longer."""

    usual: int
    by_kind: Mapping[str, int] = MappingProxyType({})

    def of(self, kind: str) -> int:
        """Of a kind of news."""
        return max(self.by_kind.get(kind, 0), self.usual)


def save(conn: Connection, told: Mapping[str, Told], *, windows: Windows, now: int) -> None:
    """Keep what counts of it: what is longer ago than a window holds nothing back."""
    rows = []
    for name, kinds in sorted(told.items()):
        ends = {kind: last.at + windows.of(kind) for kind, last in sorted(kinds.items())}
        counts = {kind: kinds[kind] for kind, end in ends.items() if end > now}
        until = max((ends[kind] for kind in counts), default=now)
        rows.append((name, until, msgspec.json.encode(counts).decode()))
    bulk.upsert_many(conn, gathering, _KEY, _COLUMNS, rows)


def forget(conn: Connection, now: int) -> int:
    """Delete the rows of bundles that were told nothing for a day; returns how many."""
    old = delete(gathering).where(gathering.c.until < now - _KEEP_MICROS)
    return conn.execute(old).rowcount


def _parts(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), _AT_ONCE):
        yield names[start : start + _AT_ONCE]
