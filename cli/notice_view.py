"""How one alert's story looks on a terminal: a screen that support reads out."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.times import when, when_seconds

_SENT = frozenset({"accepted", "delivered"})
_LOST = frozenset({"failed", "unknown", "bounced", "complained"})


def in_times(story: Mapping[str, Any]) -> dict[str, Any]:
    """A story with its times as RFC 3339, for programs."""
    return {name: _timed(name, value) for name, value in story.items()}


def _timed(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [in_times(each) if isinstance(each, dict) else each for each in value]
    if name == "closed_at":
        return when_seconds(value)
    if isinstance(value, int) and (name in ("at", "not_before") or name.endswith("_at")):
        return when(value)
    return value


def print_why(answer: Mapping[str, Any]) -> None:
    """The checks on the way, then each channel of what was told."""
    console = Console()
    verdict = "was told" if answer["told"] else "was NOT told"
    console.print(Text(f"{answer['account_id']} {verdict} of {answer['event_id']}", "bold"))
    for step in answer["steps"]:
        mark, style = ("✗", "red") if step["ended"] else ("✓", "green")
        console.print(Text.assemble((f"  {mark} ", style), f"{step['what']}: {step['found']}"))
    for story in answer["notices"]:
        _head(console, story)
        for delivery in story["deliveries"]:
            passed = " · ".join(f"{e['stage']} {e['seconds']:.1f}" for e in delivery["stages"])
            console.print(Text(f"  {delivery['channel']}, seconds after ledger close: {passed}"))


def print_story(story: Mapping[str, Any]) -> None:
    """One notice: what it is, each channel with its reason, then the stages and tries of each."""
    console = Console()
    _head(console, story)
    for delivery in story["deliveries"]:
        if delivery["stages"]:
            console.print(_stages(delivery))
        _tries(console, delivery)


def _head(console: Console, story: Mapping[str, Any]) -> None:
    stream = "the whole contract" if story["stream_id"] is None else f"stream {story['stream_id']}"
    late = ", told late" if story["late"] else ""
    console.print(
        Text(f"\nNotice {story['reference']}: {story['kind']}, {stream} of", "bold"),
        Text(story["contract_id"]),
    )
    console.print(
        f"  {story['notice_id']}, in {story['language']}, template {story['template_version']},"
        f" ledger closed {when_seconds(story['closed_at'])}{late}"
    )
    console.print(_channels(story))


def _channels(story: Mapping[str, Any]) -> Table:
    table = Table("channel", "state", "why", "what to do", header_style="bold")
    for each in story["deliveries"]:
        style = "green" if each["state"] in _SENT else "red" if each["state"] in _LOST else "yellow"
        again = " (may have arrived twice)" if each["possible_duplicate"] else ""
        table.add_row(
            each["channel"],
            Text(each["state"], style),
            Text(each["explanation"] + again),
            Text(each["remedy"] or ""),
        )
    for each in story.get("unsent", ()):
        table.add_row(each["channel"], Text("none", "yellow"), Text(each["explanation"]), "")
    return table


def _stages(delivery: Mapping[str, Any]) -> Table:
    title = f"{delivery['channel']} {delivery['delivery_id']}, seconds after ledger close"
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("stage")
    table.add_column("seconds", justify="right")
    table.add_column("at", no_wrap=True)
    table.add_column("whose clock")
    for each in delivery["stages"]:
        table.add_row(each["stage"], f"{each['seconds']:.3f}", when(each["at"]), each["clock"])
    return table


def _tries(console: Console, delivery: Mapping[str, Any]) -> None:
    for each in delivery["attempts"]:
        said = _joined(each, ("result", "status_code", "enhanced_code", "detail"))
        console.print(Text(f"  try {each['n']} by {each['provider']}: {said}"))
    for each in delivery["callbacks"]:
        said = _joined(each, ("kind", "state", "outcome"))
        console.print(
            Text(f"  callback of {each['provider']}, {when(each['received_at'])}: {said}")
        )

    for each in delivery["asked"]:
        said = _joined(each, ("outcome",))
        console.print(Text(f"  asked {each['tries']} times, {when(each['asked_at'])}: {said}"))


def _joined(found: Mapping[str, Any], names: Sequence[str]) -> str:
    return " · ".join(str(found[name]) for name in names if found[name] is not None) or "no answer"
