"""`pausewire push`: the key pair that web push is signed with."""

import base64

import typer
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cli.output import Json, refuse, show
from cli.wiring import deployment
from config.push_settings import decoded_vapid_key

_SCALAR_BYTES = 32


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="Web push.")
    group.command("keys")(keys)
    group.command("public-key")(public_key)
    app.add_typer(group, name="push")


def keys(json: Json = False) -> None:
    """Make a pair: the private key for push.vapid_key, the public one for browsers. Neither is kept."""
    made = ec.generate_private_key(ec.SECP256R1())
    scalar = made.private_numbers().private_value.to_bytes(_SCALAR_BYTES)
    show({"vapid_key": _text(scalar), "public_key": _public(made)}, as_json=json)


def public_key(json: Json = False) -> None:
    """The public half of push.vapid_key: what a page gives browsers as `applicationServerKey`."""
    key = deployment().settings.push.vapid_key
    if key is None:
        refuse("push.vapid_key: no web push here; `pausewire push keys` makes a pair")
    show({"public_key": _public(decoded_vapid_key(key.get_secret_value()))}, as_json=json)


def _public(key: ec.EllipticCurvePrivateKey) -> str:
    return _text(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
