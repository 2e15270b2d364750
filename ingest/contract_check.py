"""Whether a contract is what its profile expects, on this network: asked before it is followed, and after.

In: a contract's instance entry, its profile, the RPC's window. Out: Findings, each named with the way out.
Next: `pausewire contracts check` and `doctor` print them; contract_guard.py keeps the faults.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ingest.instance import Instance
from ingest.profiles.shapes import Profile
from ingest.rpc import Health


class Finding(NamedTuple):
    """One check: whether it held, and what was seen or how to mend it."""

    check: str
    ok: bool
    detail: str


def examine(
    instance: Instance | None,
    profile: Profile,
    passphrase: str,
    *,
    start: int | None,
    health: Health,
    followed_to: int | None,
) -> list[Finding]:
    """All findings about one contract. `start`: its configured start ledger."""
    return [
        *_about_instance(instance, profile, passphrase),
        _about_start(start, health, followed_to),
    ]


def faults(findings: Mapping[str, Sequence[Finding]]) -> dict[str, list[Finding]]:
    """Of each contract, what did not hold."""
    return {
        contract_id: wrong
        for contract_id, found in findings.items()
        if (wrong := [each for each in found if not each.ok])
    }


def _about_instance(
    instance: Instance | None, profile: Profile, passphrase: str
) -> Iterator[Finding]:
    if instance is None:
        detail = f"there is no such contract on {passphrase!r}: is it deployed on another network?"
        yield Finding("exists", False, detail)
        return
    seen = f"last changed in ledger {instance.changed_at_ledger}"
    if instance.archived:
        yield Finding("exists", False, f"{seen}; archived: it emits nothing until it is restored")
    else:
        yield Finding("exists", True, seen)
    yield _about_code(instance.wasm, profile)
    kept = f"{instance.kept} entries in the instance"
    if instance.kept:
        yield Finding("is initialized", True, kept)
    else:
        yield Finding("is initialized", False, f"{kept}: was its constructor or `init` called?")


def _about_code(wasm: str | None, profile: Profile) -> Finding:
    """A profile without wasm sections is for any code; one with them names what it knows."""
    name = "runs code that the profile knows"
    if wasm is None:
        return Finding(name, False, "a built-in asset contract, which pays no streams")
    if wasm in profile.by_wasm:
        return Finding(name, True, f"wasm {wasm}, which {profile.label} names")
    if profile.by_wasm:
        fix = f"wasm {wasm} is not among those of {profile.label}: `pausewire profiles try` it"
        return Finding(name, False, fix)
    return Finding(name, True, f"wasm {wasm}; {profile.label} is for any")


def _about_start(start: int | None, health: Health, followed_to: int | None) -> Finding:
    name = "can be read from its start ledger"
    window = f"the RPC has ledgers {health.oldest_ledger} to {health.latest_ledger}"
    if followed_to is not None:
        return Finding(name, True, f"followed to ledger {followed_to} already")
    if start is None:
        detail = f"no start ledger: {health.oldest_ledger}, the oldest one the RPC has"
        return Finding(name, True, detail)
    if start > health.latest_ledger:
        return Finding(name, False, f"ledger {start} is not closed yet: {window}")
    if start < health.oldest_ledger:
        fix = f"{window}: a gap would open from {start}; add an RPC with a longer retention"
        return Finding(name, False, fix)
    return Finding(name, True, f"ledger {start}; {window}")
