"""The PayStream contract as a state machine: calls in, events out, illegal calls refused."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from simulator import (
    admin_functions,
    party_functions,
    scripted,
    silent_functions,
    stream_functions,
)
from simulator.accounts import Cast
from simulator.calls import Call
from simulator.errors import CallRefused
from simulator.run import Run, require
from simulator.shapes import SILENT, Emitted
from simulator.state import Config, State, Stream

_FUNCTIONS: Mapping[str, Callable[..., list[Emitted]]] = {
    "create_stream": stream_functions.create_stream,
    "import_stream": stream_functions.import_stream,
    "pause_stream": stream_functions.pause_stream,
    "pause_unchecked": stream_functions.pause_unchecked,
    "resume_stream": stream_functions.resume_stream,
    "cancel_stream": stream_functions.cancel_stream,
    "reclaim_expired": stream_functions.reclaim_expired,
    "withdraw": stream_functions.withdraw,
    "top_up": stream_functions.top_up,
    "update_rate": stream_functions.update_rate,
    "transfer_stream": party_functions.transfer_stream,
    "set_delegate": party_functions.set_delegate,
    "propose_employer_transfer": party_functions.propose_employer_transfer,
    "accept_employer_transfer": party_functions.accept_employer_transfer,
    "pause_contract": admin_functions.pause_contract,
    "unpause_contract": admin_functions.unpause_contract,
    "multisig_emergency_pause": silent_functions.multisig_emergency_pause,
    "upgrade": admin_functions.upgrade,
    "set_protocol_fee": admin_functions.set_protocol_fee,
    "withdraw_fees": admin_functions.withdraw_fees,
    "propose_parameter": admin_functions.propose_parameter,
    "emit": scripted.emit,
    "pause_silently": silent_functions.pause_silently,
    "resume_silently": silent_functions.resume_silently,
    "cancel_silently": silent_functions.cancel_silently,
    "exhaust_silently": silent_functions.exhaust_silently,
    "drop_pause_record": silent_functions.drop_pause_record,
    "end_life": silent_functions.end_life,
}


class Outcome(NamedTuple):
    """An event, or a change that is silent, its stream right after the call, and who called."""

    event: Emitted
    stream: Stream | None
    actor: str

    @property
    def is_silent(self) -> bool:
        """Whether no event tells of it."""
        return self.event.type == SILENT

    @property
    def is_told(self) -> bool:
        """Whether it is an event of the PayStream contract."""
        return self.event.contract_id is None and not self.is_silent


def wire_events(outcomes: Sequence[Outcome]) -> list[Emitted]:
    """The events that the network gets to see."""
    return [outcome.event for outcome in outcomes if not outcome.is_silent]


class Contract:
    """The deployed contract. `execute` runs one transaction: all of its calls or none."""

    def __init__(self, cast: Cast, wasm_hash: str) -> None:
        self.cast = cast
        self.state = State(Config(admin=cast.admin, wasm_hash=wasm_hash))

    def execute(self, calls: Sequence[Call], *, now: int, ledger: int) -> list[Outcome]:
        """Run the calls of one transaction in order. Raises CallRefused and changes nothing."""
        run = Run(self.state, self.cast, now, ledger)
        streams = self.state.streams
        outcomes: list[Outcome] = []
        try:
            for call in calls:
                require(call.caller == calls[0].caller, "missing authorization")
                for event in _FUNCTIONS[call.function](run, *call.arguments):
                    stream = None if event.stream_id is None else streams[event.stream_id]
                    outcomes.append(Outcome(event, stream, call.caller))
        except CallRefused:
            self.state.rollback()
            raise
        self.state.commit()
        return outcomes
