"""How a reconciliation is shown: by `pausewire completeness` and by `pausewire reconcile`."""

from collections.abc import Iterator
from typing import Any

from cli.times import when
from ingest.reconcile.findings import Finding
from ingest.reconcile.report import EQUAL, Reconciled

_MOST_SHOWN = 50


def as_json(found: Reconciled | None) -> dict[str, Any]:
    """The keys about reconciliation that a contract's certificate has."""
    if found is None:
        return {"reconciled": None, "reconciled_at_ledger": None, "differences": []}
    return {
        "reconciled": {
            "verdict": found.verdict,
            "streams": found.streams,
            "equal": found.equal,
            "found": found.found,
            "finished_at": when(found.finished_at),
        },
        "reconciled_at_ledger": found.at_ledger,
        "differences": [_finding(each) for each in found.findings],
    }


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "kind": found.kind.value,
        "stream_id": None if found.stream_id is None else str(found.stream_id),
        "detail": found.detail,
        "healed": found.healed,
        "warning": found.is_warning,
    }


def in_words(found: Reconciled | None) -> Iterator[str]:
    """The verdict of the contract, then of each stream that is not simply equal."""
    if found is None:
        yield "storage: never compared (`pausewire reconcile`)"
        return
    at_ledger = "" if found.at_ledger is None else f" at ledger {found.at_ledger}"
    yield f"storage: {found.verdict}{at_ledger}, {found.equal} of {found.streams} streams equal"
    for each in found.findings[:_MOST_SHOWN]:
        whose = "the contract" if each.stream_id is None else f"stream {each.stream_id}"
        yield f"  {whose}: {_state(each)} {each.kind.value}: {each.detail}"
    if found.found > _MOST_SHOWN:
        yield f"  and {found.found - _MOST_SHOWN} more findings"


def _state(found: Finding) -> str:
    if found.is_warning:
        return "warning"
    return "healed" if found.healed else "OPEN"


def is_equal(found: Reconciled | None) -> bool:
    """Whether everything was compared and nothing is open."""
    return found is not None and found.verdict == EQUAL
