"""Whether people could be told, minute by minute: what the canaries' stored times say.

In: rows of canary.py. Out: how late the news is now, and the minutes that were up or down.
"""

from collections import Counter

from sqlalchemy import Connection

from notifier.canary import first_minute, recent
from notifier.objectives import Tally

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_MOST_MINUTES = 92 * 24 * 60
_LOOK_BACK_MINUTES = 7 * 24 * 60  # a week, over which uptime is promised
_MOST_WAITING = 60
_TWO_MINUTES_SECONDS = 120.0


def canary_latency(conn: Connection, now: int) -> float | None:
    """From ledger close to told, seconds: the newest canary's, or so far where it is not told yet.

    It grows while canaries are not told, or not even sent: whoever sends them may be what is down. None:
    none was sent within a week.
    """
    rows = conn.execute(recent(since=now - _LOOK_BACK_MINUTES * _MINUTE, most=_MOST_WAITING))
    found = rows.all()
    if not found:
        return None
    told = waiting = 0.0
    for row in found:
        if row.told_at is not None:
            told = row.told_at / _SECOND - row.closed_at
            break
        waiting = now / _SECOND - row.closed_at
    overdue = (now - found[0].planned_at) / _SECOND
    return max(told, waiting, overdue if overdue > _TWO_MINUTES_SECONDS else 0.0)


def minutes(conn: Connection, *, since: int, now: int, seconds: float) -> Tally:
    """Whole minutes since then, from the first canary on: up when its canary was told within `seconds`.

    The last minutes, whose canaries may still be in time, are left out.
    """
    first = conn.scalar(first_minute())
    if first is None:
        return Tally(0, {})
    begin = max(-(-since // _MINUTE), first)
    end = (now - int(seconds * _SECOND)) // _MINUTE  # of this minute on, it is too early to tell
    good, bad = 0, Counter[str]()
    seen = 0
    for row in conn.execute(recent(since=begin * _MINUTE, most=_MOST_MINUTES)):
        if row.minute >= end:
            continue
        seen += 1
        if row.told_at is None:
            bad["minutes whose canary was not told"] += 1
        elif row.told_at / _SECOND - row.closed_at > seconds:
            bad[f"minutes whose canary took over {seconds:g} s"] += 1
        else:
            good += 1
    bad["minutes without a canary"] = max(0, end - begin - seen)
    return Tally(good, bad)
