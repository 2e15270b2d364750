"""Events of any shape, emitted in the name of any contract: what other pay-stream contracts would say.

A script stands for a contract that the simulator does not run. What it emits is on the chain like every
other event; the truth file, which is about PayStream, says nothing of it.
"""

from collections.abc import Sequence

from simulator.calls import Call
from simulator.run import Run
from simulator.shapes import Emitted


def emission(
    caller: str, contract_id: str, topics: Sequence[str], value: str, kind: str = "contract"
) -> Call:
    """The call to submit. `topics`, `value`: base64 ScVals; `kind`: contract or system."""
    return Call("emit", (caller, contract_id, kind, list(topics), value))


def emit(  # as the call's arguments come
    _run: Run, _caller: str, contract_id: str, kind: str, topics: Sequence[str], value: str
) -> list[Emitted]:
    """Emit the event as it is scripted."""
    return [Emitted("scripted", None, tuple(topics), value, {}, type=kind, contract_id=contract_id)]
