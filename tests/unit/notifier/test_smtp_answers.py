"""Every error that aiosmtplib can raise is given a meaning in every phase."""

import ssl

import aiosmtplib
import pytest

from notifier.channels.smtp_answers import (
    connect_failure,
    data_failure,
    is_broken,
    recipient_failure,
    sender_failure,
)
from notifier.errors import (
    ChannelUnavailable,
    CredentialsRefused,
    Deferred,
    DeliveryError,
    DestinationRejected,
    OutcomeUnknown,
    Permanent,
    ProviderFault,
    RateLimited,
    SenderRefused,
    Throttled,
)

PLACE = "ana@example.test"


def errors() -> dict[str, Exception]:
    made: dict[str, Exception] = {}
    for name in aiosmtplib.errors.__all__:
        kind = getattr(aiosmtplib.errors, name)
        if issubclass(kind, (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPRecipientRefused)):
            made[name] = kind(550, "no", PLACE)
        elif issubclass(kind, aiosmtplib.SMTPResponseException):
            made[name] = kind(550, "no")
        else:
            made[name] = kind("no")
    return made


# connect, MAIL, RCPT, DATA
UNREACHED = (ChannelUnavailable, ChannelUnavailable, ChannelUnavailable, OutcomeUnknown)
REFUSED = (SenderRefused, SenderRefused, DestinationRejected, Permanent)
UNUSABLE = (ProviderFault, ChannelUnavailable, ChannelUnavailable, OutcomeUnknown)
MEANINGS = {
    "SMTPException": UNUSABLE,
    "SMTPNotSupported": UNUSABLE,
    "SMTPConnectError": UNREACHED,
    "SMTPConnectTimeoutError": UNREACHED,
    "SMTPReadTimeoutError": UNREACHED,
    "SMTPServerDisconnected": UNREACHED,
    "SMTPTimeoutError": UNREACHED,
    "SMTPRecipientsRefused": UNREACHED,  # of sendmail, which is not used
    "SMTPAuthenticationError": (CredentialsRefused, *REFUSED[1:]),
    "SMTPConnectResponseError": REFUSED,
    "SMTPDataError": REFUSED,
    "SMTPHeloError": REFUSED,
    "SMTPRecipientRefused": REFUSED,
    "SMTPResponseException": REFUSED,
    "SMTPSenderRefused": REFUSED,
}


def test_no_error_of_the_library_is_left_out() -> None:
    assert set(errors()) == set(MEANINGS)


@pytest.mark.parametrize("name", sorted(MEANINGS))
def test_each_error_means_one_thing_in_each_phase(name: str) -> None:
    error = errors()[name]
    told = (
        type(connect_failure(error)),
        type(sender_failure(error, PLACE)),
        type(recipient_failure(error, PLACE)),
        type(data_failure(error, PLACE)),
    )
    assert told == MEANINGS[name]


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (421, "closing", ChannelUnavailable),
        (450, "4.7.1 greylisted", Deferred),
        (550, "5.7.1 denied", SenderRefused),
        (552, "5.2.2 full", Deferred),
        (530, "5.7.0 log in first", CredentialsRefused),
        (-1, "not SMTP", ChannelUnavailable),
        (299, "odd", ChannelUnavailable),
    ],
)
def test_codes_to_rcpt(code: int, words: str, kind: type[DeliveryError]) -> None:
    error = aiosmtplib.SMTPRecipientRefused(code, words, PLACE)
    assert type(recipient_failure(error, PLACE)) is kind
    assert is_broken(error) is (kind is ChannelUnavailable)


@pytest.mark.parametrize(
    ("code", "words", "too_much"),
    [
        (421, "4.7.28 rate limited", True),
        (421, "4.7.0 [TSS04] try later", True),
        (451, "4.7.500 server busy", True),
        (452, "4.5.3 too many recipients", True),
        (452, "too many at once", True),
        (421, "4.3.2 shutting down", False),
        (451, "4.4.5 congested", True),
        (452, "4.2.2 mailbox full", False),
        (450, "4.7.1 greylisted", False),
        (451, "local error", False),
        (421, "closing", False),
        (550, "5.7.0 no", False),
    ],
)
def test_too_much_is_told_from_what_is_about_the_letter(
    code: int,
    words: str,
    too_much: bool,  # noqa: FBT001 # a case of the table
) -> None:
    error = aiosmtplib.SMTPResponseException(code, words)
    assert isinstance(recipient_failure(error, PLACE), Throttled) is too_much
    assert isinstance(data_failure(error, PLACE), Throttled) is too_much
    assert isinstance(sender_failure(error, PLACE), RateLimited) is too_much


def test_a_certificate_that_does_not_hold_is_not_tried_again_blindly() -> None:
    expired = ssl.SSLCertVerificationError(1, "expired")
    wrapped = aiosmtplib.SMTPConnectError("no")
    wrapped.__cause__ = expired
    assert type(connect_failure(expired)) is ProviderFault
    assert type(connect_failure(wrapped)) is ProviderFault
    assert type(connect_failure(ConnectionRefusedError())) is ChannelUnavailable


def test_what_the_system_says_of_a_failed_connect_is_not_kept() -> None:
    error = connect_failure(aiosmtplib.SMTPConnectError("Error connecting to mail.internal on 25"))
    assert error.detail == "SMTPConnectError"
