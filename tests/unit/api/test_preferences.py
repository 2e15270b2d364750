"""GET and PUT /v1/me/preferences."""

import pytest
from sqlalchemy import select

from api.access_log import access_log
from notifier import erasure
from notifier.preferences import Preferences, Quiet
from notifier.recipients import private_of
from store.engine import Database
from tests.fakes.chain import EMPLOYEE
from tests.fakes.served import Served

PATH = "/v1/me/preferences"
WANTED = {
    "language": "ar-EG",
    "time_zone": "Africa/Cairo",
    "quiet_hours": {"starts": "22:00", "ends": "07:00"},
    "urgent_pauses": True,
    "digest_at": "07:30",
    "kinds": {"resumed": {"sms": "off", "email": "digest"}},
}


@pytest.fixture
def served(sqlite_database: Database) -> Served:
    return Served(sqlite_database)


async def put(served: Served, wanted: object, key: str | None = None):
    async with served.client() as client:
        headers = {"Authorization": f"Bearer {key or served.key}"}
        return await client.put(PATH, json=wanted, headers=headers)


async def test_whoever_never_chose_is_told_everything_at_once(served):
    found = (await served.ask(PATH)).json()
    assert (found["language"], found["time_zone"], found["quiet_hours"]) == ("en", "UTC", None)
    assert len(found["kinds"]) == 7
    assert found["digest_at"] == "18:00"
    assert {switch for kind in found["kinds"].values() for switch in kind.values()} == {"on"}


async def test_a_choice_is_kept_heeded_and_noted(served):
    answer = await put(served, WANTED)
    assert answer.status_code == 200, answer.text
    assert answer.json() == (await served.ask(PATH)).json()
    assert answer.json()["kinds"]["resumed"] == {"email": "digest", "push": "on", "sms": "off"}
    assert answer.json()["digest_at"] == "07:30"
    with served.database.read() as conn:
        private = private_of(conn, served.world.vault, EMPLOYEE)
        noted = conn.execute(
            select(access_log).where(access_log.c.action == "preferences_set")
        ).one()
    assert private.language == "ar-EG"
    assert private.preferences == Preferences(
        "Africa/Cairo",
        Quiet(1320, 420),
        urgent_pauses=True,
        off=(("resumed", "sms"),),
        digest=(("resumed", "email"),),
        digest_at=450,
    )
    assert "Africa/Cairo" in noted.about


async def test_what_is_left_out_is_as_by_default_again(served):
    await put(served, WANTED)
    assert (await put(served, {})).json()["time_zone"] == "UTC"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"quiet_hours": {"starts": "25:00", "ends": "07:00"}}, "quiet_hours"),
        ({"quiet_hours": {"starts": "07:00", "ends": "07:00"}}, "quiet_hours"),
        ({"kinds": {"paid": {"sms": "off"}}}, "no kind paid"),
        ({"kinds": {"paused": {"fax": "off"}}}, "no channel fax"),
        ({"kinds": {"paused": {"sms": "loud"}}}, "kinds"),
        ({"digest_at": "24:00"}, "digest_at"),
        ({"language": "not a tag"}, "language"),
        ({"sound": "bell"}, "sound"),
    ],
)
async def test_a_wrong_choice_is_refused_by_name_and_changes_nothing(served, wrong, named):
    answer = await put(served, wrong)
    assert answer.status_code in (400, 422)
    assert named in answer.text
    assert (await served.ask(PATH)).json()["time_zone"] == "UTC"


async def test_who_asked_to_be_forgotten_stays_so(served):
    with served.database.begin() as conn:
        erasure.erase(conn, served.world.vault, EMPLOYEE, 1)
    assert (await put(served, WANTED)).status_code == 409
    assert (await served.ask(PATH)).json()["time_zone"] == "UTC"


async def test_a_key_without_an_account_has_none(served):
    key = served.make_key("streams:read")
    assert (await put(served, WANTED, key)).status_code == 403
