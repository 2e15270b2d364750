"""Who signs in a sandbox: people of the simulated network, whose keys are no secret."""

from collections.abc import Sequence
from typing import Protocol


class SandboxWallet(Protocol):
    """Signs as one of its people. A development start has one, no other deployment."""

    def people(self) -> Sequence[tuple[str, str, str]]:
        """Everybody it signs as: account id, role (employee or employer), name for a list."""
        ...

    def sign(self, account_id: str, message: str) -> str | None:
        """The SEP-53 signature in base64, as wallets' signMessage returns it; None: none of its people."""
        ...
