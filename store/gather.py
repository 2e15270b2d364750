"""A crowd's transaction: what many in it ask alike is asked once, and what may wait is done at its end.

Several deliveries share one transaction (group commit). Each asks the same question of one row, which by
itself is a statement each; and what all processes count together is best locked last, and shortly. Outside
of `gathering` everything happens at once, as if this were not here.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sqlalchemy import Connection

T = TypeVar("T")
Act = Callable[[Connection, Sequence[T]], None]
_KEY = "pausewire_gathered"


@dataclass
class _Gathered:
    answers: dict[Callable[[Connection], Any], Any] = field(default_factory=dict)
    put_off: dict[tuple[int, Act[Any]], list[Any]] = field(default_factory=dict)


@contextmanager
def gathering(conn: Connection) -> Iterator[None]:
    """Put off to the block's end what may wait; if the block fails, nothing of it is done."""
    gathered = conn.info[_KEY] = _Gathered()
    try:
        yield
    finally:
        del conn.info[_KEY]
    for (_, act), items in sorted(gathered.put_off.items(), key=lambda each: each[0][0]):
        act(conn, items)


def at_end(conn: Connection, act: Act[T], item: T, *, turn: int) -> None:
    """Do it once with the items of the whole crowd, at its end; lower turns first, in every crowd."""
    gathered = _of(conn)
    if gathered is None:
        act(conn, [item])
    else:
        gathered.put_off.setdefault((turn, act), []).append(item)


def ask_once(conn: Connection, question: Callable[[Connection], T]) -> T:
    """The answer as it was the first time that somebody in this crowd asked."""
    gathered = _of(conn)
    if gathered is None:
        return question(conn)
    if question not in gathered.answers:
        gathered.answers[question] = question(conn)
    return cast("T", gathered.answers[question])


def _of(conn: Connection) -> _Gathered | None:
    return conn.info.get(_KEY)
