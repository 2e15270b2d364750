"""Signing in: with the wallet of the browser, without one, by somebody who declines, and in a sandbox."""

import json

import httpx
import pytest
from playwright.sync_api import expect

from simulator.accounts import Cast
from simulator.wallet import CastWallet
from tests.browser.conftest import serving
from tests.browser.wallets import Wallet
from tests.fakes import chain
from tests.fakes.served import Served
from tests.fakes.wallet import person

ANA, BEN = person("ana"), person("ben")
CAST = Cast.of(1, 2)


def pay_ana(site):
    """A stream of Ana's own that is paused."""
    ana = {"stream_id": 21, "employee": ANA.public_key}
    site.tell(chain.created(200, **ana), chain.paused(210, **ana))


def kept(page):
    return json.loads(page.evaluate("sessionStorage.getItem('pausewire.session')") or "null")


def asked_by(site, token):
    bearer = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{site.url}/v1/me/inbox", headers=bearer, timeout=30).status_code


def sign_in(page):
    page.get_by_role("button", name="Sign in with Freighter").click()


def test_who_signs_sees_the_own_notices_and_signing_out_ends_the_session(site, opened):
    pay_ana(site)
    wallet = Wallet(ANA)
    page = opened("#/inbox", key=None, wallet=wallet)
    sign_in(page)
    expect(page.locator("li[data-notice]")).to_have_count(1)
    expect(page.locator("li[data-notice] h2")).to_contain_text("21")
    expect(page.locator("#unread")).to_contain_text("1")
    assert "pausewire.session" not in page.evaluate("JSON.stringify(localStorage)")
    assert page.context.cookies() == []
    token = kept(page)["token"]
    assert asked_by(site, token) == 200
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#sign-said")).to_have_text("You are signed out.")
    expect(page.locator("#unread")).to_be_hidden()
    page.wait_for_function("() => sessionStorage.getItem('pausewire.session') === null")
    assert asked_by(site, token) == 401


def test_whoever_signs_out_is_not_told_that_the_session_has_ended(site, opened):
    pay_ana(site)
    page = opened("#/inbox", key=None, wallet=Wallet(ANA))
    sign_in(page)
    expect(page.locator("li[data-notice]")).to_have_count(1)
    held = []
    page.route("**/v1/auth/logout", lambda route: held.append((route, route.fetch())))
    page.get_by_role("button", name="Sign out").click()
    # The answer is on its way still; the open feed is the first to meet the end of the session.
    expect(page.locator("#sign-said")).to_have_text("You are signed out.")
    while not held:  # the server ended it before it answered
        page.wait_for_timeout(20)
    ((route, answer),) = held
    route.fulfill(response=answer)
    expect(page.locator("#sign-said")).to_have_text("You are signed out.")


def test_somebody_without_notices_is_told_so(site, opened):
    pay_ana(site)
    page = opened("#/inbox", key=None, wallet=Wallet(BEN))
    sign_in(page)
    expect(page.get_by_text("No notices yet")).to_be_visible()
    expect(page.locator("#unread")).to_be_hidden()


def test_who_is_signed_in_needs_no_key_to_see_the_own_streams(site, opened):
    pay_ana(site)
    page = opened("#/inbox", key=None, wallet=Wallet(ANA))
    sign_in(page)
    expect(page.locator("#inbox-lead")).not_to_be_empty()
    page.get_by_role("link", name="Streams").first.click()
    expect(page.locator("li[data-stream='21']")).to_be_visible()
    expect(page.locator("li[data-stream]")).to_have_count(1)
    page.get_by_role("link", name="Operations").click()
    expect(page.get_by_text("Your key may not see this")).to_be_visible()


def test_without_a_wallet_the_page_says_what_to_do_and_looks_again(site, opened):
    wallet = Wallet(ANA, there=False)
    page = opened("#/inbox", key=None, wallet=wallet)
    expect(page.get_by_role("heading", name="No wallet found")).to_be_visible()
    wallet.there = True
    page.get_by_role("button", name="Look again").click()
    sign_in(page)
    expect(page.get_by_text("No notices yet")).to_be_visible()


def test_who_declines_stays_where_they_are(site, opened):
    wallet = Wallet(ANA, willing=False)
    page = opened("#/inbox", key=None, wallet=wallet)
    sign_in(page)
    expect(page.locator("#sign-said")).to_contain_text("You declined in the wallet")
    assert kept(page) is None
    wallet.willing = True
    sign_in(page)
    expect(page.get_by_text("No notices yet")).to_be_visible()


def test_what_was_not_asked_proves_nothing(site, opened):
    page = opened("#/inbox", key=None, wallet=Wallet(ANA, text="something else"))
    sign_in(page)
    expect(page.locator("#sign-said")).to_contain_text("did not accept the proof")
    assert kept(page) is None


def test_the_wallet_is_shown_what_the_server_asks(site, opened):
    wallet = Wallet(ANA)
    page = opened("#/inbox", key=None, wallet=wallet)
    sign_in(page)
    expect(page.get_by_text("No notices yet")).to_be_visible()
    signed = wallet.asked[-1]["blob"]
    assert ANA.public_key in signed
    assert "wants you to sign in to Pausewire" in signed


def test_a_session_that_was_ended_elsewhere_asks_to_sign_in_again(site, opened):
    pay_ana(site)
    page = opened("#/inbox", key=None, account=ANA.public_key)
    expect(page.locator("li[data-notice]")).to_have_count(1)
    bearer = {"Authorization": f"Bearer {kept(page)['token']}"}
    out = httpx.post(
        f"{site.url}/v1/auth/logout", headers=bearer, json={"everywhere": True}, timeout=30
    )
    assert out.json() == {"ended": 1}
    expect(page.locator("#sign-said")).to_contain_text("Your session has ended")
    expect(page.locator("li[data-notice]")).to_have_count(0)
    page.wait_for_function("() => sessionStorage.getItem('pausewire.session') === null")


@pytest.fixture
def sandbox(sqlite_database):
    """A development start: people of the simulated network, with a wallet that signs for them."""
    wallet = CastWallet(1, CAST)
    served = Served(sqlite_database, sandbox_key="-", sandbox_wallet=wallet, feed_poll_seconds=0.1)
    served.scanned(1, 500)
    paid = {"employee": CAST.employees[1]}
    served.tell(chain.created(100, **paid), chain.paused(110, **paid))
    with serving(served) as site:
        yield site


def test_in_a_sandbox_one_is_somebody_of_the_simulated_network(sandbox, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{sandbox.url}/#/inbox")
    page.get_by_label("Sign in as").select_option(CAST.employees[1])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("li[data-notice]")).to_have_count(1)
    assert kept(page)["account_id"] == CAST.employees[1]
    context.close()


def test_nobody_else_is_offered_test_keys(site, opened):
    page = opened("#/inbox", key=None)
    expect(page.get_by_role("heading", name="No wallet found")).to_be_visible()
    expect(page.get_by_text("Sandbox")).to_have_count(0)
