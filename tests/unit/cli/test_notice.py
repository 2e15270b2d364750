"""`pausewire notice`."""

import pytest
from sqlalchemy import select

from notifier.languages import LANGUAGES
from notifier.schema import notice
from tests.fakes import chain
from tests.fakes.planned import PLACES, plan


@pytest.fixture
def planned(sqlite_database):
    """A delivery that was accepted; its notice's id."""
    with sqlite_database.begin() as conn:
        plan(
            conn,
            state="accepted",
            queued_at=1_790_000_001_000_000,
            accepted_at=1_790_000_002_500_000,
            provider="smtp",
        )
        return str(conn.scalar(select(notice.c.notice_id)))


def test_a_notice_is_shown_by_its_id_and_by_its_reference(command, planned):
    (found,) = command.json("notice", "show", planned)
    assert command.json("notice", "show", planned[:8].upper()) == [found]
    (delivery,) = found["deliveries"]
    assert delivery["explanation"].startswith("taken by the provider")
    assert [each["stage"] for each in delivery["stages"]] == [
        "observed",
        "recorded",
        "planned",
        "queued",
        "accepted",
    ]
    assert found["closed_at"].endswith("Z")
    assert delivery["stages"][-1]["clock"] == "worker, when the answer came"
    told = command.run("notice", "show", planned).stdout
    assert planned[:8].upper() in told
    assert "whose clock" in told
    assert PLACES["email"] not in told + str(found)


def test_a_name_that_is_none_is_refused_and_an_unknown_one_is_not_found(command):
    assert "AB12CD34" in command.run("notice", "show", "paused!", code=2).stderr
    assert "no notice" in command.run("notice", "show", "00000000", code=1).stderr


def test_why_says_where_it_ended_and_exits_with_one(command):
    arguments = ("notice", "why", "--account", chain.EMPLOYEE, "--event", "0" * 19 + "-" + "0" * 10)
    answer = command.json(*arguments, code=1)
    assert not answer["told"]
    told = command.run(*arguments, code=1).stdout
    assert "was NOT told" in told
    assert "completeness" in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_is_previewed(command, language):
    words = command.json("notice", "preview", "--language", language, "--kind", "resumed")
    assert words["language"] == language
    assert words["subject"]
    assert words["html"].startswith("<!doctype html>")


def test_a_preview_tells_what_an_sms_costs_and_prints_html(command):
    arguments = ("notice", "preview", "--channel", "sms", "--time-zone", "Asia/Kolkata")
    assert "1 segment(s)" in command.run(*arguments).stdout
    assert "UTC+5:30" in command.json(*arguments)["text"]
    assert "<html" in command.run("notice", "preview", "--html").stdout
    assert "[" not in command.run("notice", "preview", "--language", "en-US").stdout


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (("--kind", "paid"), "no kind paid"),
        (("--role", "boss"), "no role boss"),
        (("--channel", "fax"), "--channel"),
        (("--channel", "sms", "--html"), "--html"),
        (("--time-zone", "../etc/passwd"), "--time-zone"),
    ],
)
def test_a_wrong_preview_is_refused_by_name(command, wrong, named):
    assert named in command.run("notice", "preview", *wrong, code=2).stderr
