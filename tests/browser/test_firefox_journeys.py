"""The main journeys in Debian's Firefox: streams, a history, signing in, settings, a cut network."""

import shutil

import pytest

from notifier.recipients import private_of
from simulator.accounts import Cast
from simulator.wallet import CastWallet
from tests.browser.conftest import serving
from tests.browser.firefox import firefox
from tests.browser.firefox_tab import Tab
from tests.e2e.proxy import proxied
from tests.fakes import chain
from tests.fakes.controlled import Network
from tests.fakes.served import Served
from tests.services import missing

CAST = Cast.of(1, 2)
ANA = CAST.employees[1]


@pytest.fixture(scope="module")
def wire(tmp_path_factory):
    """One Firefox for all journeys, each in a tab and a storage of its own."""
    binary = shutil.which("firefox-esr") or shutil.which("firefox")
    if binary is None:
        missing("Firefox (apt-get install firefox-esr)", "PATH")
    with firefox(binary, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def site(sqlite_database):
    """A development start: stream 7 of Ana's is paused for the second time, stream 8 of hers flows."""
    served = Served(
        sqlite_database,
        sandbox_key="-",
        sandbox_wallet=CastWallet(1, CAST),
        control=Network(),
        feed_poll_seconds=0.1,
    )
    ana = {"employee": ANA}
    served.scanned(1, 500)
    served.tell(
        *(chain.created(100, **ana), chain.paused(110, **ana), chain.resumed(120, **ana)),
        *(chain.paused(130, **ana), chain.created(140, stream_id=8, **ana)),
    )
    with serving(served) as site:
        site.stale(0)
        yield site


@pytest.fixture
def tab(wire, site):
    """A tab with a key; at the end no page of it may have met an error."""
    wire.events.clear()
    tab = Tab(wire)
    keep = f"sessionStorage.setItem('pausewire.key', '{site.served.key}')"
    tab.before(f"if (location.protocol === 'http:') {keep}")
    tab.size(1280, 900)
    yield tab
    tab.close()
    said = [event["params"] for event in wire.events]
    broken = [
        each["text"]
        for each in said
        if each["level"] == "error" and "NetworkError" not in each["text"]
    ]
    assert broken == []


def test_streams_are_filtered_and_live(site, tab):
    tab.open(f"{site.url}/")
    tab.counts("li[data-stream]", 2)
    tab.says("li[data-stream='7'] .badge", "Paused")
    tab.says("#freshness", "Live")
    tab.click_on("label:has(input[value=paused])")
    tab.counts("li[data-stream]", 1)
    tab.type("input[type=search]", "8")
    tab.says("main", "Nothing matches")
    tab.click_on("label:has(input[name=status])")
    tab.counts("li[data-stream='8']", 1)
    site.tell(chain.paused(200, stream_id=8, employee=ANA))
    tab.says("li[data-stream='8'] .badge", "Paused")


def test_a_stream_shows_its_history(site, tab):
    tab.open(f"{site.url}/{site.stream}")
    tab.says("h1", "Paused for")
    tab.counts("li[data-pause]", 2)
    tab.counts("li[data-event]", 4)
    tab.counts("svg rect.pause", 2)
    tab.click_on("li[data-pause] summary")
    tab.says("li[data-pause] details", "employee")
    site.tell(chain.resumed(200, employee=ANA))
    tab.says("h1", "Pay is flowing")


def test_somebody_signs_in_reads_and_chooses(site, tab):
    tab.open(f"{site.url}/#/inbox")
    tab.choose("#person", ANA)
    tab.click_on(".sandbox button")
    tab.counts("li[data-notice]", 3)
    tab.says("#unread", "3")
    tab.click_on("li[data-notice] button")
    tab.says("#unread", "2")
    tab.click("link", "Settings")
    tab.type("#time-zone", "Asia/Kolkata")
    tab.tick("#pauses-only")
    tab.click("button", "Save")
    tab.says("#preferences", "Saved.")
    with site.served.database.read() as conn:
        kept = private_of(conn, site.served.given.vault, ANA).preferences
    assert (kept.time_zone, kept.pauses_only) == ("Asia/Kolkata", True)
    tab.reload()
    tab.until("document.querySelector('#time-zone')?.value", "Asia/Kolkata")
    tab.until("document.querySelector('#pauses-only')?.checked")


def test_without_a_connection_what_was_known_stays(site, tab):
    with proxied("127.0.0.1", int(site.url.rpartition(":")[2])) as network:
        tab.open(f"http://127.0.0.1:{network.port}/")
        tab.counts("li[data-stream]", 2)
        network.stop()
        tab.says("#notice", "No connection")
        tab.counts("li[data-stream]", 2)
        network.mend()
        tab.until("document.querySelector('#notice').hidden")
        tab.says("#freshness", "Live")


def test_what_a_page_draws_anew_while_it_is_pressed_is_pressed(site, tab):
    tab.open(f"{site.url}/#/streams")
    tab.see(
        """(() => {
            window.pressed = 0;
            const again = () => {
                document.querySelector('#redrawn')?.remove();
                const button = document.createElement('button');
                button.id = 'redrawn';
                button.onclick = () => { window.pressed += 1; };
                document.body.prepend(button);
            };
            again();
            const drawing = setInterval(again, 1);
            setTimeout(() => clearInterval(drawing), 1500);
        })()"""
    )
    tab.click_on("#redrawn")
    tab.until("window.pressed", 1)
