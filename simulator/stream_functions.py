"""The contract's functions that create, stop, pay and end a stream.

Source: PayStream `contracts/stream/src/lib.rs`. Pausing does not look at the contract-wide flag
there, and `reclaim_expired` emits "cancelled" while it stores Exhausted: both are kept.
"""

from typing import Any, NamedTuple

from simulator import shapes
from simulator.run import I128_MAX, Run, require
from simulator.shapes import Emitted
from simulator.state import PauseRecord, Status, Stream

_DAY = 24 * 3600


class Terms(NamedTuple):
    """What a stream is created with; `stop_time` 0 = no end."""

    employer: str
    employee: str
    token: str
    deposit: int
    rate: int
    stop_time: int


def create_stream(run: Run, *terms: Any) -> list[Emitted]:
    """A new stream on these Terms under the next id."""
    stream_id = run.state.config.stream_count + 1
    run.state.put_config(run.ledger, stream_count=stream_id)
    return _begin(run, stream_id, Terms(*terms))


def import_stream(run: Run, *terms_and_id: Any) -> list[Emitted]:
    """A new stream on these Terms under a given id."""
    *terms, stream_id = terms_and_id
    return _begin(run, stream_id, Terms(*terms))


def _begin(run: Run, stream_id: int, terms: Terms) -> list[Emitted]:
    config = run.state.config
    require(not config.paused, "contract is paused")
    require(stream_id not in run.state.streams, "stream exists")
    require(terms.employer != terms.employee, "E010: employer and employee must differ")
    require(config.min_deposit <= terms.deposit <= I128_MAX, "E007: deposit below minimum")
    require(0 < terms.rate <= I128_MAX, "E001: rate_per_second must be greater than zero")
    lasts = terms.stop_time == 0 or terms.stop_time > run.now
    require(lasts, "E016: stop_time must be in the future")
    fee = terms.deposit * config.fee_bps // 10_000
    stream = Stream(
        id=stream_id,
        employer=terms.employer,
        employee=terms.employee,
        token=terms.token,
        deposit=terms.deposit - fee,
        rate_per_second=terms.rate,
        start_time=run.now,
        stop_time=terms.stop_time,
        last_withdraw_time=run.now,
    )
    run.put(stream)
    parties = (terms.employer, terms.employee)
    own = run.cast.contract_id
    emitted = [
        shapes.token_transferred(terms.token, terms.employer, own, terms.deposit),
        shapes.created(stream_id, *parties, rate=terms.rate, fee_bps=config.fee_bps),
    ]
    if fee:
        run.state.put_config(run.ledger, fees=config.fees + fee)
        emitted.append(shapes.fee_collected(stream_id, fee, run.cast.treasury))
    return emitted


def pause_stream(run: Run, caller: str, stream_id: int) -> list[Emitted]:
    """Active to paused, by the employer or the delegate."""
    return _pause(run, run.managed(caller, stream_id))


def pause_unchecked(run: Run, _caller: str, stream_id: int) -> list[Emitted]:
    """As pause_stream, by anybody: a faulty contract's."""
    return _pause(run, run.stream(stream_id))


def _pause(run: Run, stream: Stream) -> list[Emitted]:
    require(stream.status is not Status.PAUSED, "E016: stream is already paused")
    require(stream.status is Status.ACTIVE, "stream not active")
    run.put(stream, status=Status.PAUSED, paused_at=run.now)
    run.state.add_pause(run.ledger, stream.id, PauseRecord(run.now, is_pause=True))
    return [shapes.paused(stream.id, stream.employer, stream.employee, run.now)]


def resume_stream(run: Run, caller: str, stream_id: int) -> list[Emitted]:
    """Paused to active; the paused time earns nothing."""
    stream = run.managed(caller, stream_id)
    require(stream.status is not Status.ACTIVE, "E017: stream is not paused")
    require(stream.status is Status.PAUSED, "stream not paused")
    moved = stream.last_withdraw_time + run.now - stream.paused_at
    run.put(stream, status=Status.ACTIVE, paused_at=0, last_withdraw_time=moved)
    run.state.add_pause(run.ledger, stream_id, PauseRecord(run.now, is_pause=False))
    return [shapes.resumed(stream_id, stream.employer, stream.employee, run.now)]


