"""What signing in takes and answers."""

from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field, model_validator

from api.schemas import EMPLOYEE
from api.shown import Documented, example

_CHALLENGE: Final = (
    "1772442900.1772443200.5f0c6a1d9b2e4c7f8a3d1e6b4c9f0a72.9d1e6b4c9f0a725f0c6a1d9b2e4c7f8a"
)
_SIGNATURE: Final = (
    "fO5dbYhXUhBMhe6kId/cuVq/AfEnHRHEvsP8vXh03M1uLpi5e46yO2Q8rEBzu3feXQewcQE5GArp88u6ePK6BA=="
)
_MESSAGE: Final = f"""\
pausewire.example wants you to sign in to Pausewire with
{EMPLOYEE}

Signing proves that this address is yours. It moves no money and sends no transaction. \
If you are not on pausewire.example, do not sign.

Network: Test SDF Network ; September 2015
Challenge: {_CHALLENGE}
Issued: 2026-03-02T09:15:00Z
Expires: 2026-03-02T09:20:00Z"""

AnyAddress = Annotated[
    str,
    Field(min_length=1, max_length=120, description="the address to prove: G…, M…, C…, spark1…"),
]


class AskChallenge(Documented):
    """Who wants to sign in."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"address": EMPLOYEE}]}
    )

    address: AnyAddress


class ChallengeAnswer(Documented):
    """What the wallet is to sign."""

    model_config = example(
        challenge=_CHALLENGE,
        message=_MESSAGE,
        expires_at="2026-03-02T09:20:00Z",
        authorization_entries=None,
        network_passphrase="Test SDF Network ; September 2015",  # noqa: S106 # a network's public name
    )

    challenge: str = Field(description="opaque; goes back with the signature")
    message: str = Field(description="hand it to the wallet's signMessage as it is")
    expires_at: str = Field(description="RFC 3339; until then, and once, it can be met")
    authorization_entries: str | None = Field(
        description="of a contract account: SorobanAuthorizationEntries in base64 (SEP-45); check that ours"
        " is signed, sign the account's own. null: hand `message` to the wallet"
    )
    network_passphrase: str = Field(description="of the network, which wallets sign for")


class MeetChallenge(Documented):
    """The challenge, met."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "address": EMPLOYEE,
                    "challenge": _CHALLENGE,
                    "signature": _SIGNATURE,
                    "public_key": None,
                }
            ]
        },
    )

    address: AnyAddress
    challenge: str = Field(max_length=200)
    signature: str | None = Field(
        None, max_length=20_000, description="what signMessage returned: base64 or hex"
    )
    authorization_entries: str | None = Field(
        None,
        max_length=20_000,
        description="of a contract account, in place of `signature`: the entries of the challenge, its own"
        " signed (SEP-45)",
    )
    public_key: str | None = Field(
        None, max_length=200, description="where the address alone does not prove it: spark1…"
    )

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.signature is None) == (self.authorization_entries is None):
            raise ValueError("give `signature`, or `authorization_entries` of a contract account")
        return self


class TokenAnswer(Documented):
    """A session."""

    model_config = example(  # an example's token opens nothing
        token="eyJhbGciOiJIUzI1NiIsImtpZCI6IjAwIn0.e30.c2lnbmF0dXJl",  # noqa: S106
        token_type="Bearer",  # noqa: S106
        expires_at="2026-03-03T09:15:30Z",
        account_id=EMPLOYEE,
    )

    token: str = Field(description="send it as `Authorization: Bearer <token>`")
    token_type: str
    expires_at: str = Field(description="RFC 3339")
    account_id: str = Field(description="whose session it is; of a muxed address the account in it")


class SignOut(Documented):
    """Which sessions are to end."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"everywhere": False}]}
    )

    everywhere: bool = Field(False, description="also those on other devices")


class SignedOut(Documented):
    """How many sessions ended."""

    model_config = example(ended=1)

    ended: int
