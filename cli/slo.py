"""`pausewire slo`: which objective holds, how much may still go wrong, and what uses that up."""

import sys
from collections.abc import Sequence
from typing import Any

import typer

from api.objectives import judge
from cli.alert_rules import document
from cli.contract_list import contracts_of
from cli.output import FAILED, Json, show_json, show_rows
from cli.promises import promises
from cli.sandbox import as_followed
from cli.since import Since, since_micros
from cli.times import when
from cli.wiring import Deployment, deployment
from notifier.objectives import Standing, all_hold
from store.clock import now_micros

_WORDS = {True: "holds", False: "MISSED", None: "no data"}


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="What is promised, and whether it is kept.")
    group.command("report")(report)
    group.command("rules")(rules)
    app.add_typer(group, name="slo")


def report(since: Since = None, json: Json = False) -> None:
    """Every objective on one screen; exit 1 when one is missed. Default: the last `objectives.days`."""
    here = as_followed(deployment())
    start, now = since_micros(since, default_days=here.settings.objectives.days), now_micros()
    standings = _standings(here, start, now)
    if json:
        show_json(
            {
                "since": when(start),
                "until": when(now),
                "holds": all_hold(standings),
                "objectives": [_as_json(each) for each in standings],
            }
        )
    else:
        _tell(standings, start)
    if not all_hold(standings):
        raise typer.Exit(FAILED)


def rules() -> None:
    """Print the objectives' and the runbooks' alarms as a Prometheus rules file."""
    sys.stdout.write(document(deployment().settings))


def _standings(here: Deployment, since: int, now: int) -> list[Standing]:
    settings = here.settings.objectives
    with here.migrated_database().read() as conn:
        return judge(
            conn,
            promises(settings),
            since=since,
            now=now,
            latency_seconds=settings.latency_seconds,
            contracts=[contract.id for contract in contracts_of(here, conn)],
        )


def _as_json(standing: Standing) -> dict[str, Any]:
    return {
        "name": standing.objective.name,
        "meaning": standing.objective.meaning,
        "target_percent": standing.objective.percent,
        "actual_percent": _rounded(standing.percent),
        "holds": standing.holds,
        "good": standing.tally.good,
        "bad": standing.tally.lost,
        "budget_left_percent": _rounded(standing.budget_left_percent),
        "burning": [{"what": what, "count": count} for what, count in standing.tally.burning],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _tell(standings: Sequence[Standing], since: int) -> None:
    show_rows(
        f"Objectives since {when(since)}",
        ("", "objective", "target", "actual", "budget left", "good", "bad", "what burns it"),
        [_row(each) for each in standings],
    )
    missed = [each.objective.name for each in standings if each.holds is False]
    if missed:
        print(f"missed: {', '.join(missed)}; what each promises, and what to do:")
        for each in standings:
            if each.holds is False:
                name, meaning = each.objective.name, each.objective.meaning
                print(f"  {name}: {meaning} (docs/runbooks/objective-{name}.md)")
    elif any(each.holds is None for each in standings):
        print("no objective is missed; of some there is nothing to judge")
    else:
        print("every objective holds")


def _row(standing: Standing) -> tuple[Any, ...]:
    actual, left = standing.percent, standing.budget_left_percent
    return (
        _WORDS[standing.holds],
        standing.objective.name,
        f"{standing.objective.percent:g} %",
        "-" if actual is None else f"{_down(actual):g} %",
        "-" if left is None else f"{left:.0f} %",
        standing.tally.good,
        standing.tally.lost,
        "\n".join(f"{count} x {what}" for what, count in standing.tally.burning),
    )


def _down(percent: float) -> float:
    """Rounded down: 99.996 must not read as 100."""
    return int(percent * 1000) / 1000
