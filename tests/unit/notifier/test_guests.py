"""Outside production nobody but guests is written to, and every text names its network."""

from uuid import uuid4

import pytest

from config.channel_settings import EmailSettings, SmsSettings
from config.guest_settings import GuestSettings
from config.network_settings import NetworkSettings
from config.push_settings import PushSettings
from config.settings import Settings
from notifier.attempts import Message, claim
from notifier.channels.webhook import Receiver, destination_of
from notifier.content import Rendered
from notifier.deliver import Deliverer
from notifier.drafts import Draft, Withheld
from notifier.group_commit import GroupCommit
from notifier.guests import NOT_A_GUEST, guest_list, marked, network_name
from notifier.guests_on import guests_of
from notifier.letters import Letters
from notifier.rendering import Renderer
from notifier.schema import delivery
from tests.fakes.guests import EVERYBODY
from tests.fakes.planned import PLACES, delivery_row, plan, vault

NETWORK = "Test SDF Network ; September 2015"
PUBLIC = "Public Global Stellar Network ; September 2015"
GUESTS = guest_list(
    ("Ana@Example.org", "@team.test", "+15550100123"), frozenset({"push ntfy"}), NETWORK
)

RECEIVERS = guest_list(
    (
        "hooks.Team.example",
        "@team.test",
        "https://shared.example/Catch/A",
        "https://root.example",
    ),
    frozenset({"webhook"}),  # no catcher stands in for everybody's receivers
    NETWORK,
)


@pytest.mark.parametrize(
    ("channel", "place", "admitted"),
    [
        ("email", "ana@example.org", True),
        ("email", " ANA@EXAMPLE.ORG ", True),
        ("email", "eve@example.org", False),
        ("email", "anybody@team.test", True),
        ("email", "anybody@sub.team.test", False),
        ("email", "ana@example.org@team.test", True),
        ("email", "", False),
        ("email", "@", False),
        ("push", "telegram:@team.test", False),
        ("sms", "+15550100123", True),
        ("sms", "+15550100124", False),
        ("push", "ntfy:whatever", True),
        (
            "push",
            '{"endpoint": "https://push.example/x", "keys": {"p256dh": "", "auth": ""}}',
            False,
        ),
        ("push", '{"endpoint": "http://127.0.0.1/x", "keys": {"p256dh": "", "auth": ""}}', True),
    ],
)
def test_guests_and_catchers_are_admitted_and_nobody_else(channel, place, admitted):
    assert GUESTS.admits(channel, place) is admitted
    assert GUESTS.admit(channel, place) == (place if admitted else None)
    assert EVERYBODY.admit(channel, place) == place


