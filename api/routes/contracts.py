"""Contracts: the contract-wide pause and its history, and which ledgers were scanned."""

from fastapi import APIRouter
from starlette.responses import Response

from api.contract_answers import contract_answer, contract_pauses
from api.contract_schemas import ContractAnswer, ContractPausesPage
from api.dependencies import KEYED
from api.parameters import ContractIdPath, PauseOrder
from api.problems import INVALID_CURSOR, NOT_FOUND, documented
from api.reading import ChainReading, Listed

router = APIRouter(prefix="/v1/contracts", tags=["contracts"], responses=KEYED)


@router.get(
    "/{contract_id}",
    summary="A contract",
    response_model=ContractAnswer,
    responses=documented(NOT_FOUND),
)
async def contract(reading: ChainReading, contract_id: ContractIdPath) -> Response:
    """Whether the whole contract is paused, since when, and how completely we know."""
    given = reading.given
    return await reading.answer(
        lambda conn: contract_answer(given, conn, reading.reach, contract_id)
    )


@router.get(
    "/{contract_id}/pauses",
    summary="A contract's own pauses",
    response_model=ContractPausesPage,
    responses=documented(INVALID_CURSOR, NOT_FOUND),
)
async def contract_wide_pauses(
    reading: ChainReading, contract_id: ContractIdPath, listed: Listed, order: PauseOrder = "desc"
) -> Response:
    """Every interval in which the whole contract stood still, in the order of the chain."""
    given = reading.given
    return await reading.answer(
        lambda conn: contract_pauses(given, conn, reading.reach, contract_id, listed, order)
    )
