"""Which streams a list or an export is about: filters that add up, as conditions on `stream_list`."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import ColumnElement, Table, and_, or_

from domain.values import U64_MAX


class Filters(NamedTuple):
    """None: not asked for. `q`: how a stream id (digits) or a party's account id begins."""

    contract_id: str | None = None
    employer: str | None = None
    employee: str | None = None
    status: str | None = None
    q: str | None = None

    @property
    def of_contracts_too(self) -> bool:
        """Nothing is asked that only a stream can have."""
        return not any((self.employer, self.employee, self.status, self.q))

    @property
    def values(self) -> dict[str, str]:
        """What columns must equal, by name."""
        columns = ("contract_id", "employer", "employee", "status")
        found = {column: getattr(self, column) for column in columns}
        return {column: value for column, value in found.items() if value is not None}

    def conditions(self, listed: Table) -> Iterator[ColumnElement[bool]]:
        """What rows of `stream_list` must fulfil."""
        for column, value in self.values.items():
            yield listed.c[column] == value
        if self.q:
            yield _begins(listed, self.q)


def _begins(table: Table, q: str) -> ColumnElement[bool]:
    if q.isascii() and q.isdigit():
        return or_(*(table.c.stream_id.between(low, high) for low, high in _u64_ranges(q)))
    # Account ids are ASCII: "\x7f" sorts behind all that may follow the prefix.
    # Not BETWEEN: its COLLATE would stand where PostgreSQL's grammar has no place for one.
    parties = (table.c.employer, table.c.employee)
    return or_(*(and_(party >= q, party <= q + "\x7f") for party in parties))


def _u64_ranges(digits: str) -> list[tuple[int, int]]:
    """The u64 numbers whose decimal form begins with these digits (12: 12, 120-129, 1200-1299 …)."""
    first = int(digits)
    if digits.startswith("0"):
        return [(0, 0)] if first == 0 and len(digits) == 1 else [(1, 0)]
    ranges: list[tuple[int, int]] = []
    scale = 1
    while first * scale <= U64_MAX:
        ranges.append((first * scale, min((first + 1) * scale - 1, U64_MAX)))
        scale *= 10
    return ranges or [(1, 0)]
