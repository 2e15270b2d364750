"""What people want, in an employer's roster and in planning."""

import io
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from notifier import suppression
from notifier.contact_file import HEADER, ContactLine, read_contacts, write_contacts
from notifier.contact_import import export_contacts
from notifier.content import decode_content
from notifier.errors import RecipientsInvalid
from notifier.preferences import CHOSEN_KINDS, DEFAULTS, Preferences, Quiet
from notifier.recipients import private_of
from notifier.schema import delivery, notice
from notifier.wishes import WISHES, cells_of, wish_faults, wished
from notifier.wishing import set_language, set_preferences
from store.clock import now_micros
from store.engine import Database
from tests.fakes import chain
from tests.fakes.planning import World

ALL_DAY_BUT_A_MINUTE = Quiet(0, 1439)
ANA = ContactLine(chain.EMPLOYEE, "ana@example.test", "+15550100001", language="pt-BR")
OFF = (("resumed", "sms"),)
MAILS = tuple((kind, "email") for kind in CHOSEN_KINDS)
FULL = Preferences(
    *("Asia/Kolkata", Quiet(1320, 420), True, True, OFF, True, ("sms", "push")),
    digest=tuple(sorted((*MAILS, ("reminder", "sms")))),
    digest_at=7 * 60 + 30,
)


@pytest.fixture
def world(sqlite_database: Database) -> World:
    return World(sqlite_database)


def wants(world: World, wish: Preferences, account: str = chain.EMPLOYEE) -> None:
    with world.database.begin() as conn:
        assert set_preferences(conn, world.vault, account, wish, language="pt-BR", now=1)


def ways(world: World) -> dict[str, tuple[str, str | None]]:
    """How the employee's deliveries stand, by channel."""
    query = select(delivery).join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)
    return {
        row.channel: (row.state, row.reason)
        for row in world.rows(query.where(notice.c.language == "pt"))
    }


def test_a_channel_that_is_off_is_kept_as_withheld_and_the_inbox_has_all(world: World) -> None:
    world.register(ANA)
    wants(world, Preferences(off=(("paused", "sms"),)))
    world.record(chain.paused(100))
    world.plan()
    assert ways(world) == {
        "in_app": ("delivered", None),
        "email": ("pending", None),
        "sms": ("suppressed", "preference"),
    }


def test_a_suppressed_place_stays_suppressed_whatever_is_wanted(world: World) -> None:
    world.register(ANA)
    wants(world, Preferences(off=(("paused", "sms"),)))
    lookup = world.vault.destination_lookup("sms", ANA.phone)
    with world.database.begin() as conn:
        suppression.put(conn, "sms", lookup, "stop", source="test", at=1)
    world.record(chain.paused(100))
    world.plan()
    assert ways(world)["sms"] == ("suppressed", "stop")


def test_in_quiet_hours_what_rings_is_held_and_stays_fresh(world: World) -> None:
    world.register(ANA)
    wants(world, Preferences(quiet=ALL_DAY_BUT_A_MINUTE))
    world.record(chain.paused(100))
    before = now_micros()
    world.plan()
    assert ways(world)["email"] == ("pending", None)
    (row,) = world.rows(select(delivery).where(delivery.c.channel == "sms"))
    if row.state == "held":  # one minute of the day is not quiet
        assert before < row.available_at <= before + 24 * 3600 * 1_000_000
        assert row.deadline_at > row.available_at


def test_what_is_stale_is_not_held_but_over(sqlite_database: Database) -> None:
    world = World(sqlite_database, {"email": 10**12, "sms": 1800})
    world.register(ANA)
    wants(world, Preferences(quiet=ALL_DAY_BUT_A_MINUTE))
    world.record(chain.paused(100))
    world.plan()
    assert ways(world)["sms"] == ("expired", "stale")


def test_words_are_told_in_the_wanted_zone_and_region(world: World) -> None:
    world.register(ANA)
    wants(world, Preferences(time_zone="America/Sao_Paulo"))
    world.record(chain.paused(100))
    world.plan()
    (row,) = world.rows(select(notice).where(notice.c.language == "pt"))
    content = decode_content(row.content)
    assert (content.time_zone, content.locale) == ("America/Sao_Paulo", "pt-BR")


