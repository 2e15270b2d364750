"""The bare loop beside Pausewire's alerts: poll, decode with the SDK, send by one open connection.

No database, no broker, no record of anything: what it forgets in a crash is lost, what it repeats is
repeated. It stands for the least that tells a pause at all.
"""

import asyncio
import multiprocessing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any, NamedTuple

import aiohttp
from aiosmtplib import SMTP
from stellar_sdk import scval

from notifier.content import TEMPLATE_VERSION, Content
from notifier.rendering import Renderer

SENDER = "alerts@pausewire.example"
_PAGE_LIMIT = 1000
_STOP_SECONDS = 5

Wire = dict[str, Any]


class Work(NamedTuple):
    """What to follow, how often to ask, and whom to tell where (employee account: address)."""

    rpc_url: str
    contract_id: str
    start_ledger: int
    poll_seconds: float
    smtp_port: int
    addresses: Mapping[str, str]


@contextmanager
def telling(work: Work) -> Iterator[None]:
    """The loop in a process of its own, for the length of the block."""
    process = multiprocessing.get_context("spawn").Process(target=tell, args=(work,), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join(_STOP_SECONDS)
        process.kill()


def tell(work: Work) -> None:
    """The loop's process; ends when it is ended."""
    asyncio.run(_follow(work))


async def _follow(work: Work) -> None:
    words = Renderer()
    smtp = await connected(work.smtp_port)
    where: Wire = {"startLedger": work.start_ledger}
    cursor: str | None = None
    async with aiohttp.ClientSession() as session:
        while True:
            page = await _page(session, work, where, cursor)
            for event in page["events"]:
                if scval.to_native(event["topic"][0]) == "paused":
                    await smtp.send_message(_mail(words, work, event))
            cursor, where = page["cursor"], {}
            if len(page["events"]) < _PAGE_LIMIT:
                await asyncio.sleep(work.poll_seconds)


async def _page(
    session: aiohttp.ClientSession, work: Work, where: Wire, cursor: str | None
) -> Wire:
    pagination = {"limit": _PAGE_LIMIT} | ({} if cursor is None else {"cursor": cursor})
    filters = [{"type": "contract", "contractIds": [work.contract_id]}]
    params = {"filters": filters, "pagination": pagination, **where}
    call = {"jsonrpc": "2.0", "id": 1, "method": "getEvents", "params": params}
    async with session.post(work.rpc_url, json=call) as response:
        answer: Wire = await response.json()
    found: Wire = answer["result"]
    return found


def _mail(words: Renderer, work: Work, event: Wire) -> EmailMessage:
    _employer, employee, paused_at = scval.from_vec(event["value"])
    at = scval.from_uint64(paused_at)
    facts = Content(
        kind="paused",
        role="employee",
        contract_id=work.contract_id,
        stream_id=scval.from_uint64(event["topic"][1]),
        happened_at=at,
        learned_at=at,
        reference=event["id"],
    )
    return letter(words, facts, work.addresses[scval.from_address(employee).address])


def letter(words: Renderer, facts: Content, address: str) -> EmailMessage:
    """The same words as ours, put into a mail by the standard library."""
    said = words.render(facts, "email", "en", TEMPLATE_VERSION)
    mail = EmailMessage()
    mail["From"], mail["To"] = SENDER, address
    mail["Subject"], mail["Message-ID"] = said.subject, make_msgid(domain="pausewire.example")
    mail.set_content(said.text)
    mail.add_alternative(said.html or "", subtype="html")
    return mail


async def connected(port: int) -> SMTP:
    """A connection that stays open."""
    client = SMTP(hostname="127.0.0.1", port=port, start_tls=False, local_hostname="localhost")
    await client.connect()
    return client
