"""Answers about streams as they stand: which queries of which read models make them."""

from functools import cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select

from api import chain_rows
from api.at_once import found_at_once
from api.beside_pauses import Known, with_beside
from api.dependencies import ApiDependencies
from api.pages import KeyInt, Keyset, KeyText, KeyU64, page
from api.parameters import StreamFilters
from api.pause_schemas import PausesPage
from api.problems import NOT_FOUND, Problem
from api.reading import Listing
from api.schemas import StreamAnswer, StreamsPage, TimelinePage
from domain.state import PAUSED
from domain.values import NetworkId, stream_uuid
from projections import contracts, pauses, stream_pages, streams, timeline
from projections.freshness import freshness
from projections.pauses import PauseRow
from projections.reach import Reach
from projections.reached import contracts_answered
from projections.sets import SetName, active_set
from projections.streams import StreamRow
from store.query import Query

STREAMS: Final = Keyset("streams", tuple[KeyText, KeyU64])
TIMELINE: Final = Keyset("timeline", tuple[KeyInt])
_OF_PAUSE: Final = len(PauseRow._fields)
_WITH_KNOWN: Final = _OF_PAUSE + len(Known._fields)
PAUSES: Final = {
    "asc": Keyset("pauses:asc", tuple[KeyInt, KeyText]),
    "desc": Keyset("pauses:desc", tuple[KeyInt, KeyText]),
}


class StreamKey(NamedTuple):
    """What names a stream to people."""

    contract_id: str
    stream_id: int

    def uuid(self, network: NetworkId) -> UUID:
        """The id of its aggregate."""
        return stream_uuid(network, self.contract_id, self.stream_id)


def streams_page(
    given: ApiDependencies, conn: Connection, reach: Reach, filters: StreamFilters, listed: Listing
) -> StreamsPage:
    """A page of streams, by contract and stream id."""
    last, after, wanted = given.last_serving, STREAMS.after(listed.cursor), filters.model_dump()

    def asked(name: SetName) -> Query:
        return stream_pages.page(name, limit=listed.limit + 1, after=after, reach=reach, **wanted)

    name = active_set(conn) if reach.bounded else last.name
    about = contracts_answered(conn, name, reach, filters.contract_id, given.contracts)
    found = found_at_once(conn, last, about, asked)
    rows, next_cursor = page(
        [streams.entry(row) for row in found.rows],
        listed.limit,
        STREAMS,
        lambda row: (row.contract_id, row.stream_id),
    )
    return StreamsPage(
        items=[chain_rows.stream(row) for row in rows],
        next_cursor=next_cursor,
        **found.freshness._asdict(),
    )


def stream_answer(
    given: ApiDependencies, conn: Connection, reach: Reach, which: StreamKey
) -> StreamAnswer:
    """One stream, and whether its contract is paused. Raises Problem where it is not known."""
    if not reach.may_hold(which.contract_id):
        raise _unknown(which)

    def asked(name: SetName) -> Query:
        query = streams.one(name, *which, reach)
        return Query(_with_contract(query.statement, name), query.values)

    found = found_at_once(conn, given.last_serving, (which.contract_id,), asked)
    if not found.rows:
        raise _unknown(which)
    row = found.rows[0]
    contract = None if row.contract is None else contracts.unfolded(row.contract)
    return StreamAnswer(
        **chain_rows.stream_members(streams.entry(row)),
        contract_paused=contract is not None and contract.status == PAUSED,
        **found.freshness._asdict(),
    )


def pauses_page(
    given: ApiDependencies,
    conn: Connection,
    reach: Reach,
    which: StreamKey,
    listed: Listing,
    order: str,
) -> PausesPage:
    """A page of a stream's pauses, in chain order. Raises Problem where the stream is not known."""
    after = PAUSES[order].after(listed.cursor)

    def asked(name: SetName) -> Query:
        query = pauses.page(
            name,
            which.uuid(given.network),
            limit=listed.limit + 1,
            newest_first=order == "desc",
            after=after,
        )
        return Query(with_beside(query.statement, name), query.values)

    if reach.bounded:
        known_stream(conn, active_set(conn), reach, which)
    found = found_at_once(conn, given.last_serving, (which.contract_id,), asked)
    rows, next_cursor = page(
        [(PauseRow(*row[:_OF_PAUSE]), Known(*row[_OF_PAUSE:_WITH_KNOWN])) for row in found.rows],
        listed.limit,
        PAUSES[order],
        lambda row: (row[0].chain_at, row[0].place),
    )
    if not rows:
        known_stream(conn, found.name, reach, which)
    return PausesPage(
        items=[chain_rows.stream_pause(*row) for row in rows],
        next_cursor=next_cursor,
        **found.freshness._asdict(),
    )


def timeline_page(
    given: ApiDependencies, conn: Connection, reach: Reach, which: StreamKey, listed: Listing
) -> TimelinePage:
    """A page of a stream's events, newest first. Raises Problem where the stream is not known."""
    name = active_set(conn)
    check_reached(conn, name, reach, which)
    after = TIMELINE.after(listed.cursor)
    query = timeline.page(
        name,
        which.uuid(given.network),
        limit=listed.limit + 1,
        after=None if after is None else after[0],
    )
    rows, next_cursor = page(
        conn.execute(*query).all(), listed.limit, TIMELINE, lambda row: (row.rank,)
    )
    if not rows:
        known_stream(conn, name, reach, which)
    return TimelinePage(
        items=[chain_rows.timeline_entry(timeline.entry(row)) for row in rows],
        next_cursor=next_cursor,
        **freshness(conn, name, (which.contract_id,))._asdict(),
    )


def known_stream(conn: Connection, name: SetName, reach: Reach, which: StreamKey) -> StreamRow:
    """The stream's row. Raises Problem where nothing of it was ever seen, or it is beyond reach."""
    row = conn.execute(*streams.one(name, *which, reach)).first()
    if row is None:
        raise _unknown(which)
    return streams.entry(row)


def check_reached(conn: Connection, name: SetName, reach: Reach, which: StreamKey) -> None:
    """Raises Problem where the stream is beyond reach: the same as where it is not known."""
    if reach.bounded:
        known_stream(conn, name, reach, which)


@cache
def _with_contract(one: Select[Any], name: SetName) -> Select[Any]:
    contract = contracts.TABLES[name].c
    about = contract.contract_id == streams.LISTS[name].c.contract_id
    return one.outerjoin(contracts.TABLES[name], about).add_columns(
        contract.folded.label("contract")
    )


def _unknown(which: StreamKey) -> Problem:
    return Problem(NOT_FOUND, f"no stream {which.stream_id} of {which.contract_id} is known")
