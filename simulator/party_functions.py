"""The contract's functions that change who a stream belongs to and who may manage it."""

from simulator import shapes
from simulator.run import Run, require
from simulator.shapes import Emitted


def transfer_stream(run: Run, employee: str, stream_id: int, new: str) -> list[Emitted]:
    """The employee hands the right to be paid to another account."""
    stream = run.stream(stream_id)
    require(stream.employee == employee, "not authorized")
    require(stream.live, "stream already ended")
    require(new not in {employee, stream.employer}, "E010: employer and employee must differ")
    run.put(stream, employee=new)
    return [shapes.transferred(stream_id, employee, new)]


def set_delegate(run: Run, employer: str, stream_id: int, delegate: str | None) -> list[Emitted]:
    """Let another account pause, resume and top up; None revokes it."""
    run.put(run.employed(employer, stream_id), delegate=delegate)
    return [shapes.delegate_set(stream_id, delegate)]


def propose_employer_transfer(run: Run, employer: str, stream_id: int, new: str) -> list[Emitted]:
    """Offer the stream to another employer."""
    run.employed(employer, stream_id)
    run.state.put_pending_employer(run.ledger, stream_id, new)
    return [shapes.employer_proposed(stream_id, employer, new)]


def accept_employer_transfer(run: Run, new: str, stream_id: int) -> list[Emitted]:
    """The proposed employer takes over."""
    stream = run.stream(stream_id)
    pending = run.state.pending_employers.get(stream_id)
    require(pending == new, "E013: not the pending employer for this stream")
    run.state.put_pending_employer(run.ledger, stream_id, None)
    run.put(stream, employer=new)
    return [shapes.employer_accepted(stream_id, stream.employer, new)]
