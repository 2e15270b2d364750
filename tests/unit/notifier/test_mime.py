"""Letters as bytes: read back by the standard library, and safe against what people type."""

import email.policy
from dataclasses import replace
from email.message import EmailMessage
from email.parser import BytesParser
from uuid import UUID

import pytest

from notifier.channels import mime
from notifier.channels.channel import Letter, quoted

LETTER = Letter(
    delivery_id=UUID(int=9),
    thread="CABC.7",
    subject="Your pay stream was paused",
    text="First line\nSecond, a long one: " + "x" * 200 + "\n.dot\nFrom here\n",
    html="<p>é ü 漢</p>",
    planned_at=1_790_000_000_000_000,
    deadline_at=0,
)


def read(letter: Letter, sender: str = "Pausewire <alerts@pausewire.test>") -> EmailMessage:
    raw = mime.build(letter, sender=sender, destination="ana@example.test")
    mail = BytesParser(policy=email.policy.default).parsebytes(raw)
    assert isinstance(mail, EmailMessage)
    assert mail.defects == []
    return mail


def test_a_letter_reads_back_as_it_was_written() -> None:
    mail = read(LETTER)
    assert mail.get_content_type() == "multipart/alternative"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n") == LETTER.text.rstrip("\n")
    assert html.get_content().strip() == LETTER.html
    assert mail["Date"].datetime.timestamp() == 1_790_000_000


def test_the_text_comes_first_so_that_the_best_form_comes_last() -> None:
    kinds = [part.get_content_type() for part in read(LETTER).iter_parts()]
    assert kinds == ["text/plain", "text/html"]


def test_a_letter_without_html_is_plain_text() -> None:
    mail = read(replace(LETTER, html=None))
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().replace("\r\n", "\n") == LETTER.text


def test_the_same_delivery_always_makes_the_same_bytes() -> None:
    first = mime.build(LETTER, sender="a@b.test", destination="c@d.test")
    assert first == mime.build(LETTER, sender="a@b.test", destination="c@d.test")
    assert b"<00000000-0000-0000-0000-000000000009@b.test>" in first


@pytest.mark.parametrize("subject", ["Zahlung pausiert: Müller & Söhne " * 3, "漢" * 40])
def test_a_subject_in_any_script_reads_back(subject: str) -> None:
    assert read(replace(LETTER, subject=subject))["Subject"] == subject.strip()


@pytest.mark.parametrize(
    "subject", ["paused\r\nBcc: eve@evil.test", "paused\nX: 1", "ü\r\nBcc: eve@evil.test", "a\x00b"]
)
def test_a_line_break_in_the_subject_starts_no_header(subject: str) -> None:
    mail = read(replace(LETTER, subject=subject))
    assert mail["Bcc"] is None
    assert mail["X"] is None
    assert "paused" in mail["Subject"] or mail["Subject"][0] in "üa"


def test_a_senders_name_may_be_in_any_script() -> None:
    mail = read(LETTER, sender="Löhne <alerts@pausewire.test>")
    (address,) = mail["From"].addresses
    assert (address.display_name, address.addr_spec) == ("Löhne", "alerts@pausewire.test")


def test_lines_stay_within_what_smtp_carries() -> None:
    raw = mime.build(LETTER, sender="a@b.test", destination="c@d.test")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_machine_mail_says_so() -> None:
    mail = read(LETTER)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"] == "<pause-alerts.pausewire.test>"


def test_quoted_words_are_one_short_line_without_the_destination() -> None:
    words = "550 no such\r\n user ana@example.test " + "x" * 300
    line = quoted(words, "ana@example.test")
    assert line.startswith("550 no such user <destination> xxx")
    assert len(line) == 200
    assert quoted("as it is") == "as it is"


def test_a_mail_can_be_unsubscribed_from_by_one_click() -> None:
    mail = read(replace(LETTER, unsubscribe_url="https://pay.example/v1/unsubscribe/abc"))
    assert mail["List-Unsubscribe"] == "<https://pay.example/v1/unsubscribe/abc>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Feedback-ID"] == "notice:alert:pausewire.test:pausewire"
    assert "List-Unsubscribe" not in read(LETTER)
