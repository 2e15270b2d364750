"""13 The breaker of each provider: a sick one is left alone, then tried with one delivery.

In: how attempts ended. Out: how many deliveries the relay may queue for a provider now.
Next: 9 relay.py asks in the transaction of its claim, so an open breaker costs no message.

closed --faults--> open --its time is over--> half_open: one delivery --accepted--> closed, --fault--> open
"""

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, or_, select, update

from notifier.errors import ChannelUnavailable, CredentialsRefused, ProviderFault
from notifier.schema import provider_health
from store.bulk import insert_many

CLOSED = "closed"
OPEN = "open"
HALF_OPEN = "half_open"

# Faults in a row that open the breaker. A refused login will not heal by itself: the first one counts.
FAULTS_TO_OPEN = {CredentialsRefused: 1, ProviderFault: 3, ChannelUnavailable: 5}
FIRST_OPEN_SECONDS = 30
LONGEST_OPEN_SECONDS = 600
_SECOND = 1_000_000
_COLUMNS = ("provider", "state", "failures", "next_try_at", "changed_at")

_HEALTHY = (
    update(provider_health)
    .where(
        provider_health.c.provider == bindparam("is_provider"),
        or_(provider_health.c.state != CLOSED, provider_health.c.failures > 0),
    )
    .values(state=CLOSED, failures=0, reason=None, changed_at=bindparam("to_changed_at"))
)


def allowance(conn: Connection, provider: str, now: int) -> int | None:
    """How many deliveries may be queued now: None no limit, 0 none, 1 to try (then call `begin_try`)."""
    health = conn.execute(
        select(provider_health).where(provider_health.c.provider == provider).with_for_update()
    ).one_or_none()
    if health is None or health.state == CLOSED:
        return None
    return 0 if now < health.next_try_at else 1


def closed_until(conn: Connection, provider: str, now: int) -> int | None:
    """Until when one delivery waits for its provider; None: it may go, be it as the one that finds out.

    What the relay asks for a whole channel, asked for one delivery: a healthy provider costs a read.
    """
    health = conn.execute(
        select(provider_health.c.state).where(provider_health.c.provider == provider)
    ).one_or_none()
    if health is None or health.state == CLOSED or allowance(conn, provider, now) is None:
        return None
    row = conn.execute(
        select(provider_health.c.next_try_at).where(provider_health.c.provider == provider)
    ).one()
    if now < row.next_try_at:
        return int(row.next_try_at)
    begin_try(conn, provider, now)
    return None


def begin_try(conn: Connection, provider: str, now: int) -> None:
    """One delivery is on its way to find out: half open until it must be back."""
    failures = conn.scalars(
        select(provider_health.c.failures).where(provider_health.c.provider == provider)
    ).one()
    conn.execute(
        update(provider_health)
        .where(provider_health.c.provider == provider)
        .values(
            state=HALF_OPEN,
            next_try_at=now + open_seconds(failures) * _SECOND,
            changed_at=now,
        )
    )


def note_success(conn: Connection, provider: str, now: int) -> None:
    """The provider took letters: close the breaker, forget faults. Writes nothing when all is well."""
    conn.execute(_HEALTHY, {"is_provider": provider, "to_changed_at": now})


def note_fault(conn: Connection, provider: str, error: Exception, now: int) -> str | None:
    """Count a fault if it is the provider's; returns the new state if the breaker moved."""
    needed = _faults_to_open(error)
    if needed is None:
        return None
    insert_many(
        conn, provider_health, _COLUMNS, [(provider, CLOSED, 0, now, now)], on_conflict="nothing"
    )
    health = conn.execute(
        update(provider_health)
        .where(provider_health.c.provider == provider)
        .values(failures=provider_health.c.failures + 1)
        .returning(provider_health.c.state, provider_health.c.failures)
    ).one()
    if health.state == OPEN or (health.state == CLOSED and health.failures < needed):
        return None
    conn.execute(
        update(provider_health)
        .where(provider_health.c.provider == provider)
        .values(
            state=OPEN,
            reason=type(error).__name__,
            next_try_at=now + open_seconds(health.failures) * _SECOND,
            changed_at=now,
        )
    )
    return OPEN


def breakers(conn: Connection, providers: Collection[str]) -> dict[str, str]:
    """The state of each provider's breaker."""
    found = dict.fromkeys(providers, CLOSED)
    rows = conn.execute(select(provider_health.c.provider, provider_health.c.state))
    return found | {name: state for name, state in rows if name in found}


def open_seconds(failures: int) -> int:
    """How long to leave a provider alone: doubles with each fault from the fifth on, to ten minutes."""
    doublings = min(max(0, failures - FAULTS_TO_OPEN[ChannelUnavailable]), 8)
    return min(FIRST_OPEN_SECONDS << doublings, LONGEST_OPEN_SECONDS)


def _faults_to_open(error: Exception) -> int | None:
    return next((count for kind, count in FAULTS_TO_OPEN.items() if isinstance(error, kind)), None)
