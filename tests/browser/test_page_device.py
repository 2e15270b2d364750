"""This browser as a place: subscribed, confirmed by the code that arrives in it, told, and taken back.

A headless browser has no push service of its own, so subscribing is answered by the simulator's, which
really decrypts; what it decrypted is then handed to the page's own worker by the browser itself.
"""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import expect

from notifier.channels.vapid import VapidKey
from notifier.channels.web_push import WebPushChannel
from notifier.contact_sender import ContactSender
from simulator.catchers.web_push import add_web_push
from simulator.catchers.web_push_keys import subscription_keys
from tests.browser.conftest import serving
from tests.fakes import chain
from tests.fakes.catching import catching
from tests.fakes.chain import EMPLOYEE
from tests.fakes.channel_benches import LOOPBACK
from tests.fakes.controlled import Network
from tests.fakes.guests import EVERYBODY
from tests.fakes.served import Served

KEY = VapidKey(ec.generate_private_key(ec.SECP256R1()), "mailto:ops@example.test")
# Subscribing and what browsers remember of it, across loads of the page.
SUBSCRIBED = """
const place = %s, kept = "a subscription of the tests";
const subscription = {
  toJSON: () => place,
  unsubscribe: async () => { localStorage.removeItem(kept); return true; },
};
PushManager.prototype.subscribe = async (wanted) => {
  localStorage.setItem(kept, JSON.stringify(wanted));
  return subscription;
};
PushManager.prototype.getSubscription = async () => (localStorage.getItem(kept) ? subscription : null);
"""
SHOWN = """async () => {
  const [registration] = await navigator.serviceWorker.getRegistrations();
  const shown = await registration.getNotifications();
  return shown.map(({ title, body, tag }) => ({ title, body, tag }));
}"""


@contextmanager
def push_service(path):
    """The simulator's push service on a loop of its own; gives its address and what it caught."""
    ready, found, ends = threading.Event(), [], []

    async def serve() -> None:
        stop = asyncio.Event()
        ends.append((asyncio.get_running_loop(), stop))
        async with catching(add_web_push, path) as running:
            found.extend(running)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield tuple(found)
    finally:
        loop, stop = ends[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)


@pytest.fixture
def service(tmp_path):
    with push_service(tmp_path / "web_push.ndjson") as running:
        yield running


@pytest.fixture
def site(sqlite_database):
    served = Served(
        sqlite_database, web_push_key=KEY.public, control=Network(), feed_poll_seconds=0.1
    )
    served.scanned(1, 500)
    served.tell(chain.created(100), chain.paused(110))
    with serving(served) as site:
        site.stale(0)
        yield site


@pytest.fixture
def settings(site, opened, service):
    """The employee's settings in a browser that may show notifications, and its subscription."""
    place = {
        "endpoint": f"{service[0]}/web-push/ana",
        "expirationTime": None,
        "keys": subscription_keys("ana"),
    }
    page = opened("", key=None, account=EMPLOYEE)
    page.context.grant_permissions(["notifications"], origin=site.url)
    page.context.add_init_script(SUBSCRIBED % json.dumps(place))
    page.goto(f"{site.url}/?lang=en#/inbox/settings")
    expect(page.locator("#device")).to_have_text("Tell me in this browser")
    return page


def sent(site):
    """Send the letters that wait, over real HTTP, really encrypted."""
    sender = ContactSender(
        site.served.database,
        site.served.given.vault,
        {"push": WebPushChannel(KEY, LOOPBACK, timeout_seconds=5)},
        guests=EVERYBODY,
        poll_seconds=0.01,
    )

    async def send_all() -> None:
        while await sender.step():
            pass
        await sender._close()

    with ThreadPoolExecutor(1) as apart:  # the browser's driver keeps a loop in this thread
        apart.submit(asyncio.run, send_all()).result()


def delivered(site, page, said):
    """The browser hands a decrypted message to the page's worker."""
    session, known = page.context.new_cdp_session(page), []
    session.on(
        "ServiceWorker.workerRegistrationUpdated", lambda told: known.extend(told["registrations"])
    )
    session.send("ServiceWorker.enable")
    while not [each for each in known if not each["isDeleted"]]:
        page.wait_for_timeout(50)
    registration = [each for each in known if not each["isDeleted"]][-1]
    assert registration["scopeURL"] == f"{site.url}/page/push/"
    session.send(
        "ServiceWorker.deliverPushMessage",
        {
            "origin": site.url,
            "registrationId": registration["registrationId"],
            "data": json.dumps(said),
        },
    )


