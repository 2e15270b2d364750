"""Whether everything that happened was recorded and told, once: the chain's own truth as the judge.

The simulated network writes what it did, and what its catchers took, before anybody is answered. This
compares those files with the log, the read models and the deliveries; nothing here trusts our fold.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, ScalarSelect, case, func, select

from cli.quiet import UNDER_WAY
from cli.sinks import RECEIVERS, SINKS, Sink, caught_lines
from ingest.stored import still_quarantined
from notifier.content import IN_APP
from notifier.retry import Outcome
from notifier.schema import attempt, delivery, notice
from notifier.states import ACCEPTED, BOUNCED, COMPLAINED, DELIVERED, UNKNOWN
from notifier.webhooks.subscriptions import WEBHOOK
from projections import pauses
from projections.sets import active_set
from simulator.truth import ExpectedPause, TruthLine, expected, read_truth
from store.query import BEHIND_EVENT_IDS
from store.schema import evidence

_TOLD_KINDS = ("paused", "resumed", "cancelled")
_MAY_HAVE_LEFT = (ACCEPTED, DELIVERED, BOUNCED, COMPLAINED, UNKNOWN)
_TRIES_THAT_LEFT = (Outcome.ACCEPTED.value, Outcome.UNKNOWN.value)


@dataclass
class Verdict:
    """What is missing, what came twice (`possible_duplicates`: and was flagged), what nobody can know."""

    events_on_chain: int = 0
    events_recorded: int = 0
    quarantined: int = 0
    notices: int = 0
    intervals: int = 0
    streams: int = 0
    unknown: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    possible_duplicates: list[str] = field(default_factory=list)
    deliveries: dict[str, dict[str, int]] = field(default_factory=dict)


def judge(conn: Connection, state_dir: Path, contract_id: str) -> Verdict:
    """Compare the database with the simulator's files in `state_dir`.

    What no event told is not asked for here: finding it is what `pausewire reconcile` is for.
    """
    verdict = judge_recorded(conn, state_dir, contract_id)
    _judge_deliveries(conn, state_dir, verdict)
    return verdict


def judge_recorded(conn: Connection, state_dir: Path, contract_id: str) -> Verdict:
    """The same up to the notices: whether each is there once, not what became of it on a channel."""
    truth = [line for line in read_truth(state_dir / "truth.ndjson") if not line.get("silent")]
    verdict = Verdict(events_on_chain=len(truth))
    _judge_evidence(conn, truth, contract_id, verdict)
    _judge_intervals(conn, truth, contract_id, verdict)
    _judge_notices(conn, truth, verdict)
    return verdict


def _judge_evidence(
    conn: Connection, truth: Iterable[TruthLine], contract_id: str, verdict: Verdict
) -> None:
    """Every event of the contract is in evidence, and every understood one in the log, once."""
    told_by_events = evidence.c.event_id < BEHIND_EVENT_IDS
    kept = select(evidence.c.event_id).where(evidence.c.contract_id == contract_id, told_by_events)
    known = set(conn.scalars(kept))
    verdict.events_recorded = len(known)
    verdict.lost += [
        f"event {line['event_id']} ({line['kind']}) is not in evidence"
        for line in truth
        if line["event_id"] not in known
    ]
    verdict.quarantined = conn.scalar(still_quarantined()) or 0


def _judge_intervals(
    conn: Connection, truth: Iterable[TruthLine], contract_id: str, verdict: Verdict
) -> None:
    """The read model's pause intervals are those of the contract's own story."""
    told = expected(truth)
    verdict.streams = len(told.streams)
    rows: dict[str | None, list[Row[Any]]] = {}
    for row in conn.execute(pauses.everything(active_set(conn))):
        if row.contract_id != contract_id:
            continue
        key = None if row.stream_id is None else str(row.stream_id)
        rows.setdefault(key, []).append(row)
    verdict.intervals = sum(len(found) for found in rows.values())
    wanted: Mapping[str | None, list[ExpectedPause]] = {
        **{stream_id: stream.pauses for stream_id, stream in told.streams.items()},
        None: told.contract_pauses,
    }
    for stream_id, intervals in wanted.items():
        found = {_interval_of(row) for row in rows.pop(stream_id, [])}
        right = {_expected_interval(each) for each in intervals}
        name = "the contract" if stream_id is None else f"stream {stream_id}"
        verdict.lost += [f"{name}: pause {each} is missing" for each in sorted(right - found)]
        verdict.duplicated += [f"{name}: pause {each} never was" for each in sorted(found - right)]
    verdict.duplicated += [f"stream {stream_id} never was" for stream_id in rows]


def _interval_of(row: Row[Any]) -> str:
    return f"{row.start_event_id} to {row.end_event_id} by {row.ended_by}"


def _expected_interval(pause: ExpectedPause) -> str:
    return f"{pause.start_event_id} to {pause.end_event_id} by {pause.ended_by}"


def _judge_notices(conn: Connection, truth: Iterable[TruthLine], verdict: Verdict) -> None:
    """Both parties of a stream have a notice of each pause, resume and cancellation.

    Those that are posted to subscribed webhooks are in nobody's inbox, and do not count.
    """
    of_people = notice.join(delivery, delivery.c.notice_id == notice.c.notice_id)
    query = (
        select(notice.c.cause_event_id, func.count())
        .select_from(of_people)
        .where(delivery.c.channel == IN_APP)
        .group_by(notice.c.cause_event_id)
    )
    told: dict[str, int] = {row[0]: row[1] for row in conn.execute(query)}
    verdict.notices = sum(told.values())
    for line in truth:
        if line["kind"] not in _TOLD_KINDS or line["stream_id"] is None:
            continue
        parties = len({line["employer"], line["employee"]})
        missing = parties - told.get(line["event_id"], 0)
        if missing > 0:
            verdict.lost.append(f"{missing} notices of {line['kind']} {line['event_id']}")
        elif missing < 0:
            verdict.duplicated.append(f"{-missing} notices of {line['kind']} {line['event_id']}")


def _judge_deliveries(conn: Connection, state_dir: Path, verdict: Verdict) -> None:
    """Every delivery has come to an end that the catchers confirm."""
    query = select(
        delivery.c.delivery_id,
        delivery.c.notice_id,
        delivery.c.channel,
        delivery.c.state,
        delivery.c.attempts,
        delivery.c.provider_message_id,
        case((delivery.c.possible_duplicate, _tries()), else_=0).label("flagged_tries"),
    )
    by_channel: dict[str, list[Any]] = {}
    for row in conn.execute(query):
        by_channel.setdefault(row.channel, []).append(row)
    for channel, rows in sorted(by_channel.items()):
        states = Counter(row.state for row in rows)
        verdict.deliveries[channel] = dict(states)
        verdict.unknown += states[UNKNOWN]
        verdict.lost += [
            f"{states[state]} deliveries by {channel} are still {state}"
            for state in UNDER_WAY
            if states[state]
        ]
    for channel, sink in (SINKS | {WEBHOOK: RECEIVERS}).items():
        _judge_letters(channel, sink, by_channel.get(channel, []), state_dir, verdict)


def _tries() -> ScalarSelect[int]:
    """How many tries of a delivery may have left something at the far side."""
    left = attempt.c.result.in_(_TRIES_THAT_LEFT) | attempt.c.result.is_(None)
    return (
        select(func.count())
        .where(attempt.c.delivery_id == delivery.c.delivery_id)
        .where(attempt.c.handed_off_at.is_not(None), left)
        .scalar_subquery()
    )


def _judge_letters(
    channel: str, sink: Sink, rows: Iterable[Row[Any]], state_dir: Path, verdict: Verdict
) -> None:
    """What we call accepted was caught; what was caught we call accepted or unknown, and came once.

    What is flagged may have come as often as it was tried.
    """
    caught = caught_lines(state_dir / sink.file)
    letters = Counter(_mark(sink, line) for line in caught)
    if sink.knows_repeats:
        letters = Counter(letters.keys())
    ids = {str(line[sink.id_field]).strip("<>") for line in caught}
    accepted, left, flagged = Counter[str](), Counter[str](), Counter[str]()
    for row in rows:
        mark = sink.mark_of(row)
        may_have_left = (
            row.state in _MAY_HAVE_LEFT
            or row.flagged_tries > 0
            or (sink.knows_repeats and row.attempts > 0)
        )
        left[mark] += may_have_left
        flagged[mark] += max(row.flagged_tries, may_have_left)
        if row.state in (ACCEPTED, DELIVERED):
            accepted[mark] += 1
            if row.provider_message_id not in ids:
                verdict.lost.append(f"{channel} {row.provider_message_id} is not there")
    verdict.lost += [
        f"{channel} {mark} was accepted {count} times and came {letters[mark]} times"
        for mark, count in accepted.items()
        if letters[mark] < count
    ]
    for mark, count in letters.items():
        if count > left[mark]:
            marked = count <= flagged[mark]
            found = verdict.possible_duplicates if marked else verdict.duplicated
            found.append(f"{channel} {mark} came {count} times, where {left[mark]} may have left")


def _mark(sink: Sink, line: Mapping[str, Any]) -> str:
    found = sink.mark.search(str(line[sink.marked]))
    return "without a mark" if found is None else found[1]
