"""One event that two endpoints do not agree on, as the cross-check found it."""

import msgspec


class Dispute(msgspec.Struct, frozen=True, gc=False):
    """Who is at odds with whom about which event.

    `kind`: `lacks`, `endpoint` does not have what `against` told; `differs`, it tells other bytes, those
    of `evidence_bytes` with their hash. `seen_at`: microseconds.
    """

    event_id: str
    kind: str
    endpoint: str
    against: str
    seen_at: int
    sha256: bytes = b""
    evidence_bytes: bytes = b""
