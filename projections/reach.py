"""How far a question may reach: whose streams, of which contracts. What lies beyond is not there at all.

A reach is a filter that nobody chose: lists and exports take it as conditions on `stream_list`, and
answer as if the rest had never been recorded. `ways` splits it so that each part walks one index in the
order of the list; no row stands in two parts.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, Table, false, select, tuple_, union_all

from projections.stream_filters import Filters

Conditions = tuple[ColumnElement[bool], ...]
PARTIES: Final = ("employer", "employee")
_ORDER: Final = ("contract_id", "stream_id")


class Reach(NamedTuple):
    """None: no bound. `account`: streams that it pays or is paid by now. `contracts`: streams of these."""

    account: str | None = None
    contracts: tuple[str, ...] | None = None

    @property
    def bounded(self) -> bool:
        """Whether anything lies beyond it."""
        return self != EVERYTHING

    def may_hold(self, contract_id: str) -> bool:
        """Whether streams of this contract can be within it."""
        return self.contracts is None or contract_id in self.contracts

    def ways(self, listed: Table, wanted: Filters) -> Sequence[Conditions]:
        """What rows of `stream_list` fulfil: exactly one of these, or they are beyond reach."""
        parties: list[Conditions] = [()]
        if self.account is not None:
            pays, is_paid = (listed.c[party] == self.account for party in PARTIES)
            by_another = listed.c.employer.is_distinct_from(self.account)
            parties = [(pays,), (is_paid, by_another)]
        contracts: list[Conditions] = [()]
        if self.contracts is not None:
            within = [each for each in self.contracts if wanted.contract_id in (None, each)]
            contracts = [(listed.c.contract_id == each,) for each in within]
        filters = tuple(self._filters(listed, wanted))
        return [(*contract, *party, *filters) for contract in contracts for party in parties] or [
            (false(),)
        ]

    def _filters(self, listed: Table, wanted: Filters) -> Iterator[ColumnElement[bool]]:
        if wanted.status is None or self.account is None:
            yield from wanted.conditions(listed)
            return
        # An expression: SQLite would walk the index of the status, in which far more stands.
        yield listed.c.status.concat("") == wanted.status
        yield from wanted._replace(status=None).conditions(listed)


EVERYTHING: Final = Reach()


def searched(listed: Table, wanted: Filters, reach: Reach) -> FromClause:
    """The rows of `stream_list` within reach that filters let through, in no order."""
    if reach.account is None:  # as one part, which a database can walk along without a heap of rows
        within = listed.c.contract_id.in_(reach.contracts or ())
        return select(listed).where(within, *wanted.conditions(listed)).subquery("within")
    parts = [select(listed).where(*way) for way in reach.ways(listed, wanted)]
    return union_all(*parts).subquery("within")


def first(
    listed: Table, wanted: Filters, reach: Reach, *, after: tuple[str, int] | None, limit: int
) -> Select[Any]:
    """`originator_id` and order of the first such rows beyond a place: each part is bounded first."""
    columns = [listed.c[name] for name in ("originator_id", *_ORDER)]
    parts = []
    for way in reach.ways(listed, wanted):
        part = select(*columns).where(*way)
        if after is not None:
            part = part.where(tuple_(*columns[1:]) > after)
        bounded = part.order_by(*columns[1:]).limit(limit).subquery()
        parts.append(select(bounded))
    found = union_all(*parts).subquery()
    return select(found).order_by(*(found.c[name] for name in _ORDER)).limit(limit)
