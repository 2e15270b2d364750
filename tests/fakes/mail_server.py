"""A real SMTP server whose answers are scripted by the recipient's local part."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

RCPT_ANSWERS = {
    "nobody": "550 5.1.1 <nobody@example.test> no such user",
    "full": "552 5.2.2 mailbox full",
    "policy": "550 5.7.1 relaying denied",
    "later": "450 4.2.0 greylisted",
    "closing": "421 4.3.2 shutting down",
    "much": "452 4.5.3 too much at once",
}
DATA_ANSWERS = {
    "spam": "554 5.6.0 content refused",
    "busy": "451 4.3.0 try again",
    "odd": "299 what is this",
}
# What comes in the answer's place once the mail is kept; then the connection ends.
BABBLE = {
    "half": b"250 2.0.0 queu",
    "babble": b"<html>not SMTP</html>\r\n",
    "bytes": b"\xff\xfe\x00\r\n",
    "long": b"250 " + b"x" * 100_000 + b"\r\n",
    "many": b"250-more\r\n" * 20_000,
    "deaf": b"\r\n",
}


class ScriptedMail:
    """Handler: keeps every mail it takes, by recipient."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, bytes]] = []
        self.connections = 0
        self.commands: list[str] = []
        self.refuse_sender = False
        self.close_after_mail = False
        self.refuse_rset = False
        self.slow_seconds = 0.0
        self.rcpt_seconds = 0.0

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RSET(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.commands.append("RSET")
        return "500 what?" if self.refuse_rset else "250 OK"

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.refuse_sender:
            return "550 5.7.1 sender refused"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        local = address.partition("@")[0]
        await asyncio.sleep(self.slow_seconds if local == "sleepy" else self.rcpt_seconds)
        if local == "gone":
            server.transport.abort()
        answer = RCPT_ANSWERS.get(local)
        if answer is not None:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        address = envelope.rcpt_tos[0]
        local = address.partition("@")[0]
        if local in DATA_ANSWERS:
            return DATA_ANSWERS[local]
        if local == "liar":  # says that it took what it drops
            return "250 2.0.0 queued as 4711"
        self.mails.append((address, envelope.content))
        if local == "taker":  # says that it did not take what it keeps
            return "451 4.3.0 not taken"
        if local == "slow":
            await asyncio.sleep(self.slow_seconds)
        if self.close_after_mail:
            asyncio.get_running_loop().call_later(0.01, server.transport.close)
        return await self.answered(local, server.transport)

    async def answered(self, local: str, transport: Any) -> str:
        """What is said of a mail that is kept."""
        if local == "cut":
            transport.abort()
        if local in BABBLE:
            transport.write(BABBLE[local])
            transport.close()
        if local == "pieces":
            transport.write(b"250 2.0.0 que")
            await asyncio.sleep(0.02)
            return "ued as 4711"
        for _ in range(20 if local == "drips" else 0):
            transport.write(b"250-")
            await asyncio.sleep(0.05)
        return "250 2.0.0 queued as 4711"


class _Controller(Controller):
    def __init__(self, handler: ScriptedMail, port: int, **options: Any) -> None:
        super().__init__(handler, hostname="127.0.0.1", port=port)
        self._options = options

    def factory(self) -> SMTP:
        return SMTP(self.handler, hostname="mail.test", **self._options)


@contextmanager
def mail_server(handler: ScriptedMail, **options: Any) -> Iterator[int]:
    """Runs the server on a thread; yields its port. `options`: of aiosmtpd's SMTP."""
    controller = _Controller(handler, free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
