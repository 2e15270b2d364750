import pytest

from api import read_log, sessions
from api.access_log import access_log
from api.read_log import Read
from cli.wiring import deployment
from store.clock import now_micros
from tests.fakes.chain import CONTRACT, EMPLOYEE, OTHER

HOUR = 3_600_000_000


@pytest.fixture
def known(command):
    """A deployment with three reads: by a key of stream 7 and of the contract, by a session long ago."""
    here = deployment()
    lookup, now = here.vault.account_lookup(EMPLOYEE), now_micros()
    stream, contract = "/v1/streams/{contract_id}/{stream_id}", "/v1/contracts/{contract_id}"
    with here.migrated_database().begin() as conn:
        read_log.add(
            conn,
            [
                Read(now - HOUR, "key1", None, stream, CONTRACT, 7, None, 200, "203.0.113.7"),
                Read(now - 2 * HOUR, "key1", None, contract, CONTRACT, None, None, 404, None),
                Read(
                    now - 1_000 * HOUR, "session_1", lookup, "/v1/me", None, None, None, 200, None
                ),
            ],
        )
    return command


@pytest.mark.parametrize(
    ("options", "actors"),
    [
        ((), ["key1", "key1"]),
        (("--since", "90m"), ["key1"]),
        (("--since", "90d"), ["key1", "key1", "session_1"]),
        (("--since", "90d", "--key", "session_1"), ["session_1"]),
        (("--since", "90d", "--account", EMPLOYEE), ["session_1"]),
        (("--since", "90d", "--account", OTHER), []),
        (("--stream", f"{CONTRACT}/7"), ["key1"]),
        (("--stream", CONTRACT), ["key1", "key1"]),
        (("--limit", 1), ["key1"]),
    ],
)
def test_reads_are_listed_newest_first(known, options, actors):
    assert [each["actor"] for each in known.json("access", "list", *options)] == actors


def test_a_read_is_shown_whole(known):
    [read] = known.json("access", "list", "--stream", f"{CONTRACT}/7")
    assert read["at"].endswith("Z")
    assert (read["stream_id"], read["status"], read["client"]) == ("7", 200, "203.0.113.7")
    assert "key1" in known.run("access", "list").stdout


@pytest.mark.parametrize(
    "options",
    [("--stream", "nonsense"), ("--stream", f"{CONTRACT}/x"), ("--account", "me")],
)
def test_what_cannot_be_asked_is_refused_with_the_form(command, options):
    assert options[0] in command.run("access", "list", *options, code=2).stderr


def test_an_account_is_signed_out_everywhere_and_told_who_did(command):
    here = deployment()
    database, vault, now = here.migrated_database(), here.vault, now_micros()
    with database.begin() as conn:
        mine, theirs = (
            [
                sessions.open_session(conn, vault, each, issuer="x", seconds=60, now=now)
                for _ in range(2)
            ]
            for each in (EMPLOYEE, OTHER)
        )
    assert command.json("access", "end-sessions", "--account", EMPLOYEE) == {"ended": 2}
    assert command.json("access", "end-sessions", "--account", EMPLOYEE) == {"ended": 0}
    with database.read() as conn:
        every = [each.session_id for each in (*mine, *theirs)]
        left = sessions.standing(conn, every, now_micros())
        noted = conn.execute(access_log.select()).all()
    assert left == {each.session_id for each in theirs}
    assert {(row.action, row.actor) for row in noted} == {("signed_out", "operator")}
    assert {row.account_lookup for row in noted} == {here.vault.account_lookup(EMPLOYEE)}
