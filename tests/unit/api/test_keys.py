import pytest

from api import keys
from api.caller import Caller
from api.roles import ROLES
from api.schemas import EMPLOYEE as ACCOUNT
from domain.errors import InvalidValue
from projections.reach import EVERYTHING, Reach
from store.engine import Database
from tests.fakes.chain import CONTRACT

ELSEWHERE = "CA3D5KRYM6CB7OWQ6TWYRR3Z4T7GNZLKERYNZGGA5SOAOPIFY6YQGAXE"


def presented(database: Database, key: str) -> Caller | None:
    query = keys.key_query(key)
    if query is None:
        return None
    with database.read() as conn:
        return keys.caller_of(key, conn.execute(*query).first())


def test_a_new_key_opens_its_scopes_and_is_not_kept(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        made = keys.create_key(conn, name="shop", scopes=[keys.STREAMS_READ, keys.STREAMS_READ])
    assert made.key.startswith(f"pw_{made.id}_")
    assert made.scopes == (keys.STREAMS_READ,)
    caller = presented(sqlite_database, made.key)
    assert caller is not None
    assert (caller.key_id, caller.scopes) == (made.id, {keys.STREAMS_READ})
    with sqlite_database.read() as conn:
        [row] = conn.execute(keys.api_key.select())
    assert made.key not in str(tuple(row))


def test_keys_differ_though_their_names_do_not(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        made = [keys.create_key(conn, name="x", scopes=[keys.OPERATOR]) for _ in range(3)]
        listed = keys.list_keys(conn)
    assert len({each.key for each in made}) == 3
    assert {each.id for each in listed} == {each.id for each in made}
    assert all(each.scopes == (keys.OPERATOR,) and each.revoked_at is None for each in listed)


def test_the_right_id_with_another_secret_opens_nothing(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        made = keys.create_key(conn, name="x", scopes=[keys.OPERATOR])
    forged = made.key[:-1] + ("A" if made.key[-1] != "A" else "B")
    assert presented(sqlite_database, forged) is None


@pytest.mark.parametrize(
    "text", ["", "pw_", "pw__", "pw_0_x", "sk_live_1", "pw_é", "pw_" + "0" * 9999, "\x00", "pw_%00"]
)
def test_what_cannot_be_a_key_asks_the_database_nothing(text: str) -> None:
    assert keys.key_query(text) is None


def test_an_unknown_key_opens_nothing(sqlite_database: Database) -> None:
    assert presented(sqlite_database, f"pw_{'0' * 12}_{'A' * 43}") is None


def test_a_revoked_key_opens_nothing_and_stays_listed(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        made = keys.create_key(conn, name="x", scopes=[keys.OPERATOR])
        assert keys.revoke_key(conn, made.id)
        [first] = keys.list_keys(conn)
        assert keys.revoke_key(conn, made.id)
        assert keys.list_keys(conn) == [first]
    assert first.revoked_at is not None
    assert presented(sqlite_database, made.key) is None


def test_revoking_what_does_not_exist_says_so(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        assert not keys.revoke_key(conn, "nobody")


def test_a_key_for_an_employee_is_bound_to_the_account(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        made = keys.create_key(conn, name="ana", scopes=[keys.EMPLOYEE], account=ACCOUNT)
    caller = presented(sqlite_database, made.key)
    assert caller is not None
    assert caller.account_id == ACCOUNT


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"scopes": []}, "scope"),
        ({"scopes": ["admin"]}, "scope"),
        ({"scopes": [keys.EMPLOYEE]}, "account"),
        ({"account": "GNOBODY"}, "account"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
    ],
)
def test_wrong_wishes_are_refused_by_field(
    sqlite_database: Database, changes: dict[str, str], field: str
) -> None:
    wish = {"name": "x", "scopes": [keys.OPERATOR]} | changes
    with sqlite_database.begin() as conn, pytest.raises(InvalidValue) as refused:
        keys.create_key(conn, **wish)
    assert refused.value.field == field


def test_use_is_noted_once_in_ten_minutes(sqlite_database: Database) -> None:
    start = 1_000_000_000
    with sqlite_database.begin() as conn:
        made = keys.create_key(conn, name="x", scopes=[keys.OPERATOR])
        seen = []
        for now in (start, start + keys.USE_GRAIN_MICROS, start + keys.USE_GRAIN_MICROS + 1):
            keys.note_use(conn, made.id, now)
            seen.append(keys.list_keys(conn)[0].last_used_at)
    assert seen == [start, start, start + keys.USE_GRAIN_MICROS + 1]


def test_a_key_may_be_limited_to_contracts(sqlite_database: Database) -> None:
    wished = [CONTRACT, ELSEWHERE, CONTRACT]
    with sqlite_database.begin() as conn:
        made = keys.create_key(conn, name="x", scopes=[keys.STREAMS_READ], contracts=wished)
        [listed] = keys.list_keys(conn)
    assert made.contracts == listed.contracts == tuple(sorted({CONTRACT, ELSEWHERE}))
    caller = presented(sqlite_database, made.key)
    assert caller is not None
    assert caller.reach == Reach(contracts=made.contracts)


def test_a_key_without_contracts_reaches_everything(sqlite_database: Database) -> None:
    with sqlite_database.begin() as conn:
        made = keys.create_key(conn, name="x", scopes=list(keys.SCOPES), account=ACCOUNT)
    caller = presented(sqlite_database, made.key)
    assert caller is not None
    assert caller.reach == EVERYTHING


@pytest.mark.parametrize("scope", [keys.OPERATOR, keys.AUDIT_READ, keys.EMPLOYEE])
def test_scopes_that_look_at_everything_cannot_be_limited(
    sqlite_database: Database, scope: str
) -> None:
    with sqlite_database.begin() as conn, pytest.raises(InvalidValue, match="limited to contracts"):
        keys.create_key(
            conn,
            name="x",
            scopes=[keys.STREAMS_READ, scope],
            account=ACCOUNT,
            contracts=[CONTRACT],
        )


@pytest.mark.parametrize("contracts", [["C1"], [""], [ACCOUNT]])
def test_a_limit_names_contracts(sqlite_database: Database, contracts: list[str]) -> None:
    with sqlite_database.begin() as conn, pytest.raises(InvalidValue, match="contract"):
        keys.create_key(conn, name="x", scopes=[keys.STREAMS_READ], contracts=contracts)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_a_set_of_scopes_that_a_key_can_have(
    sqlite_database: Database, role: str
) -> None:
    with sqlite_database.begin() as conn:
        made = keys.create_key(conn, name=role, scopes=ROLES[role])
    assert made.scopes == ROLES[role]
