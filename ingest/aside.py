"""Asking endpoints aside: for an answer that proves itself, whatever else an endpoint is good for.

One that does not serve transactions, or lies about one, may serve events all the same: how it fares here
is not held against it. It is not rested, and no breaker opens.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from ingest.endpoint import Endpoint
from ingest.errors import IngestError, RequestRefused, RetentionGap, RpcUnavailable, Transient
from ingest.rpc import EventSource

T = TypeVar("T")


async def ask_aside(
    endpoints: Iterable[Endpoint], question: Callable[[EventSource], Awaitable[T]]
) -> T:
    """The answer of the first endpoint that has one.

    Otherwise raises trouble that may pass before a refusal, and a gap only where all say so.
    """
    failed: list[IngestError] = []
    for endpoint in endpoints:
        try:
            return await question(endpoint.rpc)
        except (Transient, RequestRefused, RetentionGap) as trouble:
            failed.append(trouble)
    for kind in (Transient, RequestRefused):
        for each in failed:
            if isinstance(each, kind):
                raise each
    gaps = [each for each in failed if isinstance(each, RetentionGap)]
    if gaps:
        raise min(gaps, key=lambda gap: gap.oldest_ledger)
    raise RpcUnavailable("no endpoint may be asked now")
