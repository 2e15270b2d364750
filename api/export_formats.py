"""Pauses as files: rows in, chunks of bytes out, in constant memory and always the same for the same rows.

CSV is RFC 4180 with a header line. A text that a spreadsheet would take for a formula (it begins with
`=`, `+`, `-`, `@`, a tab or a line break) gets a `'` before it, as OWASP advises; numbers are written by
us and stay. NDJSON has one object a line, Parquet a row group per 10,000 rows.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final

import msgspec

from api.chain_rows import pause_members
from api.shown import digits
from projections.pauses import PauseRow

Rows = Iterable[Any]

COLUMNS: Final = (
    "contract_id",
    "stream_id",
    "employer",
    "employee",
    "id",
    "paused_at",
    "resumed_at",
    "duration_seconds",
    "open",
    "start_known",
    "ended_by",
    "start_ledger",
    "end_ledger",
    "start_tx_hash",
    "end_tx_hash",
    "start_event_id",
    "end_event_id",
    "paused_by",
    "paused_by_role",
)
_ROWS_PER_CHUNK: Final = 500
_ROWS_PER_GROUP: Final = 10_000
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_PAUSE_COLUMNS: Final = len(PauseRow._fields)


def members(row: Any) -> dict[str, Any]:
    """A row of projections.pause_list as exports show it, in the order of COLUMNS."""
    pause = PauseRow(*row[:_PAUSE_COLUMNS])
    said = pause_members(pause) | {
        "contract_id": pause.contract_id,
        "stream_id": digits(pause.stream_id),
        "employer": row.employer,
        "employee": row.employee,
    }
    return {column: said[column] for column in COLUMNS}


def as_ndjson(rows: Rows) -> Iterator[bytes]:
    """One JSON object a line."""
    encoder = msgspec.json.Encoder()
    for some in _groups(rows, _ROWS_PER_CHUNK):
        yield encoder.encode_lines(some)


def as_csv(rows: Rows) -> Iterator[bytes]:
    """Comma-separated, UTF-8, CRLF."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for some in _groups(rows, _ROWS_PER_CHUNK):
        writer.writerows([_cell(value) for value in row.values()] for row in some)
        yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    chunk = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return chunk


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def as_parquet() -> Callable[[Rows], Iterator[bytes]]:
    """What writes Parquet. Raises ImportError where pyarrow is not installed."""
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {
        bool: ("open", "start_known"),
        int: ("duration_seconds", "start_ledger", "end_ledger"),
        datetime: ("paused_at", "resumed_at"),
    }
    types = {bool: pa.bool_(), int: pa.int64(), datetime: pa.timestamp("ms", tz="UTC")}
    of_column = {column: types[kind] for kind, columns in kinds.items() for column in columns}
    schema = pa.schema([(column, of_column.get(column, pa.string())) for column in COLUMNS])

    def write(rows: Rows) -> Iterator[bytes]:
        sink = _Sink()
        with parquet.ParquetWriter(pa.PythonFile(sink, mode="w"), schema) as writer:
            for some in _groups(rows, _ROWS_PER_GROUP):
                writer.write_table(pa.Table.from_pylist(some, schema=schema))
                yield sink.taken()
        yield sink.taken()

    return write


class _Sink(io.RawIOBase):
    """Takes what a writer writes until it is fetched."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def write(self, part: Any) -> int:
        raw = bytes(part)
        self._parts.append(raw)
        self._at += len(raw)
        return len(raw)

    def taken(self) -> bytes:
        chunk = b"".join(self._parts)
        self._parts.clear()
        return chunk


def _groups(rows: Rows, most: int) -> Iterator[list[dict[str, Any]]]:
    each = iter(rows)
    while some := [members(row) for row in islice(each, most)]:
        yield some
