"""Apprise's plugins with a transport of ours beneath them, which keeps what the far side answered.

Apprise 2.2 tells success from failure and no more: status, headers, body and the difference between
"refused to connect" and "no answer" are lost in it. Its plugins reach the network through the module
name `requests`; in our copy of the one plugin we use, that name is this transport. The version is
pinned, and the channel suite meets every case against a real server.
"""

import importlib.util
import logging
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NewConnectionError,
    SSLError,
)

from notifier.errors import ChannelUnavailable, DeliveryError, OutcomeUnknown


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Stands in for the module `requests`: one session a thread, and the last answer of each thread."""

    codes = requests.codes
    RequestException = requests.RequestException

    def __init__(self) -> None:
        self._local = threading.local()
        self._sessions: list[requests.Session] = []

    def add_headers(self, headers: Mapping[str, str]) -> None:
        """Headers that the plugin does not know, for this thread's next request."""
        self._local.headers = headers

    def post(self, url: str, **request: Any) -> requests.Response:
        """As requests.post, on a kept connection; a redirect is an answer, never followed."""
        added = getattr(self._local, "headers", {})
        self._local.headers = {}
        request |= {"allow_redirects": False, "headers": {**request.get("headers", {}), **added}}
        try:
            response = self._session().post(url, **request)
        except requests.RequestException as error:
            self._local.outcome = lost(error)
            raise
        self._local.outcome = Answer(response.status_code, response.headers, response.content)
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


def ntfy_plugin(transport: Transport) -> Callable[..., Any]:
    """Apprise's ntfy plugin on our transport; what it writes to the log names topics, so it is muted.

    A copy of the plugin's module of our own: the library's stays as it is.
    """
    spec = importlib.util.find_spec("apprise.plugins.ntfy")
    if spec is None or spec.loader is None:
        raise ImportError("apprise has no plugin ntfy", name="apprise.plugins.ntfy")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.__dict__["requests"] = transport
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    plugin: Callable[..., Any] = module.__dict__["NotifyNtfy"]
    return plugin
