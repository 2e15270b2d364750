"""Whom a request is from: only what trusted proxies said, whatever a stranger writes into headers."""

from ipaddress import ip_network

import pytest

from api.networks import behind_proxies, parsed, within

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "asking"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "127.0.0.1", "203.0.113.7"),
        ("203.0.113.7", "127.0.0.1, 10.0.0.1", "203.0.113.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "127.0.0.1, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "127.0.0.1,203.0.113.7,10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "10.0.0.9", "10.0.0.9"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7, unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7:4711", "10.0.0.1"),
        ("10.0.0.1", ",,,", "10.0.0.1"),
        ("10.0.0.1", "127.0.0.1, " * 200, "10.0.0.1"),
        ("fd00::1", "2001:db8::5", "2001:db8::5"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "::ffff:127.0.0.1", "127.0.0.1"),
        (None, "127.0.0.1", None),
    ],
)
def test_the_header_is_believed_as_far_as_trusted_proxies_wrote_it(peer, forwarded, asking):
    assert behind_proxies(peer, forwarded, PROXIES) == asking


def test_without_trusted_proxies_the_header_means_nothing():
    assert behind_proxies("127.0.0.1", "203.0.113.7", ()) == "127.0.0.1"


@pytest.mark.parametrize("text", [None, "", "x", "1.2.3", "1.2.3.4/8", "1.2.3.4%", "a" * 999])
def test_what_is_no_address_is_in_no_network(text):
    assert parsed(text) is None
    assert not within(text, (ip_network("0.0.0.0/0"), ip_network("::/0")))
