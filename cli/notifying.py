"""The notify role, wired: planning, its backlog, and the delivering worker."""

import math

from cli.keeping import forget_role
from cli.pause_money import PauseMoney
from cli.roles import Role
from cli.wiring import Deployment
from config.escalation_settings import read_step
from config.settings import Settings
from notifier.backlog import Backlog
from notifier.callbacks.working import CallbackWorker
from notifier.canary import Canary
from notifier.canary_planning import CanaryPlans
from notifier.contact_sender import ContactSender
from notifier.guests_on import guests_of
from notifier.lasting import Lasting
from notifier.limits import at_most
from notifier.limits_on import brake_of, spending_of
from notifier.lookups.asking import LookUps
from notifier.lookups.switched_on import look_ups
from notifier.money_news import MoneyTeller
from notifier.notices import NoticeWriter, PlanningRules
from notifier.onward import Onward
from notifier.plan import Planner, build_follower
from notifier.privacy import Vault
from notifier.push_on import push_services_on
from notifier.recipients import Roster
from notifier.reminder_times import Times
from notifier.reminders import Reminders
from notifier.restraint import Restraint
from notifier.switched_on import build_channels
from notifier.ways import Ways
from notifier.webhooks.planning import Subscribers
from notifier.worker import build_worker, canary_channel
from store.engine import Database


def notify_roles(here: Deployment, database: Database) -> list[Role]:
    """Planning and delivering, as this process's roles."""
    settings = here.settings
    vault = here.vault
    writer = _writer(here)
    plan = build_follower(
        database,
        writer,
        lasting=_lasting(here),
        canaries=_canary_plans(settings),
        chunk_events=settings.notifier.chunk_events,
        poll_seconds=settings.notifier.poll_seconds,
    )
    backlog = Backlog(database, writer, poll_seconds=settings.notifier.poll_seconds)
    callbacks = CallbackWorker(
        database,
        vault,
        keep_days=settings.callbacks.keep_days,
        poll_seconds=settings.notifier.poll_seconds,
    )
    worker = build_worker(settings, database, vault, queue_prefix=settings.broker.namespace)
    return [
        Role("plan", plan.run),
        Role("backlog", backlog.run),
        Role("notify", worker.run),
        Role("callbacks", callbacks.run),
        Role("contacts", _contact_sender(here, database).run),
        Role("look-ups", _look_ups(settings, database, vault).run),
        Role("money", _money_teller(here, database).run),
        Role("onward", _onward(settings, database, vault).run),
        forget_role(settings, database),
        *reminder_roles(here, database, writer),
    ]


def planner_of(here: Deployment, database: Database) -> Planner:
    """Planning by itself, for one event that is planned again."""
    return Planner(_writer(here), database.bell, lasting=_lasting(here))


def reminder_roles(here: Deployment, database: Database, writer: NoticeWriter) -> list[Role]:
    """The role that reminds people of pauses that last, unless that is off."""
    if not here.settings.reminders.enabled:
        return []
    times = times_of(here.settings)
    poll_seconds = here.settings.notifier.poll_seconds
    reminders = Reminders(database, writer, times, network=here.network, poll_seconds=poll_seconds)
    return [Role("reminders", reminders.run)]


def times_of(settings: Settings) -> Times:
    """When people are reminded of a pause, if at all."""
    wanted = settings.reminders
    return Times(
        after=tuple(_seconds(each) for each in wanted.after_hours),
        every=_seconds(wanted.every_hours),
        most=wanted.most,
        employers=wanted.employers,
    )


def _onward(settings: Settings, database: Database, vault: Vault) -> Onward:
    poll_seconds = settings.notifier.poll_seconds
    return Onward(
        database,
        vault,
        freshness_of(settings),
        poll_seconds=poll_seconds,
        window_seconds=settings.restraint.window_seconds,
        brake=brake_of(settings),
        spending=spending_of(settings),
    )


def _seconds(hours: float) -> int:
    """Whole ones; what is little is not nothing."""
    return math.ceil(hours * 3600)


def ways_of(settings: Settings) -> Ways:
    """Who is told on one channel at a time, and when the next ones are told too."""
    escalation = settings.escalation
    steps = [read_step(each) for each in escalation.steps]
    return Ways(
        one_by_one=escalation.one_by_one,
        steps={each.channel: each.minutes * 60 for each in steps},
        until_delivered=escalation.until == "delivered",
    )


def _look_ups(settings: Settings, database: Database, vault: Vault) -> LookUps:
    asking = settings.look_ups
    return LookUps(
        database,
        vault,
        look_ups(settings),
        after_seconds=asking.after_minutes * 60,
        pace=at_most(asking.per_minute, 60),
    )


def _writer(here: Deployment) -> NoticeWriter:
    return NoticeWriter(Roster(here.vault), _rules(here), _subscribers(here.settings, here.vault))


def _lasting(here: Deployment) -> Lasting:
    return Lasting(Roster(here.vault), times_of(here.settings))


def _rules(here: Deployment) -> PlanningRules:
    settings, limits = here.settings, here.settings.restraint
    return PlanningRules(
        network=here.network,
        freshness_seconds=freshness_of(settings),
        ways=ways_of(settings),
        settlements=PauseMoney(),
        public_url=settings.api.public_url,
        restraint=Restraint(
            window_seconds=limits.window_seconds,
            collect_seconds=limits.collect_seconds,
            reminders_seconds=settings.reminders.together_hours * 3600,
        ),
        brake=brake_of(settings),
    )


def _money_teller(here: Deployment, database: Database) -> MoneyTeller:
    poll_seconds = here.settings.notifier.poll_seconds
    return MoneyTeller(database, PauseMoney(), poll_seconds=poll_seconds)


def _contact_sender(here: Deployment, database: Database) -> ContactSender:
    settings = here.settings
    return ContactSender(
        database,
        here.vault,
        build_channels(settings),
        poll_seconds=settings.notifier.poll_seconds,
        guests=guests_of(settings),
        spending=spending_of(settings),
        public_url=settings.api.public_url,
    )


def canary_roles(here: Deployment, database: Database) -> list[Role]:
    """The role that has canaries fall due, unless they are off."""
    if canary_channel(here.settings) is None:
        return []
    return [Role("canary", Canary(database).run)]


def _canary_plans(settings: Settings) -> CanaryPlans | None:
    channel = canary_channel(settings)
    return None if channel is None else CanaryPlans(channel)


def _subscribers(settings: Settings, vault: Vault) -> Subscribers | None:
    webhooks = settings.webhooks
    if not webhooks.enabled:
        return None
    return Subscribers(vault, retry_seconds=int(webhooks.retry_hours * 3600))


def freshness_of(settings: Settings) -> dict[str, int]:
    """For each channel that is switched on, how many seconds after ledger close news still goes out."""
    rules = settings.notifier
    freshness: dict[str, int] = {}
    if settings.email.enabled:
        freshness["email"] = int(rules.freshness_email_hours * 3600)
    if settings.sms.provider != "none":
        freshness["sms"] = int(rules.freshness_sms_minutes * 60)
    if push_services_on(settings):
        freshness["push"] = int(rules.freshness_push_minutes * 60)
    return freshness
