"""The page under a path of a host: files, the feed, signing in and every question stay there."""

import pytest
from playwright.sync_api import expect

from notifier.unsubscribing import token_for
from simulator.accounts import Cast
from simulator.wallet import CastWallet
from tests.browser.conftest import serving
from tests.browser.under_path import under_path
from tests.fakes import chain
from tests.fakes.chain import CONTRACT
from tests.fakes.controlled import Network
from tests.fakes.served import Served

CAST = Cast.of(1, 2)
PREFIX = "/pay/wire"
# How the proxy passes requests on, and what `api.root_path` is set to.
WAYS = {
    "passes the path on": {"cuts": False, "root_path": PREFIX},
    "cuts the path off": {"cuts": True, "root_path": PREFIX},
    "cuts the path off, nothing set": {"cuts": True, "root_path": ""},
}


@pytest.fixture(params=WAYS)
def under(request, sqlite_database):
    """A site with somebody's paused stream, as it is reached under the path."""
    way = WAYS[request.param]
    served = Served(
        sqlite_database,
        sandbox_key="-",
        sandbox_wallet=CastWallet(1, CAST),
        control=Network(),
        feed_poll_seconds=0.1,
        root_path=way["root_path"],
    )
    paid = {"employee": CAST.employees[1]}
    served.scanned(1, 500)
    served.tell(chain.created(100, **paid), chain.paused(110, **paid))
    with (
        serving(served) as site,
        under_path(site.url, PREFIX, cuts=way["cuts"]) as under,
    ):
        site.stale(0)
        under.site = site
        yield under


@pytest.fixture
def page(under, browser):
    """A page with a key; nothing that it does may leave the path, break, or be refused by its policy."""
    context, broken = browser.new_context(), []
    context.set_default_timeout(30_000)
    context.add_init_script(f"sessionStorage.setItem('pausewire.key', '{under.site.served.key}')")
    page = context.new_page()
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda said: broken.append(said.text) if "Policy" in said.text else None)
    yield page
    context.close()
    assert (under.strays, broken) == ([], [])


def test_streams_live_by_the_feed_and_lead_to_their_history(under, page):
    page.goto(f"{under.url}/")
    expect(page.locator("#freshness")).to_contain_text("Live")
    stream = page.locator("li[data-stream='7']")
    expect(stream.locator(".badge")).to_have_text("Paused")
    under.site.tell(chain.resumed(120, employee=CAST.employees[1]))
    expect(stream.locator(".badge")).to_have_text("Flowing")
    stream.locator("a.stream").click()
    expect(page.locator("li[data-pause]")).to_have_count(1)
    assert page.url == f"{under.url}/#/stream/{CONTRACT}/7"


def test_people_sign_in_read_choose_and_sign_out(under, page):
    page.goto(f"{under.url}/?lang=de#/inbox")
    page.locator("#person").select_option(CAST.employees[1])
    page.locator(".sandbox button").click()
    notice = page.locator("li[data-notice]")
    expect(notice).to_have_count(1)
    notice.locator("button").click()
    expect(page.locator("#unread")).to_be_hidden()
    page.goto(f"{under.url}/?lang=en#/inbox/settings")
    page.get_by_label("Time zone").fill("Asia/Kolkata")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.locator("#sign-said")).to_have_text("You are signed out.")


def test_the_reference_is_found_and_explains_problems(under, page):
    page.goto(f"{under.url}/")
    page.get_by_role("contentinfo").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Pausewire")
    for link in page.locator("a[href]:not([href^='#'])").evaluate_all(
        "all => all.map(a => a.href)"
    ):
        assert page.request.get(link).status < 400, link


def test_the_link_of_an_alert_leads_to_its_stream(under, page):
    page.goto(f"{under.url}/streams/{CONTRACT}/7")
    expect(page.locator("li[data-pause]")).to_have_count(1)
    assert page.url == f"{under.url}/#/stream/{CONTRACT}/7"
    page.goto(f"{under.url}/contracts/{CONTRACT}")
    expect(page.locator("li[data-stream]")).to_have_count(1)


def test_a_mails_unsubscribe_link_is_pressed_and_taken_back(under, page):
    vault = under.site.served.given.vault
    token = token_for(vault, vault.destination_lookup("email", "ana@example.test"))
    page.goto(f"{under.url}/v1/unsubscribe/{token}")
    for press, said in (
        ("Send me no more of these mails", "You get no more of these mails."),
        ("Send me these mails again", "You are told by email"),
        ("Send me no more of these mails", "You get no more of these mails."),
    ):
        page.get_by_role("button", name=press).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(said)
