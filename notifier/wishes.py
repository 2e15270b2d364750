"""What people want, as cells of an employer's roster: read, checked and written.

Pure. `time_zone`: IANA name. `quiet_hours`: `22:00-07:00`. `urgent_pauses`, `pauses_only`: yes or no.
`off`: `kind:channel`, separated by blanks. `one_by_one`: yes, no, or `none`: as the deployment does.
`order`: channels, the most wanted first, separated by blanks. `digest`: what is told once a day, as `off`,
or a channel alone for all kinds; `digest_at`: when, `18:00`. `none` takes quiet hours, what is off, an
order, or the digest away; an empty cell changes nothing.
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

WISHES = (
    *("time_zone", "quiet_hours", "urgent_pauses", "pauses_only", "off"),
    *("one_by_one", "order", "digest", "digest_at"),
)
NONE = "none"
_ANSWERS = {"yes": True, "no": False}
_SAID = {answer: cell for cell, answer in _ANSWERS.items()}


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
    answers = (_SAID[each] for each in (wish.urgent_pauses, wish.pauses_only))
    off = " ".join(f"{kind}:{channel}" for kind, channel in wish.off) or NONE
    one_by_one = NONE if wish.one_by_one is None else _SAID[wish.one_by_one]
    order, digest = " ".join(wish.order) or NONE, " ".join(_gathered(wish)) or NONE
    at = clock_of(wish.digest_at)
    return wish.time_zone, hours, *answers, off, one_by_one, order, digest, at


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


def _digest(cell: str) -> tuple[tuple[str, str], ...]:
    """A channel stands for itself with every kind."""
    spelled = (
        [f"{kind}:{each}" for kind in CHOSEN_KINDS] if each in CHANNELS else [each]
        for each in cell.split()
    )
    return _off(" ".join(pair for pairs in spelled for pair in pairs))


def _gathered(wish: Preferences) -> Iterator[str]:
    """The way back: channels first, then what is left."""
    whole = [each for each in CHANNELS if all((kind, each) in wish.digest for kind in CHOSEN_KINDS)]
    yield from whole
    yield from (f"{kind}:{channel}" for kind, channel in wish.digest if channel not in whole)


def _own_way(cell: str) -> bool | None:
    if cell != NONE and cell not in _ANSWERS:
        raise ValueError("give yes, no, or none for the deployment's way")
    return _ANSWERS.get(cell)


def _order(cell: str) -> tuple[str, ...]:
    named = () if cell == NONE else tuple(cell.split())
    if len(set(named)) < len(named) or not set(named) <= set(CHANNELS):
        raise ValueError(f"give some of {', '.join(CHANNELS)}, each once, separated by blanks")
    return named


_READERS: Mapping[str, Callable[[str], object]] = {
    "time_zone": _zone,
    "quiet_hours": _hours,
    "urgent_pauses": _answer,
    "pauses_only": _answer,
    "off": _off,
    "one_by_one": _own_way,
    "order": _order,
    "digest": _digest,
    "digest_at": minutes_of,
}
