"""One run of the contract: what every one of its functions may use."""

from typing import NamedTuple

import msgspec

from simulator.accounts import Cast
from simulator.errors import CallRefused
from simulator.state import State, Stream

I128_MAX = 2**127 - 1


def require(condition: bool, message: str) -> None:  # noqa: FBT001 - an assertion
    """The contract's `assert!`. Raises CallRefused."""
    if not condition:
        raise CallRefused(message)


class Run(NamedTuple):
    """The storage, and the ledger's time (unix seconds) and sequence."""

    state: State
    cast: Cast
    now: int
    ledger: int

    def stream(self, stream_id: int) -> Stream:
        """The stream as stored. Raises CallRefused."""
        stream = self.state.streams.get(stream_id)
        if stream is None:
            raise CallRefused("stream not found")
        return stream

    def put(self, stream: Stream, **changes: object) -> None:
        """Store the stream with these changes."""
        changed = msgspec.structs.replace(stream, modified_at_ledger=self.ledger, **changes)
        self.state.put_stream(changed)

    def employed(self, employer: str, stream_id: int) -> Stream:
        """The stream, if this is its employer. Raises CallRefused."""
        stream = self.stream(stream_id)
        require(stream.employer == employer, "not authorized")
        return stream

    def managed(self, caller: str, stream_id: int) -> Stream:
        """The stream, if the caller is its employer or delegate. Raises CallRefused."""
        stream = self.stream(stream_id)
        require(caller in {stream.employer, stream.delegate}, "not authorized")
        return stream

    def administered(self, admin: str) -> None:
        """Check the admin and spend a nonce. Raises CallRefused."""
        require(admin == self.state.config.admin, "not authorized")
        nonce = self.state.config.admin_nonce + 1
        self.state.put_config(self.ledger, admin_nonce=nonce)
