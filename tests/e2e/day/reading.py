"""The evidence of a day, read: the truth file, the catchers' boxes and the database."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, select

from cli.sinks import RECEIVERS, SINKS, caught_lines
from notifier.content import DIGEST
from notifier.latency import told_seconds
from notifier.privacy import Vault
from notifier.schema import attempt, delivery, notice, recipient
from simulator.truth import read_truth
from store.clock import now_micros
from tests.e2e.day.evidence import (
    IDEMPOTENT,
    WEB_PUSH,
    WEBHOOK,
    Caught,
    Delivery,
    Evidence,
    wanted,
)
from tests.e2e.day.hooks import Subscribed
from tests.e2e.day.people import MICROS, Person
from tests.e2e.day.posts import read_post
from tests.e2e.day.surroundings import CAPS
from tests.e2e.day.watch import Seen

_ALIKE = (
    *("delivery_id", "notice_id", "channel", "state", "reason", "purpose", "digest", "carried_by"),
    *("possible_duplicate", "available_at", "planned_at", "released_at", "handed_off_at"),
    *("provider_message_id", "lane", "lane_position", "stream_id"),
)

# However a language says "Ref": the last such word of an SMS or a push.
_REFERENCE = re.compile(r"\b[0-9A-F]{8}\b")


def read_evidence(
    conn: Connection,
    vault: Vault,
    state_dir: Path,
    people: Mapping[str, Person],
    seen: Seen,
    subscribed: Subscribed,
) -> Evidence:
    """Everything, in one snapshot of the database; the files are read after it."""
    now = now_micros()
    deliveries = list(_deliveries(conn, vault, people, subscribed))
    return Evidence(
        people=people,
        wants=wanted(read_truth(state_dir / "truth.ndjson")),
        deliveries=deliveries,
        caught=[*_caught(state_dir), *_posted(state_dir, subscribed), *_in_browsers(state_dir)],
        held_seen=seen.held,
        unknown_seen=seen.unknown,
        caps=CAPS,
        now=now,
        mark_of=mark_of,
    )


def mark_of(each: Any) -> str:
    """What tells in a catcher's record that a letter is this delivery's."""
    return (RECEIVERS if each.box in IDEMPOTENT else SINKS[each.channel]).mark_of(each)


def _deliveries(
    conn: Connection, vault: Vault, people: Mapping[str, Person], subscribed: Subscribed
) -> Iterator[Delivery]:
    lookups = {vault.account_lookup(account): account for account in people}
    accounts = {
        row.recipient_id: lookups.get(row.account_lookup, row.recipient_id)
        for row in conn.execute(select(recipient.c.recipient_id, recipient.c.account_lookup))
    }
    tries = defaultdict[Any, list[str | None]](list)
    marked = Counter[Any]()
    for row in conn.execute(select(attempt).order_by(attempt.c.n)):
        # What failed before the hand-off mark left nothing.
        tries[row.delivery_id].append(row.result if row.handed_off_at else row.result or "not_sent")
        marked[row.delivery_id] += row.handed_off_at is not None
    for row in conn.execute(_rows()):
        account = subscribed.accounts.get(row.endpoint) or accounts[row.recipient_id]
        yield Delivery(
            account=account,
            event_id=row.cause_event_id,
            kind=row.kind,
            results=tuple(tries[row.delivery_id]),
            told_seconds=told_seconds(row),
            marked=marked[row.delivery_id],
            in_browser=row.channel == "push" and people[account].has_a_browser,
            **{name: getattr(row, name) for name in _ALIKE},
        )


def _rows() -> Select[Any]:
    return select(
        delivery,
        notice.c.recipient_id,
        notice.c.cause_event_id,
        notice.c.kind,
        notice.c.stream_id,
        notice.c.closed_at,
    ).join_from(delivery, notice, delivery.c.notice_id == notice.c.notice_id)


def _caught(state_dir: Path) -> Iterator[Caught]:
    for channel, sink in SINKS.items():
        for line in caught_lines(state_dir / sink.file):
            mark = sink.mark if channel == "email" else _REFERENCE
            found = mark.findall(str(line[sink.marked]))
            at = datetime.fromisoformat(line["received_at"]).timestamp()
            identity = str(line[sink.id_field]).strip("<>")
            yield Caught(channel, found[-1] if found else "none", identity, int(at * MICROS))


def _posted(state_dir: Path, subscribed: Subscribed) -> Iterator[Caught]:
    for line in caught_lines(state_dir / RECEIVERS.file):
        post = read_post(line, subscribed.keys)
        at = int(datetime.fromisoformat(line["received_at"]).timestamp() * MICROS)
        yield Caught(WEBHOOK, post.identity, post.identity, at, line["text"], post)


def _in_browsers(state_dir: Path) -> Iterator[Caught]:
    """As the service worker sees them, decrypted."""
    for line in caught_lines(state_dir / "web_push.ndjson"):
        at = int(datetime.fromisoformat(line["received_at"]).timestamp() * MICROS)
        shown = line["shown"]
        body = json.dumps(shown, sort_keys=True)
        is_digest = shown["kind"] == DIGEST
        yield Caught(WEB_PUSH, shown["id"], line["id"], at, body, is_digest=is_digest)
