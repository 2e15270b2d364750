"""One holder at a time; whoever lost the lease can neither renew nor append."""

from uuid import UUID

import pytest
from sqlalchemy import select, update

from store import schema
from store.engine import Database
from store.errors import FenceLost, LeaseLost
from store.lease import Lease
from store.log import append_rows

lease = schema.lease
ROW = [(UUID(int=1), 1, "notice.read.1", b"\x91\x01")]


def held_by(database: Database, holder: str, seconds: float = 60) -> Lease:
    return Lease(database, name="ingest", holder=holder, seconds=seconds)


def expire(database: Database) -> None:
    with database.begin() as conn:
        conn.execute(update(lease).values(expires_at=1))


def fence(database: Database) -> int:
    with database.read() as conn:
        return conn.execute(select(schema.log_head.c.fence)).scalar_one()


def test_the_first_takes_it_and_the_second_waits(database):
    assert held_by(database, "one").acquire() == 1
    assert held_by(database, "two").acquire() is None
    assert fence(database) == 1


def test_the_epoch_is_known_only_while_the_lease_is_held(database):
    one = held_by(database, "one")
    with pytest.raises(LeaseLost):
        _ = one.epoch
    one.acquire()
    assert one.epoch == 1
    one.release()
    with pytest.raises(LeaseLost):
        _ = one.epoch


def test_acquiring_what_one_holds_keeps_the_epoch(database):
    one = held_by(database, "one")
    assert [one.acquire(), one.acquire()] == [1, 1]


def test_an_expired_lease_goes_to_the_next_with_a_higher_epoch(database):
    held_by(database, "one").acquire()
    expire(database)
    assert held_by(database, "two").acquire() == 2
    assert fence(database) == 2


def test_a_lease_lasts_as_long_as_it_says(database):
    held_by(database, "one", seconds=0.05).acquire()
    two = held_by(database, "two")
    taken = None
    while taken is None:  # ends by pytest's patience if the lease never expired
        taken = two.acquire()
    assert taken == 2


def test_renewing_holds_on_to_it(database):
    one = held_by(database, "one")
    one.acquire()
    expire(database)
    with database.begin() as conn:
        one.renew(conn)
    assert held_by(database, "two").acquire() is None


def test_renewal_is_undone_with_its_transaction(database):
    one = held_by(database, "one")
    one.acquire()
    expire(database)
    with pytest.raises(ZeroDivisionError):
        renew_and_fail(database, one)
    assert held_by(database, "two").acquire() == 2


def renew_and_fail(database: Database, one: Lease) -> None:
    with database.begin() as conn:
        one.renew(conn)
        raise ZeroDivisionError


def test_a_zombie_can_neither_renew_nor_append(database):
    zombie = held_by(database, "one")
    epoch = zombie.acquire()
    expire(database)
    assert held_by(database, "two").acquire() == 2
    with pytest.raises(LeaseLost, match="one"), database.begin() as conn:
        zombie.renew(conn)
    with pytest.raises(FenceLost), database.begin() as conn:
        append_rows(conn, ROW, recorded_at=1, fence=epoch)
    assert zombie.acquire() is None


def test_a_restarted_process_of_the_same_name_is_another_holder(database):
    held_by(database, "one").acquire()
    again = held_by(database, "one")
    assert again.acquire() is None
    with pytest.raises(LeaseLost), database.begin() as conn:
        again.renew(conn)


def test_a_released_lease_is_free_at_once(database):
    one = held_by(database, "one")
    one.acquire()
    one.release()
    assert held_by(database, "two").acquire() == 2
    with pytest.raises(LeaseLost), database.begin() as conn:
        one.renew(conn)


def test_releasing_what_another_holds_changes_nothing(database):
    held_by(database, "one").acquire()
    held_by(database, "two").release()
    assert held_by(database, "three").acquire() is None


def test_the_epoch_stays_above_every_fence_even_when_the_row_is_gone(database):
    held_by(database, "one").acquire()
    with database.begin() as conn:
        conn.execute(lease.delete())
    assert held_by(database, "two").acquire() == 2
