"""When a wall clock somewhere next shows a time of day.

Pure. In: minutes after local midnight, a time zone, an instant. Out: the instant, microseconds.
"""

from datetime import datetime, timedelta, tzinfo

_MICROS = 1_000_000
_DAYS = range(-1, 4)  # a jump may carry yesterday's into today, or leave out a day


def next_time(minutes: int, zone: tzinfo, after: int) -> int:
    """The first one later than that, once for each local day. `after`: microseconds.

    Where the clock jumps over it, as much after the jump as it would have been; where it strikes twice,
    the first time.
    """
    hour, rest = divmod(minutes, 60)
    today = datetime.fromtimestamp(after / _MICROS, zone).date()
    days = (today + timedelta(days=each) for each in _DAYS)
    times = (datetime(day.year, day.month, day.day, hour, rest, tzinfo=zone) for day in days)
    return min(at for each in times if (at := int(each.timestamp()) * _MICROS) > after)
