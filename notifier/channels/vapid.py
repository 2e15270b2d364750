"""Who sends a web push: a token signed by the application server's key (VAPID, RFC 8292).

A browser's subscription is bound to that key for life: another key, and the push service refuses it.
"""

import base64
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

TOKEN_SECONDS = 12 * 3600  # RFC 8292 §2: at most a day
RENEWED_BEFORE_SECONDS = 3600
_MOST_ORIGINS = 1000  # users name the push services


@dataclass(frozen=True, slots=True)
class VapidKey:
    """The key, and whom a push service asks when something is wrong (`mailto:` or `https:`)."""

    private: ec.EllipticCurvePrivateKey = field(repr=False)
    subject: str

    @property
    def public(self) -> str:
        """What browsers take as `applicationServerKey`: the point, base64url without padding."""
        point = self.private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


class VapidTokens:
    """Signed tokens, one for each push service, kept until they are about to end."""

    def __init__(self, key: VapidKey, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._public = key.public
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def header(self, endpoint: str) -> str:
        """The header `Authorization` of a request to this endpoint."""
        place = urlsplit(endpoint)
        origin, now = f"{place.scheme}://{place.netloc}", self._clock()
        until, header = self._kept.get(origin, (0.0, ""))
        if until - RENEWED_BEFORE_SECONDS <= now:
            until = now + TOKEN_SECONDS
            claims = {"aud": origin, "exp": int(until), "sub": self._key.subject}
            token = jwt.encode(claims, self._key.private, algorithm="ES256")
            header = f"vapid t={token}, k={self._public}"
            self._kept[origin] = (until, header)
            if len(self._kept) > _MOST_ORIGINS:
                self._kept.popitem(last=False)
        return header
