"""What is written down of an endpoint's failings, and said aloud: expelled, resting, gone back in time."""

from typing import Final

import structlog

from ingest.endpoint import BEHIND, EXPELLED, FAILED, REFUSED, Endpoint
from ingest.errors import ForkedChain, NodeBehind, RequestRefused, Transient, WrongNetwork

_LOG = structlog.get_logger()
_EXPELLED_SECONDS: Final = 120.0


def expel(endpoint: Endpoint, wrong: WrongNetwork | ForkedChain, now: float) -> None:
    """It follows another chain: it is looked at now and then, and not believed."""
    if endpoint.expelled is None:
        _LOG.error("endpoint_expelled", endpoint=endpoint.name, reason=str(wrong))
        endpoint.failed(EXPELLED, str(wrong))
    endpoint.expelled = wrong
    endpoint.proven = False
    endpoint.rest_until = now + _EXPELLED_SECONDS


def count(endpoint: Endpoint, trouble: Transient | RequestRefused, now: float) -> None:
    """It did not answer, and rests."""
    before = endpoint.state
    if isinstance(trouble, NodeBehind):
        endpoint.failed(BEHIND, str(trouble))
        notice(endpoint, None, trouble.latest_ledger)
    else:
        refused = isinstance(trouble, RequestRefused)
        endpoint.failed(REFUSED if refused else FAILED, str(trouble))
    endpoint.rest(now, getattr(trouble, "retry_after", None))
    if endpoint.state != before:
        _LOG.warning("endpoint_breaker_opened", endpoint=endpoint.name, reason=str(trouble))


def notice(endpoint: Endpoint, oldest: int | None, latest: int) -> bool:
    """Which ledgers it has; True where its newest one went far back: it must prove itself."""
    before = endpoint.latest_ledger
    went_back = endpoint.saw(oldest, latest)
    if went_back:
        _LOG.error(
            "endpoint_went_back", endpoint=endpoint.name, from_ledger=before, to_ledger=latest
        )
    return went_back
