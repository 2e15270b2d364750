"""The mail catcher: real SMTP that accepts everything, unless the recipient's name asks for trouble.

Local parts: `reject.*` 550 at RCPT · `greylist.*` 451 the first time · `data-fail.*` 554 after DATA ·
`slow.*` 250 after three seconds · `cut.*` recorded, then the connection ends without a 250. Moods
(moods.py) show at DATA, whoever the mail is for.
"""

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from simulator.catchers.caught import Caught, CaughtMessage
from simulator.catchers.moods import SLOW_SECONDS as MOOD_SECONDS
from simulator.catchers.moods import Mood, Moods

SLOW_SECONDS = 3.0
_PUT_OFF = {Mood.BUSY: "452 4.3.1 too much at once", Mood.AWAY: "451 4.3.0 come again"}
_HANG_UP = (Mood.ERROR, Mood.DROP, Mood.CUT, Mood.LIE)
_NOT_TAKEN = (Mood.ERROR, Mood.DROP)


class MailCatcher:
    """The hooks aiosmtpd calls. One recorded line per recipient."""

    def __init__(self, caught: Caught, moods: Moods) -> None:
        self._caught = caught
        self._moods = moods
        self._greylisted: set[str] = set()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's hook
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        """Accept, reject or put off one recipient."""
        if address.startswith("reject."):
            return "550 5.1.1 no such mailbox"
        if address.startswith("greylist.") and address not in self._greylisted:
            self._greylisted.add(address)
            return "451 4.7.1 greylisted, come again"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's hook
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Record the mail for each recipient, then answer as their names ask."""
        names = [address.partition(".")[0] for address in envelope.rcpt_tos]
        if "data-fail" in names:
            return "554 5.6.0 message refused"
        mood = self._moods.next()
        if mood in _PUT_OFF:
            return _PUT_OFF[mood]
        if mood not in _NOT_TAKEN:
            self._record(envelope)
        if "slow" in names or mood is Mood.SLOW:
            await asyncio.sleep(SLOW_SECONDS if "slow" in names else MOOD_SECONDS)
        if "cut" in names or mood in _HANG_UP:
            cast("asyncio.Transport", server.transport).abort()
        return "250 2.0.0 OK"

    def _record(self, envelope: Envelope) -> None:
        message = message_from_bytes(cast("bytes", envelope.content), policy=policy.default)
        for address in envelope.rcpt_tos:
            self._caught.record(_as_caught(message, envelope.mail_from or "", address))


async def serve_mail(
    caught: Caught, host: str, port: int, moods: Moods | None = None
) -> asyncio.Server:
    """Listen for SMTP on the running loop."""
    catcher = MailCatcher(caught, moods or Moods())

    def protocol() -> SMTP:
        return SMTP(catcher, hostname="mail.pausewire.test", enable_SMTPUTF8=True)

    return await asyncio.get_running_loop().create_server(protocol, host, port)


def _as_caught(message: EmailMessage, mail_from: str, address: str) -> CaughtMessage:
    headers: dict[str, Any] = {name: str(value) for name, value in message.items()}
    return {
        "message_id": headers.get("Message-ID", headers.get("Message-Id", "")),
        "from": mail_from,
        "to": address,
        "subject": headers.get("Subject", ""),
        "headers": headers,
        "text": _body(message, "plain"),
        "html": _body(message, "html"),
    }


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return "" if part is None else str(part.get_content())
