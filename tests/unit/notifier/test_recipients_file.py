"""The contacts file: checked line by line, written whole or not at all, and read back the same."""

import io
import json

import pytest
from sqlalchemy import select

from notifier import contact_import
from notifier.contact_file import ContactLine, read_contacts, write_contacts
from notifier.contact_import import Imported, export_contacts, import_contacts
from notifier.erasure import erase
from notifier.errors import RecipientsInvalid
from notifier.privacy import Vault
from notifier.schema import contact
from simulator.catchers.web_push_keys import subscription_keys
from store.engine import Database
from tests.fakes.chain import EMPLOYEE, EMPLOYER, OTHER

VAULT = Vault(bytes(32))
HEADER = "account_id,email,phone,push,language\n"
WEB_PUSH = json.dumps({"endpoint": "https://push.example/x", "keys": subscription_keys("ana")})


def read(text: str) -> list[ContactLine]:
    return read_contacts(io.StringIO(text))


def faults(text: str) -> tuple[str, ...]:
    with pytest.raises(RecipientsInvalid) as caught:
        read(text)
    return caught.value.faults


def exported(database: Database) -> list[ContactLine]:
    with database.read() as conn:
        return sorted(export_contacts(conn, VAULT))


def test_a_good_file_is_read_whatever_the_order_of_its_columns() -> None:
    quoted = WEB_PUSH.replace('"', '""')
    text = (
        "\ufeffemail,account_id, phone,push,language\r\n"
        f'ana@example.org,{EMPLOYEE},+15550100123,"{quoted}",pt-BR\r\n'
        "\r\n"
        f"pay+roll@müller.example,{EMPLOYER},,ntfy:pay_roll-1,\r\n"
    )
    assert read(text) == [
        ContactLine(EMPLOYEE, "ana@example.org", "+15550100123", WEB_PUSH, "pt-BR"),
        ContactLine(EMPLOYER, "pay+roll@müller.example", "", "ntfy:pay_roll-1", ""),
    ]


def test_all_faults_are_listed_with_their_lines() -> None:
    found = faults(
        HEADER
        + f"{EMPLOYEE},not an address,5550100123,ntfy:a b,English\n"
        + "GABC,,,,\n"
        + f"{EMPLOYER},a@example.org\n"
        + f"{EMPLOYEE},,,,\n"
    )
    places = [fault.split(":")[0] for fault in found]
    assert places == ["line 2"] * 4 + ["line 3", "line 4", "line 5"]
    assert "email" in found[0]
    assert "phone" in found[1]
    assert "push" in found[2]
    assert "language" in found[3]
    assert "account_id" in found[4]
    assert "5 cells" in found[5]
    assert "already on line 2" in found[6]


@pytest.mark.parametrize(
    "email",
    ["a@b@example.org", "a b@example.org", "@example.org", "a@", "a@-x.org", "a@x..org",
     "a\x00@x.org", "a@x.org>", "<a@x.org", 'x" <a@x.org', "é@x.org", "a" * 65 + "@x.org", "a,b@x.org"],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused(email: str) -> None:
    buffer = io.StringIO()
    write_contacts([ContactLine(EMPLOYEE, email)], buffer)
    assert any("email" in fault for fault in faults(buffer.getvalue()))


@pytest.mark.parametrize("phone", ["+0555010012", "+1555", "+1 555 0100123", "+1234567890123456"])
def test_what_is_not_e164_is_refused(phone: str) -> None:
    assert "phone" in faults(f"{HEADER}{EMPLOYEE},,{phone},,\n")[0]


@pytest.mark.parametrize(
    "push",
    ["ntfy:", "ntfy:" + "a" * 65, "{}", "[1]", "mailto:x", json.dumps({"endpoint": "https://x"}),
     WEB_PUSH.replace("https", "http")],
)  # fmt: skip
def test_what_is_no_push_destination_is_refused(push: str) -> None:
    buffer = io.StringIO()
    write_contacts([ContactLine(EMPLOYEE, push=push)], buffer)
    assert "push" in faults(buffer.getvalue())[0]


@pytest.mark.parametrize("text", ["", "account_id,email\n", HEADER.replace("push", "pager")])
def test_another_header_is_refused(text: str) -> None:
    assert "header" in faults(text)[0]


def test_a_broken_quote_is_a_fault_with_its_line() -> None:
    assert faults(f'{HEADER}{EMPLOYEE},"a"b@example.org,,,\n')[0].startswith("line 2:")


def test_an_import_reads_back_as_it_was(sqlite_database: Database) -> None:
    lines = [
        ContactLine(EMPLOYEE, "ana@example.org", "+15550100123", WEB_PUSH, "pt-BR"),
        ContactLine(EMPLOYER, "", "", "ntfy:payroll", "en"),
    ]
    assert import_contacts(sqlite_database, VAULT, lines) == Imported(2, 0, 0)
    assert exported(sqlite_database) == sorted(lines)
    buffer = io.StringIO()
    assert write_contacts(exported(sqlite_database), buffer) == 2
    assert sorted(read(buffer.getvalue())) == sorted(lines)


def test_the_same_file_twice_changes_nothing(sqlite_database: Database) -> None:
    lines = [ContactLine(EMPLOYEE, "ana@example.org", "+15550100123", "ntfy:ana", "pt")]
    import_contacts(sqlite_database, VAULT, lines)
    with sqlite_database.read() as conn:
        before = conn.execute(select(contact)).all()
    import_contacts(sqlite_database, VAULT, lines)
    with sqlite_database.read() as conn:
        assert conn.execute(select(contact)).all() == before


def test_a_new_place_replaces_the_old_one_and_an_empty_cell_changes_nothing(
    sqlite_database: Database,
) -> None:
    import_contacts(
        sqlite_database, VAULT, [ContactLine(EMPLOYEE, "old@x.org", "+15550100123", "", "pt")]
    )
    import_contacts(sqlite_database, VAULT, [ContactLine(EMPLOYEE, "new@x.org")])
    assert exported(sqlite_database) == [
        ContactLine(EMPLOYEE, "new@x.org", "+15550100123", "", "pt")
    ]


def test_many_lines_are_written_in_bounded_transactions_with_progress(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_import, "LINES_PER_TRANSACTION", 2)
    lines = [ContactLine(account, "a@x.org") for account in (EMPLOYEE, EMPLOYER, OTHER)]
    done: list[int] = []
    import_contacts(sqlite_database, VAULT, lines, done.append)
    assert done == [2, 3]
    assert len(exported(sqlite_database)) == 3


def test_an_erased_account_stays_forgotten(sqlite_database: Database) -> None:
    line = ContactLine(EMPLOYEE, "ana@example.org")
    import_contacts(sqlite_database, VAULT, [line])
    with sqlite_database.begin() as conn:
        assert erase(conn, VAULT, EMPLOYEE, 5).fresh
    assert import_contacts(sqlite_database, VAULT, [line]) == Imported(0, 1, 0)
    assert exported(sqlite_database) == []
