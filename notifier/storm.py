"""8g Storm brake: when planning lets too much leave in a minute, the rest waits for a person.

In: new notices with their deliveries, restrained. Out: the same; what is past a limit is held, reason
`storm`, until an operator releases or withdraws it, or for `hold_seconds`: then it leaves all the same.

Counted is what leaves at once, for everybody and for each employer: a company that pauses and resumes all
day, or an error of ours, must not ring at thousands of people before somebody has looked. What restraint
holds is told in few messages anyway. The inbox is never held.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, literal_column, select

from notifier import budgets
from notifier.budgets import Scope
from notifier.places import MICROS, PlannedDelivery
from notifier.restraint import Sheaf
from notifier.schema import delivery
from notifier.states import HELD, PENDING

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
    """Brakes what planning has planned; a limit of 0 is none."""

    def __init__(self, *, per_minute: int, per_employer: int, hold_seconds: float) -> None:
        self._per_minute = per_minute
        self._per_employer = per_employer
        self._hold = int(hold_seconds * MICROS)

    def brake(self, conn: Connection, sheaves: Sequence[Sheaf], now: int) -> list[Sheaf]:
        """These notices, those past a limit held. `now`: microseconds."""
        wanted = self._wanted(sheaves, now)
        if not wanted:
            return list(sheaves)
        spent = budgets.used(conn, wanted)
        braked = [self._sheaf(sheaf, spent, now) for sheaf in sheaves]
        budgets.use(conn, spent)
        return braked

    def _wanted(self, sheaves: Sequence[Sheaf], now: int) -> Counter[Scope]:
        wanted: Counter[Scope] = Counter()
        for sheaf in sheaves:
            leaving = sum(map(_leaves, sheaf.deliveries))
            if leaving:
                wanted.update(dict.fromkeys(self._limits(sheaf, now), leaving))
        return wanted

    def _limits(self, sheaf: Sheaf, now: int) -> dict[Scope, int]:
        """The budgets that a notice is counted in, and how much each holds."""
        minute = now // _MINUTE
        limits = {
            Scope(_EVERYBODY, minute): self._per_minute,
            Scope(f"{_EVERYBODY}:{_hidden(sheaf.employer)}", minute): self._per_employer,
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
                deliveries.append(self._held(each))
        return sheaf._replace(deliveries=tuple(deliveries))

    def _held(self, planned: PlannedDelivery) -> PlannedDelivery:
        return planned._replace(
            state=HELD,
            reason=STORM,
            available_at=planned.available_at + self._hold,
            deadline_at=planned.deadline_at + self._hold,
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


def _leaves(planned: PlannedDelivery) -> bool:
    return planned.state == PENDING


def _hidden(employer: str) -> str:
    """Told apart without being named: no account stands in the notifier's tables."""
    return hashlib.sha256(employer.encode()).hexdigest()[:32]
