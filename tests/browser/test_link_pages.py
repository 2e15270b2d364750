"""Pages behind the links of letters: by keyboard, without a script, under any path, from either side."""

import re

import pytest
from playwright.sync_api import expect

from notifier.contact_letters import contact_letter
from notifier.contact_links import CONFIRM_PATH, new_link, tag_of
from notifier.contacts import ContactBook
from notifier.recipients import set_language
from store.clock import now_micros
from tests.browser.under_path import under_path
from tests.fakes.chain import EMPLOYEE

EMAIL = "ana@example.org"


def link_to_confirm(site) -> str:
    """The path of a link as it stands in a mail to the employee."""
    vault, token = site.served.given.vault, new_link()
    with site.served.database.begin() as conn:
        where = {"channel": "email", "destination": EMAIL}
        ContactBook(vault).add(conn, EMPLOYEE, now=now_micros(), **where)
        conn.execute(contact_letter.update().values(link_tag=tag_of(vault, token)))
    return CONFIRM_PATH.format(token=token)


def verified(site) -> bool:
    with site.served.database.read() as conn:
        [place] = ContactBook(site.served.given.vault).list(conn, EMPLOYEE)
    return place.verified_at is not None


@pytest.mark.parametrize("cuts", [True, False])
def test_a_mailbox_is_confirmed_by_keyboard_alone_without_a_script(site, opened, cuts):
    if not cuts:  # the proxy passes the path on, and the site stands at its root
        path, base = link_to_confirm(site), site.url
        page = opened(path[1:], key=None, base=base, java_script_enabled=False)
        pressed_by_keyboard(site, page)
        return
    with under_path(site.url, "/pay/wire", cuts=True) as under:
        page = opened(
            link_to_confirm(site)[1:], key=None, base=under.url, java_script_enabled=False
        )
        pressed_by_keyboard(site, page)
        page.get_by_role("link", name="To my settings").focus()
        assert page.evaluate("document.activeElement.href") == f"{under.url}/#/inbox/settings"
        assert under.strays == []


def pressed_by_keyboard(site, page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Shall your pay alerts come to this address?"
    )
    assert not verified(site)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirmed: your alerts come here.")
    assert verified(site)


def test_settings_in_another_tab_notice_it(site, opened):
    settings = opened("#/inbox/settings", key=None, account=EMPLOYEE)
    expect(settings.get_by_role("button", name="Save")).to_be_visible()
    path = link_to_confirm(site)
    settings.reload()
    expect(settings.locator("li[data-contact]")).to_have_attribute("data-confirmed", "false")
    other = settings.context.new_page()
    other.goto(f"{site.url}{path}")
    other.get_by_role("button").click()
    other.close()
    settings.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(settings.locator("li[data-contact]")).to_have_attribute("data-confirmed", "true")


def test_arabic_is_set_from_the_right_and_a_small_screen_scrolls_one_way_only(site, opened):
    path = link_to_confirm(site)
    with site.served.database.begin() as conn:
        set_language(conn, site.served.given.vault, EMPLOYEE, "ar", 1)
    page = opened(path[1:], key=None, viewport={"width": 320, "height": 640})
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.get_by_role("button")).to_have_text(re.compile("نعم"))
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 320


def test_a_cut_link_is_explained_and_leads_on(site, opened):
    page = opened("v1/confirm/abc", key=None, locale="es")
    expect(page.get_by_role("heading", level=1)).to_have_text("Este enlace no vale.")
    page.get_by_role("link", name="Ir a mi bandeja").click()
    expect(page.locator("#sign-in, form, main").first).to_be_visible()
    assert page.url == f"{site.url}/#/inbox"
