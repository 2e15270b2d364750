"""Recipients and their keys: who is behind an account, sealed, and found again."""

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import select, update

from notifier import privacy
from notifier.contact_file import ContactLine
from notifier.contact_import import import_contacts
from notifier.privacy import Vault
from notifier.recipients import Roster, recipient_of
from notifier.schema import contact, recipient
from store.engine import Database
from tests.fakes.chain import EMPLOYEE, EMPLOYER

VAULT = Vault(bytes(32))
GOLDEN = (
    "035c7b8c2d0d4eb2ad71fd0ca4753eda622e05db2cdae0e2cf7c1daa3abec309",
    "85990d7d08ad9a76c56457798913187826e1ec9cedf4edd66cf29721c22fd236",
    "f34951e943f0d8ece5422b103a551d10",
    "36e878a1-de2f-85f6-ae74-53c3d8cca24f",
    "9573fb67-d46c-d3f6-0a85-5ce9657bb2c1",
)


def test_a_sealed_value_opens_only_under_its_key_and_in_its_row() -> None:
    key = privacy.new_key()
    sealed = privacy.seal(key, b"ana@example.org", "contact:1")
    assert b"ana" not in sealed
    assert privacy.unseal(key, sealed, "contact:1") == b"ana@example.org"
    with pytest.raises(InvalidTag):
        privacy.unseal(key, sealed, "contact:2")
    with pytest.raises(InvalidTag):
        privacy.unseal(privacy.new_key(), sealed, "contact:1")


def test_a_wrapped_key_is_bound_to_its_recipient_and_to_the_master_key() -> None:
    key = privacy.new_key()
    wrapped = VAULT.wrap(key, "aa")
    assert VAULT.unwrap(wrapped, "aa") == key
    with pytest.raises(InvalidTag):
        VAULT.unwrap(wrapped, "bb")
    with pytest.raises(InvalidTag):
        Vault(bytes([1] * 32)).unwrap(wrapped, "aa")


def test_ids_and_lookups_never_change() -> None:
    """Stored rows and the log are found by these: golden values."""
    key = bytes(range(32))
    notice = privacy.notice_id(key, "net", "event-1", "paused")
    assert (
        VAULT.account_lookup(EMPLOYEE),
        VAULT.destination_lookup("email", "ana@example.org"),
        privacy.recipient_id(key, EMPLOYEE),
        str(notice),
        str(privacy.delivery_id(notice, "email", "-")),
    ) == GOLDEN


def test_what_names_a_notice_cannot_be_shifted_between_its_parts() -> None:
    key = privacy.new_key()
    assert privacy.notice_id(key, "n", "a", "bc") != privacy.notice_id(key, "n", "ab", "c")


def test_an_account_nobody_registered_has_a_recipient_and_keeps_it(
    sqlite_database: Database,
) -> None:
    with sqlite_database.begin() as conn:
        first = Roster(VAULT).meet(conn, [EMPLOYEE, EMPLOYER, EMPLOYEE], 1)
        second = Roster(VAULT).meet(conn, [EMPLOYER, EMPLOYEE], 2)
        assert len(conn.execute(select(recipient)).all()) == 2
    assert first == second
    assert first[EMPLOYEE].recipient_id != first[EMPLOYER].recipient_id
    assert first[EMPLOYEE].contacts == ()


def test_no_account_and_no_destination_stands_in_clear(sqlite_database: Database) -> None:
    import_contacts(
        sqlite_database, VAULT, [ContactLine(EMPLOYEE, "ana@example.org", "+15550100123")]
    )
    with sqlite_database.read() as conn:
        stored = repr(conn.execute(select(recipient)).all() + conn.execute(select(contact)).all())
    for secret in (EMPLOYEE, "ana@example.org", "+15550100123"):
        assert secret not in stored


def test_a_recipient_comes_with_verified_contacts_only(sqlite_database: Database) -> None:
    line = ContactLine(EMPLOYEE, "ana@example.org", "+15550100123", "ntfy:ana", "pt-BR")
    import_contacts(sqlite_database, VAULT, [line])
    with sqlite_database.begin() as conn:
        conn.execute(update(contact).where(contact.c.channel == "sms").values(verified_at=None))
        person = Roster(VAULT).meet(conn, [EMPLOYEE], 1)[EMPLOYEE]
    assert {place.channel for place in person.contacts} == {"email", "push"}
    assert person.language == "pt-BR"


def test_a_recipient_is_found_by_account(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        assert conn.scalar(recipient_of(VAULT, EMPLOYEE)) is None
        made = Roster(VAULT).meet(conn, [EMPLOYEE], 1)[EMPLOYEE]
        assert conn.scalar(recipient_of(VAULT, EMPLOYEE)) == made.recipient_id


def test_a_roster_does_not_keep_what_a_rolled_back_transaction_made(
    sqlite_database: Database,
) -> None:
    roster = Roster(VAULT)

    def make_and_fail() -> None:
        with sqlite_database.begin() as conn:
            roster.meet(conn, [EMPLOYEE], 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make_and_fail()
    with sqlite_database.begin() as conn:
        person = roster.meet(conn, [EMPLOYEE], 1)[EMPLOYEE]
        assert conn.scalar(select(recipient.c.recipient_id)) == person.recipient_id
