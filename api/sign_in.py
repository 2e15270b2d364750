"""The challenge of a sign-in: a text that a person reads and a wallet signs, good once and for minutes.

Nothing is kept of a challenge until it is met: our own keyed hash in it says that we made it, for this
address, until that time. So asking for one writes nothing and tells nothing about an account, and any
API process takes what another one gave. What was met is kept until it expires: met twice is refused.

    challenge = <issued>.<expires>.<32 hex random>.<32 hex keyed hash>      times in unix seconds
"""

import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final, NamedTuple

from api.people_problems import SIGN_IN_REFUSED
from api.problems import Problem
from api.shown import rfc3339
from notifier.privacy import Vault

_RANDOM_BYTES: Final = 16
_TAG_HEX: Final = 32
_SHAPE: Final = re.compile(
    r"([1-9][0-9]{0,11})\.([1-9][0-9]{0,11})\.([0-9a-f]{32})\.([0-9a-f]{32})"
)
_TEXT: Final = """\
{domain} wants you to sign in to Pausewire with
{address}

Signing proves that this address is yours. It moves no money and sends no transaction. \
If you are not on {domain}, do not sign.

Network: {network}
Challenge: {challenge}
Issued: {issued}
Expires: {expires}"""


class Challenge(NamedTuple):
    """What is to be signed. `expires_at`: unix seconds."""

    challenge: str
    message: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class SignIn:
    """Makes challenges and knows them again. `domain`: whom people sign in to, host and port.

    `network`: passphrase of the network, which the message names.
    """

    vault: Vault
    domain: str
    network: str
    seconds: int = 300

    def challenge(self, address: str, now: int) -> Challenge:
        """A new challenge for an address that is well formed. `now`: unix seconds."""
        head = f"{now}.{now + self.seconds}.{secrets.token_hex(_RANDOM_BYTES)}"
        return self._challenge(address, f"{head}.{self._tag(address, head)}")

    def met(self, address: str, challenge: str, now: int) -> Challenge:
        """The challenge that somebody says to have signed. Raises Problem: not ours, or too late."""
        parts = _SHAPE.fullmatch(challenge)
        head, _, tag = challenge.rpartition(".")
        if parts is None or not hmac.compare_digest(tag, self._tag(address, head)):
            raise refused("the challenge was not given here for this address: ask for one")
        if int(parts[2]) <= now:
            raise refused("the challenge has expired: ask for another one")
        return self._challenge(address, challenge)

    def _tag(self, address: str, head: str) -> str:
        return self.vault.tag("challenge", self.domain, self.network, address, head).hex()[
            :_TAG_HEX
        ]

    def _challenge(self, address: str, challenge: str) -> Challenge:
        issued, expires = (int(part) for part in challenge.split(".")[:2])
        message = _TEXT.format(
            domain=self.domain,
            address=address,
            network=self.network,
            challenge=challenge,
            issued=rfc3339(issued),
            expires=rfc3339(expires),
        )
        return Challenge(challenge, message, expires)


def refused(detail: str) -> Problem:
    """The answer to a sign-in that is not proven."""
    return Problem(SIGN_IN_REFUSED, detail, headers={"WWW-Authenticate": "Bearer"})
