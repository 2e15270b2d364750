"""How callbacks of providers were received by this process, for Prometheus."""

from typing import Final

from fastapi import Request
from prometheus_client import CollectorRegistry, Counter

STORED: Final = "stored"
DUPLICATE: Final = "duplicate"
REFUSED: Final = "refused"
UNREADABLE: Final = "unreadable"


class CallbackCounts:
    """Counts into a registry; `provider` is one that is switched on, never what a stranger typed."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._received = Counter(
            "pausewire_callbacks",
            "Requests in a provider's name.",
            ("provider", "result"),
            registry=registry,
        )

    def note(self, provider: str, result: str) -> None:
        """Count one request."""
        self._received.labels(provider, result).inc()


async def callback_counts(request: Request) -> CallbackCounts:
    """The counts of this app."""
    counts: CallbackCounts = request.app.state.callback_counts
    return counts
