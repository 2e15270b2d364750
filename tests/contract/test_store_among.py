"""A column among many values, as one parameter, on both databases."""

import pytest
from sqlalchemy import insert, select

from store.among import among, texts
from store.schema import tracking

NAMES = ["a", "b", "it's", 'quo"ted', "back\\slash", "naïve ☂", "{braced}", "NULL", ""]


@pytest.fixture
def kept(database):
    with database.begin() as conn:
        conn.execute(insert(tracking), [{"name": name, "position": 1} for name in NAMES])
    return database


def found(database, asked: list[str]) -> set[str]:
    query = select(tracking.c.name).where(among(tracking.c.name, texts("names")))
    with database.read() as conn:
        return set(conn.scalars(query, {"names": asked}))


@pytest.mark.parametrize("asked", [*([name] for name in NAMES), NAMES, NAMES[2:5]])
def test_what_is_asked_for_is_found_and_nothing_else(kept, asked):
    assert found(kept, [*asked, "unheard of"]) == set(asked)


def test_among_none_is_nothing(kept):
    assert found(kept, []) == set()


def test_thousands_are_one_parameter(kept):
    assert found(kept, [*(f"other {n}" for n in range(5000)), "a"]) == {"a"}
