"""Why a delivery stands as it does, in a sentence that support can say on the telephone.

Pure. In: a delivery's state and reason, as the rows hold them. Out: plain words, and what can be done.
"""

from typing import NamedTuple
from uuid import UUID

from notifier import digests, doubts, lasting, states, suppression, ways
from notifier.buckets import RATE
from notifier.content import DIGEST
from notifier.places import STALE
from notifier.preferences import DAILY, PREFERENCE
from notifier.restraint import GATHERED
from notifier.result import DEFECT_REASON
from notifier.spending import COST_CAP
from notifier.storm import STORM


class Explanation(NamedTuple):
    """What is the matter, and what to do about it; None: nothing."""

    text: str
    remedy: str | None = None


_STATES = {
    states.PLANNED: Explanation("planned, not queued yet"),
    states.HELD: Explanation("held back until its time comes"),
    states.PENDING: Explanation(
        "waits to be sent", "`pausewire sending status`, `pausewire status`"
    ),
    states.QUEUED: Explanation("queued, a worker takes it next"),
    states.CLAIMED: Explanation("a worker is preparing it"),
    states.HANDED_OFF: Explanation("handed to the provider, which has not answered yet"),
    states.ACCEPTED: Explanation("taken by the provider; it has not said that it arrived"),
    states.DELIVERED: Explanation("it arrived"),
    states.BOUNCED: Explanation("the provider took it and could not deliver it"),
    states.COMPLAINED: Explanation("delivered, and the person called it spam"),
    states.RETRY_WAIT: Explanation("the last try failed; it is tried again"),
    states.UNKNOWN: Explanation(
        "handed to the provider, and no answer told what became of it; it is not sent again blindly, and"
        " a provider that can be asked is asked",
        "see what it was asked; ask it by the id, then `pausewire deliveries redrive --where delivery=…`",
    ),
    states.FAILED: Explanation(
        "given up", "mend the cause, then `pausewire deliveries redrive --where delivery=…`"
    ),
    states.SUPPRESSED: Explanation("not sent, since this place is not written to"),
    states.CANCELLED: Explanation("withdrawn before it left"),
    states.EXPIRED: Explanation(
        "not sent in time",
        "`pausewire deliveries redrive --where delivery=…` sends it nevertheless",
    ),
}
_PATIENCE = Explanation(
    "waits for its turn: as much as may leave has left, or the provider or mail domain asked for patience",
    "`pausewire status` names who asked; `limits.*` says how much may leave",
)
_UNTOLD = "it may have left, and nobody told in time what became of it"
_UNSUPPRESS = "once they agree: `pausewire recipients unsuppress CHANNEL PLACE`"
_REASONS = {
    (states.HELD, GATHERED): Explanation(
        "held for a moment, to be told in one message with what else happens at this employer"
    ),
    (states.HELD, DAILY): Explanation(
        "gathered for the person's daily digest", "they change it with PUT /v1/me/preferences"
    ),
    (states.HELD, STORM): Explanation(
        "held by the storm brake: more was to leave within a minute than is allowed",
        "`pausewire deliveries release|cancel --where reason=storm`; docs/runbooks/storm-brake.md",
    ),
    (states.HELD, COST_CAP): Explanation(
        "held: what may be spent in a day is spent; it leaves tomorrow if that is in time",
        "`pausewire deliveries release --where reason=cost_cap`; docs/runbooks/cost-cap.md",
    ),
    (states.CANCELLED, COST_CAP): Explanation(
        "not sent: the day's money was spent, and another channel tells it instead"
    ),
    (states.EXPIRED, COST_CAP): Explanation(
        "not sent in time: what may be spent in a day was spent",
        "`pausewire deliveries redrive --where reason=cost_cap` sends it nevertheless",
    ),
    (states.CANCELLED, DIGEST): Explanation("told in one message together with other news"),
    (states.CANCELLED, digests.ANSWERED): Explanation(
        "not sent: it had ended before it left, and the person has it right by what was sent before"
    ),
    (states.CANCELLED, digests.OVERTAKEN): Explanation(
        "not sent: newer news of the same stream has left before it"
    ),
    (states.EXPIRED, STALE): Explanation(
        "the news was too old for this channel when it was planned"
    ),
    (states.EXPIRED, "deadline"): Explanation(
        "could not be sent before its deadline", "see its attempts; `pausewire status` for breakers"
    ),
    (states.PENDING, "circuit_open"): Explanation(
        "waits: every provider of it fails and is left alone for a while", "`pausewire status`"
    ),
    (states.PENDING, RATE): _PATIENCE,
    (states.RETRY_WAIT, RATE): _PATIENCE,
    (states.QUEUED, RATE): Explanation("its turn has come, a worker takes it next"),
    (states.EXPIRED, RATE): Explanation(
        "had no turn before its deadline: more was to be sent than may leave, or was taken",
        "raise `limits.*` if that is too little",
    ),
    (states.CANCELLED, "superseded"): Explanation("withdrawn, since later facts made it untrue"),
    (states.CANCELLED, ways.SEEN): Explanation("not needed any more: the person read the news"),
    (states.CANCELLED, ways.OVER): Explanation("not needed any more: the pause is over"),
    (states.CANCELLED, lasting.SOMEBODY_ELSES): Explanation(
        "not needed any more: the stream belongs to somebody else now"
    ),
    (states.CANCELLED, ways.ARRIVED): Explanation(
        "not needed any more: it arrived on another channel"
    ),
    (states.CANCELLED, "operator"): Explanation(
        "withdrawn by an operator (`pausewire deliveries cancel`)"
    ),
    (states.CANCELLED, "erased"): Explanation("withdrawn, since the person asked to be forgotten"),
    (states.SUPPRESSED, PREFERENCE): Explanation(
        "not sent: the person wants no such news here", "they change it with PUT /v1/me/preferences"
    ),
    (states.SUPPRESSED, suppression.HARD_BOUNCE): Explanation(
        "not sent: the provider said that this place does not exist",
        "get another address; where it is right after all, they have a code sent there in Settings",
    ),
    (states.SUPPRESSED, suppression.COMPLAINT): Explanation(
        "not sent: the person called an earlier message spam",
        "only they undo it: Settings, or `POST /v1/me/contacts/{contact_id}/prove`",
    ),
    (states.SUPPRESSED, suppression.STOP): Explanation(
        "not sent: the person answered STOP", "they send START, or " + _UNSUPPRESS
    ),
    (states.SUPPRESSED, suppression.UNSUBSCRIBED): Explanation(
        "not sent: the person unsubscribed", _UNSUPPRESS
    ),
    (states.SUPPRESSED, suppression.OPERATOR): Explanation(
        "not sent: an operator put this place on the list", _UNSUPPRESS
    ),
    (states.UNKNOWN, doubts.UNRESOLVED): Explanation(
        f"{_UNTOLD}; another way is looked for", "nothing: see again in a minute"
    ),
    (states.UNKNOWN, doubts.NOT_NEEDED): Explanation(
        f"{_UNTOLD}; no other way is needed: the person saw the news, or has newer news of the same stream"
    ),
    (states.UNKNOWN, doubts.TOLD_ELSEWHERE): Explanation(
        f"{_UNTOLD}; another channel carries the news, so that the person may have it twice"
    ),
    (states.UNKNOWN, doubts.NO_OTHER_WAY): Explanation(
        f"{_UNTOLD}, and no other channel can carry the news",
        "ask the provider by the id, then `pausewire deliveries redrive --where delivery=…`;"
        " docs/runbooks/unknown-outcomes.md",
    ),
    (states.PENDING, doubts.RESENT): Explanation(
        f"{_UNTOLD}, and no other channel can carry the news: it leaves once more, flagged as a possible"
        " duplicate"
    ),
    (states.FAILED, "destination_rejected"): Explanation(
        "the provider refused this address or number", "check the contact"
    ),
    (states.FAILED, DEFECT_REASON): Explanation(
        "a defect of ours: its log line says where",
        "report it; after the fix `pausewire deliveries redrive --where reason=defect`",
    ),
}


