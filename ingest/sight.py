"""Whether the RPC answers at all: a leader that sees nothing lets another process try."""

import asyncio
from typing import Final

from ingest.errors import SightLost

_LOOKS: Final = 10


class Sight:
    """One leadership's. Blind is who has asked and got no answer, whatever else was asked meanwhile."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience = patience_seconds
        self._blind_since: float | None = None

    def asks(self) -> None:
        """A question leaves."""
        if self._blind_since is None:
            self._blind_since = asyncio.get_running_loop().time()

    def sees(self) -> None:
        """An answer has come, be it that ledgers are gone."""
        self._blind_since = None

    async def watch(self) -> None:
        """For ever, while answers come. Raises SightLost."""
        while True:
            await asyncio.sleep(self._patience / _LOOKS)
            since = self._blind_since
            blind = 0.0 if since is None else asyncio.get_running_loop().time() - since
            if blind > self._patience:
                raise SightLost(blind)
