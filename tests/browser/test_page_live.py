"""The page lives: what happens is shown without a reload, and a cut network loses and repeats nothing."""

import time

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from store.schema import recorded_event
from tests.e2e.proxy import Proxy
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE, GENESIS
from tests.fakes.commands import Command

CUTS = 100


def test_a_pause_appears_by_itself_in_list_and_stream(site, opened):
    listed, one = opened(), opened(site.stream.replace("/7", "/8"))
    expect(listed.locator("li[data-stream='8'] .badge")).to_have_text("Flowing")
    expect(one.get_by_role("heading", level=1)).to_have_text("Pay is flowing")
    site.tell(chain.paused(200, stream_id=8))
    expect(listed.locator("li[data-stream='8'] .badge")).to_have_text("Paused")
    expect(one.get_by_role("heading", level=1)).to_contain_text("Paused for")
    expect(one.locator("#said")).to_have_text("Stream 8 is now: Paused")
    site.tell(chain.resumed(210, stream_id=8))
    expect(one.get_by_role("heading", level=1)).to_have_text("Pay is flowing")
    expect(one.locator("li[data-pause]")).to_have_count(1)


def test_a_time_that_runs_is_counted_on(site, opened):
    ledger = int((time.time() - GENESIS) / 5)  # of this moment
    site.tell(chain.paused(ledger, stream_id=8))
    page = opened()
    running = page.locator("li[data-stream='8'] .running")
    before = running.text_content()
    expect(running).not_to_have_text(before)


def test_after_a_hundred_cuts_the_page_holds_what_the_log_holds(site, opened):
    proxy = Proxy("127.0.0.1", int(site.url.rpartition(":")[2]))
    try:
        page = opened("#/log", base=f"http://127.0.0.1:{proxy.port}")
        expect(page.locator("li[data-position]")).to_have_count(5)
        for number in range(CUTS):
            if number % 2:
                proxy.stop()
            site.tell((chain.paused if number % 2 else chain.resumed)(200 + number))
            proxy.mend()
            page.evaluate("window.dispatchEvent(new Event('online'))")
        shown = page.locator("li[data-position]")
        recorded = _positions(site)
        expect(shown).to_have_count(len(recorded))
        held = shown.evaluate_all("all => all.map(each => Number(each.dataset.position))")
        assert held == sorted(recorded, reverse=True)
    finally:
        proxy.close()


@pytest.mark.parametrize("place", ["#/streams", "{stream}", "#/inbox", "#/operations", "#/log"])
def test_the_operators_word_reaches_an_open_page_and_leaves_it_by_the_feed(
    site, opened, sqlite_url, monkeypatch, place
):
    page = opened(place.format(stream=site.stream), account=EMPLOYEE)
    expect(page.locator("#freshness")).to_contain_text("Live")
    page.route("**/v1/status", lambda _: None)  # the page asks in vain: only the feed can tell
    pausewire = Command(monkeypatch, sqlite_url)
    pausewire.run("announce", "set", "Maintenance tonight, 22:00 UTC")
    expect(page.locator("#banner")).to_contain_text("Maintenance tonight, 22:00 UTC")
    pausewire.run("announce", "set", "Maintenance is put off")
    expect(page.locator("#banner")).to_contain_text("put off")
    expect(page.locator("#banner")).not_to_contain_text("22:00")
    pausewire.run("announce", "clear")
    expect(page.locator("#banner")).to_be_hidden()


def _positions(site) -> list[int]:
    of_chain = recorded_event.c.topic.like("stream.%") | recorded_event.c.topic.like("contract.%")
    with site.served.database.read() as conn:
        return list(conn.scalars(select(recorded_event.c.position).where(of_chain)))
