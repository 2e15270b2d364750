"""`pausewire notice`: one alert from end to end, why somebody was told or not, and how each kind reads."""

from typing import Annotated, Any

import typer

from cli import parked
from cli.notice_view import in_times, print_story, print_why
from cli.notifying import freshness_of
from cli.output import FAILED, Json, refuse, show_json
from cli.wiring import deployment
from domain.values import account_id as checked_account
from notifier.content import TEMPLATE_VERSION
from notifier.gsm import segments
from notifier.languages import language_for, locale_for
from notifier.news import KINDS
from notifier.notice_story import notices_named, story_of
from notifier.preview import CHANNELS, ROLES, sample
from notifier.rendering import Renderer
from notifier.why import why
from notifier.wording import zone_of


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="One alert: its story, its reasons, its words.")
    group.command("show")(show_notice)
    group.command("why")(explain_why)
    group.command("preview")(preview)
    parked.register(group)
    app.add_typer(group, name="notice")


def show_notice(
    notice: Annotated[str, typer.Argument(help="Its id, or the reference in the message.")],
    json: Json = False,
) -> None:
    """Every stage of an alert, and whose clock told each; names no destination."""
    query = notices_named(notice)
    if query is None:
        refuse("NOTICE: give an id, or a reference such as AB12CD34 (hexadecimal digits)")
    with deployment().migrated_database().read() as conn:
        found = [story_of(conn, row) for row in conn.execute(query)]
    if not found:
        refuse(f"no notice is called {notice}", FAILED)
    if json:
        show_json([in_times(story) for story in found])
        return
    for story in found:
        print_story(story)


def explain_why(
    account: Annotated[str, typer.Option(help="Whose alert: G…, M… or C….")],
    event: Annotated[str, typer.Option(help="Event id, as the timeline and the inbox show it.")],
    json: Json = False,
) -> None:
    """Why an account was told of an event, or was not, channel by channel; exit 1: it was not told."""
    here = deployment()
    with here.migrated_database().read() as conn:
        answer = why(
            conn,
            here.vault,
            account_id=checked_account(account),
            event_id=event.strip(),
            configured=freshness_of(here.settings),
        )
    if json:
        show_json(answer | {"notices": [in_times(story) for story in answer["notices"]]})
    else:
        print_why(answer)
    if not answer["told"]:
        raise typer.Exit(FAILED)


def preview(
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(KINDS)}.")] = KINDS[0],
    language: Annotated[str, typer.Option(help="A tag such as ar or pt-BR.")] = "en",
    channel: Annotated[str, typer.Option(help=f"One of {', '.join(CHANNELS)}.")] = "email",
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = ROLES[0],
    time_zone: Annotated[str, typer.Option(help="An IANA name such as Asia/Kolkata.")] = "UTC",
    html: Annotated[bool, typer.Option("--html", help="Print the mail's HTML.")] = False,
    json: Json = False,
) -> None:
    """How a kind reads, with sample facts; sends nothing."""
    if channel not in CHANNELS:
        refuse(f"--channel: give one of {', '.join(CHANNELS)}")
    if html and channel != "email":
        refuse("--html: only an email has HTML")
    words = _previewed(kind, role, language, channel, time_zone)
    if json:
        show_json(words)
    elif html:
        print(words["html"])
    else:
        print(f"{words['subject']}\n\n{words['text']}")
        if channel == "sms":
            print(f"\n{len(words['text'])} characters, {words['segments']} segment(s)")


def _previewed(kind: str, role: str, language: str, channel: str, time_zone: str) -> dict[str, Any]:
    try:
        zone_of(time_zone)
    except (ValueError, KeyError, OSError):
        refuse(f"--time-zone: {time_zone!r} is no IANA time zone, such as Europe/Berlin or UTC")
    try:
        content = sample(kind, role, time_zone=time_zone, locale=locale_for(language))
    except ValueError as error:
        refuse(str(error))
    spoken = language_for(language)
    words = Renderer().render(content, channel, spoken, TEMPLATE_VERSION)
    found = {"language": spoken, "channel": channel, "template_version": TEMPLATE_VERSION}
    found |= words._asdict()
    return found | ({"segments": segments(words.text)} if channel == "sms" else {})
