"""Apprise's plugins with a transport of ours beneath them, which keeps what the far side answered.

Apprise 2.2 tells success from failure and no more: status, headers, body and the difference between
"refused to connect" and "no answer" are lost in it. Its plugins reach the network through the module
name `requests`; in our copy of the one plugin we use, that name is this transport. The version is
pinned, and the channel suite meets every case against a real server.
"""

import importlib.util
import io
import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NewConnectionError,
    SSLError,
)

from notifier.channels.http_answers import MOST_ANSWER_BYTES
from notifier.errors import ChannelUnavailable, DeliveryError, OutcomeUnknown

TOO_MANY = 429
Amend = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Stands in for the module `requests`: one session a thread, and the last answer of each thread.

    `origins`: what requests may begin with, and what is put in its place: itself, or a catcher.
    `timeout_seconds`: for an answer's body, however many pieces it comes in.
    """

    codes = requests.codes
    RequestException = requests.RequestException

    def __init__(self, origins: Mapping[str, str], timeout_seconds: float = 10.0) -> None:
        self._origins = origins
        self._timeout = timeout_seconds
        self._local = threading.local()
        self._sessions: list[requests.Session] = []

    def amend(self, change: Amend) -> None:
        """Change this thread's next request: what the service knows and the plugin does not."""
        self._local.amend = change

    def request(self, method: str, url: str, **request: Any) -> requests.Response:
        """As requests.request; a plugin that asks for anything but a POST is a defect."""
        if method.upper() != "POST":
            raise ValueError(f"a plugin made a {method} request")
        return self.post(url, **request)

    def post(self, url: str, **request: Any) -> requests.Response:
        """As requests.post, on a kept connection; a redirect is an answer, never followed.

        After 429 the plugin hears of a failed request: some would wait in their thread and send again.
        """
        amend, self._local.amend = getattr(self._local, "amend", None), None
        if amend is not None:
            amend(request)
        try:
            response = self._session().post(
                self._placed(url), **request | {"allow_redirects": False, "stream": True}
            )
            self._read(response)
        except requests.RequestException as error:
            self._local.outcome = lost(error)
            raise
        self._local.outcome = Answer(response.status_code, response.headers, response.content)
        if response.status_code == TOO_MANY:
            raise requests.RequestException("too many requests")
        return response

    def taken(self) -> Answer | DeliveryError | None:
        """The outcome of this thread's last request, once; None if it made none."""
        outcome: Answer | DeliveryError | None = getattr(self._local, "outcome", None)
        self._local.outcome = None
        return outcome

    def close(self) -> None:
        """Close every thread's session."""
        while self._sessions:
            self._sessions.pop().close()

    def _read(self, response: requests.Response) -> None:
        """Let an answer's body be no longer, and no longer under way, than one of good faith is."""
        body, until = b"", time.monotonic() + self._timeout
        try:
            while len(body) < MOST_ANSWER_BYTES:
                piece = response.raw.read1(MOST_ANSWER_BYTES - len(body), decode_content=True)
                body += piece
                if not piece or time.monotonic() > until:
                    break
            if piece:
                response.close()
            else:
                response.raw.drain_conn()  # or the connection is not kept
        except HTTPError as error:
            response.close()
            raise requests.ConnectionError(error) from error
        response.raw = io.BytesIO(body)

    def _placed(self, url: str) -> str:
        for origin, place in self._origins.items():
            if url == origin or url.startswith((f"{origin}/", f"{origin}?")):
                return place + url.removeprefix(origin)
        raise ValueError("a plugin called an address that is not its service's")

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False  # no proxy, no .netrc: the request goes where settings say
            self._sessions.append(session)
        return session


def lost(error: requests.RequestException) -> DeliveryError:
    """Whether a request without an answer can have left: only a failed connect proves that it did not."""
    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    name = type(cause if isinstance(cause, Exception) else error).__name__
    if isinstance(cause, SSLError) and cause.args:
        cause = cause.args[0]  # a certificate is refused before, any other fault may come after
    proven = isinstance(
        cause, (NewConnectionError, ConnectTimeoutError, ssl.SSLCertVerificationError)
    )
    return ChannelUnavailable(name) if proven else OutcomeUnknown(name)


def plugin_of(module_name: str, class_name: str, transport: Transport) -> type[Any]:
    """A plugin of Apprise's on our transport; what it writes to the log names places, so it is muted.

    A copy of the plugin's module of our own: the library's stays as it is.
    """
    spec = importlib.util.find_spec(f"apprise.plugins.{module_name}")
    if spec is None or spec.loader is None:
        raise ImportError(f"apprise has no plugin {module_name}", name=module_name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.__dict__["requests"] = transport
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    plugin: type[Any] = module.__dict__[class_name]
    return plugin
