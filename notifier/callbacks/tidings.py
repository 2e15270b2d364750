"""What every provider's callbacks come down to, and what each provider has to know to get there.

A provider proves that a request is its own, splits it into the things it tells of, and later reads each
of them as tidings. Proving and splitting happen in the API's process, reading in a worker.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol
from uuid import UUID

from notifier.channels.channel import quoted

# Most things one request may tell of; providers that gather send a thousand at once.
MOST_EVENTS = 2_000
CALLBACKS_PATH = "/v1/providers/{provider}/callbacks"
# The parameter of our own callback addresses that names the delivery.
DELIVERY_PARAMETER = "delivery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A callback as it arrived. `url`: as the provider knows it; names of headers are in lower case."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that a request tells of, not read yet.

    `key`: the provider's own id of it, or message id, status and provider's time: equal keys are one
    event. `kind`: the provider's word. `happened_at`: by the provider's clock, microseconds.
    """

    key: str
    kind: str
    payload: bytes
    message_id: str | None = None
    delivery_id: UUID | None = None
    happened_at: int | None = None


class Destination(NamedTuple):
    """A place on a channel, in clear."""

    channel: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidings:
    """What an event means to us.

    `state`: the delivery's, as the provider sees it (accepted, delivered, bounced, complained); None: it
    is not about a delivery. `suppress`, `lift`: reasons that a destination is put on the list for, or
    taken off it.
    """

    state: str | None = None
    reason: str | None = None
    message_id: str | None = None
    delivery_id: UUID | None = None
    destination: Destination | None = None
    suppress: str | None = None
    lift: tuple[str, ...] = ()


class Reader(Protocol):
    """Reads one provider's events. Raises KindUnknown, CallbackUnreadable."""

    def __call__(self, payload: bytes) -> Tidings:
        """What the event means."""
        ...


class Provider(Protocol):
    """Who may call back."""

    name: str

    def verify(self, request: Request, now: int) -> None:
        """Raises SignatureRefused unless the provider signed it. `now`: microseconds."""
        ...

    def split(self, request: Request) -> list[Event]:
        """The events of a proven request. Raises CallbackUnreadable."""
        ...


def as_uuid(text: str | None) -> UUID | None:
    """A delivery's id as somebody wrote it; None where it is none."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


def named(text: str | None) -> str | None:
    """A provider's id or word as a column takes it: one line, of bounded length."""
    return quoted(text) or None if text else None
