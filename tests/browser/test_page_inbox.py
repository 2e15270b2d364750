"""The inbox: told in the account's language, read once and everywhere, and alive."""

import re

from playwright.sync_api import expect

from notifier.wishing import set_language
from store.clock import now_micros
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE, EMPLOYER


def notices(page):
    return page.locator("li[data-notice]")


def unread(page):
    return page.locator("li[data-notice][data-unread=true]")


def inbox_of(opened, account=EMPLOYEE, **options):
    return opened("#/inbox", key=None, account=account, **options)


def test_the_newest_stands_first_and_leads_to_its_stream(site, opened):
    page = inbox_of(opened)
    expect(notices(page)).to_have_count(3)
    expect(page.locator("#inbox-lead")).to_have_text("3 unread")
    notices(page).first.get_by_role("link", name="Open stream 7").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Paused for")
    expect(page.locator("#unread")).to_contain_text("2")


def test_what_is_read_on_one_device_is_read_on_the_other(site, opened):
    here, there = inbox_of(opened), inbox_of(opened)
    expect(unread(there)).to_have_count(3)
    expect(unread(here)).to_have_count(3)
    unread(here).last.get_by_role("button", name="Mark as read").click()
    expect(unread(here)).to_have_count(2)
    expect(unread(there)).to_have_count(2)
    expect(there.locator("#unread")).to_contain_text("2")
    here.get_by_role("button", name="Mark all as read").click()
    expect(here.locator("#inbox-lead")).to_have_text("You have read everything.")
    for page in (here, there):
        expect(unread(page)).to_have_count(0)
        expect(notices(page)).to_have_count(3)
        expect(page.locator("#unread")).to_be_hidden()
    here.reload()
    expect(notices(here)).to_have_count(3)
    expect(unread(here)).to_have_count(0)


def test_what_comes_appears_by_itself_and_is_counted_on_every_view(site, opened):
    inbox, streams = inbox_of(opened), opened("#/operations", account=EMPLOYEE)
    expect(streams.locator("#unread")).to_contain_text("3")
    expect(notices(inbox)).to_have_count(3)
    site.tell(chain.resumed(200))
    expect(notices(inbox)).to_have_count(4)
    expect(notices(inbox).first).to_have_attribute("data-kind", "resumed")
    expect(streams.locator("#unread")).to_contain_text("4")


def test_only_the_unread_are_shown_on_request(site, opened):
    page = inbox_of(opened)
    unread(page).first.get_by_role("button", name="Mark as read").click()
    expect(unread(page)).to_have_count(2)
    page.get_by_role("radio", name="Unread").check(force=True)
    expect(notices(page)).to_have_count(2)
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.get_by_text("Nothing unread")).to_be_visible()


def test_the_words_are_the_accounts_language_whatever_the_page_speaks(site, opened):
    with site.served.database.begin() as conn:
        set_language(conn, site.served.given.vault, EMPLOYEE, "es", now_micros())
    site.tell(chain.resumed(200))
    page = inbox_of(opened, locale="de-DE")
    expect(page.get_by_role("heading", level=1)).to_have_text("Meine Mitteilungen")
    expect(notices(page).first.locator("h2")).to_contain_text(re.compile("reanud", re.IGNORECASE))


def test_everybody_sees_the_own_notices_only(site, opened):
    employee, employer = inbox_of(opened), inbox_of(opened, EMPLOYER)
    expect(notices(employee)).to_have_count(3)
    expect(notices(employer)).to_have_count(3)

    def ids(page):
        return set(notices(page).evaluate_all("all => all.map(each => each.dataset.notice)"))

    assert ids(employee).isdisjoint(ids(employer))


def test_by_keyboard_reading_goes_on_with_the_next(site, opened):
    page = inbox_of(opened)
    expect(unread(page)).to_have_count(3)
    page.get_by_role("button", name="Mark as read").first.focus()
    for left in (2, 1, 0):
        page.keyboard.press("Enter")
        expect(unread(page)).to_have_count(left)
    expect(page.locator("#inbox-lead")).to_be_focused()


def test_without_a_connection_what_was_read_stays_and_marking_says_so(site, opened):
    page = inbox_of(opened)
    expect(notices(page)).to_have_count(3)
    page.context.set_offline(True)
    unread(page).first.get_by_role("button", name="Mark as read").click()
    expect(page.locator("#said")).to_have_text("The server cannot be reached")
    expect(unread(page)).to_have_count(3)
    page.context.set_offline(False)
    expect(page.locator("#notice")).to_be_hidden()
