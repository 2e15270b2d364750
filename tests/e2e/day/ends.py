"""What became of one delivery: its end by name, and what is wrong with it, if anything.

Arrived, carried by another, named as withdrawn, or held until a time: each has to prove itself. What is
none of these is lost.
"""

from typing import NamedTuple

from tests.e2e.day.evidence import TAKEN, WEBHOOK, Delivery, Evidence

# Why a delivery did not leave, as planning, restraint, steps, pacing and the suppression list say.
_WITHDRAWN = {
    "cancelled": {"answered", "overtaken", "over", "seen", "arrived", "superseded"},
    "expired": {"deadline", "rate", "stale"},
}
_LEARNED = {"hard_bounce", "stop", "complaint"}  # a provider's word
_SWITCHED_OFF = "webhook_disabled"  # its receiver said that it is gone
_GATHERED, _STORM = "gathered", "storm"
_STEPS = ("step_until_read", "step_until_delivered")
_REFUSED = ("rejected", "provider_fault")


class End(NamedTuple):
    """`name`: for counting. `fault`: None where it proves itself."""

    name: str
    fault: str | None = None


def end_of(row: Delivery, evidence: Evidence) -> End:
    """Judge one delivery by its own row and by what the catchers took."""
    if row.channel == "in_app":
        return End("arrived", None if row.state == "delivered" else f"the inbox says {row.state}")
    if row.state in TAKEN:
        return End("arrived", _not_there(row, evidence))
    if row.state == "unknown":
        return End("unknown", _not_doubtful(row))
    if row.state in ("suppressed", "cancelled", "expired", "failed"):
        return _withdrawn(row, evidence)
    return _waiting(row, evidence)


def _withdrawn(row: Delivery, evidence: Evidence) -> End:
    """It never came, and says why."""
    name = f"{row.state}: {row.reason}"
    if row.state == "suppressed":
        return End(name, _unjustified(row, evidence))
    if row.state == "failed":
        return End(name, _not_refused(row))
    if row.reason == "digest":
        return End("carried", _not_carried(row, evidence))
    if row.reason == _SWITCHED_OFF:
        return End(name, _not_gone(row, evidence))
    known = row.reason in _WITHDRAWN[row.state]
    return End(name, None if known else "without a named reason")


def _waiting(row: Delivery, evidence: Evidence) -> End:
    if row.state == "held":
        why = why_held(row, evidence)
        fault = "held without a reason" if why is None else _overdue(row, evidence)
        return End(f"held: {why}", fault)
    if row.state in ("pending", "retry_wait"):
        if _waits_its_turn(row, evidence):
            return End("waits: its turn")
        if row.reason is not None:
            return End(f"waits: {row.reason}", _overdue(row, evidence))
    return End(row.state, f"still {row.state}")


def why_held(row: Delivery, evidence: Evidence) -> str | None:
    """The reason that a held delivery names, or that its reader's own wishes are; None: there is none."""
    if row.reason in (_GATHERED, _STORM):
        return row.reason
    if row.purpose in _STEPS:
        return "step"
    person = evidence.people.get(row.account)
    if person is not None and person.quiet is not None and row.available_at == person.quiet[1]:
        return "quiet hours"
    return None


def _overdue(row: Delivery, evidence: Evidence) -> str | None:
    return "its time is over" if row.available_at <= evidence.now else None


def _waits_its_turn(row: Delivery, evidence: Evidence) -> bool:
    """Whether older news of the same lane has not come to its end; that one accounts for itself."""
    if row.lane is None or row.lane_position is None:
        return False
    return evidence.lane_heads[row.lane] < row.lane_position


def _not_doubtful(row: Delivery) -> str | None:
    if row.channel == WEBHOOK:
        return "unknown, where a repeat is harmless"
    return None if row.may_have_left else "unknown without a try that left"


def _not_there(row: Delivery, evidence: Evidence) -> str | None:
    if (row.box, evidence.mark_of(row)) not in evidence.letters:
        return f"{row.state}, and no catcher has it"
    if (row.box, row.provider_message_id) not in evidence.identities:
        return f"{row.state} as {row.provider_message_id}, which no catcher gave"
    return None


def _unjustified(row: Delivery, evidence: Evidence) -> str | None:
    person = evidence.people[row.account]
    if row.reason == "preference":
        return None if person.declines(row.kind, row.channel) else "nobody declined it"
    if row.reason == "operator":
        return None if row.channel in person.suppressed else "nobody suppressed it"
    return None if row.reason in _LEARNED else "without a named reason"


def _not_carried(row: Delivery, evidence: Evidence) -> str | None:
    carrier = evidence.by_id.get(row.carried_by) if row.carried_by is not None else None
    if carrier is None:
        return "no digest carries it"
    if (carrier.account, carrier.channel) != (row.account, row.channel):
        return "what carries it is somebody else's"
    return None if carrier.digest else f"{carrier.delivery_id} ({carrier.state}) is no digest"


def _not_gone(row: Delivery, evidence: Evidence) -> str | None:
    hook = evidence.people[row.account].hook
    return (
        None if hook is not None and hook.says_gone else "its receiver never said that it is gone"
    )


def _not_refused(row: Delivery) -> str | None:
    if row.results and row.results[-1] in _REFUSED and row.reason is not None:
        return None
    return f"failed by {row.results[-1:]}: nobody refused it"
