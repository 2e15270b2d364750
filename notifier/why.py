"""Why an account was told of an event, or was not: the path of one event, checked step by step.

In: an account and an event id. Out: what each step says, up to the one that ended it, and each channel
with a sentence. Reads only; names no destination.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, and_, or_, select

from domain.chain_order import APPLIED, FactJudged
from domain.facts import ContractFact, Fact
from notifier.notice_story import IN_APP, notices_of, story_of
from notifier.parked import BY_HAND, NO_NEWS, OVERTAKEN, TOLD
from notifier.plan import FOLLOWER
from notifier.privacy import Vault
from notifier.recipients import recipient_of
from notifier.reminder_schema import lasting_pause
from notifier.reminder_times import NEVER
from notifier.schema import contact, plan_parked, recipient
from store.log import Recorded, read_after
from store.schema import evidence, evidence_outcome, fanout, stream_state, tracking

CHANNELS = ("email", "push", "sms")
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


class Step(NamedTuple):
    """One thing that must hold for somebody to be told. `ended`: here it ended."""

    what: str
    found: str
    ended: bool = False


def why(
    conn: Connection, vault: Vault, *, account_id: str, event_id: str, configured: Iterable[str]
) -> dict[str, Any]:
    """The whole answer. `configured`: the channels that this deployment can send on."""
    steps: list[Step] = []
    for step in _steps(conn, vault, account_id, event_id):
        steps.append(step)
        if step.ended:
            break
    row = conn.execute(recipient_of(vault, account_id)).first()
    told = [] if row is None else _told(conn, str(row.recipient_id), event_id, set(configured))
    return {
        "account_id": account_id,
        "event_id": event_id,
        "told": bool(told),
        "steps": [step._asdict() for step in steps],
        "notices": told,
    }


def _told(
    conn: Connection, recipient_id: str, event_id: str, configured: set[str]
) -> list[dict[str, Any]]:
    """The stories of what was told, each with the channels that it did not go to."""
    places = _places(conn, recipient_id)
    told = []
    for row in conn.execute(notices_of(recipient_id, event_id)).all():
        story = story_of(conn, row)
        told.append(story | {"unsent": list(_unsent(story, places, configured))})
    return told


def _steps(conn: Connection, vault: Vault, account_id: str, event_id: str) -> Iterator[Step]:
    outcome = conn.execute(_last_outcome(event_id)).first()
    yield _seen(conn, event_id, outcome)
    recorded = _recorded(conn, outcome)
    if recorded is None:
        yield Step("recorded", "no event of the log tells of it", ended=True)
        return
    yield _judged(recorded)
    yield _planned(conn, recorded)
    yield _concerned(conn, recorded, account_id)
    yield _known(conn, vault, account_id)
    yield from _lasting(conn, event_id)


def _last_outcome(event_id: str) -> Select[Any]:
    return (
        select(evidence_outcome)
        .where(evidence_outcome.c.event_id == event_id)
        .order_by(evidence_outcome.c.n.desc())
        .limit(1)
    )


def _seen(conn: Connection, event_id: str, outcome: Row[Any] | None) -> Step:
    seen = conn.execute(
        select(evidence.c.contract_id).where(evidence.c.event_id == event_id)
    ).scalar()
    if seen is None and outcome is None:
        text = "never arrived here: see `pausewire completeness`, or the id is mistyped"
        return Step("seen", text, ended=True)
    if outcome is None:
        return Step("seen", f"kept as evidence of {seen}, not understood yet", ended=True)
    if outcome.outcome != APPLIED:
        text = f"{outcome.outcome}: {outcome.reason or 'of no concern to pay streams'}"
        return Step("seen", text, ended=outcome.position is None)
    return Step("seen", f"understood by profile {outcome.profile}, contract {seen}")


def _recorded(conn: Connection, outcome: Row[Any] | None) -> Recorded | None:
    if outcome is None or outcome.position is None:
        return None
    found = read_after(conn, outcome.position - 1, 1)
    return found[0] if found and found[0].position == outcome.position else None


def _judged(recorded: Recorded) -> Step:
    event = recorded.event
    place = f"position {recorded.position}"
    if not isinstance(event, FactJudged):
        return Step("recorded", f"{place}, as a confirmation of what storage had told")
    if event.verdict != APPLIED:
        text = f"{place}, judged {event.verdict!r}: kept as an anomaly, told to nobody"
        return Step("recorded", text, ended=True)
    late = ", learned late: told by the revision that followed it" if event.late else ""
    return Step("recorded", f"{place}, applied{late}")


def _planned(conn: Connection, recorded: Recorded) -> Step:
    parked = conn.execute(
        select(plan_parked.c.reason, plan_parked.c.ending).where(
            plan_parked.c.position == recorded.position
        )
    ).one_or_none()
    if parked is not None:
        return _parked(parked.reason, parked.ending)
    done = conn.execute(select(tracking.c.position).where(tracking.c.name == FOLLOWER)).scalar()
    if (done or 0) < recorded.position:
        return Step("planned", f"planning stands at {done or 0}: it is not there yet", ended=True)
    return Step("planned", "planning has passed it")


def _parked(reason: str, ending: str | None) -> Step:
    if ending == TOLD:
        return Step("planned", "planned again, after planning had put it aside")
    since = {
        None: "nobody was told: `pausewire notice plan-again` once that is mended",
        OVERTAKEN: "when that was mended, newer news of the stream had been told",
        NO_NEWS: "it would have told nobody anything",
        BY_HAND: "an operator says to have told of it by hand",
    }
    text = f"planning could not understand it: {reason}; {since[ending]}"
    return Step("planned", text, ended=True)


def _concerned(conn: Connection, recorded: Recorded, account_id: str) -> Step:
    event = recorded.event
    fact: Fact | None = getattr(event, "fact", None)
    if isinstance(fact, ContractFact):
        return _concerned_by_contract(conn, fact, account_id)
    for role in ("employee", "employer"):
        if getattr(event, role, None) == account_id:
            what = _CAPITAL.sub(" ", type(fact).__name__).lower()
            return Step("concerned", f"the account is the stream's {role}; {what}")
    text = "the account is neither employer nor employee of the stream at that event"
    return Step("concerned", text, ended=True)


def _concerned_by_contract(conn: Connection, fact: Fact, account_id: str) -> Step:
    progress = conn.execute(
        select(fanout.c.state).where(fanout.c.event_id == fact.event_id)
    ).scalar()
    if progress is None:
        return Step("concerned", "it changed nothing for the whole contract", ended=True)
    party = or_(stream_state.c.employer == account_id, stream_state.c.employee == account_id)
    stream = conn.execute(
        select(stream_state.c.stream_id)
        .where(and_(stream_state.c.contract_id == fact.contract_id, party))
        .limit(1)
    ).scalar()
    if stream is None:
        return Step("concerned", "the account has no stream in this contract", ended=True)
    return Step("concerned", f"party of stream {stream} in the contract; telling all is {progress}")


def _known(conn: Connection, vault: Vault, account_id: str) -> Step:
    row = conn.execute(
        select(recipient.c.wrapped_key, recipient.c.erased_at).where(
            recipient.c.account_lookup == vault.account_lookup(account_id)
        )
    ).first()
    if row is None:
        return Step("recipient", "nothing was ever to be told to this account", ended=True)
    if row.wrapped_key is None:
        return Step("recipient", "the person asked to be forgotten: told nothing", ended=True)
    return Step("recipient", "known")


def _lasting(conn: Connection, event_id: str) -> Iterator[Step]:
    """Of a pause that goes on: how often people were reminded of it, and when next."""
    row = conn.execute(select(lasting_pause).where(lasting_pause.c.cause == event_id)).first()
    if row is not None:
        at = (
            "no other one comes"
            if row.due_at >= NEVER
            else f"the next one comes {_iso(row.due_at)}"
        )
        yield Step("reminders", f"the pause lasts; reminders so far: {row.told}, {at}")


def _iso(micros: int) -> str:
    return datetime.fromtimestamp(micros // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _places(conn: Connection, recipient_id: str) -> dict[str, bool]:
    """The channels that the person has a place on, and whether one of them is verified."""
    places: dict[str, bool] = {}
    rows = conn.execute(
        select(contact.c.channel, contact.c.verified_at).where(
            contact.c.recipient_id == recipient_id
        )
    )
    for row in rows:
        places[row.channel] = places.get(row.channel, False) or row.verified_at is not None
    return places


def _unsent(
    story: Mapping[str, Any], places: Mapping[str, bool], configured: set[str]
) -> Iterator[dict[str, str]]:
    """The channels without a delivery, and why."""
    sent = {each["channel"] for each in story["deliveries"]}
    for channel in (*CHANNELS, IN_APP):
        if channel not in sent:
            yield {"channel": channel, "explanation": _absence(channel, places, configured)}


def _absence(channel: str, places: Mapping[str, bool], configured: set[str]) -> str:
    if channel not in configured and channel != IN_APP:
        return "this deployment does not send on it (settings)"
    if channel not in places:
        return "the person gave no place for it"
    if not places[channel]:
        return "the person's place is not verified yet"
    return (
        "nothing was planned: this kind goes to the inbox only, the place came later, or the person is told"
        " on one channel at a time and the first one did"
    )
