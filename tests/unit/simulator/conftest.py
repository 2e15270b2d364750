"""A small chain in memory, and the calls that every test here makes."""

import pytest

from simulator.accounts import Cast
from simulator.calls import Call
from simulator.chain import Chain

GENESIS_AT = 1_800_000_000


class World:
    """A chain whose ledgers close when a test says so, five seconds apart."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.now = GENESIS_AT

    @property
    def cast(self) -> Cast:
        return self.chain.cast

    def close(self, *transactions):
        """Close a ledger with these transactions; each is one call or a list of calls."""
        self.now += 5
        grouped = [[each] if isinstance(each, Call) else each for each in transactions]
        return self.chain.close_ledger(grouped, self.now)

    def create(self, number=0, *, deposit=10**9, rate=1_000, stop_time=0):
        employer, employee = self.cast.employer_of(number), self.cast.employees[number]
        terms = (employer, employee, self.cast.token_id, deposit, rate, stop_time)
        return Call("create_stream", terms)

    def call(self, function, stream_id=1, *rest):
        """A call by the stream's present employer."""
        employer = self.chain.contract.state.streams[stream_id].employer
        return Call(function, (employer, stream_id, *rest))

    def admin(self, function, *rest):
        return Call(function, (self.cast.admin, *rest))

    @property
    def streams(self):
        return self.chain.contract.state.streams

    def kinds(self, ledger):
        """The first topic's symbol of each PayStream event of a ledger."""
        from stellar_sdk import scval

        return [
            scval.from_symbol(event.topics[0])
            for transaction in ledger.transactions
            for event in transaction.events
            if event.contract_id == self.cast.contract_id
        ]


@pytest.fixture
def world():
    with Chain(seed=1, streams=8, passphrase="test", genesis_at=GENESIS_AT) as chain:
        yield World(chain)
