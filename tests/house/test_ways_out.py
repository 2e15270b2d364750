"""Nothing leaves this process around the guest list: who makes destinations, and who can reach the network.

That each channel is held by the list is shown in tests/integration/test_guest_list.py.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.repository import ROOT, functions, parsed, product_files, shown

CHANNELS = "notifier/channels/"
LIST = "notifier/guests.py"
# Libraries by which something can leave; PostgreSQL, Redis and RabbitMQ are this deployment's own.
CLIENTS = {
    *("aiohttp", "aiosmtplib", "apprise", "httpx", "niquests", "requests", "urllib3", "websockets"),
    *("http.client", "smtplib", "urllib.request"),
}
# Who has one beside the channels, and what leaves there. Nothing of it is written to people: what is
# belongs into a channel.
NO_LETTERS = {
    "cli/asking.py": "questions to this deployment's own RPC endpoints, by commands",
    "cli/doctor.py": "the same, to see that they answer",
    "cli/sandbox_run.py": "whether this process's own API knows the first stream yet",
    "ingest/transport.py": "questions to RPC endpoints",
    "notifier/callbacks/sns.py": "SNS's certificate, and that we want what it brings; SNS's own hosts only",
    "notifier/lookups/asking.py": "the session of those that follow",
    "notifier/lookups/fetching.py": "what became of a message, asked of who took it",
    "notifier/lookups/postmark.py": "the same, of mails",
    "notifier/lookups/provider.py": "what an answer to them means",
    "notifier/lookups/twilio.py": "the same, of SMS",
    "notifier/lookups/vonage.py": "the same",
    "wallets/chain_questions.py": "questions to RPC endpoints about contract accounts",
    "wallets/control.py": "questions to RPC endpoints about who controls an account",
}


def product() -> Iterator[tuple[str, ast.Module]]:
    """All that runs; the simulator is the far side."""
    for file in product_files():
        if not shown(file).startswith("simulator/"):
            yield shown(file), parsed(file)


def channel_classes() -> set[str]:
    """The names of all channels: classes that prepare letters."""
    return {
        node.name
        for name, tree in product()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and name != f"{CHANNELS}channel.py"
        if any(each.name == "prepare" for each in functions(node))
    }


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def reaches_out(tree: ast.Module) -> bool:
    return any(
        name == client or name.startswith(f"{client}.")
        for name in imported(tree)
        for client in CLIENTS
    )


def test_only_the_guest_list_makes_what_channels_take():
    made = {
        name
        for name, tree in product()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) != "NewType"
        if "Admitted" in {ast.unparse(each).strip("'\"") for each in (node.func, *node.args)}
    }
    assert made == {LIST}


def test_every_channel_takes_nothing_else():
    classes = channel_classes()
    assert len(classes) >= 10
    taken = {
        (name, ast.unparse(each.args.args[2].annotation or ast.Constant(None)))
        for name, tree in product()
        for each in functions(tree)
        if each.name == "prepare" and name.startswith("notifier/")
    }
    assert {name for name, kind in taken if kind != "Admitted"} == set()
    assert {name.startswith(CHANNELS) for name, _ in taken} == {True}


def test_whoever_sends_has_to_be_given_a_guest_list():
    forgettable = {
        name
        for name, tree in product()
        for each in functions(tree)
        for argument, default in zip(each.args.kwonlyargs, each.args.kw_defaults, strict=True)
        if argument.arg == "guests" and default is not None
    }
    fields = {
        name
        for name, tree in product()
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "guests"
        if node.value is not None and name != "config/settings.py"
    }
    assert forgettable | fields == set()


def test_what_can_reach_the_network_is_a_channel_or_says_what_leaves_there():
    outside = {name for name, tree in product() if reaches_out(tree)}
    assert {name for name in outside if not name.startswith(CHANNELS)} == set(NO_LETTERS)


def test_the_pages_say_what_the_list_holds_back_and_how_a_place_gets_on_it():
    hooks = section(ROOT / "docs/api.md", "Outgoing webhooks")
    for said in ("`guests.places`", "`suppressed: not on the guest list`", "`network`", "409"):
        assert said in hooks, said
    everything = section(ROOT / "docs/api.md", "Outside production")
    for way in ("mail", "SMS", "push", "rooms", "webhooks", "codes", "digests", "reminders"):
        assert way in everything, way
    assert "`canary.email`" in everything
    canary = (ROOT / "docs/runbooks/objective-uptime.md").read_text()
    assert "`guests.places`" in canary
    assert "guests.places" in (ROOT / "docs/architecture.md").read_text()


def section(page: Path, title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", page.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]