def cancel_stream(run: Run, employer: str, stream_id: int) -> list[Emitted]:
    """Active or paused to cancelled."""
    return _end(run, run.employed(employer, stream_id), Status.CANCELLED)


def reclaim_expired(run: Run, employer: str, stream_id: int) -> list[Emitted]:
    """After the stop time: the rest goes back, the stream is exhausted."""
    stream = run.employed(employer, stream_id)
    require(0 < stream.stop_time <= run.now, "stream has not expired")
    return _end(run, stream, Status.EXHAUSTED)


def withdraw(run: Run, employee: str, stream_id: int) -> list[Emitted]:
    """The employee takes what is earned; nothing earned emits nothing."""
    stream = run.stream(stream_id)
    require(not run.state.config.paused, "contract is paused")
    require(stream.employee == employee, "not authorized")
    require(stream.status in {Status.ACTIVE, Status.EXHAUSTED}, "stream not active")
    amount = stream.claimable(run.now)
    if amount == 0:
        return []
    withdrawn = stream.withdrawn + amount
    status = Status.EXHAUSTED if withdrawn >= stream.deposit else stream.status
    run.put(stream, withdrawn=withdrawn, last_withdraw_time=run.now, status=status)
    return [
        shapes.token_transferred(stream.token, run.cast.contract_id, employee, amount),
        shapes.withdrawn(stream_id, employee, amount),
        *_near_exhaustion(run.stream(stream_id)),
    ]


def top_up(run: Run, caller: str, stream_id: int, amount: int) -> list[Emitted]:
    """The deposit grows."""
    stream = run.managed(caller, stream_id)
    require(amount > 0, "E002: deposit must be positive")
    require(stream.status is not Status.CANCELLED, "E005: cannot top up a cancelled stream")
    require(stream.status is not Status.EXHAUSTED, "E006: cannot top up an exhausted stream")
    require(stream.deposit + amount <= I128_MAX, "deposit overflow")
    run.put(stream, deposit=stream.deposit + amount)
    return [
        shapes.token_transferred(stream.token, caller, run.cast.contract_id, amount),
        shapes.topped_up(stream_id, stream.employer, amount),
    ]


def update_rate(run: Run, employer: str, stream_id: int, rate: int) -> list[Emitted]:
    """A new rate for an active stream."""
    stream = run.employed(employer, stream_id)
    require(0 < rate <= I128_MAX, "E001: rate_per_second must be greater than zero")
    require(stream.status is Status.ACTIVE, "stream not active")
    withdrawn = stream.withdrawn + stream.claimable(run.now)
    run.put(stream, rate_per_second=rate, withdrawn=withdrawn, last_withdraw_time=run.now)
    return [shapes.rate_changed(stream_id, stream.rate_per_second, rate)]


def _end(run: Run, stream: Stream, status: Status) -> list[Emitted]:
    require(stream.live, "stream already ended")
    payout = stream.claimable(run.now)
    refund = max(0, stream.deposit - stream.withdrawn - payout)
    run.put(stream, status=status, withdrawn=stream.withdrawn + payout)
    own = run.cast.contract_id
    moved = [
        shapes.token_transferred(stream.token, own, receiver, amount)
        for receiver, amount in ((stream.employee, payout), (stream.employer, refund))
        if amount
    ]
    parties = (stream.employer, stream.employee)
    return [*moved, shapes.cancelled(stream.id, *parties, refund=refund, payout=payout)]


def _near_exhaustion(stream: Stream) -> list[Emitted]:
    if stream.status is not Status.ACTIVE:
        return []
    seconds_left = (stream.deposit - stream.withdrawn) // stream.rate_per_second
    for days in (1, 7):
        if seconds_left <= days * _DAY:
            return [shapes.near_exhaustion(stream.id, stream.employer, days)]
    return []
