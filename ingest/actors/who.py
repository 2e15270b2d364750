"""The actor of a contract's event: whoever authorized a call on that contract, else its caller.

In:   Invocation (envelope.py), the fact whose actor is wanted
Out:  the candidates, the likeliest first, and the function they had called
Next: seek.py makes a fact of it, the stream judges their role

Soroban checks authorization by address, and the transaction's source may be anybody (a relayer, the one
who pays the fee). So the entries decide. Where several people called the contract in one transaction,
those whose call names the stream's id come alone; who is left is kept, and the role decides among them.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from domain.facts import Fact, StreamFact
from ingest.actors.envelope import Call, Invocation


class Found(NamedTuple):
    """Strkeys of the candidates, each once; `function`: what the first of them had called."""

    actors: tuple[str, ...]
    function: str | None


def actors_of(fact: Fact, invocation: Invocation) -> Found:
    """Who made the event that the fact came from."""
    covering = list(_covering(fact.contract_id, invocation))
    if isinstance(fact, StreamFact):
        covering = [each for each in covering if _names(each[1], fact.stream_id)] or covering
    if covering:
        return Found(_once(address for address, _ in covering), covering[0][1].function)
    root = invocation.root
    if root is None or root.contract_id == fact.contract_id:
        # Called without any authorization being asked for: then whoever submitted it has acted.
        return Found((invocation.source,), None if root is None else root.function)
    # Called by a contract, which needs no entry for itself. The transaction does not say which one, where
    # several call each other: the outermost stands for them.
    return Found((root.contract_id,), root.function)


def _covering(contract_id: str, invocation: Invocation) -> Iterator[tuple[str, Call]]:
    for entry in invocation.authorized:
        for call in entry.calls:
            if call.contract_id == contract_id:
                yield entry.address, call


def _names(call: Call, stream_id: int) -> bool:
    """Whether the stream's id is among the arguments."""
    return any(kind in {"u64", "u32"} and value == stream_id for kind, value in call.arguments)


def _once(strkeys: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(strkeys))
