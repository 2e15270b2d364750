"""How long is kept what tells of people, wired: tables of several packages, forgotten by one role."""

from api.access_log import access_log
from cli.roles import Role
from config.settings import Settings
from notifier.callbacks.arrivals import DEAD
from notifier.changes import change
from notifier.old_attempts import OldDetails
from notifier.running import run_until
from notifier.schema import callback
from store.engine import Database
from store.forgetting import Forgetter, Kept, forget_rows

_LOOK_SECONDS = 60.0


def kept(settings: Settings) -> list[Kept]:
    """What is kept how long."""
    keep = settings.keep
    return [
        Kept("access_log", keep.access_log_days, forget_rows(access_log, "at")),
        Kept("changes", keep.changes_days, forget_rows(change, "at")),
        Kept(
            "dead_callbacks",
            keep.dead_callbacks_days,
            forget_rows(callback, "due_at", callback.c.state == DEAD),
        ),
        Kept("attempt_details", keep.attempt_details_days, OldDetails().forget),
    ]


def forget_role(settings: Settings, database: Database) -> Role:
    """The role that forgets; any number of processes may run it."""
    forgetter = Forgetter(database, kept(settings))
    return Role(
        "forget",
        lambda stop: run_until(
            stop, forgetter.step, pause=lambda: stop.wait(_LOOK_SECONDS), role="forget"
        ),
    )


def told(settings: Settings) -> str:
    """For `pausewire doctor`: what is kept how long, in words."""
    days = {each.what.replace("_", " "): each.days for each in kept(settings)}
    days["callbacks"] = settings.callbacks.keep_days
    parts = [f"{what} {f'{many:g} days' if many else 'for ever'}" for what, many in days.items()]
    reads = settings.api.read_log_days
    parts.append(f"who read what {reads:g} days" if reads else "who read what: not noted")
    return ", ".join(parts)
