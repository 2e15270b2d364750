"""An EventSource that answers what it was told to, then says that nothing is new."""

from collections.abc import Callable, Sequence

from ingest.cursors import window_end
from ingest.decode import Page
from ingest.errors import RetentionGap, WrongNetwork
from ingest.rpc import Health, Network
from tests.fakes import pages

PASSPHRASE = "test"


class ScriptedRpc:
    """Answers in order: pages, or errors to raise; after the last one an empty page at the tip."""

    def __init__(self, answers: Sequence[Page | Exception], *, latest_ledger: int = 100) -> None:
        self._answers = list(answers)
        self._latest = latest_ledger
        self.asked: list[str | None] = []
        self.passphrase = PASSPHRASE
        self.transactions: dict[str, bytes | Exception] = {}
        self.on_idle: Callable[[], None] = lambda: None

    async def fetch_page(
        self, *, contracts: Sequence[str], cursor: str | None, start_ledger: int | None, limit: int
    ) -> Page:
        self.asked.append(cursor)
        if not self._answers:
            self.on_idle()
            return pages.page(
                [],
                cursor=max(cursor or "", window_end(self._latest)),
                latest_ledger=self._latest,
            )
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def transaction(self, tx_hash: str, *, ledger: int, network: str) -> bytes:
        answer = self.transactions.get(tx_hash)
        if answer is None:
            raise RetentionGap(ledger + 1, ledger)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def health(self) -> Health:
        return Health(latest_ledger=self._latest, oldest_ledger=1)

    async def network(self) -> Network:
        return Network(passphrase=self.passphrase, protocol_version=28)

    async def check_network(self, passphrase: str) -> None:
        if passphrase != self.passphrase:
            raise WrongNetwork("scripted", passphrase, self.passphrase)
