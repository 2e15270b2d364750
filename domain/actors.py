"""Who acted, and as what: the role of those whom a transaction names, judged where it happened.

A role is judged in chain order with everything else, so a delegate who is learned of late is a delegate
after all, and one who was removed before is a stranger. A stranger is an anomaly, never a fact undone.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from domain.chain_order import APPLIED, REFUSED_PREFIX
from domain.facts import (
    ContractActorNamed,
    ContractPauseSet,
    Fact,
    StatusStated,
    StreamActorNamed,
    StreamFact,
    StreamPaused,
)
from domain.state import PAUSED

ACTOR_PREFIX = "actor:"  # of the ids of actor facts
EMPLOYER = "employer"
DELEGATE = "delegate"
AUTHORITY = "authority"
STRANGER = "stranger"
UNKNOWN_ROLE = "unknown"
ROLES = (EMPLOYER, DELEGATE, AUTHORITY, STRANGER, UNKNOWN_ROLE)

ActorNamed: TypeAlias = StreamActorNamed | ContractActorNamed

BY_STRANGER = REFUSED_PREFIX + "whoever acted is neither employer, delegate nor contract authority"


class Actor(NamedTuple):
    """An account or contract that acted (strkey), and its role: one of ROLES."""

    account: str
    role: str


def of_stream(
    fact: ActorNamed, employer: str | None, delegate: str | None, *, from_creation: bool
) -> Actor | None:
    """Who acted on a stream; None where the transaction names nobody.

    `from_creation`: every fact since the stream's creation may be known, so that a delegate unknown to
    us is none. Otherwise nobody can be called a stranger.
    """
    roles: dict[str | None, str] = dict.fromkeys(fact.authorities, AUTHORITY)
    roles |= {delegate: DELEGATE, employer: EMPLOYER}
    return _actor(fact.actors, roles, STRANGER if from_creation else UNKNOWN_ROLE)


def of_contract(fact: ActorNamed) -> Actor | None:
    """Who acted on a whole contract; a stranger only where its authorities are known."""
    known: dict[str | None, str] = dict.fromkeys(fact.authorities, AUTHORITY)
    return _actor(fact.actors, known, STRANGER if known else UNKNOWN_ROLE)


def _actor(actors: Iterable[str], roles: Mapping[str | None, str], otherwise: str) -> Actor | None:
    """Of several the one whose role ranks first, then the one who is named first."""
    found = [Actor(account, roles.get(account, otherwise)) for account in actors]
    return min(found, key=lambda actor: ROLES.index(actor.role), default=None)


def verdict_of(actor: Actor | None) -> str:
    """A stranger is an anomaly."""
    return BY_STRANGER if actor is not None and actor.role == STRANGER else APPLIED


def begins_pause(fact: Fact) -> bool:
    """Whether somebody paused by this fact, in a transaction that can be looked up."""
    if not fact.tx_hash:
        return False
    if isinstance(fact, StatusStated):
        return fact.status == PAUSED
    return isinstance(fact, StreamPaused) or (isinstance(fact, ContractPauseSet) and fact.paused)


def named(
    cause: Fact, actors: tuple[str, ...], function: str | None, authorities: tuple[str, ...]
) -> ActorNamed:
    """The fact of who made an event; it stands right behind it in chain order."""
    place = (
        ACTOR_PREFIX + cause.event_id,
        cause.closed_at,
        cause.ledger,
        cause.tx_hash,
        cause.event_id + "~",
        cause.contract_id,
    )
    said = (cause.event_id, actors, function, authorities)
    if isinstance(cause, StreamFact):
        return StreamActorNamed(*place, cause.stream_id, *said)
    return ContractActorNamed(*place, *said)
