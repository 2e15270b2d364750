"""A digest's words: counted, listed, short where they must be, in every language."""

import pytest

from notifier import gsm
from notifier.content import TEMPLATE_VERSION
from notifier.digest_content import MOST_LINES
from notifier.languages import GSM_LANGUAGES, LANGUAGES
from notifier.rendering import Renderer
from tests.fakes.chain import CONTRACT
from tests.fakes.worded import (
    content,
    digest,
    digest_of,
    digest_variants,
    golden_digests,
    golden_file,
)

RENDERER = Renderer()
# Three counts of three digits each cost at most one segment more than a notice does.
GSM_SEGMENTS, UCS2_SEGMENTS = 2, 3
LONGEST_SUBJECT = 125  # what matters most stands first: mailboxes show 60 to 90


def rendered(made, channel="email", language="en"):
    return RENDERER.render_digest(made, channel, language, TEMPLATE_VERSION)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_a_version_never_change(language: str) -> None:
    golden = golden_file(language, "digest.txt").read_text(encoding="utf-8")
    assert golden_digests(RENDERER, language) == golden


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_sms_stays_within_its_segments_whatever_it_tells(language: str) -> None:
    largest = digest("employer", "paused")._replace(paused=999, resumed=888, cancelled=777)
    plain = language in GSM_LANGUAGES
    for made in (largest, *(made for _, made in digest_variants())):
        text = rendered(made, "sms", language).text
        assert gsm.is_gsm(text) == plain, text
        assert gsm.segments(text) <= (GSM_SEGMENTS if plain else UCS2_SEGMENTS), text
        assert text.startswith("Pausewire: ")
        assert "AB12CD34" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_subject_counts_what_happened_on_one_line(language: str) -> None:
    largest = digest("employer", "paused")._replace(paused=999, resumed=888, cancelled=777)
    subject = rendered(largest, "push", language).subject
    assert subject == " ".join(subject.split())
    assert len(subject) <= LONGEST_SUBJECT
    assert all(number in subject for number in ("999", "888", "777"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_took_long_says_since_when(language: str) -> None:
    for role in ("employee", "employer"):
        made = digest(role, "paused", "resumed")
        short, long = rendered(made, "email", language).text, made._replace(since=1_790_000_000)
        text = rendered(long, "email", language).text
        assert "14:13" in text or "2:13" in text
        assert text != short
        if language != "en":
            assert "since" not in text


def test_an_email_lists_each_with_its_time_and_reference() -> None:
    text = rendered(digest("employee", "paused", "resumed")).text
    assert "- Your pay stream 184 was paused · 21 Sept, 17:17 UTC · AB12CD34" in text
    assert "- Your pay stream 185 was resumed · 21 Sept, 17:18 UTC · AB12CD34" in text
    assert text.index("stream 184") < text.index("stream 185")
    assert f"https://pay.example/contracts/{CONTRACT}" in text


def test_a_long_list_ends_and_says_how_much_it_leaves_out() -> None:
    words = rendered(digest("employer", *["paused"] * 500))
    assert words.subject == "500 pay streams were paused"
    assert words.text.count("- Pay stream") == MOST_LINES
    assert "450 more stand in your inbox" in words.text
    assert str(words.html).count("<li>") == MOST_LINES


def test_news_of_several_contracts_leads_to_all_streams() -> None:
    told = [content("paused"), content("paused", contract_id="COTHER")]
    assert digest_of(told[0], told).content.link == "https://pay.example/streams"
    silent = content("paused", link=None)
    assert digest_of(silent, [silent, silent]).content.link is None
