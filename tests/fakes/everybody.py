"""Every kind of caller that the API can meet, each with what it sends and where it sends it from."""

from ipaddress import ip_network
from typing import NamedTuple

from sqlalchemy import update

from api import keys, sessions
from api.keys import EMPLOYEE as OWN
from api.keys import SCOPES, STREAMS_READ, WEBHOOKS_WRITE, api_key
from api.roles import ROLES
from notifier.callbacks.twilio import TwilioCallbacks
from notifier.recipients import Roster
from store.clock import now_micros
from store.engine import Database
from tests.fakes import chain
from tests.fakes.called_back import BASE, TOKEN
from tests.fakes.chain import CONTRACT, EMPLOYEE, EMPLOYER, OTHER
from tests.fakes.controlled import Network
from tests.fakes.served import Served
from tests.fakes.wallet import person

INSIDE, OUTSIDE = "127.0.0.1", "203.0.113.9"
ELSEWHERE = "CA3D5KRYM6CB7OWQ6TWYRR3Z4T7GNZLKERYNZGGA5SOAOPIFY6YQGAXE"
STRANGER = person("stranger").public_key
LIMITED = (STREAMS_READ, WEBHOOKS_WRITE)
PEOPLE = {
    "employee signed in": EMPLOYEE,
    "employer signed in": EMPLOYER,
    "stranger signed in": STRANGER,
}


class Who(NamedTuple):
    """A caller: the scopes it holds, None where nobody knows it; the address it calls from."""

    scopes: frozenset[str] | None
    address: str = INSIDE
    signs: bool = False


def _who(*scopes: str, address: str = INSIDE) -> Who:
    return Who(frozenset(scopes), address)


CALLERS = {
    # Nobody that we know: 401 wherever a key is needed.
    "nobody": Who(None),
    "wrong key": Who(None),
    "wrong secret": Who(None),
    "revoked key": Who(None),
    "ended session": Who(None),
    "lapsed session": Who(None),
    # A provider, which signs its callbacks.
    "provider": Who(None, signs=True),
    "provider outside": Who(None, OUTSIDE, signs=True),
    # Keys: without a scope, with each one alone, with those of each role.
    "key without scopes": _who(),
    **{f"only {scope}": _who(scope) for scope in SCOPES},
    **{f"role {role}": _who(*scopes) for role, scopes in ROLES.items()},
    "operator outside": _who(*ROLES["operator"], address=OUTSIDE),
    # Keys that reach less: limited to contracts, bound to accounts.
    "limited here": _who(*LIMITED),
    "limited elsewhere": _who(*LIMITED),
    "hooks of the employee": _who(WEBHOOKS_WRITE),
    "hooks of another": _who(WEBHOOKS_WRITE),
    "inbox of another": _who(OWN),
    # People, by their wallets.
    **dict.fromkeys(PEOPLE, _who(STREAMS_READ, OWN)),
}
KNOWN = frozenset(name for name, who in CALLERS.items() if who.scopes is not None)


def holding(scope: str, *, outside: bool = True) -> frozenset[str]:
    """Who holds a scope."""
    return frozenset(
        name
        for name, who in CALLERS.items()
        if who.scopes and scope in who.scopes and (outside or who.address == INSIDE)
    )


class Everybody:
    """A served world in which all of them exist; stream 7 pays EMPLOYEE by EMPLOYER in CONTRACT."""

    def __init__(self, database: Database) -> None:
        here = (ip_network("127.0.0.0/8"),)
        self.served = Served(
            database,
            contracts=(CONTRACT, ELSEWHERE),
            control=Network(),
            providers={"twilio": TwilioCallbacks(TOKEN)},
            callback_url=BASE,
            operator_networks=here,
            callback_networks=here,
        )
        self.served.scanned(1, 100)
        self.served.scanned(1, 90, ELSEWHERE)
        self.served.tell(chain.created(1), chain.paused(10), chain.contract_pause(12))
        self._bearers = self._keys()
        with database.begin() as conn:  # as if in use, so that using them writes nothing
            conn.execute(update(api_key).values(last_used_at=now_micros()))
            accounts = (*PEOPLE.values(), OTHER)
            Roster(self.served.given.vault).meet(conn, accounts, now_micros())

    def bearer(self, name: str) -> str | None:
        """What a caller sends; a session is begun anew, so that whoever ends it ends nothing else."""
        if name in PEOPLE:
            return self.served.make_session(PEOPLE[name])
        return self._bearers.get(name)

    def _keys(self) -> dict[str, str]:
        make = self.served.make_key
        # A key for one scope is bound to nobody, but that of an inbox.
        whose = {scope: EMPLOYEE if scope == OWN else None for scope in SCOPES}
        bearers = {f"only {scope}": make(scope, account=whose[scope]) for scope in SCOPES}
        bearers |= {f"role {role}": make(*scopes, account=None) for role, scopes in ROLES.items()}
        bearers |= {
            "wrong key": f"pw_{'0' * 12}_{'A' * 43}",
            "wrong secret": _another_ending(make(*SCOPES)),
            "revoked key": self._revoked(make(*SCOPES)),
            "ended session": self._ended(),
            "lapsed session": self._session(seconds=-1),
            "key without scopes": self._without_scopes(make(STREAMS_READ)),
            "operator outside": make(*ROLES["operator"], account=None),
            "limited here": make(*LIMITED, account=None, contracts=(CONTRACT,)),
            "limited elsewhere": make(*LIMITED, account=None, contracts=(ELSEWHERE,)),
            "hooks of the employee": make(WEBHOOKS_WRITE),
            "hooks of another": make(WEBHOOKS_WRITE, account=OTHER),
            "inbox of another": make(OWN, account=OTHER),
        }
        return bearers

    def _revoked(self, key: str) -> str:
        with self.served.database.begin() as conn:
            assert keys.revoke_key(conn, key.split("_")[1])
        return key

    def _without_scopes(self, key: str) -> str:
        """No command makes one: this is what a row that somebody edited opens."""
        with self.served.database.begin() as conn:
            row = api_key.c.id == key.split("_")[1]
            assert conn.execute(update(api_key).where(row).values(scopes="")).rowcount == 1
        return key

    def _session(self, *, seconds: int) -> str:
        given = self.served.given
        with self.served.database.begin() as conn:
            return sessions.open_session(
                conn, given.vault, EMPLOYEE, issuer=given.domain, seconds=seconds, now=now_micros()
            ).token

    def _ended(self) -> str:
        token = self._session(seconds=3600)
        lookup = self.served.given.vault.account_lookup(EMPLOYEE)
        with self.served.database.begin() as conn:
            assert sessions.end_sessions_of(conn, lookup, now_micros()) == 1
        return token


def _another_ending(key: str) -> str:
    return key[:-1] + ("B" if key.endswith("A") else "A")
