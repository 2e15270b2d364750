"""Every channel and every provider stands in the shared suite's table, before a server of its own."""

import ast
from contextlib import ExitStack

from notifier.channels.apprise_channel import AppriseChannel
from notifier.channels.channel import Channel
from notifier.channels.several import Several
from tests.contract.test_channel_suite import CASES, FAMILIES, TABLE
from tests.fakes.channel_benches import BENCHES
from tests.house.repository import ROOT, parsed

CHANNELS = ROOT / "notifier" / "channels"
ABSTRACT = {
    "Channel",  # the promise itself
    "AppriseChannel",  # by its services, each of which is asked for below
    "PushServices",  # chooses among those by the destination
    "LoopbackChannel",  # the canary's: nothing leaves, there is no provider
}


def channel_classes() -> set[str]:
    return {
        node.name
        for file in CHANNELS.rglob("*.py")
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.ClassDef) and (_has_prepare(node) or _extends_a_channel(node))
    }


def _has_prepare(node: ast.ClassDef) -> bool:
    return any(getattr(each, "name", "") == "prepare" for each in node.body)


def _extends_a_channel(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith("Channel") for base in node.bases)


def services() -> set[str]:
    """Functions that make an AppriseService are named as their provider."""
    return {
        node.name
        for file in CHANNELS.rglob("*.py")
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.FunctionDef)
        and node.returns is not None
        and ast.unparse(node.returns) == "AppriseService"
    }


def met() -> set[str]:
    """What the benches really make."""
    found: set[str] = set()
    with ExitStack() as stack:
        for make in BENCHES.values():
            found |= named(make(stack).channel)
    return found


def named(channel: Channel) -> set[str]:
    if isinstance(channel, Several):
        return {"Several"}.union(*(named(each) for each in channel.channels))
    name = type(channel).__name__
    return {channel.provider if type(channel) is AppriseChannel else name}


def test_every_channel_and_provider_meets_the_shared_suite():
    assert met() == (channel_classes() - ABSTRACT) | services()


def test_every_behaviour_is_met_by_all_that_can_show_it():
    """Mail has no Retry-After, and no body that could be of a shape; nothing else is left out."""
    for name in BENCHES:
        missing = set(TABLE) - {case for bench, case in CASES if bench == name}
        assert not missing or FAMILIES[name] == "mail", name
