"""Contacts as a CSV file: every line is checked before anything is believed.

Header `account_id,email,phone,push,language`; push is `ntfy:<topic>` or a web-push subscription as
JSON. Further columns, which may be left out, say what people want (wishes.py). An empty cell says nothing.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TextIO

from domain.errors import InvalidValue
from domain.values import account_id
from notifier.errors import RecipientsInvalid
from notifier.push_places import push_fault
from notifier.wishes import WISHES, wish_faults

HEADER = ("account_id", "email", "phone", "push", "language")

# A dot-atom (RFC 5322 §3.2.3), one @, a domain of labels, IDN included; lengths of RFC 5321 §4.5.3.1.
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_EMAIL = re.compile(
    rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@(?=.{{1,255}}$){_LABEL}(?:\.{_LABEL})*"
)
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164: at most 15 digits
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")  # the shapes of BCP 47 we may ever speak


class ContactLine(NamedTuple):
    """One account and what is known of its places; an empty text is unknown."""

    account_id: str
    email: str = ""
    phone: str = ""
    push: str = ""
    language: str = ""
    time_zone: str = ""
    quiet_hours: str = ""
    urgent_pauses: str = ""
    pauses_only: str = ""
    off: str = ""
    one_by_one: str = ""
    order: str = ""
    digest: str = ""
    digest_at: str = ""

    @property
    def wishes(self) -> dict[str, str]:
        """The cells that say what the person wants, those that say nothing left out."""
        return {name: cell for name in WISHES if (cell := getattr(self, name))}


def read_contacts(file: TextIO) -> list[ContactLine]:
    """All lines of a contacts file. Raises RecipientsInvalid with every fault."""
    rows = csv.DictReader(file, strict=True)
    faults: list[str] = []
    lines: list[ContactLine] = []
    seen: dict[str, int] = {}
    try:
        header = tuple(name.strip().removeprefix("\ufeff") for name in rows.fieldnames or ())
        if sorted(set(header) - set(WISHES)) != sorted(HEADER) or len(set(header)) < len(header):
            wanted = f"{','.join(HEADER)}, and any of {','.join(WISHES)}"
            raise RecipientsInvalid([f"line 1: the header must be {wanted}"])
        rows.fieldnames = header
        for row in rows:
            line, found = _read(row)
            first = seen.setdefault(line.account_id, rows.line_num)
            if first != rows.line_num:
                found.append(f"account_id: already on line {first}")
            faults.extend(f"line {rows.line_num}: {fault}" for fault in found)
            lines.append(line)
    except csv.Error as error:
        faults.append(f"line {rows.reader.line_num}: {error}")
    if faults:
        raise RecipientsInvalid(faults)
    return lines


def write_contacts(lines: Iterable[ContactLine], file: TextIO, *, with_wishes: bool = False) -> int:
    """Write what read_contacts reads; returns the number of accounts."""
    header = HEADER + WISHES if with_wishes else HEADER
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    count = 0
    for line in lines:
        writer.writerow(line[: len(header)])
        count += 1
    return count


def _read(row: dict[str | None, str | None]) -> tuple[ContactLine, list[str]]:
    """One line and what is wrong with it."""
    if None in row or None in row.values():
        cells = len([name for name in row if name is not None])
        return ContactLine(""), [f"{cells} cells are needed, separated by commas"]
    line = ContactLine(**{name: (cell or "").strip() for name, cell in row.items() if name})
    return line, list(_faults(line))


def _faults(line: ContactLine) -> Iterator[str]:
    try:
        account_id(line.account_id)
    except InvalidValue as error:
        yield str(error)
    yield from _place_faults(line)
    if line.language and not _LANGUAGE.fullmatch(line.language):
        yield "language: give a tag such as en or pt-BR"
    yield from wish_faults(line.wishes)


def _place_faults(line: ContactLine) -> Iterator[str]:
    if line.email and not _EMAIL.fullmatch(line.email):
        yield "email: give one address such as ana@example.org"
    if line.phone and not _E164.fullmatch(line.phone):
        yield "phone: give E.164, + and 7 to 15 digits, such as +15550100123"
    if line.push and (fault := push_fault(line.push)):
        yield fault


def destination_fault(channel: str, destination: str) -> str | None:
    """What is wrong with a place on a channel (email, sms, push), if anything."""
    line = {"email": "email", "sms": "phone", "push": "push"}[channel]
    return next(_place_faults(ContactLine("", **{line: destination})), None)
