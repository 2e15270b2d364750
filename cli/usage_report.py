"""`pausewire report`: how much pause is used, who reads what they are told, and what it costs."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import typer
from sqlalchemy import Connection, func, select

from api.request_tally import history_views
from cli.output import Json, show, show_json, show_rows
from cli.prices import amount, prices, total
from cli.since import Since, since_micros
from cli.times import when
from cli.wiring import deployment
from notifier.usage import StreamKey, Usage, usage
from projections import pauses, streams
from projections.sets import active_set

_DEFAULT_DAYS = 30
_MICROS = 1_000_000
_OF_CONTRACTS = "contract-wide"
_MOST_EMPLOYERS = 10


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(since: Since = None, json: Json = False) -> None:
    """Streams that were paused, notices, what was read, and cost. Default: the last 30 days.

    Cost is what each try cost when it was made, an SMS by its parts; tries from before there was a price
    count once each, at today's.
    """
    here = deployment()
    start = since_micros(since, default_days=_DEFAULT_DAYS)
    priced, currency = prices(here.settings.costs), here.settings.costs.currency
    with here.migrated_database().read() as conn:
        used = usage(conn, start, priced)
        known = _streams(conn, start)
        views = history_views(conn, start)
        by_employer = _by_employer(conn, used.paid)
    found = _found(used) | {
        "since": when(start),
        "streams": known,
        "history_views": views,
        "currency": currency,
        "cost_micros_by_employer": by_employer,
    }
    if json:
        show_json(found)
        return
    _tell(found, used, priced)


def _streams(conn: Connection, since: int) -> dict[str, Any]:
    """How many streams are known, and how many of them were paused since then."""
    name = active_set(conn)
    held, known = pauses.TABLES[name], streams.LISTS[name]
    total = conn.scalar(select(func.count()).select_from(known)) or 0
    paused = (
        select(held.c.contract_id, held.c.stream_id)
        .where(held.c.stream_id.is_not(None), held.c.paused_at >= since // _MICROS)
        .distinct()
        .subquery()
    )
    using = conn.scalar(select(func.count()).select_from(paused)) or 0
    share = round(100 * using / total, 2) if total else None
    return {"known": total, "paused": using, "paused_percent": share}


def _by_employer(conn: Connection, paid: Mapping[StreamKey, Mapping[str, int]]) -> dict[str, int]:
    """Cost by the employer of each stream as it is now; what is of whole contracts stands apart."""
    known = streams.LISTS[active_set(conn)]
    costs = Counter[str]()
    for contract_id in sorted({contract_id for contract_id, _ in paid}):
        query = select(known.c.stream_id, known.c.employer).where(
            known.c.contract_id == contract_id
        )
        employers = {row.stream_id: row.employer for row in conn.execute(query)}
        for (contract, stream_id), channels in paid.items():
            if contract == contract_id:
                whose = _OF_CONTRACTS if stream_id is None else employers.get(stream_id)
                costs[whose or "unknown"] += sum(channels.values())
    return dict(costs.most_common())


def _found(used: Usage) -> dict[str, Any]:
    notices = sum(used.notices.values())
    costs = Counter[str]()
    for paid in used.paid.values():
        costs.update(paid)
    micros = costs.total()
    return {
        "people": used.people,
        "notices": {"total": notices, "by_kind": used.notices},
        "read": _read(used, notices),
        "helpful": {"yes": used.helpful, "no": used.unhelpful},
        "deliveries": used.deliveries,
        "cost_micros": micros,
        "cost_micros_per_notice": micros // notices if notices else 0,
        "cost_micros_by_channel": dict(sorted(costs.items())),
    }


def _read(used: Usage, notices: int) -> dict[str, Any]:
    """Notices read in the inbox, and by the link of a letter, with their shares in percent."""

    def share(count: int) -> float | None:
        return round(100 * count / notices, 2) if notices else None

    in_app = used.read - used.read_by_link
    return {
        "in_app": in_app,
        "by_link": used.read_by_link,
        "percent": share(used.read),
        "in_app_percent": share(in_app),
        "by_link_percent": share(used.read_by_link),
    }


def _tell(found: Mapping[str, Any], used: Usage, priced: Mapping[str, int]) -> None:
    currency, known, read = found["currency"], found["streams"], found["read"]
    helpful = found["helpful"]
    show(
        {
            "since": found["since"],
            "streams that were paused": f"{known['paused']} of {known['known']}",
            "notices": found["notices"]["total"],
            "people told": found["people"],
            "read in the app": f"{read['in_app']} ({read['in_app_percent'] or 0:g} %)",
            "read by link": f"{read['by_link']} ({read['by_link_percent'] or 0:g} %)",
            "was it helpful": f"{helpful['yes']} yes, {helpful['no']} no",
            "history views": found["history_views"],
            "cost": total(found["cost_micros"], currency, priced),
            "cost per notice": total(found["cost_micros_per_notice"], currency, priced),
        },
        as_json=False,
    )
    costs = found["cost_micros_by_channel"]
    show_rows(
        "Deliveries",
        ("channel", "deliveries", "states", "cost"),
        [
            (
                channel,
                sum(states.values()),
                ", ".join(f"{count} {state}" for state, count in states.items()),
                amount(costs.get(channel, 0), currency),
            )
            for channel, states in used.deliveries.items()
        ],
    )
    employers = list(found["cost_micros_by_employer"].items())[:_MOST_EMPLOYERS]
    rows = [(employer, amount(micros, currency)) for employer, micros in employers]
    show_rows("Cost by employer (the largest)", ("employer", "cost"), rows)
