"""What is worth telling: the change of status that a fact made, whom it concerns, and since when.

Pure. Which contract said it and how does not matter here, only what status an applied fact led to.
"""

from typing import NamedTuple

from domain.chain_order import Step
from domain.facts import Fact, StreamCancelled, StreamFact, StreamResumed
from domain.state import ACTIVE, CANCELLED, PAUSED, AggregateState
from notifier.content import EMPLOYEE, EMPLOYER, Money, Pause
from store.log import Recorded

STREAM_PAUSED = "paused"
STREAM_RESUMED = "resumed"
STREAM_CANCELLED = "cancelled"
STREAM_CANCELLED_WHILE_PAUSED = "cancelled_while_paused"
CONTRACT_PAUSED = "contract_paused"
CONTRACT_RESUMED = "contract_resumed"
REVISED = "revised"
CORRECTION = "correction"
# A pause that lasts; its notices are of the kinds `reminder.1`, `reminder.2` …
REMINDER = "reminder"

KINDS = (
    STREAM_PAUSED,
    STREAM_RESUMED,
    STREAM_CANCELLED,
    STREAM_CANCELLED_WHILE_PAUSED,
    CONTRACT_PAUSED,
    CONTRACT_RESUMED,
    REVISED,
    CORRECTION,
    REMINDER,
)


class Listener(NamedTuple):
    """An account that should know, and as what."""

    account_id: str
    role: str


class Paid(NamedTuple):
    """What a cancellation paid, in base units of the stream's token: to the employee, and back."""

    out: int | None
    back: int | None


class News(NamedTuple):
    """One thing to tell. `cause`: the event id (or job) that keys its notices.

    `position`, `recorded_at` (microseconds): of the recorded event that planning met. `happened_at`,
    `paused_since`: unix seconds. `employer`: the stream's, None: not known, or about a whole contract.
    `money`: what was earned until a pause that lasts, or what a cancellation paid, where that is known.
    `paid`: what the event of a cancellation says of that.
    """

    kind: str
    cause: str
    position: int
    recorded_at: int
    contract_id: str
    stream_id: int | None
    happened_at: int
    audience: tuple[Listener, ...] = ()
    late: bool = False
    start_known: bool = True
    paused_since: int | None = None
    pauses: tuple[Pause, ...] = ()
    employer: str | None = None
    money: Money | None = None
    paid: Paid | None = None

    @property
    def is_reminder(self) -> bool:
        """Whether it tells once more of a pause that lasts."""
        return family(self.kind) == REMINDER


def family(kind: str) -> str:
    """What a kind of notice is to whoever reads it: the reminders of a pause differ by number only."""
    return REMINDER if kind.startswith(f"{REMINDER}.") else kind


def stream_kind(before: AggregateState, after: AggregateState, fact: Fact) -> str | None:
    """The kind of news that this fact is for a stream's parties; None: none."""
    if before.status == after.status:
        return None
    if after.status == PAUSED:
        return STREAM_PAUSED
    if after.status == CANCELLED:
        return STREAM_CANCELLED_WHILE_PAUSED if before.status == PAUSED else STREAM_CANCELLED
    # A stream first met by `resumed` was paused before we knew it; a new or refilled one was not.
    if after.status == ACTIVE and (before.status == PAUSED or isinstance(fact, StreamResumed)):
        return STREAM_RESUMED
    return None


def contract_kind(after: AggregateState) -> str:
    """The kind of news that a change of the contract-wide pause is."""
    return CONTRACT_PAUSED if after.status == PAUSED else CONTRACT_RESUMED


def status_news(
    step: Step,
    kind: str,
    told_by: Recorded,
    *,
    late: bool,
    audience: tuple[Listener, ...] = (),
) -> News:
    """News of the status that a fact led to. `told_by`: the recorded event that made us tell it."""
    fact, before = step.placed.fact, step.before
    since_known = before.status == PAUSED and before.status_start_known
    return News(
        kind,
        step.placed.cause,
        told_by.position,
        told_by.recorded_at,
        fact.contract_id,
        stream_of(fact),
        fact.closed_at,
        audience,
        late=late,
        start_known=fact.time_known,
        paused_since=before.status_at if since_known else None,
        employer=getattr(step.after, "employer", None),
        paid=Paid(fact.payout, fact.refund) if isinstance(fact, StreamCancelled) else None,
    )


def stream_of(fact: Fact) -> int | None:
    """The stream that a fact is about; None: the whole contract."""
    return fact.stream_id if isinstance(fact, StreamFact) else None


def listeners(employer: str | None, employee: str | None) -> tuple[Listener, ...]:
    """Who a stream concerns; who is both is told as the employee."""
    roles = {employer: EMPLOYER} | {employee: EMPLOYEE}
    return tuple(Listener(account, role) for account, role in roles.items() if account)
