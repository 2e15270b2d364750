"""Who lives on the simulated network: accounts, contracts and people's contacts, all from one seed.

The same seed gives the same strkeys on every machine, and the secret keys too, so that a test can
sign as an employee.
"""

import csv
import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from stellar_sdk import Keypair

ROSTER_HEADER = ("account_id", "email", "phone", "push", "language")
EMPLOYEES_PER_EMPLOYER = 4
_NAMES = ("ana", "ben", "chi", "dia", "eli", "fay", "gus", "hana", "ivo", "june", "kofi", "lena")


def _secret(seed: int, what: str) -> bytes:
    return hashlib.sha256(f"pausewire simulated network {seed} {what}".encode()).digest()


def keypair_for(seed: int, role: str, number: int) -> "Keypair":
    """The key pair of `employee`, `employer` or `admin` number `number` (from 1)."""
    from stellar_sdk import Keypair

    return Keypair.from_raw_ed25519_seed(_secret(seed, f"{role} {number}"))


def contract_id_for(seed: int, name: str = "paystream") -> str:
    """The contract's strkey (`C…`), known before the network starts."""
    from stellar_sdk import StrKey

    return StrKey.encode_contract(_secret(seed, f"contract {name}"))


def wasm_hash_for(seed: int, version: int) -> str:
    """Hex hash of the contract's code in its `version` (from 1)."""
    return _secret(seed, f"wasm {version}").hex()


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Everybody a scenario may name. `employees[i]` is paid by `employer_of(i)` to begin with."""

    admin: str
    treasury: str
    contract_id: str
    token_id: str
    router_id: str
    native_id: str
    employers: tuple[str, ...]
    employees: tuple[str, ...]

    @classmethod
    def of(cls, seed: int, streams: int) -> Self:
        """The people of `streams` streams: one employee each, one employer for every four."""
        employers = max(2, -(-streams // EMPLOYEES_PER_EMPLOYER))
        return cls(
            admin=keypair_for(seed, "admin", 1).public_key,
            treasury=keypair_for(seed, "treasury", 1).public_key,
            contract_id=contract_id_for(seed),
            token_id=contract_id_for(seed, "token"),
            router_id=contract_id_for(seed, "router"),
            native_id=contract_id_for(seed, "native asset"),
            employers=tuple(
                keypair_for(seed, "employer", n + 1).public_key for n in range(employers)
            ),
            employees=tuple(
                keypair_for(seed, "employee", n + 1).public_key for n in range(max(2, streams))
            ),
        )

    def employer_of(self, employee_number: int) -> str:
        """Who first employs the employee at this place in `employees`."""
        return self.employers[employee_number // EMPLOYEES_PER_EMPLOYER % len(self.employers)]

    def roster(self) -> str:
        """The contacts as CSV, one employee or employer per line, in the import's format."""
        out = io.StringIO()
        lines = csv.writer(out, lineterminator="\n")
        lines.writerow(ROSTER_HEADER)
        for number, account in enumerate(self.employees, start=1):
            name = _NAMES[(number - 1) % len(_NAMES)]
            # +1 555 01…: a range nobody owns; employers stand in +1 555 08…
            phone = f"+1555{100_000 + number:07d}"
            lines.writerow((account, f"{name}.{number}@example.test", phone, _push(account), "en"))
        for number, account in enumerate(self.employers, start=1):
            phone = f"+1555{800_000 + number:07d}"
            lines.writerow((account, f"payroll.{number}@example.test", phone, _push(account), "en"))
        return out.getvalue()


def _push(account: str) -> str:
    return f"ntfy:pausewire-{account[1:13].lower()}"
