"""SMS through Twilio's Messages resource; the receipt is its sid.

In: a letter's text and a number in E.164. Out: a Receipt after 201 with a sid.
Twilio knows no idempotency key, so what no answer settled stays unknown. Apprise's adapter is not
used: it drops the sid, and other SMS adapters of it report success for refused messages.
Source: Twilio's API reference, "Message resource" and "Error and warning dictionary".
"""

import base64
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import msgspec

from notifier.channels.channel import Admitted, Letter, Receipt, quoted
from notifier.channels.http_answers import read_json, refusal, retry_after_seconds
from notifier.channels.sms.posting import body_of
from notifier.errors import (
    ChannelUnavailable,
    CredentialsRefused,
    DeliveryError,
    DestinationRejected,
    OptedOut,
    OutcomeUnknown,
    RateLimited,
    SenderRefused,
)

# Twilio's own code, finer than the HTTP status 400 it comes with.
CODES: Mapping[int, type[DeliveryError]] = {
    14107: RateLimited,  # message rate exceeded
    20003: CredentialsRefused,  # authenticate
    20005: SenderRefused,  # account not active
    20429: RateLimited,  # too many requests
    21211: DestinationRejected,  # invalid To
    21212: SenderRefused,  # invalid From
    21214: DestinationRejected,  # To cannot be reached
    21217: DestinationRejected,  # number is not valid
    21408: SenderRefused,  # region not enabled for the account
    21603: SenderRefused,  # From is required
    21606: SenderRefused,  # From is not ours
    21608: DestinationRejected,  # trial account, number not verified
    21609: SenderRefused,  # StatusCallback cannot be called
    21610: OptedOut,  # the person answered STOP
    21611: RateLimited,  # the sender's queue is full
    21612: DestinationRejected,  # no route from this sender to that number
    21614: DestinationRejected,  # not a mobile number
    21659: SenderRefused,  # From is not one of the account's numbers
}
# An idle connection may be closed by the far side just as we use it, which is then unknown: go first.
KEEP_ALIVE_SECONDS = 10.0


class TwilioAnswer(msgspec.Struct, frozen=True):
    """The part of Twilio's JSON that matters, of a message or of an error."""

    sid: str | None = None
    status: str | int | None = None
    code: int | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioAccount:
    """Whose account, and from which number. Twilio drops what it could not hand over in time.

    `status_callback`: where Twilio tells what becomes of a message, up to the delivery's id; None: nowhere.
    """

    base_url: str
    account_sid: str
    auth_token: str = field(repr=False)
    sender: str
    timeout_seconds: float = 10.0
    validity_seconds: int = 1800
    status_callback: str | None = None


class TwilioChannel:
    """Letters as SMS from one number. `clock`: unix seconds."""

    provider = "twilio"

    def __init__(self, account: TwilioAccount, clock: Callable[[], float] = time.time) -> None:
        self._account = account
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def prepare(
        self, letter: Letter, destination: Admitted
    ) -> AsyncIterator["TwilioHandover"]:
        """Nothing can be agreed before the POST: only the request is made ready."""
        account = self._account
        # Past its deadline the news is stale, however long the handset was off.
        validity = min(account.validity_seconds, letter.seconds_left(self._clock()))
        form = {
            "To": destination,
            "From": account.sender,
            "Body": letter.text,
            "ValidityPeriod": str(validity),
        }
        if account.status_callback is not None:
            # Names the delivery: what becomes of a message is known even where its sid is not.
            form["StatusCallback"] = f"{account.status_callback}{letter.delivery_id}"
        yield TwilioHandover(
            session=self._open(),
            url=f"{account.base_url}/2010-04-01/Accounts/{account.account_sid}/Messages.json",
            form=form,
        )

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            account = self._account
            login = f"{account.account_sid}:{account.auth_token}".encode()
            self._session = aiohttp.ClientSession(
                headers={"Authorization": f"Basic {base64.b64encode(login).decode()}"},
                timeout=aiohttp.ClientTimeout(
                    total=account.timeout_seconds, sock_connect=account.timeout_seconds / 2
                ),
                connector=aiohttp.TCPConnector(keepalive_timeout=KEEP_ALIVE_SECONDS),
            )
        return self._session


class TwilioHandover:
    """A request ready to be posted."""

    def __init__(self, *, session: aiohttp.ClientSession, url: str, form: dict[str, str]) -> None:
        self._session = session
        self._url = url
        self._form = form

    async def send(self) -> Receipt:
        """POST it. 201 with a sid is the receipt."""
        try:
            async with self._session.post(
                self._url, data=self._form, allow_redirects=False
            ) as response:
                body = await body_of(response)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise ChannelUnavailable(type(error).__name__) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OutcomeUnknown(type(error).__name__) from error
        return self._read(response.status, response.headers, body)

    def _read(self, status: int, headers: Mapping[str, str], body: bytes) -> Receipt:
        answer = read_json(body, TwilioAnswer) or TwilioAnswer()
        if 200 <= status < 300 and answer.sid:
            return Receipt(
                provider_message_id=quoted(answer.sid),
                status_code=status,
                detail=quoted(str(answer.status)),
            )
        detail = quoted(f"{answer.code or ''} {answer.message or ''}".strip(), self._form["To"])
        kind = CODES.get(answer.code or 0)
        if kind is not None and 400 <= status < 500:
            wait = retry_after_seconds(headers)
            raise kind(detail, status_code=status, retry_after_seconds=wait)
        raise refusal(status, headers, detail)
