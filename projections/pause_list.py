"""Every pause of the streams that filters let through, in one order: what exports walk along.

First the pauses of whole contracts, by contract; then those of streams, by contract and stream id; each
in the order of the chain. Both orders follow indexes, so that nothing has to be sorted.
"""

from typing import Any

from sqlalchemy import FromClause, Select, null, select

from projections import contracts, pauses, streams
from projections.reach import EVERYTHING, Reach, searched
from projections.reached import contract_reached
from projections.sets import SetName
from projections.stream_filters import Filters


def of_contracts(name: SetName, wanted: Filters, reach: Reach = EVERYTHING) -> Select[Any]:
    """Contract-wide pauses: columns of PauseRow, then employer and employee, which are NULL."""
    pause, contract = pauses.TABLES[name], contracts.TABLES[name]
    query = select(pause, null().label("employer"), null().label("employee")).join(
        contract, contract.c.originator_id == pause.c.originator_id
    )
    if wanted.contract_id is not None:
        query = query.where(contract.c.contract_id == wanted.contract_id)
    if reach.bounded:
        query = query.where(contract_reached(name, contract.c.contract_id, reach))
    return query.order_by(contract.c.contract_id, pause.c.chain_at, pause.c.place)


def of_streams(name: SetName, wanted: Filters, reach: Reach = EVERYTHING) -> Select[Any]:
    """Pauses of streams: columns of PauseRow, then the stream's employer and employee as of now."""
    pause, table = pauses.TABLES[name], streams.LISTS[name]
    listed: FromClause = searched(table, wanted, reach) if reach.bounded else table
    query = select(pause, listed.c.employer, listed.c.employee).join(
        listed, listed.c.originator_id == pause.c.originator_id
    )
    if not reach.bounded:
        query = query.where(*wanted.conditions(table))
    return query.order_by(listed.c.contract_id, listed.c.stream_id, pause.c.chain_at, pause.c.place)
