"""The contract's functions that concern the whole contract; each spends an admin nonce."""

from simulator import shapes
from simulator.run import Run, require
from simulator.shapes import Emitted


def pause_contract(run: Run, admin: str) -> list[Emitted]:
    """Stop everything; legal, and emitted again, when already stopped."""
    return _set_paused(run, admin, paused=True)


def unpause_contract(run: Run, admin: str) -> list[Emitted]:
    """Go on; legal, and emitted again, when not stopped."""
    return _set_paused(run, admin, paused=False)


def upgrade(run: Run, admin: str, wasm_hash: str) -> list[Emitted]:
    """New code: only the host tells of it."""
    run.administered(admin)
    old = run.state.config.wasm_hash
    run.state.put_config(run.ledger, wasm_hash=wasm_hash)
    return [shapes.upgraded(old, wasm_hash)]


def set_protocol_fee(run: Run, admin: str, fee_bps: int) -> list[Emitted]:
    """A fee on new deposits; emits nothing."""
    run.administered(admin)
    require(fee_bps <= 100, "E011: fee_bps exceeds maximum of 100")
    run.state.put_config(run.ledger, fee_bps=fee_bps)
    return []


def withdraw_fees(run: Run, admin: str, recipient: str) -> list[Emitted]:
    """Collected fees leave the contract."""
    run.administered(admin)
    amount = run.state.config.fees
    require(amount > 0, "no fees")
    run.state.put_config(run.ledger, fees=0)
    return [shapes.fees_withdrawn(admin, amount, recipient)]


def propose_parameter(run: Run, _proposer: str, _new_value: int) -> list[Emitted]:
    """A governance proposal: its id is no stream's."""
    proposal_id = run.state.config.proposal_count + 1
    run.state.put_config(run.ledger, proposal_count=proposal_id)
    return [shapes.proposal_created(proposal_id)]


def _set_paused(run: Run, admin: str, *, paused: bool) -> list[Emitted]:
    run.administered(admin)
    run.state.put_config(run.ledger, paused=paused)
    return [shapes.contract_paused(paused=paused)]
