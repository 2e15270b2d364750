"""What a route is asked about: something that exists, belongs to EMPLOYEE, and allows what is asked."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, select, update

from notifier import suppression, unsubscribing
from notifier.contact_file import ContactLine
from notifier.contact_letters import contact_letter
from notifier.contact_links import new_link, tag_of
from notifier.contacts import ContactBook
from notifier.schema import contact
from notifier.told_links import token_for
from notifier.webhooks import subscriptions
from notifier.webhooks.subscriptions import Owner, Wanted
from store.clock import now_micros
from tests.fakes.called_back import status, twilio_request
from tests.fakes.chain import CONTRACT, EMPLOYEE
from tests.fakes.everybody import Everybody
from tests.fakes.planned import plan
from tests.fakes.wallet import person, signed

ANA = person("ana")
HOOK = "https://hooks.example.org/pausewire"
ENDS = {"GET /v1/feed": "?follow=false"}  # or it would not end


def places(everybody: Everybody, route: str, template: str) -> str:
    """The route's path, with the ids of what was made for this one question."""
    names = re.findall(r"\{(\w+)\}", template)
    values = {name: _VALUES[name] for name in names if name in _VALUES}
    if "contact_id" in names:
        values["contact_id"] = str(_contact(everybody, suppressed=route.endswith("/prove")))
    if "/confirm/" in template:
        values["token"] = _link(everybody)
    elif "/told/" in template:
        with everybody.served.database.begin() as conn:
            mail = plan(conn, state="accepted")
        values["token"] = token_for(everybody.served.given.vault, mail, now_micros())
    elif "token" in names:
        lookup = everybody.served.given.vault.destination_lookup("email", "ana@example.test")
        values["token"] = unsubscribing.token_for(everybody.served.given.vault, lookup)
    if "webhook_id" in names:
        values["webhook_id"] = str(_webhook(everybody, active=not route.endswith("/enable")))
    if "delivery_id" in names:
        values["delivery_id"] = str(_given_up(everybody, values.get("webhook_id")))
    return template.format(**values) + ENDS.get(route, "")


def _link(everybody: Everybody) -> str:
    """A link that confirms a new mailbox of the employee."""
    vault, token, now = everybody.served.given.vault, new_link(), now_micros()
    with everybody.served.database.begin() as conn:
        where = {"channel": "email", "destination": f"{uuid4().hex}@example.test"}
        conn.execute(delete(contact))  # an account has few
        conn.execute(update(contact_letter).values(created_at=1))  # enough codes may be asked for
        added = ContactBook(vault).add(conn, EMPLOYEE, now=now, **where)
        mine = contact_letter.c.contact_id == added.contact_id
        conn.execute(update(contact_letter).where(mine).values(link_tag=tag_of(vault, token)))
    return token


def bodies(everybody: Everybody, route: str, *, signed: bool) -> dict[str, Any]:
    """The route's body as httpx takes it; `signed`: as a provider signs its own."""
    if route.endswith("/callbacks"):
        request = twilio_request(status(uuid4().hex, "sent"))
        headers = dict(request.headers) if signed else {}
        return {"content": request.body, "headers": headers}
    make = _BODIES.get(route)
    return {} if make is None else {"json": make(everybody)}


def _met(everybody: Everybody) -> dict[str, str]:
    asked = everybody.served.given.sign_in.challenge(ANA.public_key, now_micros() // 1_000_000)
    return {
        "address": ANA.public_key,
        "challenge": asked.challenge,
        "signature": signed(ANA, asked.message),
    }


def _contact(everybody: Everybody, *, suppressed: bool) -> UUID:
    """A verified one: verifying it once more needs no code. `suppressed`: it unsubscribed."""
    place = f"{uuid4().hex}@example.test"
    served = everybody.served
    served.world.register(ContactLine(EMPLOYEE, place, "", "", "en"))
    lookup = served.given.vault.destination_lookup("email", place)
    with served.database.begin() as conn:
        if suppressed:
            conn.execute(update(contact_letter).values(created_at=1))  # as in `_link`
            suppression.put(conn, "email", lookup, "unsubscribed", source="link", at=now_micros())
        found: UUID = conn.scalars(
            select(contact.c.contact_id).where(contact.c.destination_lookup == lookup)
        ).one()
    return found


def _webhook(everybody: Everybody, *, active: bool) -> UUID:
    served, now = everybody.served, now_micros()
    wanted = Wanted(HOOK, contract_id=CONTRACT, account_id=EMPLOYEE)
    with served.database.begin() as conn:
        made, _ = subscriptions.create(
            conn, served.given.vault, wanted, owner=Owner(EMPLOYEE), now=now
        )
        if not active:
            subscriptions.disable(conn, made, subscriptions.OPERATOR, now)
    return made


def _given_up(everybody: Everybody, webhook_id: str | None) -> UUID:
    """A delivery that failed, and may be tried again."""
    with everybody.served.database.begin() as conn:
        if webhook_id is None:
            return plan(conn, state="failed")
        return plan(conn, "webhook", endpoint=webhook_id, state="failed")


_VALUES = {
    "contract_id": CONTRACT,
    "stream_id": "7",
    "provider": "twilio",
    "name": "app.js",
    "slug": "not-found",
    "language": "en",
    "kind": "paused",
    "answer": "yes",
}
_BODIES: dict[str, Callable[[Everybody], dict[str, Any]]] = {
    "POST /v1/auth/challenge": lambda _: {"address": ANA.public_key},
    "POST /v1/auth/token": _met,
    "POST /v1/auth/logout": lambda _: {},
    "PUT /v1/me": lambda _: {"language": "fr"},
    "PUT /v1/me/preferences": lambda _: {"language": "fr", "time_zone": "UTC"},
    "POST /v1/me/inbox/read": lambda _: {"all": True},
    "POST /v1/me/contacts": lambda _: {
        "channel": "email",
        "destination": f"{uuid4().hex}@example.test",
    },
    "POST /v1/me/contacts/{contact_id}/verify": lambda _: {"code": "000000"},
    "POST /v1/webhooks": lambda _: {"url": HOOK, "account": EMPLOYEE, "contract_id": CONTRACT},
    "POST /v1/page-reports": lambda _: {"kind": "view", "view": "log"},
    "POST /page/sandbox-wallet": lambda _: {"account_id": EMPLOYEE, "message": "hello"},
}
