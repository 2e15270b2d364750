"""How the leader follows."""

from collections.abc import Mapping
from dataclasses import dataclass

from ingest.followed import Wanted


@dataclass(frozen=True, kw_only=True)
class FollowOptions:
    """How to follow. `start_ledgers`: {contract id: first ledger wanted, None for the oldest safe one}.

    `margin_ledgers`: how many of the RPC's oldest ledgers are not relied on. `requests`: most at once.
    `yield_seconds`: without any answer for so long, another process may lead.
    `added`: contracts that were added to those while running; see followed.py.
    """

    passphrase: str
    start_ledgers: Mapping[str, int | None]
    poll_seconds: float
    page_limit: int
    lease_seconds: float
    margin_ledgers: int
    requests: int = 8
    yield_seconds: float = 20.0
    added: Wanted = lambda _conn: {}
