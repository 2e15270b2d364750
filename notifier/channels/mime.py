"""A letter as the bytes of an email: the same bytes each time it is built.

Written out by hand because the standard library's EmailMessage builds 800 such mails a second and
this builds 20,000; a test parses the result with the standard library and compares.
"""

import binascii
import re
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr

from notifier.channels.channel import Letter

_LINE_BREAKS = re.compile(r"\r\n|\r|\n")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")


def message_id(letter: Letter, domain: str) -> str:
    """Stable over repeats, so that a mailbox or a person can tell a second copy from a second letter."""
    return f"<{letter.delivery_id}@{domain}>"


def thread_root(letter: Letter, domain: str) -> str:
    """The mail that all of a stream's mails answer: a resume lands beside the pause that it ends.

    It is never sent. The pause's own id would do for its resume only, and a pause that was suppressed,
    cancelled or told by SMS has left none; threads are made without their root (RFC 5256 §3).
    """
    return f"<{letter.thread}@{domain}>"


def build(letter: Letter, *, sender: str, destination: str, mark: str | None = None) -> bytes:
    """RFC 5322 bytes with CRLF: headers, then text alone or text and HTML as alternatives.

    `mark`: a header that carries the delivery's id, for a relay that makes Message-IDs of its own.
    """
    domain = sender_domain(sender)
    headers = [
        ("Message-ID", message_id(letter, domain)),
        ("Date", format_datetime(datetime.fromtimestamp(letter.planned_at // 1_000_000, UTC))),
        ("From", _mailbox(sender)),
        ("To", destination),
        ("Subject", _unstructured(letter.subject)),
        ("In-Reply-To", thread_root(letter, domain)),
        ("References", thread_root(letter, domain)),
        ("List-Id", f"<pause-alerts.{domain}>"),
        ("Auto-Submitted", "auto-generated"),  # RFC 3834: keeps vacation replies away
        # By which mailbox providers say what their people complain about: kind, sort, who sends.
        ("Feedback-ID", f"{letter.kind}:alert:{domain}:pausewire"),
        ("MIME-Version", "1.0"),
    ]
    headers += _asked_for(letter, mark)
    head = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in headers).encode("ascii")
    plain = _part("text/plain", letter.text)
    if letter.html is None:
        return head + plain
    boundary = f"=_{letter.delivery_id.hex}".encode()
    return b"".join(
        (
            head,
            b'Content-Type: multipart/alternative;\r\n boundary="' + boundary + b'"\r\n\r\n',
            *(
                b"--" + boundary + b"\r\n" + part
                for part in (plain, _part("text/html", letter.html))
            ),
            b"--" + boundary + b"--\r\n",
        )
    )


def _asked_for(letter: Letter, mark: str | None) -> list[tuple[str, str]]:
    """Headers that only some mails have."""
    headers = [] if mark is None else [(mark, str(letter.delivery_id))]
    if letter.unsubscribe_url is not None:
        headers += [
            ("List-Unsubscribe", f"<{letter.unsubscribe_url}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),  # RFC 8058
        ]
    return headers


def sender_domain(sender: str) -> str:
    """The domain of `alerts@example.org` or `Pausewire <alerts@example.org>`."""
    return parseaddr(sender)[1].rpartition("@")[2]


def _part(content_type: str, body: str) -> bytes:
    """One body part; quoted-printable keeps lines short and text readable in the raw source."""
    lines = _LINE_BREAKS.sub("\r\n", body.rstrip("\r\n") + "\n")
    return (
        f'Content-Type: {content_type}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    ).encode("ascii") + binascii.b2a_qp(lines.encode(), istext=True)


def _mailbox(sender: str) -> str:
    name, address = parseaddr(sender)
    return formataddr((_unstructured(name), address)) if name else address


def _unstructured(value: str) -> str:
    """RFC 2047 where needed. Controls go first: a line break in a name must not start a header."""
    line = _one_line(value)
    return line if line.isascii() else Header(line, "utf-8", maxlinelen=10_000).encode()


def _one_line(value: str) -> str:
    return _CONTROLS.sub(" ", value).strip()
