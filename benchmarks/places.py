"""Where the benchmarks of channels send to: places at one local provider, each recipient's its own."""

import base64
import json

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ACCOUNT = "AC" + "0" * 32
TOKEN = "benchmark"  # of an account that is not
SENDER = "+15550100000"
SUBJECT = "mailto:ops@example.test"
VAPID_KEY = base64.urlsafe_b64encode((7).to_bytes(32)).rstrip(b"=").decode()
_READER = ec.derive_private_key(11, ec.SECP256R1()).public_key()
_POINT = _READER.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def topic(number: int) -> str:
    """An ntfy topic."""
    return f"ntfy:pausewire-{number}"


def phone(number: int) -> str:
    """A number in E.164."""
    return f"+1555{number:07d}"


def hook(port: int, number: int) -> str:
    """A receiver of webhooks."""
    return f"http://127.0.0.1:{port}/hook/{number}"


def subscription(port: int, number: int) -> str:
    """A web-push subscription as browsers serialise it."""
    keys = {"p256dh": _text(_POINT), "auth": _text(b"a" * 16)}
    return json.dumps({"endpoint": f"http://127.0.0.1:{port}/send/{number}", "keys": keys})


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
