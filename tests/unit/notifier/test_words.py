"""The words: every kind reads in every language on every channel, and nothing in them can do harm."""

import itertools
import re
from html import unescape
from html.parser import HTMLParser
from uuid import UUID

import msgspec
import pytest
from jinja2 import TemplateError

from notifier import gsm
from notifier.channels.channel import Letter
from notifier.channels.mime import build
from notifier.content import (
    TEMPLATE_VERSION,
    Content,
    Money,
    decode_content,
    encode_content,
)
from notifier.languages import GSM_LANGUAGES, LANGUAGES
from notifier.news import KINDS
from notifier.rendering import Renderer
from tests.fakes.chain import CONTRACT
from tests.fakes.worded import (
    AT,
    LARGEST_ID,
    OUT,
    content,
    golden_again,
    golden_file,
    golden_foot,
    golden_html,
    golden_text,
    variants,
)

RENDERER = Renderer()
EVERYWHERE = list(itertools.product(LANGUAGES, KINDS))
# What a stream's number, a zone and an actor may add must not cost another segment.
GSM_SEGMENTS, UCS2_SEGMENTS = 1, 2
LONGEST_SUBJECT = 90  # with a number of 20 digits; mailboxes show 60 to 90


def rendered(made: Content, channel: str = "email", language: str = "en"):
    return RENDERER.render(made, channel, language, TEMPLATE_VERSION)


@pytest.mark.parametrize(("language", "kind"), EVERYWHERE)
def test_the_words_of_a_version_never_change(language: str, kind: str) -> None:
    """A repeated send must be the same to the byte. `python -m tests.fakes.worded` writes new ones."""
    golden = golden_file(language, f"{kind}.txt").read_text(encoding="utf-8")
    assert golden_text(RENDERER, language, kind) == golden


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_html_of_a_version_never_changes(language: str) -> None:
    golden = golden_file(language, "paused.html").read_text(encoding="utf-8")
    assert golden_html(RENDERER, language) == golden


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_foot_of_an_email_leads_to_what_one_is_told_and_to_no_more_mail(language: str) -> None:
    golden = golden_file(language, "foot.txt").read_text(encoding="utf-8")
    assert golden_foot(RENDERER, language) == golden
    words = RENDERER.render(content("paused"), "email", language, TEMPLATE_VERSION, OUT)
    for link in (OUT.settings, OUT.unsubscribe):
        assert words.text.count(str(link)) == 1
        assert str(words.html).count(f'href="{link}"') == 1
    bare = OUT._replace(unsubscribe=None)
    words = RENDERER.render(content("paused"), "email", language, TEMPLATE_VERSION, bare)
    assert "unsubscribe" not in words.text + str(words.html)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_email_that_may_have_come_before_says_so_first(language: str) -> None:
    golden = golden_file(language, "again.txt").read_text(encoding="utf-8")
    assert golden_again(RENDERER, language) == golden
    once = rendered(content("paused"), language=language)
    how = ("email", language, TEMPLATE_VERSION)
    again = RENDERER.render(content("paused"), *how, repeats=True)
    before, _, rest = again.text.partition("\n\n")
    assert rest == once.text
    assert before in unescape(str(again.html))
    assert before not in unescape(str(once.html))
    assert again.subject == once.subject  # a mailbox folds the two by it


@pytest.mark.parametrize(("language", "kind"), EVERYWHERE)
def test_an_sms_stays_within_its_segments_at_its_longest(language: str, kind: str) -> None:
    for name, made in variants(kind):
        longest = msgspec.structs.replace(
            made,
            stream_id=None if made.stream_id is None else LARGEST_ID,
            time_zone="Asia/Kolkata",
            network=None,
        )
        text = rendered(longest, "sms", language).text
        plain = language in GSM_LANGUAGES
        assert gsm.is_gsm(text) == plain, (name, text)
        assert gsm.segments(text) <= (GSM_SEGMENTS if plain else UCS2_SEGMENTS), (name, text)
        assert text.startswith("Pausewire: ")
        assert "AB12CD34" in text


@pytest.mark.parametrize(("language", "kind"), EVERYWHERE)
def test_a_subject_is_one_short_line(language: str, kind: str) -> None:
    for _, made in variants(kind):
        subject = rendered(made, "push", language).subject
        assert subject == re.sub(r"[ \t\n]+", " ", subject).strip()  # no-break spaces are meant
        assert 0 < len(subject) <= LONGEST_SUBJECT


@pytest.mark.parametrize(("language", "kind"), EVERYWHERE)
def test_an_email_needs_no_remote_thing_and_hides_no_link(language: str, kind: str) -> None:
    html = str(rendered(content(kind), "email", language).html)
    for remote in ("<img", "<script", "<link", "url(", "src="):
        assert remote not in html
    assert html.count("http") == 1  # the one link that is shown
    assert "prefers-color-scheme: dark" in html
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in html


