"""The guard: a contract that is not what its profile expects is named, once, and never unfollowed."""

import threading

from sqlalchemy import select
from structlog.testing import capture_logs

from ingest.contract_check import Finding
from ingest.contract_guard import ContractGuard, contract_fault, known_faults
from ingest.errors import RpcUnavailable
from tests.fakes.chain import CONTRACT

GOOD, BAD = Finding("exists", True, "seen"), Finding("exists", False, "there is none")


def guard(database, *answers):
    """A guard that sees these, one after the other; the last one for ever."""
    left = list(answers)

    async def look_up():
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ContractGuard(database, look_up)


def faults(database):
    with database.read() as conn:
        return known_faults(conn)


def since(database):
    with database.read() as conn:
        return conn.scalar(select(contract_fault.c.seen_at))


def test_a_fault_is_kept_and_said_once_until_it_is_mended(database):
    watching = guard(database, {CONTRACT: [BAD]}, {CONTRACT: [BAD]}, {CONTRACT: [GOOD]})
    with capture_logs() as said:
        watching.look()
        first = since(database)
        watching.look()
    assert [(line["event"], line["contract_id"]) for line in said] == [
        ("contract_check_failed", CONTRACT)
    ]
    assert faults(database) == [(CONTRACT, BAD)]
    assert since(database) == first
    watching.look()
    assert faults(database) == []


def test_what_cannot_be_asked_now_is_asked_again(sqlite_database):
    stop = threading.Event()

    async def look_up():
        if not looked:
            looked.append(1)
            raise RpcUnavailable("refused")
        stop.set()
        return {CONTRACT: [BAD]}

    looked = []
    ContractGuard(sqlite_database, look_up).run(stop)
    assert faults(sqlite_database) == [(CONTRACT, BAD)]
