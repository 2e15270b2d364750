"""A place that nothing goes to: the inbox and Settings say so in words, and a code takes it back."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from notifier import suppression
from notifier.contact_file import ContactLine
from notifier.contact_letters import contact_letter
from store.clock import now_micros
from tests.browser.test_page_settings import code_sent
from tests.fakes.chain import EMPLOYEE

EMAIL, PHONE = "ana@example.org", "+15550100123"


def keep_from(site, channel, place, reason):
    lookup = site.served.given.vault.destination_lookup(channel, place)
    with site.served.database.begin() as conn:
        suppression.put(conn, channel, lookup, reason, source="test", at=now_micros())


@pytest.fixture
def told(site):
    """The employee, told by mail and SMS, with a mailbox that bounced."""
    site.served.world.register(ContactLine(EMPLOYEE, EMAIL, PHONE, "", "en"))
    keep_from(site, "email", EMAIL, "hard_bounce")
    return site


def test_the_inbox_says_it_and_a_code_takes_it_back(told, opened):
    page = opened("#/inbox", key=None, account=EMPLOYEE)
    silent = page.locator("#silent")
    expect(silent).to_contain_text("No messages reach you at an…@example.org (email)")
    expect(silent).to_contain_text("no such address")
    silent.get_by_role("link", name="What to do about it").click()
    mail = page.locator("li[data-suppressed=true]")
    expect(mail).to_have_count(1)
    expect(mail).to_contain_text("gets nothing")
    expect(mail.locator("[data-reason=hard_bounce]")).to_contain_text("no such address")
    expect(mail.get_by_label("Code")).to_be_hidden()
    mail.get_by_role("button", name="Send a code there").click()
    expect(mail.get_by_label("Code")).to_be_focused()
    mail.get_by_label("Code").fill(code_sent(told))
    mail.get_by_role("button", name="Confirm").click()
    expect(page.locator("#contacts-said")).to_have_text("Done. Messages go there again.")
    expect(mail).to_have_count(0)
    expect(page.locator("li[data-contact]").first).to_contain_text("confirmed")
    page.locator(".sections a").first.click()
    expect(page.locator("#inbox-lead")).not_to_be_empty()
    expect(page.locator("#silent")).to_be_empty()


def test_a_second_code_within_the_day_is_refused_in_words(told, opened):
    page = opened("#/inbox/settings", key=None, account=EMPLOYEE)
    mail = page.locator("li[data-suppressed=true]")
    mail.get_by_role("button", name="Send a code there").click()
    code_sent(told)
    with told.served.database.begin() as conn:
        conn.execute(update(contact_letter).values(tries_left=0))
    mail.get_by_role("button", name="Send a code there").click()
    expect(page.locator("#contacts-said")).to_contain_text("it gets one code a day")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_stop_is_undone_by_start_alone(told, opened, language):
    keep_from(told, "sms", PHONE, "stop")
    page = opened(f"?lang={language}#/inbox/settings", key=None, account=EMPLOYEE)
    phone = page.locator("li[data-contact]").filter(has=page.locator("[data-reason=stop]"))
    expect(phone.locator("[data-undo=start]")).to_contain_text("START")
    expect(phone.locator("button[id^=prove-]")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
