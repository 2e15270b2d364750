"""What people want, as cells of an employer's roster: read, checked and written.

Pure. `time_zone`: IANA name. `quiet_hours`: `22:00-07:00`. `urgent_pauses`, `pauses_only`: yes or no.
`off`: `kind:channel`, separated by blanks. `none` takes quiet hours, or what is off, away; an empty cell
changes nothing.
"""

from collections.abc import Callable, Iterator, Mapping

import msgspec

from notifier.preferences import (
    CHANNELS,
    CHOSEN_KINDS,
    Preferences,
    Quiet,
    clock_of,
    minutes_of,
    zone_of,
)

WISHES = ("time_zone", "quiet_hours", "urgent_pauses", "pauses_only", "off")
NONE = "none"
_ANSWERS = {"yes": True, "no": False}


def wish_faults(cells: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the cells, each with the way out."""
    for name, cell in cells.items():
        try:
            _READERS[name](cell)
        except ValueError as error:
            yield f"{name}: {error}"


def wished(before: Preferences, cells: Mapping[str, str]) -> Preferences:
    """The preferences once these cells, which have no fault, are heeded."""
    fields = {"quiet_hours": "quiet"}
    changes = {fields.get(name, name): _READERS[name](cell) for name, cell in cells.items()}
    return msgspec.structs.replace(before, **changes)


def cells_of(wish: Preferences) -> tuple[str, ...]:
    """The way back, in the order of WISHES."""
    quiet = wish.quiet
    hours = NONE if quiet is None else f"{clock_of(quiet.starts)}-{clock_of(quiet.ends)}"
    answers = ("yes" if each else "no" for each in (wish.urgent_pauses, wish.pauses_only))
    off = " ".join(f"{kind}:{channel}" for kind, channel in wish.off) or NONE
    return wish.time_zone, hours, *answers, off


def _zone(cell: str) -> str:
    zone_of(cell)
    return cell


def _hours(cell: str) -> Quiet | None:
    if cell == NONE:
        return None
    starts, _, ends = cell.partition("-")
    quiet = Quiet(minutes_of(starts), minutes_of(ends))
    if quiet.starts == quiet.ends:
        raise ValueError("starts and ends are the same: give none for no quiet hours")
    return quiet


def _answer(cell: str) -> bool:
    if cell not in _ANSWERS:
        raise ValueError("give yes or no")
    return _ANSWERS[cell]


def _off(cell: str) -> tuple[tuple[str, str], ...]:
    if cell == NONE:
        return ()
    pairs = sorted(
        {(kind, channel) for kind, _, channel in (p.partition(":") for p in cell.split())}
    )
    for kind, channel in pairs:
        if kind not in CHOSEN_KINDS or channel not in CHANNELS:
            raise ValueError(
                f"give kind:channel with one of {', '.join(CHOSEN_KINDS)}"
                f" and one of {', '.join(CHANNELS)}"
            )
    return tuple(pairs)


_READERS: Mapping[str, Callable[[str], object]] = {
    "time_zone": _zone,
    "quiet_hours": _hours,
    "urgent_pauses": _answer,
    "pauses_only": _answer,
    "off": _off,
}
