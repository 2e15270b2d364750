"""What an SMTP server's answer proves, by the phase in which it came.

Before DATA everything is proven not sent. To DATA a 4xx or 5xx is proven not sent too (RFC 5321
§6.1: the server takes responsibility with its 250 only); a cut or a timeout there proves nothing.
Enhanced codes: RFC 3463. 5.7.x speaks of our standing, 5.2.2 is a full mailbox, which empties again.
"""

import re
import ssl
from typing import TypeGuard

from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPNotSupported,
    SMTPResponseException,
)

from notifier.channels.channel import quoted
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

_ENHANCED_CODE = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
SERVICE_CLOSING = 421
MAILBOX_FULL = "5.2.2"
# 530 login required, 535 login refused, 538 encryption required: RFC 4954 §6.
LOGIN_CODES = frozenset({530, 534, 535, 538})
# "Too much at once", whoever the letter is for. RFC 3463: 4.4.5 congested,
# 4.5.3 too many recipients. By 4.7.0, 4.7.28, 4.7.5xx and 4.7.6xx Google, Yahoo and Microsoft say that they
# count us; 4.7.1 is how greylisting says to come back, which is about the one letter.
TOO_MUCH = re.compile(r"4\.(4\.5|5\.3|7\.0|7\.28|7\.[56]\d\d)")
TOO_MUCH_STORAGE = 452
MAILBOX_BUSY = re.compile(r"4\.2\.\d+")


def enhanced_code(words: str) -> str | None:
    """`5.1.1` of `5.1.1 no such user`, if the server gives one."""
    found = _ENHANCED_CODE.match(words)
    return found[1] if found else None


def is_broken(error: Exception) -> bool:
    """The connection is of no more use, whatever the letter: another one may serve."""
    return (
        not isinstance(error, SMTPResponseException)
        or error.code == SERVICE_CLOSING
        or not 400 <= error.code < 600  # not SMTP at all
    )


def connect_failure(error: Exception) -> DeliveryError:
    """Connecting, STARTTLS or login failed."""
    if isinstance(error, SMTPResponseException):
        return _refused(
            error,
            None,
            permanent=CredentialsRefused
            if isinstance(error, SMTPAuthenticationError)
            else SenderRefused,
            transient=ChannelUnavailable,
        )
    if isinstance(error, SMTPNotSupported) or (
        # aiosmtplib says with its root class that STARTTLS or every login method is missing.
        type(error) is SMTPException
    ):
        return ProviderFault(quoted(str(error)))
    if isinstance(error.__cause__ or error, ssl.SSLCertVerificationError):
        return ProviderFault("the server's certificate does not hold")
    return ChannelUnavailable(_name(error))


def sender_failure(error: Exception, destination: str) -> DeliveryError:
    """MAIL FROM failed: what is too much here is too much from us."""
    if is_too_much(error):
        return _refused(error, destination, permanent=SenderRefused, transient=RateLimited)
    if is_broken(error) or not isinstance(error, SMTPResponseException):
        return ChannelUnavailable(_name(error))
    return _refused(error, destination, permanent=SenderRefused, transient=Deferred)


def recipient_failure(error: Exception, destination: str) -> DeliveryError:
    """RCPT TO failed: what is too much here is too much for the recipient's domain."""
    if is_too_much(error):
        return _refused(error, destination, permanent=DestinationRejected, transient=Throttled)
    if is_broken(error) or not isinstance(error, SMTPResponseException):
        return ChannelUnavailable(_name(error))
    return _refused(error, destination, permanent=DestinationRejected, transient=Deferred)


def data_failure(error: Exception, destination: str) -> DeliveryError:
    """DATA, or the letter after it, failed."""
    if not isinstance(error, SMTPResponseException) or not 400 <= error.code < 600:
        return OutcomeUnknown(_name(error))
    transient = Throttled if is_too_much(error) else Deferred
    return _refused(error, destination, permanent=Permanent, transient=transient)


def is_too_much(error: Exception) -> TypeGuard[SMTPResponseException]:
    """Whether the server says that we send too much, rather than something of this letter."""
    if not isinstance(error, SMTPResponseException) or not 400 <= error.code < 500:
        return False
    enhanced = enhanced_code(error.message)
    if enhanced is not None and TOO_MUCH.fullmatch(enhanced):
        return True
    return error.code == TOO_MUCH_STORAGE and not MAILBOX_BUSY.fullmatch(enhanced or "")


def _refused(
    error: SMTPResponseException,
    destination: str | None,
    *,
    permanent: type[DeliveryError],
    transient: type[DeliveryError],
) -> DeliveryError:
    enhanced = enhanced_code(error.message)
    kind = permanent
    if error.code < 500 or enhanced == MAILBOX_FULL:
        kind = transient
    elif error.code in LOGIN_CODES:
        kind = CredentialsRefused
    elif enhanced is not None and enhanced.startswith("5.7."):
        kind = SenderRefused
    return kind(
        quoted(error.message, destination),
        status_code=error.code,
        enhanced_code=enhanced,
    )


def _name(error: Exception) -> str:
    """The kind of fault, not its text: that names host, port and sometimes the destination."""
    return type(error).__name__