def test_setting_a_language_keeps_the_preferences(world: World) -> None:
    wants(world, FULL)
    with world.database.begin() as conn:
        assert set_language(conn, world.vault, chain.EMPLOYEE, "hi", 2)
        private = private_of(conn, world.vault, chain.EMPLOYEE)
    assert (private.language, private.preferences) == ("hi", FULL)


def test_people_stored_before_there_were_preferences_have_the_defaults() -> None:
    from notifier.recipients import Private

    earlier = msgspec.msgpack.encode({"account_id": "G", "language": "de"})
    assert msgspec.msgpack.decode(earlier, type=Private).preferences == DEFAULTS


def file_of(*rows: str, header: str = ",".join(HEADER + WISHES)) -> io.StringIO:
    return io.StringIO("\n".join((header, *rows)) + "\n")


def test_a_roster_says_what_people_want_and_reads_back(world: World) -> None:
    wishes = "Asia/Kolkata,22:00-07:00,yes,yes,resumed:sms,yes,sms push,email reminder:sms,07:30"
    row = f"{chain.EMPLOYEE},ana@example.test,,,de,{wishes}"
    world.register(*read_contacts(file_of(row)))
    out = io.StringIO()
    with world.database.read() as conn:
        assert private_of(conn, world.vault, chain.EMPLOYEE).preferences == FULL
        lines = list(export_contacts(conn, world.vault, with_wishes=True))
        write_contacts(lines, out, with_wishes=True)
    assert out.getvalue().splitlines()[1] == row
    old = io.StringIO()
    write_contacts(lines, old)
    assert old.getvalue().splitlines() == [
        ",".join(HEADER),
        f"{chain.EMPLOYEE},ana@example.test,,,de",
    ]


def test_an_old_file_and_empty_cells_change_no_wish(world: World) -> None:
    wants(world, FULL)
    old = file_of(f"{chain.EMPLOYEE},ana@example.test,,,de", header=",".join(HEADER))
    world.register(*read_contacts(old))
    world.register(*read_contacts(file_of(f"{chain.EMPLOYEE},,,,,,,,no,,,,,")))
    with world.database.read() as conn:
        private = private_of(conn, world.vault, chain.EMPLOYEE)
    assert private.preferences == msgspec.structs.replace(FULL, pauses_only=False)
    assert private.language == "de"


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        ({"time_zone": "Mars/X"}, "time_zone: "),
        ({"quiet_hours": "22-7"}, "quiet_hours: "),
        ({"quiet_hours": "22:00-22:00"}, "give none"),
        ({"urgent_pauses": "maybe"}, "yes or no"),
        ({"off": "paused:fax"}, "kind:channel"),
        ({"off": "paid:sms"}, "kind:channel"),
        ({"one_by_one": "often"}, "one_by_one: give yes, no, or none"),
        ({"order": "sms sms"}, "order: give some of email, push, sms, each once"),
        ({"order": "sms fax"}, "each once"),
        ({"digest": "fax"}, "digest: give kind:channel"),
        ({"digest": "paused:fax"}, "kind:channel"),
        ({"digest_at": "noon"}, "digest_at: 'noon' is no time of day"),
    ],
)
def test_a_wrong_cell_is_named_with_the_way_out(cells: dict[str, str], named: str) -> None:
    (fault,) = wish_faults(cells)
    assert named in fault
    values = ",".join(cells.get(name, "") for name in WISHES)
    with pytest.raises(RecipientsInvalid) as refused:
        read_contacts(file_of(f"{chain.EMPLOYEE},,,,,{values}"))
    assert "line 2" in refused.value.faults[0]


@pytest.mark.parametrize("header", ["account_id,email", ",".join((*HEADER, "shoe")), "off," * 6])
def test_a_wrong_header_is_refused(header: str) -> None:
    with pytest.raises(RecipientsInvalid):
        read_contacts(file_of(header=header))


@pytest.mark.parametrize("wish", [DEFAULTS, FULL, Preferences(one_by_one=False)])
def test_cells_read_back(wish: Preferences) -> None:
    cells: dict[str, Any] = dict(zip(WISHES, cells_of(wish), strict=True))
    assert list(wish_faults(cells)) == []
    assert wished(FULL, cells) == wish
