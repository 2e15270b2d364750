"""What a scenario sees of the ledger being closed, and the legal moves it can make in it.

Every move is one transaction with one signer; it returns False when it was not legal now or would
exceed the number of events that the scenario may still emit.
"""

import random
from collections.abc import Callable

from simulator.accounts import Cast, wasm_hash_for
from simulator.calls import Call, most_events
from simulator.chain import FIRST_LEDGER, LedgerDraft
from simulator.state import Status, Stream

_TOKEN = 10_000_000  # base units in one token
_DAY = 24 * 3600


class Scene:
    """One ledger. The seed and the sequence alone decide every choice, so a restart changes none."""

    def __init__(self, draft: LedgerDraft, cast: Cast, seed: int, remaining: int | None) -> None:
        self.cast = cast
        self.rng = random.Random(f"{seed}:{draft.sequence}")
        self.offset = draft.sequence - FIRST_LEDGER
        self.remaining = remaining
        self._seed = seed
        self._draft = draft
        self._live = [s.id for s in draft.contract.state.streams.values() if s.live]

    @property
    def emitted(self) -> int:
        """Contract events in this ledger so far."""
        return self._draft.contract_events

    @property
    def contract_paused(self) -> bool:
        """Whether the whole contract is paused now."""
        return self._draft.contract.state.config.paused

    @property
    def streams_created(self) -> int:
        """How many streams the contract numbered itself."""
        return self._draft.contract.state.config.stream_count

    def submit(self, *calls: Call) -> bool:
        """One transaction, if its most expensive outcome still fits."""
        if self.remaining is None:
            return self._draft.submit(*calls)
        fees = self._draft.contract.state.config.fee_bps > 0
        if sum(most_events(call, charging_fees=fees) for call in calls) > self.remaining:
            return False
        before = self.emitted
        done = self._draft.submit(*calls)
        self.remaining -= self.emitted - before
        return done

    def stream(self, stream_id: int) -> Stream:
        """A stream as it is now."""
        return self._draft.contract.state.streams[stream_id]

    def any_live(self) -> Stream | None:
        """A random stream that is active or paused."""
        while self._live:
            place = self.rng.randrange(len(self._live))
            stream = self.stream(self._live[place])
            if stream.live:
                return stream
            self._live[place] = self._live[-1]
            self._live.pop()
        return None

    def someone(self) -> Stream | None:
        """A random live stream; where none is left, one is created if it can be."""
        stream = self.any_live()
        if stream is None and not self.contract_paused:
            self.create(self.rng.randrange(len(self.cast.employees)))
            stream = self.any_live()
        return stream

    def all_with(self, status: Status) -> list[Stream]:
        """Every stream that has this status now."""
        streams = self._draft.contract.state.streams.values()
        return [stream for stream in streams if stream.status is status]

    # streams come

    def create(self, employee_number: int) -> bool:
        """A stream for this employee by their first employer; one in five ends within a minute."""
        employee = self.cast.employees[employee_number]
        return self._create(self.cast.employer_of(employee_number), employee)

    def create_missing(self, count: int, at_most: int) -> bool:
        """Create streams until the contract has `count`; True while it still had to."""
        first = self.streams_created
        for number in range(first, min(count, first + at_most)):
            self.create(number)
        return first < count

    def import_extremes(self) -> bool:
        """A stream with the highest id, the highest deposit and the highest rate."""
        highest = 2**127 - 1
        parties = (self.cast.employers[0], self.cast.employees[-1], self.cast.token_id)
        done = self.submit(Call("import_stream", (*parties, highest, highest, 0, 2**64 - 1)))
        if done:
            self._live.append(2**64 - 1)
        return done

    def _create(self, employer: str, employee: str) -> bool:
        deposit = self.rng.randrange(100, 10_000) * _TOKEN
        rate = self.rng.randrange(1_000, 100_000)
        ends = self.rng.random() < 0.2
        stop_time = self._draft.closed_at + self.rng.randrange(1, 60) if ends else 0
        terms = (employer, employee, self.cast.token_id, deposit, rate, stop_time)
        done = self.submit(Call("create_stream", terms))
        if done:
            self._live.append(self.streams_created)
        return done

    # streams stop and go on

    def toggle(self, stream: Stream, times: int = 1) -> bool:
        """Pause an active stream, resume a paused one, `times` in turn in one operation."""
        caller = stream.employer
        if stream.delegate is not None and self.rng.random() < 0.5:
            caller = stream.delegate
        functions = ["pause_stream", "resume_stream"]
        if stream.status is Status.PAUSED:
            functions.reverse()
        calls = [Call(functions[turn % 2], (caller, stream.id)) for turn in range(times)]
        return self.submit(*calls)

    def cancel(self, stream: Stream) -> bool:
        """End the stream, from active or from paused."""
        return self.submit(Call("cancel_stream", (stream.employer, stream.id)))

    def cancel_while_paused(self, stream: Stream) -> bool:
        """Pause if need be, cancel, and give the employee a new stream."""
        if self.contract_paused or (stream.status is Status.ACTIVE and not self.toggle(stream)):
            return False
        return self.cancel(stream) and self._create(stream.employer, stream.employee)

    def reclaim(self, stream: Stream) -> bool:
        """After the stop time the employer takes the rest back; the employee gets a new stream."""
        if self.contract_paused or not 0 < stream.stop_time <= self._draft.closed_at:
            return False
        reclaim = Call("reclaim_expired", (stream.employer, stream.id))
        return self.submit(reclaim) and self._create(stream.employer, stream.employee)

    # money and parties

    def withdraw(self, stream: Stream) -> bool:
        """The employee takes what is earned; whoever has emptied the stream gets a new one."""
        earned = stream.claimable(self._draft.closed_at)
        if self.contract_paused or stream.status is not Status.ACTIVE or not earned:
            return False
        done = self.submit(Call("withdraw", (stream.employee, stream.id)))
        if done and not self.stream(stream.id).live:
            self._create(stream.employer, stream.employee)
        return done

    def top_up(self, stream: Stream) -> bool:
        """Up to a hundred tokens more, as far as the deposit can grow."""
        amount = min(self.rng.randrange(1, 100) * _TOKEN, 2**127 - 1 - stream.deposit)
        return amount > 0 and self.submit(Call("top_up", (stream.employer, stream.id, amount)))

    def change_rate(self, stream: Stream) -> bool:
        """Another pay per second."""
        if stream.status is not Status.ACTIVE:
            return False
        rate = self.rng.randrange(1_000, 100_000)
        return self.submit(Call("update_rate", (stream.employer, stream.id, rate)))

    def transfer(self, stream: Stream) -> bool:
        """Another employee is paid from now on."""
        new = self.rng.choice(self.cast.employees)
        if new in {stream.employee, stream.employer}:
            return False
        return self.submit(Call("transfer_stream", (stream.employee, stream.id, new)))

    def hand_over(self, stream: Stream) -> bool:
        """Another employer is proposed, and accepts."""
        new = self.rng.choice(self.cast.employers)
        if new == stream.employer:
            return False
        propose = Call("propose_employer_transfer", (stream.employer, stream.id, new))
        accept = Call("accept_employer_transfer", (new, stream.id))
        return self.submit(propose) and self.submit(accept)

    def delegate(self, stream: Stream) -> bool:
        """Let the treasury manage the stream, or no longer."""
        delegate = self.cast.treasury if stream.delegate is None else None
        return self.submit(Call("set_delegate", (stream.employer, stream.id, delegate)))

    # the contract

    def stop_contract(self, _stream: Stream) -> bool:
        """Pause the whole contract; sometimes it already is."""
        return self.submit(Call("pause_contract", (self.cast.admin,)))

    def start_contract(self) -> bool:
        """Let the whole contract go on."""
        return self.submit(Call("unpause_contract", (self.cast.admin,)))

    def upgrade(self, _stream: Stream) -> bool:
        """New code."""
        wasm_hash = wasm_hash_for(self._seed, self._draft.sequence)
        return self.submit(Call("upgrade", (self.cast.admin, wasm_hash)))

    def govern(self, _stream: Stream) -> bool:
        """Fees, their withdrawal, and proposals: events of no concern to a stream."""
        config = self._draft.contract.state.config
        if config.fees:
            return self.submit(Call("withdraw_fees", (self.cast.admin, self.cast.treasury)))
        if not config.fee_bps:
            return self.submit(Call("set_protocol_fee", (self.cast.admin, 25)))
        return self.submit(Call("propose_parameter", (self.cast.admin, 50)))


Move = Callable[[Scene, Stream], bool]
