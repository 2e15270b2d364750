"""Where a webhook may go: every known way to reach what only our servers see is refused."""

import socket
from ipaddress import ip_network

import pytest
from aiohttp.abc import AbstractResolver

from notifier.channels.receiver_address import AddressRefused, CheckedResolver, ReceiverRules
from notifier.errors import ReceiverRefused

OPEN = ReceiverRules()
LOCAL = ReceiverRules([ip_network("127.0.0.0/8"), ip_network("::1/128")])

ATTACKS = (
    "http://example.org/",  # in clear
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://example.org/",
    "//example.org/",
    "example.org",
    "",
    "https://",
    "https:///path",
    "https://user:secret@example.org/",
    "https://user@example.org/",
    "https://example.org/#fragment",
    "https://example.org:0/",
    "https://example.org:99999/",
    "https://exa mple.org/",
    "https://example.org/\r\nX-Injected: 1",
    "https://example.org\t/",
    "https://exämple.org/",
    "https://example..org/",
    "https://-example.org/",
    "https://" + "a" * 2000 + ".org/",
    # loopback, private, link-local, metadata
    "https://127.0.0.1/",
    "https://127.255.255.254/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.100.100.200/",  # shared space; a cloud's metadata
    "https://0.0.0.0/",
    "https://255.255.255.255/",
    "https://224.0.0.1/",
    "https://198.18.0.1/",
    "https://192.0.2.1/",
    "https://240.0.0.1/",
    # numbers that libraries read differently
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    # IPv6 and what it carries
    "https://[::1]/",
    "https://[::]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[2001:0:7f00:1::1]/",
    # names of ours
    "https://localhost/",
    "https://LOCALHOST/",
    "https://hooks.localhost/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://metadata.google.internal./",
)


@pytest.mark.parametrize("url", ATTACKS)
def test_an_attack_is_refused_by_its_url_alone(url: str) -> None:
    with pytest.raises(ReceiverRefused, match="give a"):
        OPEN.check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/hooks?tenant=7",
        "https://example.org:8443/",
        "https://93.184.215.14/",
        "https://[2606:4700:4700::1111]/",
        "https://[::ffff:8.8.8.8]/",
        "https://[64:ff9b::808:808]/",
        "https://xn--exmple-cua.org/",
    ],
)
def test_the_open_internet_may_be_called(url: str) -> None:
    OPEN.check_url(url)


def test_what_the_operator_allows_may_be_called_and_nothing_beside_it() -> None:
    for url in ("http://127.0.0.1:9000/hook", "https://[::1]/", "http://localhost:9000/"):
        LOCAL.check_url(url)
    for url in ("http://10.0.0.1/", "https://169.254.169.254/"):
        with pytest.raises(ReceiverRefused):
            LOCAL.check_url(url)


class Names(AbstractResolver):
    """Answers in turn, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(self, host, port=0, family=socket.AF_INET):
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            {"hostname": host, "host": each, "port": port, "family": family, "proto": 0, "flags": 0}
            for each in found
        ]

    async def close(self) -> None:
        return None


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["93.184.215.14", "10.0.0.5"],  # one open address does not excuse the other
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["fe80::1%eth0"],
        ["64:ff9b::a00:1"],
    ],
)
async def test_a_name_that_leads_inside_is_refused(found: list[str]) -> None:
    with pytest.raises(AddressRefused):
        await CheckedResolver(OPEN, Names(found)).resolve("inside.example", 443)


async def test_a_name_is_judged_each_time_it_is_resolved() -> None:
    resolver = CheckedResolver(OPEN, Names(["93.184.215.14"], ["127.0.0.1"]))
    (found,) = await resolver.resolve("rebinding.example", 443)
    assert found["host"] == "93.184.215.14"  # what aiohttp connects to
    with pytest.raises(AddressRefused):
        await resolver.resolve("rebinding.example", 443)
    await resolver.close()
