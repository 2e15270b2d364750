"""Settings: where one is told, confirmed by a code; what and when; and what is wrong said at its field."""

import asyncio
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect

from notifier import suppression
from notifier.contact_file import ContactLine
from notifier.contact_sender import ContactSender
from notifier.preferences import Preferences
from notifier.recipients import private_of
from notifier.wishing import set_language, set_preferences
from store.clock import now_micros
from tests.fakes.chain import EMPLOYEE
from tests.fakes.fake_channel import FakeChannel
from tests.fakes.guests import EVERYBODY
from wallets.control import Control
from wallets.errors import ChainUnreadable

EMAIL = "ana@example.org"
PATIENCE_SECONDS = 15


@pytest.fixture
def settings(site, opened):
    """The settings of the employee, on a page of these options."""

    def open_settings(**options):
        page = opened("#/inbox/settings", key=None, account=EMPLOYEE, **options)
        expect(page.get_by_role("button", name="Save")).to_be_visible()
        return page

    return open_settings


def code_sent(site):
    """What really left for the newest place, by a channel that keeps it; the page may still be asking."""
    channels = {name: FakeChannel(provider=name) for name in ("email", "sms", "push")}
    sender = ContactSender(
        site.served.database, site.served.given.vault, channels, guests=EVERYBODY, poll_seconds=0.01
    )

    def texts() -> list[str]:
        return [content.text for each in channels.values() for content, _ in each.sent]

    async def send_all() -> None:
        while await sender.step():
            pass

    end = time.monotonic() + PATIENCE_SECONDS
    with ThreadPoolExecutor(1) as apart:  # the browser's driver keeps a loop in this thread
        while not texts() and time.monotonic() < end:
            apart.submit(asyncio.run, send_all()).result()
            time.sleep(0.05)
    return re.search(r"\b\d{6}\b", texts()[-1])[0]


def wishes(site):
    with site.served.database.read() as conn:
        return private_of(conn, site.served.given.vault, EMPLOYEE)


def add(page, place, channel="email"):
    page.get_by_label("By", exact=True).select_option(channel)
    page.locator("#place").fill(place)
    page.get_by_role("button", name="Send a code there").click()


def test_a_place_is_told_once_its_code_was_typed(site, settings):
    page = settings()
    expect(page.get_by_text("No place yet")).to_be_visible()
    add(page, EMAIL)
    place = page.locator("li[data-contact]")
    expect(place).to_contain_text("not confirmed yet")
    expect(page.locator("#contacts-said")).to_contain_text("A code is on its way to an")
    code = code_sent(site)
    place.get_by_label("Code").fill(code)
    expect(place).to_contain_text("A code was sent there.")
    expect(place.get_by_label("Code")).to_have_value(code)
    place.get_by_role("button", name="Confirm").click()
    expect(place).to_have_attribute("data-confirmed", "true")
    expect(place.get_by_label("Code")).to_be_hidden()
    expect(page.locator("#contacts-said")).to_contain_text("Confirmed")


def test_a_wrong_code_is_said_beside_it(site, settings):
    page = settings()
    add(page, EMAIL)
    place = page.locator("li[data-contact]")
    place.get_by_label("Code").fill("12")
    place.get_by_role("button", name="Confirm").click()
    expect(place.get_by_label("Code")).to_have_attribute("aria-invalid", "true")
    expect(place.get_by_label("Code")).to_be_focused()
    place.get_by_label("Code").fill("000000")
    place.get_by_role("button", name="Confirm").click()
    expect(place.get_by_role("alert")).to_contain_text("The code is not right")
    expect(place).to_have_attribute("data-confirmed", "false")


