"""Changes that no event tells: what reconciling with the contract's storage has to find.

`multisig_emergency_pause` is PayStream's own. The others exist here only: a contract whose code forgets
an event, storage that disagrees with its events, entries that nobody extends. Each returns what happened
as a silent event: it is in the truth file and nowhere on the wire.
"""

from simulator import shapes
from simulator.run import Run, require
from simulator.shapes import Emitted
from simulator.state import Status
from simulator.stream_functions import cancel_stream, pause_stream, resume_stream


def multisig_emergency_pause(run: Run, admin: str) -> list[Emitted]:
    """Sets the flag and emits nothing, as the contract's multisig path does."""
    run.administered(admin)
    run.state.put_config(run.ledger, paused=True)
    return shapes.silenced([shapes.contract_paused(paused=True)])


def pause_silently(run: Run, caller: str, stream_id: int) -> list[Emitted]:
    """Active to paused, with its record."""
    return shapes.silenced(pause_stream(run, caller, stream_id))


def resume_silently(run: Run, caller: str, stream_id: int) -> list[Emitted]:
    """Paused to active, with its record."""
    return shapes.silenced(resume_stream(run, caller, stream_id))


def cancel_silently(run: Run, employer: str, stream_id: int) -> list[Emitted]:
    """Active or paused to cancelled."""
    return shapes.silenced(cancel_stream(run, employer, stream_id))


def exhaust_silently(run: Run, _caller: str, stream_id: int) -> list[Emitted]:
    """To exhausted, as `get_stream` may do."""
    run.put(run.stream(stream_id), status=Status.EXHAUSTED)
    return []


def drop_pause_record(run: Run, _caller: str, stream_id: int) -> list[Emitted]:
    """PauseHistory loses its last record."""
    require(bool(run.state.histories.get(stream_id)), "no record to lose")
    run.state.drop_pause(run.ledger, stream_id)
    return []


def end_life(run: Run, _caller: str, stream_id: int, ledgers: int) -> list[Emitted]:
    """The stream's entries live so many more ledgers; 0: they are archived at once."""
    require(stream_id in run.state.streams, "stream not found")
    run.state.put_live_until(stream_id, run.ledger + ledgers if ledgers else 0)
    return []
