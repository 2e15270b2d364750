"""Shares of a minute: within one process, among several, across restarts, without the database."""

from contextlib import contextmanager

import pytest
from sqlalchemy import func, select

from api.rate_limits import Limiter, RateLimits
from api.request_counts import RequestCounts, request_count
from notifier.privacy import Vault
from store.errors import DatabaseLocked


class Clock:
    def __init__(self) -> None:
        self.now = 60_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def passed(counts: RequestCounts, subject: str, times: int, limit: int = 10) -> int:
    return sum(counts.take(subject, limit).allowed for _ in range(times))


async def test_a_caller_has_so_many_a_minute_and_is_told_what_is_left(sqlite_database, clock):
    counts = RequestCounts(sqlite_database, clock)
    clock.now += 20
    first = counts.take("k", 3)
    assert (first.allowed, first.limit, first.remaining, first.reset_seconds) == (True, 3, 2, 40)
    assert passed(counts, "k", 5, limit=3) == 2
    assert counts.take("k", 3).remaining == 0
    assert passed(counts, "other", 5, limit=3) == 3
    await counts.close()


async def test_a_new_minute_gives_back_only_what_lies_a_minute_behind(sqlite_database, clock):
    counts = RequestCounts(sqlite_database, clock)
    clock.now += 59
    assert passed(counts, "k", 20) == 10
    clock.now += 1  # the turn of the minute is no second share
    assert passed(counts, "k", 20) == 0
    clock.now += 30
    assert passed(counts, "k", 20) == 5
    clock.now += 60
    assert 5 <= passed(counts, "k", 20) <= 10
    await counts.close()


async def test_processes_share_what_they_count(database, clock):
    one, two = RequestCounts(database, clock), RequestCounts(database, clock)
    assert passed(one, "k", 7) == 7
    await one.share()
    assert passed(two, "k", 1) == 1
    await two.share()
    assert passed(two, "k", 5) == 2
    await two.share()
    assert passed(one, "k", 1) == 1  # what two counted is learned with the next telling
    await one.share()
    assert passed(one, "k", 5) == passed(two, "k", 5) == 0
    begun_anew = RequestCounts(database, clock)
    assert passed(begun_anew, "k", 1) == 1
    await begun_anew.share()
    assert passed(begun_anew, "k", 5) == 0
    for each in (one, two, begun_anew):
        await each.close()


async def test_without_the_database_each_goes_on_and_tells_it_later(
    sqlite_database, clock, monkeypatch
):
    counts = RequestCounts(sqlite_database, clock)
    assert passed(counts, "k", 4) == 4

    @contextmanager
    def locked():
        raise DatabaseLocked("busy")
        yield

    with monkeypatch.context() as patched:
        patched.setattr(sqlite_database, "begin", locked)
        await counts.share()
    assert passed(counts, "k", 20) == 6
    await counts.share()
    with sqlite_database.read() as conn:
        assert conn.scalar(select(func.sum(request_count.c.requests))) == 10
    await counts.close()


async def test_old_minutes_are_forgotten(sqlite_database, clock):
    counts = RequestCounts(sqlite_database, clock)
    for _ in range(5):
        passed(counts, "k", 3)
        await counts.share()
        clock.now += 60
    with sqlite_database.read() as conn:
        assert conn.scalar(select(func.count()).select_from(request_count)) <= 2
    await counts.close()


async def test_an_ipv6_site_is_one_address_and_is_stored_as_a_hash(sqlite_database, clock):
    counts = RequestCounts(sqlite_database, clock)
    limiter = Limiter(counts, RateLimits(of_address=2), Vault(bytes(32)))
    asked = ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2:3:4:5:6", "2001:db8:1:3::1"]
    taken = [limiter.address(each) for each in asked]
    assert [each is not None and each.allowed for each in taken] == [True, True, False, True]
    assert limiter.address("::ffff:192.0.2.1") == limiter.address("192.0.2.2") is not None
    await counts.share()
    with sqlite_database.read() as conn:
        subjects = set(conn.scalars(select(request_count.c.subject)))
    assert all(len(each) == 32 and ":" not in each for each in subjects)
    await counts.close()


async def test_without_limits_nothing_is_counted(sqlite_database):
    limiter = Limiter(RequestCounts(sqlite_database), RateLimits(), Vault(bytes(32)))
    assert limiter.address("192.0.2.1") is None
    assert limiter.caller("k", None) is None
