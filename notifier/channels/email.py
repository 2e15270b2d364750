"""Email by SMTP: one recipient a mail, sender and recipient agreed before the hand-off mark.

In: a letter and an address. Out: a Receipt after the server's 250 to the whole mail.
Prepare: connection, MAIL FROM, RCPT TO. Send: DATA and the mail.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import parseaddr

from aiosmtplib import SMTPException

from notifier.channels import mime
from notifier.channels.channel import Admitted, Letter, Receipt, quoted
from notifier.channels.dkim import DkimSigner
from notifier.channels.smtp_answers import (
    data_failure,
    enhanced_code,
    is_broken,
    recipient_failure,
    sender_failure,
)
from notifier.channels.smtp_pool import Connection, SmtpPool, SmtpServer
from notifier.errors import ChannelUnavailable, DeliveryError, DestinationRejected

FIRST = "smtp"
SECOND = "smtp-second"


class EmailChannel:
    """Letters as mails from one sender through one SMTP server."""

    def __init__(
        self,
        server: SmtpServer,
        *,
        sender: str,
        connections: int,
        signer: DkimSigner | None = None,
        provider: str = FIRST,
        mark: str | None = None,
    ) -> None:
        self._mark = mark
        self.provider = provider
        self._signer = signer
        self._sender = sender
        self._envelope_sender = parseaddr(sender)[1]
        self._pool = SmtpPool(server, connections=connections)

    @asynccontextmanager
    async def prepare(
        self, letter: Letter, destination: Admitted
    ) -> AsyncIterator["EmailHandover"]:
        """Hold a connection on which the server has agreed to sender and recipient."""
        address = ascii_address(destination)
        mail = mime.build(letter, sender=self._sender, destination=address, mark=self._mark)
        if self._signer is not None:
            # By the time of planning: the same delivery makes the same mail, signature included.
            mail = self._signer.sign(mail, letter.planned_at // 1_000_000)
        async with self._pool.slot():
            handover = EmailHandover(
                connection=await self._agree(address),
                mail=mail,
                destination=address,
                message_id=mime.message_id(letter, mime.sender_domain(self._sender)),
            )
            try:
                yield handover
            finally:
                await self._take_back(handover)

    async def close(self) -> None:
        """Close the kept connections."""
        await self._pool.close()

    async def _agree(self, address: str) -> Connection:
        """On a kept connection if it still works, else on a fresh one: nothing has left yet."""
        kept = self._pool.kept()
        if kept is not None:
            refusal = await self._refusal(kept, address)
            if refusal is None:
                return kept
            if not isinstance(refusal, ChannelUnavailable):
                raise refusal
        fresh = await self._pool.fresh()
        refusal = await self._refusal(fresh, address)
        if refusal is not None:
            raise refusal
        return fresh

    async def _refusal(self, connection: Connection, address: str) -> DeliveryError | None:
        """MAIL and RCPT: None once agreed, else why not; the connection is then kept or closed."""
        explain = sender_failure
        try:
            await connection.client.mail(self._envelope_sender)
            explain = recipient_failure
            await connection.client.rcpt(address)
        except (SMTPException, OSError) as error:
            if is_broken(error):
                connection.client.close()
            else:
                await self._pool.reset(connection)
            refusal = explain(error, address)
            refusal.__cause__ = error
            return refusal
        except BaseException:
            connection.client.close()
            raise
        return None

    async def _take_back(self, handover: "EmailHandover") -> None:
        if handover.outcome == "sent":
            handover.connection.mails += 1
            self._pool.give_back(handover.connection)
        elif handover.outcome == "waiting":
            await self._pool.reset(handover.connection)
        else:
            handover.connection.client.close()


class EmailHandover:
    """A mail whose sender and recipient the server has accepted."""

    def __init__(
        self, *, connection: Connection, mail: bytes, destination: str, message_id: str
    ) -> None:
        self.connection = connection
        self.outcome = "waiting"
        self._mail = mail
        self._destination = destination
        self._message_id = message_id.strip("<>")

    async def send(self) -> Receipt:
        """DATA and the mail; the server's 250 after its end is the receipt."""
        self.outcome = "failed"
        try:
            answer = await self.connection.client.data(self._mail)
        except (SMTPException, OSError) as error:
            raise data_failure(error, self._destination) from error
        self.outcome = "sent"
        return Receipt(
            provider_message_id=self._message_id,
            status_code=answer.code,
            enhanced_code=enhanced_code(answer.message),
            detail=quoted(answer.message, self._destination),
        )


def ascii_address(address: str) -> str:
    """The address as SMTP without SMTPUTF8 can carry it: domain in IDNA, local part as it is.

    Raises DestinationRejected where the local part is not ASCII or a line break could smuggle a command.
    """
    local, _, domain = address.rpartition("@")
    try:
        host = domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise DestinationRejected("domain is not a host name") from error
    if not (local and host and local.isascii() and f"{local}{host}".isprintable()):
        raise DestinationRejected("not an address that SMTP can carry")
    if any(character in '<>" ' for character in local + host):
        raise DestinationRejected("not an address that SMTP can carry")
    return f"{local}@{host}"