class _Outline(HTMLParser):
    """Headings, tables and what was never closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings = 0
        self.bare_tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.headings += tag == "h1"
        self.bare_tables += tag == "table" and ("role", "presentation") not in attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_screen_reader_meets_one_heading_and_no_tables(language: str) -> None:
    outline = _Outline()
    outline.feed(str(rendered(content("revised"), "email", language).html))
    assert (outline.open, outline.headings, outline.bare_tables) == ([], 1, 0)


@pytest.mark.parametrize(("language", "kind"), EVERYWHERE)
def test_each_email_says_where_when_and_how_to_check(language: str, kind: str) -> None:
    text = rendered(content(kind, ledger=51_234_567), "email", language).text
    for needed in (CONTRACT, "13:20", "https://", "AB12CD34", "51234567"):
        assert needed in text


@pytest.mark.parametrize("kind", KINDS)
def test_no_language_leaves_a_sentence_in_english(kind: str) -> None:
    """Names and numbers are alike everywhere; whole sentences are not."""
    english = set(re.split(r"(?<=[.:])\s", rendered(content(kind)).text)) - {""}
    for language in LANGUAGES[1:]:
        said = set(re.split(r"(?<=[.:])\s", rendered(content(kind), "email", language).text))
        assert {line for line in english & said if len(line) > 60} <= {f"Contract: {CONTRACT}"}


def test_employer_and_employee_read_different_words() -> None:
    for language, kind in EVERYWHERE:
        texts = {
            rendered(content(kind, role), "in_app", language).text
            for role in ("employee", "employer")
        }
        assert len(texts) == 2


def test_an_email_reads_well_without_a_public_url() -> None:
    words = rendered(content("paused", link=None))
    assert "Check it yourself" not in words.text
    assert "href" not in str(words.html)


def test_times_are_told_in_the_recipients_zone_and_region() -> None:
    berlin = rendered(content("paused", time_zone="Europe/Berlin")).text
    assert "on 21 September 2026, 16:13 UTC+2." in berlin
    american = rendered(content("paused", locale="en-US", time_zone="America/St_Johns")).text
    assert "on September 21, 2026, 11:43\N{NARROW NO-BREAK SPACE}AM UTC-2:30." in american


def test_amounts_are_said_where_the_contract_tells_them_and_never_rounded_up() -> None:
    earned = Money("USDC", 7, earned=1_999_999_999, withdrawn=0)
    text = rendered(content("paused", money=earned)).text
    assert "you had earned 199.99\N{NO-BREAK SPACE}USDC until then" in text
    assert "up to 199.99\N{NO-BREAK SPACE}USDC is left" in text
    dust = content("paused", "employer", money=Money("XLM", 7, earned=12))
    assert "0.0000012\N{NO-BREAK SPACE}XLM had been earned" in rendered(dust).text
    assert "its events do not tell us the amount" in rendered(content("paused")).text
    assert "amount" not in rendered(content("paused", "employer")).text


def test_more_withdrawn_than_we_count_leaves_nothing_not_less() -> None:
    assert Money("USDC", 7, earned=5, withdrawn=9).left == 0


def test_another_networks_news_says_so_first() -> None:
    made = content("paused", network="testnet")
    assert rendered(made).subject == "[testnet] Your pay stream 184 was paused"
    assert rendered(made, "sms").text.startswith("Pausewire testnet: ")
    assert "no real money" in rendered(made).text
    assert rendered(made, "email", "ar").subject.endswith("[testnet]")


HOSTILE = (
    "{{ 7 * 7 }}{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}",
    "%(stream)s%s%n{0.__class__}",
    "<script>alert(1)</script>\" onclick='x' &amp;",
    "x\r\nBcc: everybody@example.org\r\n\r\n<b>",
    "a\u202egnp.exe\u2066\u200f\x00\x1b[31m",
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_what_content_carries_is_never_run_and_never_breaks_out(text: str, language: str) -> None:
    made = content(
        "contract_paused",
        contract_id=text,
        reference=text,
        network=text,
        link=f"https://x.example/?{text}",
        money=Money(text, 7, earned=1),
        paused_by=text,
    )
    for channel in ("email", "sms", "push", "in_app"):
        words = rendered(made, channel, language)
        html = str(words.html)
        assert "49" not in words.subject.replace("{{ 7 * 7 }}", "")
        assert "\n" not in words.subject
        assert "\r" not in words.subject
        assert "<script" not in html
        assert "onclick='" not in html
        for hidden in "\u202e\u2066\u200f\x00\x1b":
            assert hidden not in words.subject
    letter = Letter(
        delivery_id=UUID(int=7),
        thread=CONTRACT,
        subject=rendered(made, "email", language).subject,
        text=rendered(made, "email", language).text,
        html=rendered(made, "email", language).html,
        planned_at=AT * 1_000_000,
        deadline_at=AT * 1_000_000,
    )
    mail = build(letter, sender="Pausewire <alerts@example.org>", destination="ana@example.org")
    head = mail.partition(b"\r\n\r\n")[0]
    assert b"\r\nBcc:" not in head


def test_a_kind_without_words_is_a_defect() -> None:
    with pytest.raises(TemplateError):
        rendered(content("unheard_of"))


def test_content_is_stored_and_read_back() -> None:
    for kind in KINDS:
        for _, made in variants(kind):
            assert decode_content(encode_content(made)) == made


def test_content_of_earlier_versions_is_still_read() -> None:
    earlier = {"kind": "paused", "role": "employee", "contract_id": CONTRACT, "stream_id": 7}
    earlier |= {"happened_at": AT, "learned_at": AT, "reference": "R"}
    read = decode_content(msgspec.msgpack.encode(earlier))
    assert (read.time_zone, read.money, read.ledger) == (None, None, None)
    assert rendered(read).text