def test_this_browser_is_subscribed_confirmed_told_and_taken_back(site, settings, service):
    page = settings
    page.locator("#device").click()
    place = page.locator("li[data-contact]")
    expect(place).to_have_attribute("data-confirmed", "false")
    expect(page.locator("#device-said")).to_have_text("Confirming this browser…")
    wanted = json.loads(page.evaluate("localStorage.getItem('a subscription of the tests')"))
    assert wanted == {"userVisibleOnly": True, "applicationServerKey": KEY.public}
    sent(site)
    [code] = service[1].newest_first()
    delivered(site, page, code["shown"])
    expect(place).to_have_attribute("data-confirmed", "true")
    expect(page.locator("#device-said")).to_have_text("You are told in this browser.")

    news = {"id": "1", "tag": "stream.7", "kind": "paused", "title": "Stream 7 is paused"}
    delivered(site, page, news | {"body": "Nothing is earned now.", "at": 1_790_000_000})
    delivered(site, page, news | {"body": "Nothing is earned now.", "at": 1_790_000_000})
    page.wait_for_function(f"async () => (await ({SHOWN})()).length === 2")
    shown = page.evaluate(SHOWN)
    assert {
        "title": "Stream 7 is paused",
        "body": "Nothing is earned now.",
        "tag": "stream.7",
    } in shown

    page.reload()
    expect(page.locator("#device-said")).to_have_text("You are told in this browser.")
    page.locator("#device").click()
    expect(page.locator("li[data-contact]")).to_have_count(0)
    expect(page.locator("#device")).to_have_text("Tell me in this browser")
    page.wait_for_function("() => localStorage.length === 0")
    page.wait_for_function(
        "async () => (await navigator.serviceWorker.getRegistrations()).length === 0"
    )


def test_removed_in_the_list_it_is_removed_from_the_browser(site, settings):
    page = settings
    page.locator("#device").click()
    remove = page.locator("li[data-contact] .place button")
    remove.click()
    expect(remove).to_have_text("Really remove")
    remove.click()
    expect(page.locator("#device")).to_have_text("Tell me in this browser")
    page.wait_for_function("() => localStorage.length === 0")


def test_a_browser_that_shows_nothing_says_what_to_do(site, settings):
    settings.context.clear_permissions()
    settings.evaluate("() => { Notification.requestPermission = async () => 'denied'; }")
    settings.locator("#device").click()
    expect(settings.get_by_role("alert").first).to_contain_text("lets this page show nothing")
    expect(settings.locator("li[data-contact]")).to_have_count(0)


def test_where_no_web_push_is_set_up_nothing_is_offered(sqlite_database, opened, site):
    site.served.app.state.dependencies = site.served.given.__class__(
        **{**vars(site.served.given), "web_push_key": None}
    )
    page = opened("#/inbox/settings", key=None, account=EMPLOYEE)
    expect(page.get_by_role("button", name="Save")).to_be_visible()
    expect(page.locator("#device")).to_be_hidden()


# What a click on a notification is to a worker; a headless browser draws none that could be clicked.
CLICKED = """async () => {
  const [notification] = await self.registration.getNotifications();
  const opened = [];
  self.clients.openWindow = async (address) => opened.push(String(address));
  const waits = [];
  const click = new NotificationEvent("notificationclick", { notification });
  click.waitUntil = (work) => waits.push(work);
  self.dispatchEvent(click);
  await Promise.allSettled(waits);
  return [opened, (await self.registration.getNotifications()).length];
}"""


@pytest.fixture
def told(site, settings):
    """A browser with one notification, and its worker."""
    settings.locator("#device").click()
    news = {"id": "1", "tag": "stream.7", "kind": "paused", "title": "Stream 7 is paused"}
    expect(settings.locator("li[data-contact]")).to_have_count(1)
    delivered(site, settings, news | {"body": "", "at": 1_790_000_000})
    settings.wait_for_function(f"async () => (await ({SHOWN})()).length === 1")
    [worker] = settings.context.service_workers
    return worker


def test_a_click_on_a_notification_leads_the_open_page_to_the_inbox(site, settings, told):
    settings.goto(f"{site.url}/?lang=en#/")
    opened, left = told.evaluate(CLICKED)
    assert (opened, left) == ([], 0)
    settings.wait_for_function("() => location.hash === '#/inbox'")


def test_a_click_on_a_notification_opens_the_inbox_where_no_page_is(site, settings, told):
    settings.goto(f"{site.url}/problems/not-found")  # of this deployment, but no place for an inbox
    opened, left = told.evaluate(CLICKED)
    assert (opened, left) == ([f"{site.url}/#/inbox"], 0)
