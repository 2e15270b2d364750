"""One error for all endpoints that were asked: what the caller has to do now."""

from collections.abc import Sequence
from typing import Final

from ingest.endpoint import Endpoint
from ingest.errors import (
    ForkedChain,
    IngestError,
    RetentionGap,
    RpcUnavailable,
    Transient,
    WrongNetwork,
)

# A failing endpoint may still have what the others lost; after so many failures nobody waits for it.
WRITTEN_OFF_AFTER: Final = 10


def verdict(
    everybody: Sequence[Endpoint], failed: Sequence[tuple[Endpoint, IngestError]], now: float
) -> IngestError:
    """Trouble that may pass, then a gap, then a refusal; another chain only when all follow one."""
    unasked = _unasked(everybody, failed, now)
    told = [(each, error) for each, error in failed if not _is_expelling(error)]
    if not told and not unasked:
        return next(error for error in _expelled(everybody, failed))
    gaps = [error for _, error in told if isinstance(error, RetentionGap)]
    waited_for = [
        error
        for endpoint, error in (*told, *unasked)
        if isinstance(error, Transient) and (endpoint.misses <= WRITTEN_OFF_AFTER or not gaps)
    ]
    if len(waited_for) > 1:
        waits = [error.retry_after for error in waited_for]
        soonest = None if None in waits else min(wait for wait in waits if wait is not None)
        return RpcUnavailable("; ".join(error.reason for error in waited_for), soonest)
    if waited_for:
        return waited_for[0]
    if gaps:
        return min(gaps, key=lambda gap: gap.oldest_ledger)
    return told[0][1]


def _unasked(
    everybody: Sequence[Endpoint], failed: Sequence[tuple[Endpoint, IngestError]], now: float
) -> list[tuple[Endpoint, Transient]]:
    """Those whose breaker let nobody through; one that is expelled is not waited for."""
    asked = {id(endpoint) for endpoint, _ in failed}
    return [
        (
            endpoint,
            RpcUnavailable(
                f"{endpoint.name} rests after {endpoint.failures} failures: {endpoint.reason}",
                max(0.1, endpoint.rest_until - now),
            ),
        )
        for endpoint in everybody
        if id(endpoint) not in asked and endpoint.expelled is None
    ]


def _expelled(
    everybody: Sequence[Endpoint], failed: Sequence[tuple[Endpoint, IngestError]]
) -> list[IngestError]:
    told = [error for _, error in failed]
    return told or [each.expelled for each in everybody if each.expelled is not None]


def _is_expelling(error: IngestError) -> bool:
    return isinstance(error, WrongNetwork | ForkedChain)
