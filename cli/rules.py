"""`pausewire rules simulate`: who would have been told what, over history; it cannot send."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from cli.notifying import freshness_of, ways_of
from cli.output import Json, show, show_json, show_rows
from cli.prices import cost_of, prices, total
from cli.since import SINCE, since_micros
from cli.times import when, when_seconds
from cli.wiring import deployment
from notifier.backtest import Rules, WouldTell, simulate
from notifier.guests_on import guests_of
from notifier.recipients import Roster

_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="The rules by which people are told.")
    group.callback()(_group)
    group.command("simulate")(simulate_rules)
    app.add_typer(group, name="rules")


def _group() -> None:
    """Keeps `simulate` a command of its own."""


def simulate_rules(
    since: Annotated[str, typer.Option("--since", metavar="WHEN", help=SINCE)],
    limit: Annotated[
        int, typer.Option(min=0, help="Notices listed one by one; the sums are of all.")
    ] = _SHOWN,
    json: Json = False,
) -> None:
    """Who would have been told, when, by which channel and at what cost, by today's rules and wishes.

    No text is written, so an SMS is priced as one part; long ones and other alphabets cost more. What would
    be gathered into one message counts each; what is told only where nobody has seen it costs nothing here.
    """
    here = deployment()
    settings = here.settings
    rules = Rules(
        freshness=freshness_of(settings), ways=ways_of(settings), guests=guests_of(settings)
    )
    start = since_micros(since, default_days=1)
    vault = here.vault  # opened first: it may bring the schema up to date, which reading must not
    with here.database.read() as conn:
        told = list(simulate(conn, Roster(vault), rules, since=start))
    priced, currency = prices(settings.costs), settings.costs.currency
    found = _summary(told) | {"since": when(start)}
    micros = cost_of(found["deliveries"], priced)
    found["cost"] = {"micros": micros, "currency": currency, "parts_of_each_sms": 1}
    if json:
        show_json(found | {"items": [_as_json(each) for each in told[:limit]]})
        return
    cost = total(micros, currency, priced)
    if found["deliveries"].get("sms") and priced["sms"]:
        cost += ", each SMS counted as one part"
    _tell(found, told[:limit], cost)


def _tell(found: Mapping[str, Any], first: Sequence[WouldTell], cost: str) -> None:
    show_rows(
        "Would be told (the first ones)",
        ("recorded", "kind", "stream", "account", "as", "channels", "later", "withheld"),
        [_row(each) for each in first],
    )
    show(
        {
            "notices": found["notices"],
            "people": found["people"],
            "in-app only": found["in_app_only"],
            **{f"by {channel}": count for channel, count in found["deliveries"].items()},
            **{f"unless seen, {channel}": count for channel, count in found["unless_seen"].items()},
            **{f"withheld, {why}": count for why, count in found["withheld"].items()},
            "cost": cost,
        },
        as_json=False,
    )


def _summary(told: Sequence[WouldTell]) -> dict[str, Any]:
    deliveries = Counter(channel for each in told for channel in each.channels)
    unless_seen = Counter(channel for each in told for channel in each.unless_seen)
    withheld = Counter(
        f"{channel}: {why}" for each in told for channel, why in each.withheld.items()
    )
    return {
        "notices": len(told),
        "people": len({each.account_id for each in told}),
        "in_app_only": sum(not each.channels for each in told),
        "kinds": dict(sorted(Counter(each.kind for each in told).items())),
        "deliveries": dict(sorted(deliveries.items())),
        "unless_seen": dict(sorted(unless_seen.items())),
        "withheld": dict(sorted(withheld.items())),
    }


def _as_json(each: WouldTell) -> dict[str, Any]:
    found = each._asdict()
    found |= {"at": when(each.at), "happened_at": when_seconds(each.happened_at)}
    for name in ("held_until", "unless_seen"):
        found[name] = {channel: when(at) for channel, at in found[name].items()}
    found["stream_id"] = None if each.stream_id is None else str(each.stream_id)
    return found


def _row(each: WouldTell) -> tuple[Any, ...]:
    withheld = ", ".join(f"{channel}: {why}" for channel, why in each.withheld.items())
    held = (f"{channel}: {when(at)}" for channel, at in each.held_until.items())
    unseen = (f"{channel}: {when(at)} unless seen" for channel, at in each.unless_seen.items())
    return (
        when(each.at),
        each.kind,
        each.stream_id,
        each.account_id,
        each.role,
        ", ".join(("in_app", *sorted(each.channels))),
        ", ".join((*held, *unseen)),
        withheld,
    )
