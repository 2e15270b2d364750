"""Facts made by hand: a small vocabulary for tests, with legal ids and times."""

from domain import facts

CONTRACT = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC"
EMPLOYER = "GBRPYHIL2CI3FNQ4BXLFMNDLFJUNPU2HY3ZMFSHONUCEOASW7QC7OX2H"
EMPLOYEE = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"
OTHER = "GCEZWKCA5VLDNRLN3RPRJMRZOX3Z6G5CHCGSNFHEYVXM3XOJMDS674JZ"
GENESIS = 1_784_655_000


def event_id(ledger: int, index: int = 0, tx: int = 1, op: int = 0) -> str:
    """The RPC's id for an event: TOID of ledger, transaction and operation, then the event index."""
    return f"{ledger << 32 | tx << 12 | op:019d}-{index:010d}"


def place(ledger: int, index: int = 0) -> dict[str, object]:
    """The chain fields of a fact in this ledger; ledgers close every five seconds."""
    return {
        "event_id": event_id(ledger, index),
        "closed_at": GENESIS + ledger * 5,
        "ledger": ledger,
        "tx_hash": f"{ledger:064x}",
        "order": "",
        "contract_id": CONTRACT,
    }


def created(ledger: int, index: int = 0, stream_id: int = 7, employee: str = EMPLOYEE):
    return facts.StreamCreated(
        **place(ledger, index), stream_id=stream_id, employer=EMPLOYER, employee=employee
    )


def paused(ledger: int, index: int = 0, stream_id: int = 7, employee: str | None = EMPLOYEE):
    return facts.StreamPaused(
        **place(ledger, index), stream_id=stream_id, employer=EMPLOYER, employee=employee
    )


def resumed(ledger: int, index: int = 0, stream_id: int = 7, employee: str | None = EMPLOYEE):
    return facts.StreamResumed(
        **place(ledger, index), stream_id=stream_id, employer=EMPLOYER, employee=employee
    )


def cancelled(ledger: int, index: int = 0, stream_id: int = 7, **changes):
    data = {"stream_id": stream_id, "employer": EMPLOYER, "employee": EMPLOYEE} | changes
    return facts.StreamCancelled(**place(ledger, index), **data)


def transferred(ledger: int, index: int = 0, stream_id: int = 7, to: str = OTHER):
    return facts.EmployeeTransferred(
        **place(ledger, index), stream_id=stream_id, previous=EMPLOYEE, employee=to
    )


def contract_pause(ledger: int, index: int = 0, *, value: bool = True):
    return facts.ContractPauseSet(**place(ledger, index), paused=value)


def stored_pause(
    ledger: int, k: int = 0, at: int = 0, stream_id: int = 7, *, is_pause: bool = True
):
    """A record of the contract's PauseHistory vector at place `at`, closed in that ledger's second."""
    closed_at = GENESIS + ledger * 5
    kind = facts.StreamPaused if is_pause else facts.StreamResumed
    return kind(
        event_id=f"storage:{CONTRACT}:{stream_id}:{int(is_pause)}:{closed_at}:{k}",
        closed_at=closed_at,
        ledger=ledger,
        tx_hash="",
        order=f"~{at:010d}",
        contract_id=CONTRACT,
        stream_id=stream_id,
    )
