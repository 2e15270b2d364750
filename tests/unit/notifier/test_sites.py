"""Where a destination is at, for counting."""

import pytest

from notifier.sites import site_lookup, site_of
from tests.fakes.planned import vault

BROWSER = '{"endpoint": "https://push.example.test/abc", "keys": {"p256dh": "x", "auth": "y"}}'


@pytest.mark.parametrize(
    ("channel", "destination", "site"),
    [
        ("email", "Ana@Example.TEST", "example.test"),
        ("email", "ana@münchen.example", "xn--mnchen-3ya.example"),
        ("email", "ana@" + "x" * 80 + ".example", None),
        ("email", "nobody", "nobody"),
        ("sms", "+15550100001", None),
        ("push", "ntfy:pausewire-ana", None),
        ("push", BROWSER, "push.example.test"),
        ("push", "telegram:-100123456789", "telegram:-100123456789"),
        ("webhook", "https://hooks.example.test/", None),
    ],
)
def test_site(channel: str, destination: str, site: str | None) -> None:
    assert site_of(channel, destination) == site


def test_the_hash_is_keyed_and_tells_channels_apart() -> None:
    one = site_lookup(vault(), "email", "ana@example.test")
    assert one == site_lookup(vault(), "email", "ben@EXAMPLE.test")
    assert one != vault().destination_lookup("email", "example.test")
    assert "example" not in one
    assert site_lookup(vault(), "sms", "+15550100001") == ""