@pytest.mark.parametrize(
    ("url", "admitted"),
    [
        ("https://hooks.team.example/", True),
        ("https://HOOKS.team.example:8443/any?x=1", True),
        ("https://team.example/", False),
        ("https://sub.hooks.team.example/", False),
        ("https://hooks.team.example.evil.test/", False),
        ("https://hooks.team.example@evil.test/", False),
        ("https://evil.test/hooks.team.example", False),
        ("https://evil.test/?to=https://hooks.team.example/", False),
        ("https://evil.test/@team.test", False),
        ("https://Shared.example/Catch/A", True),
        ("https://shared.example/catch/a", False),
        ("https://shared.example/Catch/A/b", False),
        ("https://shared.example/", False),
        ("https://root.example", True),
        ("https://root.example/", True),
        ("http://127.0.0.1:9000/hook", True),
        ("http://127.8.0.1/", True),
        ("http://[::1]:9000/", True),
        ("http://localhost/", True),
        ("https://localhost.evil.test/", False),
        ("https://127.0.0.1.evil.test/", False),
        ("http://10.0.0.1/", False),
        ("https://[/", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_a_receiver_is_a_guest_by_its_host_or_its_very_url(url, admitted):
    receiver = destination_of(Receiver(url, (b"k" * 32,)))
    assert RECEIVERS.admits("webhook", receiver) is admitted
    assert EVERYBODY.admits("webhook", receiver)


def settings(**changes):
    places = GuestSettings(places=("ana@example.org",))
    network = NetworkSettings(passphrase=NETWORK)
    return Settings(environment="staging", guests=places, network=network, **changes)


def test_in_production_everybody_is_written_to_and_nothing_is_marked():
    production = guests_of(
        Settings(environment="production", network=NetworkSettings(passphrase=PUBLIC))
    )
    assert (production.everybody, production.mark) == (True, None)
    assert production.network == "Public Global Stellar Network"


def test_a_provider_on_this_machine_is_a_catcher_and_no_other_is():
    here = settings(
        email=EmailSettings(host="127.0.0.1"), push=PushSettings(ntfy_url="http://localhost:1")
    )
    assert guests_of(here).catchers == {"email", "push ntfy", "canary"}
    away = settings(
        email=EmailSettings(host="mail.test"),
        sms=SmsSettings(base_url="https://api.twilio.com"),
        push=PushSettings(ntfy_url="https://127.0.0.1.example.org"),
    )
    assert guests_of(away).catchers == {"canary"}
    assert guests_of(away).admits("email", "ana@example.org")
    assert not guests_of(away).admits("email", "eve@example.org")


def test_the_networks_name_stands_before_every_text():
    words = Rendered("Paused", "It stopped.", '<html><body class="x">It stopped.</body></html>')
    found = marked(words, "A <b> Net")
    assert found.subject == "(A <b> Net) Paused"
    assert found.text == "(A <b> Net) It stopped."
    assert found.html is not None
    assert '<body class="x"><p><strong>(A &lt;b&gt; Net)</strong></p>It' in found.html
    assert marked(Rendered("s", "t", "no body"), "N").html.startswith("<p>")
    assert marked(Rendered("s", "t"), "N").html is None
    assert marked(words, None) is words
    assert network_name(NETWORK) == "Test SDF Network"


class NoChannel:
    """Fails the test if anything comes this far."""

    provider = "none"

    def prepare(self, letter, destination):
        raise AssertionError(f"{destination} was about to be written to")

    async def close(self):
        """Nothing is open."""


def read(database, place):
    letters = Letters(vault(), Renderer(), guests=GUESTS)
    with database.begin() as conn:
        planned = plan(conn, destination=place, state="queued", generation=1)
        (held,) = claim(conn, [Message(planned, 1, "t")], now=1, lease_until=2)
        return letters, held, letters.read(conn, held, letters.look_up(conn, [held]))


def test_a_strangers_letter_is_never_written(sqlite_database):
    _, _, found = read(sqlite_database, PLACES["email"])
    assert found == Withheld("suppressed", NOT_A_GUEST)


def test_a_guests_letter_is_written_and_marked(sqlite_database):
    letters, held, found = read(sqlite_database, "ana@example.org")
    assert isinstance(found, Draft)
    letter = letters.write(held, found)
    for text in (letter.subject, letter.text):
        assert text.startswith("(Test SDF Network) ")
    assert "<strong>(Test SDF Network)</strong>" in letter.html


async def test_a_strangers_delivery_ends_suppressed_with_the_reason(sqlite_database):
    with sqlite_database.begin() as conn:
        planned = plan(conn, state="queued", generation=1)
    deliverer = Deliverer(
        moves=GroupCommit(sqlite_database),
        letters=Letters(vault(), Renderer(), guests=GUESTS),
        channels={"email": NoChannel()},
        lease_seconds=60,
        worker=uuid4().hex,
    )
    await deliverer.deliver(planned, 1)
    await deliverer.close()
    with sqlite_database.read() as conn:
        row = delivery_row(conn, planned)
        assert (row.state, row.reason) == ("suppressed", "not on the guest list")
        assert conn.execute(delivery.select()).one().handed_off_at is None
