"""SMS through Amazon SNS's Publish; the receipt is its MessageId.

In: a letter's text and a number in E.164. Out: a Receipt after 200 with a MessageId.
Publish has no idempotency key. A number that answered STOP is taken all the same and never reached: what
becomes of a message stands in CloudWatch only. Publish takes no validity period either.
Source: docs.aws.amazon.com/sns/latest/api/API_Publish.html and its common errors.
"""

import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

from notifier.channels.channel import Admitted, Letter, Receipt, quoted
from notifier.channels.http_answers import refusal, retry_after_seconds
from notifier.channels.sms.aws_signing import AwsKey, signed_headers
from notifier.channels.sms.posting import FormHandover, FormPoster, Posted
from notifier.errors import (
    CredentialsRefused,
    DeliveryError,
    DestinationRejected,
    OptedOut,
    Permanent,
    RateLimited,
    SenderRefused,
)

CODES: Mapping[str, type[DeliveryError]] = {
    "Throttling": RateLimited,
    "ThrottlingException": RateLimited,
    "ThrottledException": RateLimited,
    "Throttled": RateLimited,
    "RequestLimitExceeded": RateLimited,
    "InvalidClientTokenId": CredentialsRefused,
    "SignatureDoesNotMatch": CredentialsRefused,
    "MissingAuthenticationToken": CredentialsRefused,
    "IncompleteSignature": CredentialsRefused,
    "ExpiredToken": CredentialsRefused,
    "RequestExpired": CredentialsRefused,  # our clock is wrong
    "AccessDenied": SenderRefused,
    "AuthorizationError": SenderRefused,
    "OptInRequired": SenderRefused,
    "UserError": SenderRefused,  # numbers of the SMS sandbox only, or the month's spending is used up
    "OptedOut": OptedOut,
    "InvalidParameter": DestinationRejected,  # of what we send only the number can be wrong
    "InvalidParameterValue": DestinationRejected,
    "ValidationError": Permanent,
}
# By what Amazon's XML says; its structure does not matter, and no parser meets what strangers wrote.
_MESSAGE_ID = re.compile(rb"<MessageId>\s*([A-Za-z0-9-]{1,100})\s*</MessageId>")
_CODE = re.compile(rb"<Code>\s*([A-Za-z0-9.]{1,100})\s*</Code>")
_MESSAGE = re.compile(rb"<Message>([^<]{0,500})</Message>")


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsAccount:
    """Whose account; `sender`: an origination number (`+…`) or a sender id of up to 11 letters."""

    base_url: str
    key: AwsKey
    sender: str
    timeout_seconds: float = 10.0


class SnsChannel:
    """Letters as SMS from one sender. `clock`: unix seconds."""

    provider = "sns"

    def __init__(self, account: SnsAccount, clock: Callable[[], float] = time.time) -> None:
        self._account = account
        self._clock = clock
        self._poster = FormPoster(account.timeout_seconds)

    @asynccontextmanager
    async def prepare(self, letter: Letter, destination: Admitted) -> AsyncIterator[FormHandover]:
        """Sign the request; nothing can be agreed before the POST."""
        account = self._account
        body = urlencode(_form(account.sender, letter.text, destination)).encode()
        url = f"{account.base_url}/"
        headers = signed_headers(account.key, url, body, int(self._clock()))
        post = partial(self._poster.post, url, body, headers)
        yield FormHandover(post, partial(read_answer, destination=destination))

    async def close(self) -> None:
        """Close the session."""
        await self._poster.close()


def read_answer(posted: Posted, *, destination: str) -> Receipt:
    """The receipt in an answer. Raises DeliveryError."""
    found = _MESSAGE_ID.search(posted.body)
    if posted.status == 200 and found is not None:
        return Receipt(provider_message_id=found[1].decode(), status_code=200)
    code, words = _CODE.search(posted.body), _MESSAGE.search(posted.body)
    name = "" if code is None else code[1].decode()
    said = "" if words is None else words[1].decode("utf-8", "replace")
    detail = quoted(f"{name} {said}".strip(), destination)
    kind = CODES.get(name)
    if kind is not None and 400 <= posted.status < 500:
        wait = retry_after_seconds(posted.headers)
        raise kind(detail, status_code=posted.status, retry_after_seconds=wait)
    raise refusal(posted.status, posted.headers, detail)


def _form(sender: str, text: str, destination: str) -> dict[str, str]:
    origin = "AWS.MM.SMS.OriginationNumber" if sender.startswith("+") else "AWS.SNS.SMS.SenderID"
    attributes = {"AWS.SNS.SMS.SMSType": "Transactional", origin: sender}
    form = {
        "Action": "Publish",
        "Version": "2010-03-31",
        "PhoneNumber": destination,
        "Message": text,
    }
    for n, (name, value) in enumerate(attributes.items(), start=1):
        form[f"MessageAttributes.entry.{n}.Name"] = name
        form[f"MessageAttributes.entry.{n}.Value.DataType"] = "String"
        form[f"MessageAttributes.entry.{n}.Value.StringValue"] = value
    return form
