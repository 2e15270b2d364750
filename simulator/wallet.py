"""A wallet that signs as everybody of the cast; the keys follow from the seed and are no secret."""

import base64
from typing import NamedTuple

from simulator.accounts import Cast, keypair_for

_EMPLOYEE = "employee"
_EMPLOYER = "employer"


class Person(NamedTuple):
    """Somebody of the cast. `role`: employee or employer."""

    account_id: str
    role: str
    name: str


class CastWallet:
    """Signs messages as Freighter does (SEP-53)."""

    def __init__(self, seed: int, cast: Cast) -> None:
        self._seed = seed
        self._places = {
            account: (role, number)
            for role, accounts in ((_EMPLOYEE, cast.employees), (_EMPLOYER, cast.employers))
            for number, account in enumerate(accounts, start=1)
        }

    def people(self) -> list[Person]:
        """Employees, then employers, in the order of their numbers."""
        return [
            Person(account, role, f"{role} {number}")
            for account, (role, number) in self._places.items()
        ]

    def sign(self, account_id: str, message: str) -> str | None:
        """The signature in base64; None: nobody of the cast."""
        place = self._places.get(account_id)
        if place is None:
            return None
        keypair = keypair_for(self._seed, *place)
        return base64.b64encode(keypair.sign_message(message)).decode()
