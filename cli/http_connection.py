"""A connection of a client as httptools reads it, with two things that uvicorn's own does not do.

It bounds what it keeps before a request is whole: httptools keeps a head for as long as it is sent, twelve
times its size where it is of small headers (30 MB from one stranger: 370 MB), before any limit of api/. And
when it is lost, it tells the request that is being answered, also where another one waits behind that.
"""

from typing import Any, Final

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MOST_HEAD_BYTES: Final = 64 * 1024  # as uvicorn's other parser has it
HEAD_TOO_LARGE: Final = "request_head_too_large"

_LOG = structlog.get_logger()


class HttpConnection(HttpToolsProtocol):
    """Ends where too much came that is neither a whole head nor of a body.

    What follows a chunked body (trailers), or stands between its chunks, counts as well.
    """

    _unread = 0
    _answered: RequestResponseCycle | None = None

    def data_received(self, data: bytes) -> None:
        """Bytes as they arrive."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread > MOST_HEAD_BYTES and not self.transport.is_closing():
            _LOG.warning(HEAD_TOO_LARGE)
            self.send_400_response("The head of the request is too large.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever is being answered learns that nobody listens: uvicorn tells the last who asked only."""
        if self._answered is not None and not self._answered.response_complete:
            self._answered.disconnected = True
            self._answered.message_event.set()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._unread = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Part of a body."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._unread = 0
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)
