"""What the page behind a letter's link shows: each news in the letter's words, and how it stands now."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row

from domain.state import ACTIVE, PAUSED, UNKNOWN
from notifier import inbox
from notifier.content import Content, decode_content
from notifier.languages import locale_for
from notifier.rendering import Renderer
from notifier.wording import UTC_NAME, moment_of
from projections import contracts, streams
from projections.sets import SetName, active_set

CONTRACT_PAUSED: Final = "contract_paused"  # the stream is not, but its whole contract is
_LOOKS: Final = {PAUSED: "paused", CONTRACT_PAUSED: "paused", ACTIVE: "flowing"}


class Shown(NamedTuple):
    """One news. `status`: how it stands, `at`: since when, as its reader writes it.

    `look`: the same for the eye; `place`: where the page shows its history.
    """

    subject: str
    text: str
    status: str
    at: str | None
    look: str
    place: str


def shown(conn: Connection, rows: Sequence[Row[Any]], renderer: Renderer) -> list[Shown]:
    """The news in words, with the state of what each is about as the read models know it."""
    name = active_set(conn)
    found = []
    for row in rows:
        item = inbox.item(row, renderer)
        status, since = _stands(conn, name, item.contract_id, item.stream_id)
        at = None if since is None else _moment(since, decode_content(row.content), row.language)
        look = _LOOKS.get(status, "ended")
        found.append(Shown(item.subject, item.text, status, at, look, _place(item)))
    return found


def _stands(
    conn: Connection, name: SetName, contract_id: str, stream_id: int | None
) -> tuple[str, int | None]:
    """Status and, in unix seconds, since when."""
    found = conn.execute(*contracts.one(name, contract_id)).first()
    whole = None if found is None else contracts.entry(found)
    if stream_id is None:
        return (UNKNOWN, None) if whole is None else (whole.status, whole.status_at)
    row = conn.execute(*streams.one(name, contract_id, stream_id)).first()
    if row is None:
        return UNKNOWN, None
    stream = streams.entry(row)
    if stream.status == ACTIVE and whole is not None and whole.status == PAUSED:
        return CONTRACT_PAUSED, whole.paused_since
    since = stream.paused_since if stream.status == PAUSED else stream.status_at
    return stream.status, since


def _moment(since: int, content: Content, language: str) -> str:
    way = content.locale or locale_for(language)
    return moment_of(since, content.time_zone or UTC_NAME, way, exact=False)


def _place(item: inbox.InboxItem) -> str:
    if item.stream_id is None:
        return "#/streams"
    return f"#/stream/{item.contract_id}/{item.stream_id}"
