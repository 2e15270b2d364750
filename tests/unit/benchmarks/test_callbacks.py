"""The judge of the callback benchmark sees what it is there for."""

import random

import pytest
from sqlalchemy import update

from benchmarks import callbacks, k6, sms_statuses
from benchmarks.sms_statuses import Status
from notifier.callbacks import arrivals
from notifier.callbacks.tidings import Request
from notifier.callbacks.twilio import TwilioCallbacks
from notifier.callbacks.working import CallbackWorker
from notifier.schema import callback, delivery
from tests.fakes.planned import vault


@pytest.fixture
def told(sqlite_database):
    """Twenty messages and their statuses, all of which came and were worked off."""
    dice = random.Random(3)
    messages = sms_statuses.accepted(sqlite_database, 20, dice)
    told = sms_statuses.statuses(messages, dice)
    provider, box = TwilioCallbacks(sms_statuses.TOKEN), vault()
    for status in told:
        call = status.call()
        request = Request(
            url=sms_statuses.PUBLIC_URL + sms_statuses.PATH,
            body=call.body.encode(),
            headers={sms_statuses.SIGNATURE.lower(): call.signature},
            query={},
        )
        provider.verify(request, 0)
        with sqlite_database.begin() as conn:
            events = provider.split(request)
            arrivals.keep(conn, box, sqlite_database.bell, "twilio", events, 1)
    worker = CallbackWorker(sqlite_database, box, keep_days=1, poll_seconds=1)
    while worker.step():
        pass
    return messages, told


def test_all_that_came_counts_once(sqlite_database, told):
    messages, statuses = told
    assert len(set(statuses)) == 40 < len(statuses)
    assert [word for _, word in statuses] != ["sent", "delivered"] * (len(statuses) // 2)
    callbacks.judge(sqlite_database, *told)
    assert {each.arrives for each in messages} == {True, False}


def test_what_is_lost_or_comes_from_nowhere_is_named(sqlite_database, told):
    messages, statuses = told
    with pytest.raises(SystemExit, match=r'"lost": \[\["SMother", "sent"\]\]'):
        callbacks.judge(sqlite_database, messages, [*statuses, Status("SMother", "sent")])
    some = [each for each in statuses if each != statuses[0]]
    with pytest.raises(SystemExit, match=rf'"from nowhere": \[\["{statuses[0].sid}"'):
        callbacks.judge(sqlite_database, messages, some)


@pytest.mark.parametrize(
    ("table", "fault"), [(delivery, "standing wrongly"), (callback, "not worked off")]
)
def test_what_stands_wrongly_or_waits_is_named(sqlite_database, told, table, fault):
    with sqlite_database.begin() as conn:
        conn.execute(update(table).values(state="waiting"))
    with pytest.raises(SystemExit, match=rf'"{fault}": \["SM'):
        callbacks.judge(sqlite_database, *told)


def test_without_k6_the_lines_are_left_out(monkeypatch, capsys):
    monkeypatch.setattr(k6, "program", lambda: None)
    assert callbacks.lines(callbacks.Scale()) == []
    assert "they need k6" in capsys.readouterr().err
