"""Every state that the page can be in says what it is, and what the reader can do."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from api.announcement import announce
from domain.contract import GapOpened
from domain.values import contract_uuid
from notifier.schema import delivery
from notifier.spending import Caps, Spending
from notifier.storm import STORM
from store import log
from store.clock import now_micros
from tests.fakes import chain
from tests.fakes.chain import CONTRACT, GENESIS
from tests.fakes.planning import NETWORK


def rows(page):
    return page.locator("li[data-stream]")


def open_gap(site):
    """Say that ledgers 10 to 20 could not be read."""
    gap = GapOpened(contract_uuid(NETWORK, CONTRACT), 1, CONTRACT, 10, 20, noticed_at=GENESIS)
    with site.served.database.begin() as conn:
        log.append(conn, [gap], recorded_at=now_micros())
    site.served.follow()


def test_streams_show_who_is_paused_and_for_how_long(site, opened):
    page = opened()
    expect(rows(page)).to_have_count(2)
    paused = page.locator("li[data-stream='7']")
    expect(paused.locator(".badge")).to_have_text("Paused")
    expect(paused.locator(".standing")).to_contain_text("for")
    expect(page.locator("li[data-stream='8'] .badge")).to_have_text("Flowing")
    expect(page.locator("#freshness")).to_contain_text("Live")
    expect(page.locator("#notice")).to_be_hidden()


def test_filters_add_up_and_an_empty_answer_says_so(site, opened):
    page = opened()
    page.get_by_role("radio", name="Paused").check(force=True)
    expect(rows(page)).to_have_count(1)
    page.get_by_role("searchbox").fill("8")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("radio", name="All").check(force=True)
    expect(rows(page)).to_have_count(1)


def test_a_deployment_without_streams_says_when_they_come(site, opened):
    page = opened("#/log")
    nothing = (
        '{"items": [], "next_cursor": null, "fresh_to_ledger": null, "completeness": "complete"}'
    )
    page.route("**/v1/streams?**", lambda route: route.fulfill(body=nothing))
    page.get_by_role("link", name="Streams").first.click()
    expect(page.get_by_text("No streams yet")).to_be_visible()


def test_a_stream_shows_its_pauses_as_a_line_and_as_a_list(site, opened):
    page = opened(site.stream)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Paused for")
    expect(page.locator("li[data-pause]")).to_have_count(2)
    expect(page.locator("li[data-pause]").first).to_contain_text("still paused")
    expect(page.locator("svg rect.pause")).to_have_count(2)
    expect(page.locator("svg[role=img]")).to_have_attribute("aria-label", re.compile("2 pauses"))
    expect(page.locator("li[data-event]")).to_have_count(4)


def test_a_cancelled_stream_and_a_paused_contract_are_told_apart(site, opened):
    site.tell(chain.cancelled(150), chain.contract_pause(160))
    page = opened(site.stream)
    expect(page.get_by_role("heading", level=1)).to_have_text("Cancelled")
    expect(page.locator("rect.pause[data-ended=cancelled]")).to_have_count(1)
    expect(page.locator("rect.end")).to_have_count(1)
    expect(page.locator("rect.wide")).to_have_count(1)
    page.goto(f"{site.url}/#/stream/{CONTRACT}/8")
    expect(page.get_by_role("heading", level=1)).to_have_text("The whole contract is paused")


def test_who_was_told_is_shown_when_it_is_opened(site, opened):
    page = opened(site.stream)
    told = page.locator("li[data-pause] details").first
    told.locator("summary").click()
    expect(told).to_contain_text("employee")
    expect(told).to_contain_text("inbox after")


def test_without_a_key_the_page_asks_for_one_and_goes_on_with_it(site, opened):
    page = opened(key=None)
    expect(page.get_by_text("A key is needed")).to_be_visible()
    page.get_by_role("button", name="Enter a key").click()
    page.get_by_label("Key", exact=True).fill("pw_wrong")
    page.get_by_role("button", name="Use this key").click()
    expect(page.get_by_text("The server does not know this key.")).to_be_visible()
    page.get_by_label("Key", exact=True).fill(site.served.key)
    page.get_by_role("button", name="Use this key").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_role("button", name="Key").click()
    page.get_by_role("button", name="Forget it").click()
    expect(page.get_by_text("A key is needed")).to_be_visible()


def test_a_key_without_the_right_is_told_which_one_it_lacks(site, opened, reader):
    page = opened("#/log", key=reader)
    expect(page.get_by_text("Your key may not see this")).to_be_visible()
    expect(page.get_by_text("audit:read")).to_be_visible()
    page.goto(f"{site.url}/#/operations")
    expect(page.get_by_text("operator", exact=False).first).to_be_visible()


def test_a_stream_that_does_not_exist_is_said_to_be_none(site, opened):
    page = opened(f"#/stream/{CONTRACT}/999")
    expect(page.get_by_text("There is no such stream")).to_be_visible()


def test_a_defect_says_what_the_server_said_and_offers_to_try_again(site, opened):
    page = opened(site.stream)
    page.route(
        "**/v1/streams?**",
        lambda route: route.fulfill(
            status=500,
            content_type="application/problem+json",
            body='{"title": "Something broke", "detail": "It is logged."}',
        ),
    )
    page.get_by_role("link", name="Streams").first.click()
    expect(page.get_by_text("It is logged.")).to_be_visible()
    page.unroute("**/v1/streams?**")
    page.get_by_role("button", name="Try again").click()
    expect(rows(page)).to_have_count(2)


def test_loading_is_said_until_the_answer_comes(site, opened):
    page = opened("#/log")
    held = []
    page.route("**/v1/streams?**", lambda route: held.append(route))  # noqa: PLW0108 # Playwright wants a function
    page.get_by_role("link", name="Streams").first.click()
    expect(page.get_by_role("status").get_by_text("Loading")).to_be_attached()
    while not held:  # what is said is said before the network is asked
        page.wait_for_timeout(20)
    for route in held:
        route.continue_()
    page.unroute("**/v1/streams?**")
    expect(rows(page)).to_have_count(2)


def test_a_gap_is_said_on_every_view(site, opened):
    open_gap(site)
    page = opened(site.stream)
    expect(page.locator("#notice")).to_contain_text("Part of the history is missing")
    expect(page.locator(".swatch.gap")).to_be_visible()
    page.goto(f"{site.url}/#/operations")
    expect(page.get_by_text("Gap: ledgers 10 to 20")).to_be_visible()
    expect(page.locator("#freshness")).to_contain_text("Incomplete")


def test_an_answer_that_is_not_the_latest_says_since_when(site, opened):
    site.stale()
    page = opened()
    expect(page.locator("#notice")).to_contain_text("This is not the latest")
    expect(page.locator("#freshness")).to_contain_text("Delayed")


def test_without_a_connection_what_was_known_stays(site, opened):
    page = opened()
    expect(rows(page)).to_have_count(2)
    page.context.set_offline(True)
    expect(page.locator("#notice")).to_contain_text("No connection")
    expect(rows(page)).to_have_count(2)
    page.context.set_offline(False)
    expect(page.locator("#notice")).to_be_hidden()


def test_operations_show_what_needs_a_person_and_how_fast_people_are_told(site, opened):
    page = opened("#/operations")
    expect(page.get_by_role("alert")).to_contain_text("no indexer is active")
    expect(page.get_by_role("group", name="inbox").locator("svg.plot").first).to_be_visible()
    expect(page.locator(".tile").first).to_contain_text("ledgers")


def test_operations_say_that_the_days_money_is_spent(site, opened):
    page = opened("#/operations")
    money = page.locator(".tile", has_text="Day's money")
    expect(money).to_contain_text("within the cap")
    counted = Spending(Caps(prices={"sms": 1}, total=1))
    with site.served.database.begin() as conn:
        counted.refuse(conn, "sms", now_micros())
    page.reload()
    expect(money).to_contain_text("spent: 0 held")
    expect(page.get_by_role("alert")).to_contain_text("the day's money is spent")


def test_operations_say_what_the_storm_brake_holds(site, opened):
    page = opened("#/operations")
    brake = page.locator(".tile", has_text="Storm brake")
    expect(brake).to_contain_text("off")
    with site.served.database.begin() as conn:
        conn.execute(update(delivery).values(state="held", purpose=None, reason=STORM))
    page.reload()
    expect(brake).to_contain_text("holds")
    expect(page.get_by_role("alert")).to_contain_text("storm brake is on since")


def test_the_log_marks_late_and_refused_facts(site, opened):
    site.tell(chain.resumed(150), chain.resumed(151))
    site.tell(chain.paused(145))
    page = opened("#/log")
    expect(page.locator("li[data-late=true]").first).to_be_visible()
    expect(page.locator("li[data-refused=true]").first).to_be_visible()
    everything = page.locator("li[data-position]").count()
    page.get_by_role("radio", name="Refused").check(force=True)
    expect(page.locator("li[data-position]:not([data-refused=true])")).to_have_count(0)
    expect(page.locator("li[data-refused=true]").first).to_be_visible()
    assert 0 < page.locator("li[data-position]").count() < everything


@pytest.mark.parametrize("text", ["Maintenance tonight", "<img src=x onerror=alert(1)>"])
def test_the_operators_word_is_shown_as_text(site, opened, text):
    with site.served.database.begin() as conn:
        announce(conn, text, now_micros())
    page = opened()
    expect(page.locator("#banner")).to_contain_text(text)
    expect(page.locator("#banner img")).to_have_count(0)
