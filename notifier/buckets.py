"""13 The buckets of limits.py in the database, where all processes share them.

In: who wants to leave, which bucket is asked for patience. Out: the decision, and the buckets as they
then stand. Next: pacing.py says which buckets a delivery takes from.

Who changes buckets waits for who changes buckets, and does so last in its transaction: then nobody waits
in a circle. A hold writes its own columns. A bucket that is full and not held is no row.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Table,
    bindparam,
    delete,
    select,
    text,
    update,
)

from notifier.limits import Admission, Bucket, Pace, Want, admit
from store import bulk
from store.alone import alone
from store.schema import key_text, metadata

# `bucket`: provider:<name>, site:<channel>:<keyed hash> or person:<channel>:<recipient id>. Times in
# microseconds, as in limits.Bucket.
rate_bucket = Table(
    "rate_bucket",
    metadata,
    Column("bucket", key_text(), primary_key=True),
    Column("spent_until", BigInteger, nullable=False, server_default="0"),
    Column("held_until", BigInteger, nullable=False, server_default="0"),
    Column("line_until", BigInteger, nullable=False, server_default="0"),
    Column("urgent_until", BigInteger, nullable=False, server_default="0"),
    Column("strikes", Integer, nullable=False, server_default="0"),
    Index("ix_rate_bucket_spent_until", "spent_until"),
    Index(
        "ix_rate_bucket_held_until",
        "held_until",
        postgresql_where=text("held_until > 0"),
        sqlite_where=text("held_until > 0"),
    ),
)

# When a crowd changes buckets (store/gather.py): after the day's money.
BUCKETS_TURN = 1
RATE = "rate"  # why a delivery waits for its turn, or came to none
# Where the far side names no time: doubles each time that it says so again and took nothing between, to ten
# minutes.
FIRST_HOLD_SECONDS = 10
LONGEST_OWN_HOLD_SECONDS = 600
# However long it asks for: then one letter finds out.
LONGEST_HOLD_SECONDS = 3600
_SECOND = 1_000_000
_FORGET = 1000
_FORGOTTEN_AFTER = 3600 * _SECOND  # strikes count this long
_CHANGES = "rate_bucket"
_TAKEN = ("bucket", "spent_until", "line_until", "urgent_until")
_GIVEN_BACK = (
    update(rate_bucket)
    .where(
        rate_bucket.c.bucket == bindparam("is_bucket"),
        rate_bucket.c.spent_until > bindparam("is_now"),
    )
    .values(spent_until=rate_bucket.c.spent_until - bindparam("interval"))
)


def provider_bucket(provider: str) -> str:
    """The bucket of all that one provider carries."""
    return f"provider:{provider}"


def site_bucket(channel: str, lookup: str) -> str:
    """The bucket of one mail domain, push service, room or webhook receiver."""
    return f"site:{channel}:{lookup}"


def person_bucket(channel: str, recipient_id: str) -> str:
    """The bucket of all that one person is sent on a channel."""
    return f"person:{channel}:{recipient_id}"


def decide(
    conn: Connection,
    wants: Sequence[Want],
    pace_of: Callable[[str], Pace | None],
    *,
    now: int,
    most: int,
) -> Admission:
    """Who of these leaves now, and take the tokens for it."""
    names = sorted({name for want in wants for name in want.buckets})
    if not names:
        return Admission([want.delivery_id for want in wants[:most]])
    paces = {name: pace_of(name) for name in names}
    if any(paces.values()):
        alone(conn, _CHANGES)
    buckets = {name: Bucket() for name in names}
    key = rate_bucket.c.bucket
    for row in bulk.select_many(conn, tuple(rate_bucket.c), key, names):
        buckets[row[0]] = Bucket(*row[1:])
    found = admit(wants, buckets, paces, now=now, most=most)
    rows = [(name, *_taken(buckets[name])) for name in sorted(found.changed)]
    bulk.upsert_many(conn, rate_bucket, ("bucket",), _TAKEN, rows)
    return found


def _taken(bucket: Bucket) -> tuple[int, int, int]:
    return bucket.spent_until, bucket.line_until, bucket.urgent_until


def give_back(conn: Connection, paces: Collection[tuple[str, Pace]], now: int) -> None:
    """Put tokens back for what did not leave."""
    values = [
        {"is_bucket": name, "is_now": now, "interval": pace.interval}
        for name, pace in sorted(paces)
    ]
    if values:
        alone(conn, _CHANGES)
        conn.execute(_GIVEN_BACK, values)


def hold(conn: Connection, bucket: str, *, seconds: int | None, now: int) -> int:
    """The far side asks for patience; returns until when. Many answers of one moment are one."""
    alone(conn, _CHANGES)
    bulk.insert_many(conn, rate_bucket, ("bucket",), [(bucket,)], on_conflict="nothing")
    mine = rate_bucket.c.bucket == bucket
    row = conn.execute(select(rate_bucket).where(mine).with_for_update()).one()
    strikes = row.strikes
    if now >= row.held_until:
        strikes = 1 + (strikes if now < row.held_until + _FORGOTTEN_AFTER else 0)
    wait = seconds or min(FIRST_HOLD_SECONDS << min(strikes - 1, 9), LONGEST_OWN_HOLD_SECONDS)
    until: int = max(row.held_until, now + min(wait, LONGEST_HOLD_SECONDS) * _SECOND)
    conn.execute(update(rate_bucket).where(mine).values(held_until=until, strikes=strikes))
    return until


def forgive(conn: Connection, names: Collection[str], now: int) -> None:
    """The far side took something since their holds ended: the next hold is a first one again."""
    alone(conn, _CHANGES)
    conn.execute(
        update(rate_bucket)
        .where(rate_bucket.c.bucket.in_(sorted(names)), rate_bucket.c.held_until <= now)
        .values(held_until=0, strikes=0)
    )


def held(conn: Connection) -> Mapping[str, int]:
    """Until when each bucket is held that is, or was, and has not been forgiven since."""
    rows = conn.execute(
        select(rate_bucket.c.bucket, rate_bucket.c.held_until).where(rate_bucket.c.held_until > 0)
    )
    return {row.bucket: row.held_until for row in rows}


class Held(NamedTuple):
    """A bucket that is held; `until`: microseconds."""

    bucket: str
    until: int


def held_now(conn: Connection, now: int, prefix: str = "") -> list[Held]:
    """The buckets that are held now, of this kind."""
    return [
        Held(name, until)
        for name, until in sorted(held(conn).items())
        if until > now and name.startswith(prefix)
    ]


def forget(conn: Connection, now: int) -> int:
    """Drop buckets that say nothing any more; returns how many."""
    over = now - _FORGOTTEN_AFTER
    old = (
        select(rate_bucket.c.bucket)
        .where(rate_bucket.c.spent_until < over, rate_bucket.c.held_until < over)
        .order_by(rate_bucket.c.spent_until)
        .limit(_FORGET)
    )
    if conn.execute(old.limit(1)).first() is None:
        return 0
    alone(conn, _CHANGES)
    return conn.execute(delete(rate_bucket).where(rate_bucket.c.bucket.in_(old))).rowcount
