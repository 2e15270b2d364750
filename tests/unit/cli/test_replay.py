import pytest
from sqlalchemy import update

from projections import pauses
from store.schema import projection
from tests.fakes.chain import created, paused, resumed
from tests.fakes.served import Served


@pytest.fixture
def served(sqlite_database):
    world = Served(sqlite_database)
    world.tell(created(1), paused(2))
    world.tell(resumed(3), created(4, stream_id=8))
    return world


def test_read_models_that_say_what_the_log_says_are_equal(command, served):
    assert "4 events replayed: the read models are equal" in command.run("replay").stdout


def test_a_changed_read_model_is_found(command, served):
    with served.database.begin() as conn:
        conn.execute(update(pauses.TABLES["a"]).values(resumed_at=1))
    assert "NOT equal" in command.run("replay", code=1).stdout


def test_read_models_that_lag_behind_are_compared_as_far_as_they_are(command, served):
    served.world.record(paused(5))
    assert "4 events replayed: the read models are equal" in command.run("replay").stdout


def test_the_digest_of_a_replay_is_that_of_the_tables_in_its_place(command, served):
    before = command.json("replay", "--digest")
    assert set(before) == {"position", "state_digest", "full_digest"}
    assert before["position"] == 4
    assert command.json("replay", "--into-shadow") == before


def test_an_earlier_position_has_another_digest(command, served):
    then = command.json("replay", "--until", "2")
    assert then["position"] == 2
    assert then["state_digest"] != command.json("replay")["state_digest"]
    assert command.run("replay", "--until", "2").stdout == "replayed up to position 2\n"
    assert command.run("replay", "--until", "0").stdout == "replayed up to position 0\n"


def test_people_may_ask_for_the_digest(command, served):
    lines = command.run("replay", "--digest").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["position", "state_digest", "full_digest"]


def test_a_position_beyond_the_log_is_refused(command, served):
    assert "position 99 is not recorded" in command.run("replay", "--until", "99", code=1).stderr


def test_the_rebuilt_tables_serve(command, served):
    assert command.run("replay", "--into-shadow").stdout == "replayed up to position 4\n"
    with served.database.read() as conn:
        assert conn.scalar(projection.select().with_only_columns(projection.c.active)) == "b"
    told = command.run("replay", "--into-shadow", code=1)
    assert told.stderr, "the tables that were swapped out may still be read"
