"""A token of Google's for a service account (RFC 7523): asked for before a letter leaves, then kept.

Source: developers.google.com/identity/protocols/oauth2/service-account, "HTTP/REST".
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import jwt
import msgspec
import requests

from notifier.channels.channel import quoted
from notifier.errors import ChannelUnavailable, CredentialsRefused

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 # an address
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASKED_SECONDS = 3600
_RENEWED_BEFORE_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """Who asks; `private_key`: PEM."""

    project_id: str
    client_email: str
    private_key: str = field(repr=False)


class TokenAnswer(msgspec.Struct, frozen=True):
    """The part of Google's JSON that matters."""

    access_token: str | None = None
    expires_in: int = 0
    error: str | None = None


class GoogleTokens:
    """One account's token, renewed when it is about to end; used by many threads. `clock`: unix seconds."""

    def __init__(
        self,
        account: ServiceAccount,
        *,
        url: str = TOKEN_URL,
        timeout_seconds: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._account = account
        self._url = url
        self._timeout = timeout_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._token, self._until = "", 0.0

    def token(self) -> str:
        """The token. Raises ChannelUnavailable, or CredentialsRefused: Google knows no such account."""
        with self._lock:
            now = self._clock()
            if now >= self._until - _RENEWED_BEFORE_SECONDS:
                said = self._ask(int(now))
                self._token, self._until = said.access_token or "", now + said.expires_in
            return self._token

    def forget(self) -> None:
        """Ask for another one the next time: this one was refused."""
        self._until = 0.0

    def _ask(self, now: int) -> TokenAnswer:
        account = self._account
        claims = {
            "iss": account.client_email,
            "scope": SCOPE,
            "aud": TOKEN_URL,
            "iat": now,
            "exp": now + _ASKED_SECONDS,
        }
        signed = jwt.encode(claims, account.private_key, algorithm="RS256")
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(
                    self._url,
                    data={"grant_type": _GRANT, "assertion": signed},
                    timeout=self._timeout,
                    allow_redirects=False,
                )
            said = msgspec.json.decode(answer.content, type=TokenAnswer)
        except (requests.RequestException, ValueError, RecursionError) as error:
            raise ChannelUnavailable(type(error).__name__) from error
        if said.access_token is None:
            kind = CredentialsRefused if 400 <= answer.status_code < 500 else ChannelUnavailable
            raise kind(quoted(said.error or ""), status_code=answer.status_code)
        return said