def explain_carried(carrier: UUID, state: str, reason: str | None) -> Explanation:
    """The words for what a digest tells, or was to tell; `state` and `reason`: the digest's."""
    how = explain(state, reason)
    unsent = states.CAME_TO_NOTHING | {states.CANCELLED}
    told = "was to be told" if state in unsent else "told"
    text = f"{told} in one message together with other news (delivery {carrier})"
    return Explanation(f"{text}: {how.text}", how.remedy)


def because(purpose: str | None) -> str:
    """Why a delivery is there beside the first one, to be read after its explanation."""
    if purpose is None:
        return ""
    if purpose in ways.STEPS:
        return "; a step for news that stays unread"
    channel = purpose.removeprefix(ways.INSTEAD_OF)
    return f"; instead of {channel}, which came to nothing, or of which nobody could tell"


def explain(state: str, reason: str | None, *, until: str | None = None) -> Explanation:
    """The words for a delivery; a reason we have no words for is quoted. `until`: when it may leave."""
    known = _REASONS.get((state, reason or ""))
    if known is not None:
        told = until is not None and (state, reason) == (states.HELD, DAILY)
        return known._replace(text=f"{known.text} until {until}") if told else known
    general = _STATES.get(state, Explanation(state))
    return general if reason is None else general._replace(text=f"{general.text}: {reason}")
