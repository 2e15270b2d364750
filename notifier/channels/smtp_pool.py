"""SMTP connections kept open: a mail costs four round trips instead of eight with STARTTLS and login.

aiosmtplib has no pool. A client carries one mail at a time and hangs when connected twice, so each is
connected once, used by one letter at a time, and thrown away after any fault.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from aiosmtplib import SMTP, SMTPException

from notifier.channels.smtp_answers import connect_failure

# Servers close connections that are silent or long-lived; we go first, so that no letter meets it.
MAILS_PER_CONNECTION = 100
IDLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where to connect and as whom. `local_hostname` spares a reverse look-up of our own name."""

    host: str
    port: int
    tls: Literal["none", "starttls", "tls"]
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_seconds: float = 15.0
    local_hostname: str = "localhost"


@dataclass(slots=True)
class Connection:
    """One open connection and how long it may live."""

    client: SMTP
    mails: int = 0
    used_at: float = field(default_factory=time.monotonic)

    @property
    def is_fit(self) -> bool:
        """Worth another letter."""
        return (
            self.client.is_connected
            and self.mails < MAILS_PER_CONNECTION
            and time.monotonic() - self.used_at < IDLE_SECONDS
        )


class SmtpPool:
    """At most `connections` letters at once; each holds a slot, and in it one connection or another."""

    def __init__(self, server: SmtpServer, *, connections: int) -> None:
        self._server = server
        self._slots = asyncio.Semaphore(connections)
        self._idle: list[Connection] = []

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait until one more letter may be under way."""
        async with self._slots:
            yield

    def kept(self) -> Connection | None:
        """The connection used last that is still fit, or None. Those too old are closed on the way."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_fit:
                return connection
            connection.client.close()
        return None

    async def fresh(self) -> Connection:
        """A new connection, encrypted and logged in as configured. Raises DeliveryError."""
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls == "tls",
            # Never None: that means "if the server offers it", which an attacker can strip.
            start_tls=server.tls == "starttls",
            username=server.username,
            password=server.password,
            timeout=server.timeout_seconds,
            local_hostname=server.local_hostname,
        )
        try:
            await client.connect()
        except (SMTPException, OSError) as error:
            client.close()
            raise connect_failure(error) from error
        return Connection(client)

    def give_back(self, connection: Connection) -> None:
        """Keep it for the next letter if it is fit."""
        connection.used_at = time.monotonic()
        if connection.is_fit:
            self._idle.append(connection)
        else:
            connection.client.close()

    async def reset(self, connection: Connection) -> None:
        """Take back sender and recipient (RSET), then keep it; a server that minds loses it."""
        try:
            await connection.client.rset()
        except (SMTPException, OSError):
            connection.client.close()
        else:
            self.give_back(connection)

    async def close(self) -> None:
        """Close what is idle; letters under way close their own."""
        while self._idle:
            self._idle.pop().client.close()