@pytest.mark.parametrize(
    ("channel", "wrong"), [("email", "ana"), ("sms", "0555"), ("push", "topic"), ("email", "")]
)
def test_a_place_that_is_none_is_said_at_its_field(site, settings, channel, wrong):
    page = settings()
    add(page, wrong, channel)
    expect(page.locator("#place")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#place")).to_be_focused()
    expect(page.locator("#place-wrong")).not_to_be_empty()
    expect(page.locator("li[data-contact]")).to_have_count(0)


def test_a_place_is_removed_when_it_is_said_twice(site, settings):
    page = settings()
    add(page, EMAIL)
    place = page.locator("li[data-contact]")
    remove = place.locator(".place button")
    remove.click()
    expect(remove).to_have_text("Really remove")
    expect(place).to_have_count(1)
    remove.click()
    expect(place).to_have_count(0)
    expect(page.get_by_text("No place yet")).to_be_visible()


def test_what_is_chosen_is_kept_and_shown_again(site, settings):
    page = settings()
    page.get_by_role("checkbox", name="resumed: SMS", exact=True).uncheck()
    page.get_by_role("checkbox", name="Quiet hours every day").check()
    page.get_by_label("From", exact=True).fill("23:30")
    page.get_by_label("Until").fill("06:15")
    page.get_by_role("checkbox", name="Pauses may ring").check()
    page.get_by_label("Language of your notices").select_option("pt")
    page.get_by_label("Time zone").fill("America/Sao_Paulo")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    kept = wishes(site)
    assert kept.language == "pt"
    assert kept.preferences.time_zone == "America/Sao_Paulo"
    assert (kept.preferences.quiet.starts, kept.preferences.quiet.ends) == (23 * 60 + 30, 375)
    assert kept.preferences.urgent_pauses
    assert kept.preferences.off == (("resumed", "sms"),)
    page.reload()
    expect(page.get_by_role("checkbox", name="resumed: SMS", exact=True)).not_to_be_checked()
    expect(page.get_by_role("checkbox", name="resumed: email", exact=True)).to_be_checked()
    expect(page.get_by_label("From", exact=True)).to_have_value("23:30")
    expect(page.get_by_label("Time zone")).to_have_value("America/Sao_Paulo")


def test_a_channel_is_told_once_a_day_at_an_hour(site, settings):
    page = settings()
    hour = page.locator("#digest-at")
    expect(hour).to_be_hidden()
    expect(page.get_by_role("checkbox", name="Pauses may ring")).to_be_hidden()
    page.get_by_role("checkbox", name="resumed: email", exact=True).uncheck()
    page.get_by_role("checkbox", name="Once a day, together: email").check()
    expect(hour).to_have_value("18:00")
    hour.fill("07:30")
    page.get_by_role("checkbox", name="Pauses may ring").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    kept = wishes(site).preferences
    assert {channel for _, channel in kept.digest} == {"email"}
    assert ("resumed", "email") not in kept.digest
    assert ("paused", "email") in kept.digest
    assert (kept.digest_at, kept.urgent_pauses) == (450, True)
    page.reload()
    expect(page.get_by_role("checkbox", name="Once a day, together: email")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Once a day, together: SMS")).not_to_be_checked()
    expect(hour).to_have_value("07:30")
    page.get_by_role("checkbox", name="Once a day, together: email").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert wishes(site).preferences.digest == ()


def test_what_is_gathered_of_some_kinds_stays_so_until_it_is_touched(site, settings):
    with site.served.database.begin() as conn:
        wish = Preferences(digest=(("resumed", "email"),))
        set_preferences(conn, site.served.given.vault, EMPLOYEE, wish, language="en", now=1)
    page = settings()
    mixed = page.get_by_role("checkbox", name="Once a day, together: email")
    assert mixed.evaluate("box => box.indeterminate")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert wishes(site).preferences.digest == (("resumed", "email"),)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_order_of_channels_is_chosen_by_keyboard_alone(site, opened, language):
    page = opened(f"?lang={language}#/inbox/settings", key=None, account=EMPLOYEE)
    lines = page.locator(".order li")
    expect(lines).to_have_count(3)
    page.locator("#one-by-one").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")  # the first line's "earlier" is off: its "later" is next
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    said = page.locator(".ways [role=status]")
    expect(said).to_contain_text("3")
    focused = "document.activeElement.closest('li').dataset.channel"
    assert page.evaluate(focused) == "push"
    page.locator("#save").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#preferences .saved")).not_to_be_empty()
    kept = wishes(site).preferences
    assert (kept.one_by_one, kept.order) == (True, ("email", "sms", "push"))
    page.reload()
    expect(lines.first).to_have_attribute("data-channel", "email")
    expect(page.locator("#one-by-one")).to_have_value("true")


def test_an_order_that_nobody_touched_stays_the_services_own(site, settings):
    page = settings()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert (wishes(site).preferences.one_by_one, wishes(site).preferences.order) == (None, ())


def test_pauses_only_leaves_the_other_kinds_no_choice(site, settings):
    page = settings()
    page.get_by_role("checkbox", name="Pauses only").check()
    expect(page.get_by_role("checkbox", name="resumed: email", exact=True)).to_be_disabled()
    expect(page.get_by_role("checkbox", name="paused: email", exact=True)).to_be_enabled()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert wishes(site).preferences.pauses_only
    assert wishes(site).preferences.off == ()


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_saved(site, settings):
    page = settings()
    page.get_by_label("Time zone").fill("Mars/Olympus")
    page.get_by_role("button", name="Save").click()
    zone = page.get_by_label("Time zone")
    expect(zone).to_have_attribute("aria-invalid", "true")
    expect(zone).to_be_focused()
    expect(page.locator("#time-zone-wrong")).to_contain_text("Europe/Berlin")
    zone.fill("UTC")
    page.get_by_role("checkbox", name="Quiet hours every day").check()
    page.get_by_label("Until").fill("22:00")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".hours > .wrong")).to_contain_text("starts and ends are the same")
    expect(zone).not_to_have_attribute("aria-invalid", "true")
    page.get_by_label("Until").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#ends")).to_have_attribute("aria-invalid", "true")
    assert wishes(site).preferences.quiet is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Control(on_network=True, weight=1, medium=2), "has other signers"),
        (ChainUnreadable("away"), "the network could not be asked"),
    ],
)
def test_who_does_not_control_the_address_is_told_why_nothing_changes(site, settings, said, words):
    site.network.said = said
    page = settings()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#preferences > [role=alert]")).to_contain_text(words)
    add(page, EMAIL)
    expect(page.locator("#add-contact > [role=alert]")).to_contain_text(words)
    expect(page.locator("li[data-contact]")).to_have_count(0)


