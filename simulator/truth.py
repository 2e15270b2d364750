"""What really happened, for tests and the demo to judge by: one JSON line per contract event.

Only events of the PayStream contract are told, in chain order, with the parties after the event. What
happened without any event is a line too: `silent` is true there and `event_id` null.
`stored_status` is the contract's own status of the stream after the call; numbers above 53 bits are
decimal text.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from simulator.contract import Outcome
from simulator.ledger import Ledger, Transaction

TruthLine = dict[str, Any]


def truth_lines(
    ledger: Ledger, transaction: Transaction, outcomes: Iterable[Outcome], contract_id: str
) -> Iterator[bytes]:
    """A transaction's lines, each with its newline; `contract_id`: of the PayStream contract."""
    recorded = iter(transaction.events)
    for outcome in outcomes:
        told = None if outcome.is_silent else next(recorded)
        if outcome.event.contract_id is None:
            place = {"event_id": told and told.event_id} | ({} if told else {"silent": True})
            yield _line(place, ledger, transaction, outcome, contract_id)


def _line(
    place: TruthLine, ledger: Ledger, transaction: Transaction, outcome: Outcome, contract_id: str
) -> bytes:
    event, stream, actor = outcome
    line: TruthLine = {
        **place,
        "ledger": ledger.sequence,
        "closed_at": ledger.closed_at,
        "tx_hash": transaction.hash,
        "contract_id": contract_id,
        "kind": event.kind,
        "actor": actor,
        "stream_id": None if stream is None else str(stream.id),
        "employer": None if stream is None else stream.employer,
        "employee": None if stream is None else stream.employee,
        "stored_status": None if stream is None else stream.status,
        **event.facts,
    }
    return msgspec.json.encode(line) + b"\n"


def read_truth(path: Path) -> list[TruthLine]:
    """All whole lines of a truth file; a line being written is left out."""
    text = path.read_bytes()
    return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]


@dataclass
class ExpectedPause:
    """One interval: of a stream (`ended_by` resumed or cancelled) or of the contract."""

    start_event_id: str | None
    paused_at: int
    end_event_id: str | None = None
    resumed_at: int | None = None
    ended_by: str | None = None

    def end(self, line: TruthLine, ended_by: str) -> None:
        """Close the interval at this event."""
        self.end_event_id = line["event_id"]
        self.resumed_at = line["closed_at"]
        self.ended_by = ended_by


@dataclass
class ExpectedStream:
    """What a reader of all events must know of a stream.

    `status` is what the events tell (active, paused, cancelled); `stored_status` may also be
    exhausted: no event says so, and a reclaimed stream is told as cancelled.
    """

    status: str
    stored_status: str
    employer: str
    employee: str
    pauses: list[ExpectedPause] = field(default_factory=list)


@dataclass
class Expected:
    """The outcome of a truth file: streams by id, and the contract-wide pauses."""

    streams: dict[str, ExpectedStream] = field(default_factory=dict)
    contract_paused: bool = False
    contract_pauses: list[ExpectedPause] = field(default_factory=list)


_STATUS: Mapping[str, str] = {
    "created": "active",
    "paused": "paused",
    "resumed": "active",
    "cancelled": "cancelled",
}


def expected(truth_lines: Iterable[TruthLine]) -> Expected:
    """Fold truth lines, in their order, into what must be known after the last one."""
    outcome = Expected()
    for line in truth_lines:
        if line["stream_id"] is not None:
            _apply_to_stream(outcome.streams, line)
        elif line["kind"] in {"contract_paused", "contract_resumed"}:
            _apply_to_contract(outcome, line)
    return outcome


def _apply_to_stream(streams: dict[str, ExpectedStream], line: TruthLine) -> None:
    stream = streams.get(line["stream_id"])
    if stream is None:
        stream = ExpectedStream("active", "active", line["employer"], line["employee"])
        streams[line["stream_id"]] = stream
    stream.employer, stream.employee = line["employer"], line["employee"]
    stream.stored_status = line["stored_status"]
    stream.status = _STATUS.get(line["kind"], stream.status)
    if line["kind"] == "paused":
        stream.pauses.append(ExpectedPause(line["event_id"], line["closed_at"]))
    elif line["kind"] in {"resumed", "cancelled"} and stream.pauses:
        last = stream.pauses[-1]
        if last.end_event_id is None:
            last.end(line, line["kind"])


def _apply_to_contract(outcome: Expected, line: TruthLine) -> None:
    paused = line["kind"] == "contract_paused"
    if paused and not outcome.contract_paused:
        outcome.contract_pauses.append(ExpectedPause(line["event_id"], line["closed_at"]))
    elif not paused and outcome.contract_paused:
        outcome.contract_pauses[-1].end(line, "resumed")
    outcome.contract_paused = paused
