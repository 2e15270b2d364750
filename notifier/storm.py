"""8g Storm brake: when planning lets too much leave in a minute, the rest waits for a person.

In: new notices with their deliveries, restrained. Out: the same; what is past a limit is held, reason
`storm`, until an operator releases or withdraws it, or for `hold_seconds`: then it leaves all the same.

Counted is what leaves at once, for everybody and for each employer: a company that pauses and resumes all
day, or an error of ours, must not ring at thousands of people before somebody has looked. What restraint
holds is told in few messages anyway. The inbox is never held.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, and_, func, literal_column, select

from notifier import budgets
from notifier.budgets import Scope
from notifier.places import MICROS, PlannedDelivery
from notifier.restraint import Sheaf
from notifier.schema import delivery, notice
from notifier.states import HELD, PENDING
from store.schema import stream_state

STORM = "storm"  # why a delivery is held
_MINUTE = 60 * MICROS
_KEPT_MINUTES = 60
_EVERYBODY = "storm"
_IS_HELD = delivery.c.state == literal_column(f"'{HELD}'")  # as the partial index has it


class Standing(NamedTuple):
    """How many deliveries the brake holds, and since when, microseconds; 0 and None: it is off."""

    held: int
    since: int | None


class Brake:
    """Brakes what is to leave; a limit of 0 is none. `hold`: for so long, microseconds."""

    def __init__(self, *, per_minute: int, per_employer: int, hold_seconds: float) -> None:
        self._per_minute = per_minute
        self._per_employer = per_employer
        self.hold = int(hold_seconds * MICROS)

    def brake(self, conn: Connection, sheaves: Sequence[Sheaf], now: int) -> list[Sheaf]:
        """These notices, those past a limit held. `now`: microseconds."""
        wanted = self._wanted(sheaves, now)
        if not wanted:
            return list(sheaves)
        spent = budgets.used(conn, wanted)
        braked = [self._sheaf(sheaf, spent, now) for sheaf in sheaves]
        budgets.use(conn, spent)
        return braked

    def admits(self, conn: Connection, employers: Sequence[str], now: int) -> list[bool]:
        """Whether one delivery more may leave now for each of these; what may is counted."""
        limits = [self._limits_of(each, now) for each in employers]
        wanted = {scope: 1 for each in limits for scope in each}
        if not wanted:
            return [True] * len(employers)
        spent = budgets.used(conn, wanted)
        admitted = []
        for mine in limits:
            admitted.append(all(spent[scope] < limit for scope, limit in mine.items()))
            if admitted[-1]:
                for scope in mine:
                    spent[scope] += 1
        budgets.use(conn, spent)
        return admitted

    def _wanted(self, sheaves: Sequence[Sheaf], now: int) -> Counter[Scope]:
        wanted: Counter[Scope] = Counter()
        for sheaf in sheaves:
            leaving = sum(map(_leaves, sheaf.deliveries))
            if leaving:
                wanted.update(dict.fromkeys(self._limits(sheaf, now), leaving))
        return wanted

    def _limits(self, sheaf: Sheaf, now: int) -> dict[Scope, int]:
        return self._limits_of(sheaf.employer, now)

    def _limits_of(self, employer: str, now: int) -> dict[Scope, int]:
        """The budgets that news of an employer is counted in, and how much each holds."""
        minute = now // _MINUTE
        limits = {
            Scope(_EVERYBODY, minute): self._per_minute,
            Scope(f"{_EVERYBODY}:{_hidden(employer)}", minute): self._per_employer,
        }
        return {scope: limit for scope, limit in limits.items() if limit}

    def _sheaf(self, sheaf: Sheaf, spent: dict[Scope, int], now: int) -> Sheaf:
        limits = self._limits(sheaf, now)
        deliveries = []
        for each in sheaf.deliveries:
            if not _leaves(each):
                deliveries.append(each)
            elif all(spent[scope] < limit for scope, limit in limits.items()):
                deliveries.append(each)
                for scope in limits:
                    spent[scope] += 1
            else:
                deliveries.append(self.held(each))
        return sheaf._replace(deliveries=tuple(deliveries))

    def held(self, planned: PlannedDelivery) -> PlannedDelivery:
        """A delivery that is past a limit."""
        return planned._replace(
            state=HELD,
            reason=STORM,
            available_at=planned.available_at + self.hold,
            deadline_at=planned.deadline_at + self.hold,
        )


UNBRAKED = Brake(per_minute=0, per_employer=0, hold_seconds=0)


def forget(conn: Connection, now: int) -> int:
    """Delete the counts of minutes that are long over; returns how many."""
    return budgets.forget(conn, _EVERYBODY, now // _MINUTE - _KEPT_MINUTES)


def standing(conn: Connection) -> Standing:
    """Whether the brake is on."""
    row = conn.execute(
        select(func.count(), func.min(delivery.c.planned_at)).where(
            _IS_HELD, delivery.c.reason == STORM
        )
    ).one()
    return Standing(row[0], row[1])


def employers_of(conn: Connection, notice_ids: Collection[UUID]) -> dict[UUID, str]:
    """Whose news each of these notices is, as planning counts it."""
    stream = and_(
        stream_state.c.contract_id == notice.c.contract_id,
        stream_state.c.stream_id == notice.c.stream_id,
    )
    rows = conn.execute(
        select(notice.c.notice_id, notice.c.contract_id, stream_state.c.employer)
        .select_from(notice.outerjoin(stream_state, stream))
        .where(notice.c.notice_id.in_(list(notice_ids)))
    )
    return {row.notice_id: row.employer or f"contract:{row.contract_id}" for row in rows}


def _leaves(planned: PlannedDelivery) -> bool:
    return planned.state == PENDING


def _hidden(employer: str) -> str:
    """Told apart without being named: no account stands in the notifier's tables."""
    return hashlib.sha256(employer.encode()).hexdigest()[:32]
