"""Pages behind the links of letters: by keyboard, without a script, under any path, from either side."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from notifier.contact_letters import contact_letter
from notifier.contact_links import CONFIRM_PATH, new_link, tag_of
from notifier.contacts import ContactBook
from notifier.languages import LANGUAGES
from notifier.schema import delivery, notice
from notifier.seen_by_link import notice_seen
from notifier.told_links import TOLD_PATH, token_for
from notifier.wishing import set_language
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
    expect(other.get_by_role("heading", level=1)).to_have_text("Confirmed: your alerts come here.")
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
    expect(page).to_have_url(f"{site.url}/#/inbox")
    expect(page.locator("#sign-in, form, main").first).to_be_visible()


def link_of_a_mail(site, language: str = "en") -> str:
    """The path of the link in the mail that told the employee of the newest pause."""
    vault = site.served.given.vault
    with site.served.database.begin() as conn:
        row = conn.execute(select(notice).order_by(notice.c.planned_at.desc()).limit(1)).one()
        mine = notice.c.notice_id == row.notice_id
        conn.execute(update(notice).where(mine).values(language=language, read_at=None))
        mail = {"notice_id": row.notice_id, "channel": "email", "delivery_id": uuid4()}
        taken = select(delivery).where(delivery.c.notice_id == row.notice_id).limit(1)
        copied = conn.execute(taken).one()._asdict() | mail
        conn.execute(delivery.insert().values(**copied))
    return TOLD_PATH.format(token=token_for(vault, mail["delivery_id"], now_micros()))


def seen(site) -> list[bool | None]:
    with site.served.database.read() as conn:
        return list(conn.scalars(select(notice_seen.c.helpful)))


@pytest.mark.parametrize("sign", ["key", "wheel", "touch"])
def test_who_moves_has_seen_it_and_who_only_renders_it_has_not(site, opened, sign):
    page = opened(link_of_a_mail(site)[1:], key=None, has_touch=True)
    expect(page.get_by_text("Now: still paused")).to_be_visible()
    page.evaluate(
        "for (const kind of ['keydown', 'pointerdown', 'wheel', 'touchstart'])"
        " dispatchEvent(new Event(kind, { bubbles: true }))"
    )
    page.wait_for_timeout(500)
    assert seen(site) == []
    expect(page.get_by_role("button", name="I have seen it")).to_be_visible()
    if sign == "key":
        page.keyboard.press("Tab")
    elif sign == "wheel":
        page.mouse.wheel(0, 200)
    else:
        page.touchscreen.tap(5, 5)
    expect(page.get_by_text("Marked as read")).to_be_visible()
    assert seen(site) == [None]


def test_the_page_works_by_keyboard_alone_without_a_script_under_a_path(site, opened):
    with under_path(site.url, "/pay/wire", cuts=True) as under:
        path = link_of_a_mail(site)
        page = opened(path[1:], key=None, base=under.url, java_script_enabled=False)
        page.get_by_role("button", name="I have seen it").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Marked as read")).to_be_visible()
        page.get_by_role("button", name="No", exact=True).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Thank you.")).to_be_visible()
        page.get_by_role("button", name="Yes", exact=True).focus()
        page.keyboard.press("Enter")
        yes = page.get_by_role("button", name="Yes", exact=True)
        expect(yes).to_have_attribute("aria-pressed", "true")
        assert seen(site) == [True]
        page.get_by_role("link", name="See the full history").focus()
        there = page.evaluate("document.activeElement.href")
        assert there.startswith(f"{under.url}/#/stream/")
        assert under.strays == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_fits_a_small_screen_and_meets_one_heading(site, opened, language):
    path = link_of_a_mail(site, language)
    page = opened(path[1:], key=None, viewport={"width": 320, "height": 640})
    way = "rtl" if language == "ar" else "ltr"
    expect(page.locator("html")).to_have_attribute("dir", way)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
