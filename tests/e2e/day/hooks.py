"""The day's webhooks: who has their news posted to a system of their own, and how it answers."""

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from notifier.privacy import Vault
from notifier.webhooks import subscriptions
from notifier.webhooks.subscriptions import Owner, Wanted
from store.clock import now_micros

# One person in so many, but in a small day so many people, though no more than a share of them.
_ONE_IN, _FEW, _SHARE = 25, 60, 3
_SMALL = 500
_PAUSES = ("paused", "contract_paused")
_GONE = "gone-"
# Receivers that are trouble each time, whatever the mood.
_BAD = ("fail500-", "slow-", "cut-", _GONE)


class Hook(NamedTuple):
    """`name`: of the receiver at the catchers. `kinds`: of news that it is posted; empty: all."""

    name: str
    kinds: tuple[str, ...] = ()

    def wants(self, kind: str) -> bool:
        return not self.kinds or kind in self.kinds

    @property
    def says_gone(self) -> bool:
        """Whether it answers 410, which ends the subscription."""
        return self.name.startswith(_GONE)


class Subscribed(NamedTuple):
    """`accounts`: by the subscription's id, whose news it gets. `keys`: by receiver, what signs."""

    accounts: Mapping[str, str]
    keys: Mapping[str, bytes]


NOBODY = Subscribed({}, {})


def hooks_of(accounts: Sequence[str], plain: Sequence[str], seed: int) -> dict[str, Hook]:
    """By account; the `plain` ones have each news posted, and no trouble.

    In a large day they have none: what flaps there all day is one lane, and that takes one post at a time.
    """
    rng = random.Random(f"hooks {seed}")
    many = max(len(accounts) // _ONE_IN, min(_FEW, len(accounts) // _SHARE))
    others = [account for account in accounts if account not in plain]
    hooks = {}
    for number, account in enumerate(rng.sample(others, many)):
        bad = rng.choice(_BAD) if rng.random() < 0.15 else ""
        kinds = _PAUSES if rng.random() < 0.2 else ()
        hooks[account] = Hook(f"{bad}day-{number}", kinds)
    if len(accounts) <= _SMALL:
        hooks |= {account: Hook(f"plain-{number}") for number, account in enumerate(plain)}
    return hooks


def subscribe(
    conn: Connection, vault: Vault, hooks: Mapping[str, Hook], web_url: str
) -> Subscribed:
    """All of them, in one transaction."""
    accounts, keys = {}, {}
    for account, hook in hooks.items():
        url = f"{web_url}/webhooks/{hook.name}"
        wanted = Wanted(url, account_id=account, kinds=hook.kinds)
        owner = Owner(account)
        webhook_id, key = subscriptions.create(conn, vault, wanted, owner=owner, now=now_micros())
        accounts[str(webhook_id)] = account
        keys[hook.name] = key
    return Subscribed(accounts, keys)