def test_signing_out_on_all_devices_ends_both(site, opened, settings):
    other = opened("#/inbox", key=None, account=EMPLOYEE)
    expect(other.locator("li[data-notice]")).to_have_count(3)
    page = settings()
    page.get_by_role("button", name="Sign out on all devices").click()
    expect(page.locator("#sign-said")).to_have_text("You are signed out.")
    expect(other.locator("#sign-said")).to_contain_text("Your session has ended")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_how_the_settings_came_to_be_is_read_by_keyboard(site, opened, language):
    vault = site.served.given.vault
    site.served.world.register(ContactLine(EMPLOYEE, EMAIL, "", "", "de"))
    with site.served.database.begin() as conn:
        lookup = vault.destination_lookup("email", EMAIL)
        suppression.put(conn, "email", lookup, "unsubscribed", source="link", at=now_micros())
        for number in range(10):
            language_of_then = ("fr", "de")[number % 2]
            set_language(conn, vault, EMPLOYEE, language_of_then, now_micros())
    page = opened(f"?lang={language}#/inbox/settings", key=None, account=EMPLOYEE)
    page.locator("#changes summary").focus()
    page.keyboard.press("Enter")
    lines = page.locator(".changes li")
    expect(lines).to_have_count(10)
    page.locator("#changes > button").focus()
    page.keyboard.press("Enter")
    expect(lines).to_have_count(13)
    expect(page.locator("#changes > button")).to_be_hidden()
    said = page.locator("#changes").inner_text()
    assert "an…@example.org" in said
    assert EMAIL not in said
    if language == "en":
        assert "by the unsubscribe link" in said
        assert "Language: fr → de" in said
        assert "by your employer's or operator's list" in said
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
