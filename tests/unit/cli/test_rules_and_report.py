"""`rules simulate` and `report` as operators read them."""

import pytest
from sqlalchemy import insert, select, update

from api.request_tally import request_minute
from notifier import seen_by_link
from notifier.contact_file import ContactLine
from notifier.schema import delivery, notice
from store.clock import now_micros
from tests.fakes.chain import EMPLOYEE, EMPLOYER, created, paused, resumed
from tests.fakes.served import Served
from tests.fakes.tried import tried


@pytest.fixture
def served(sqlite_database, command, monkeypatch):
    monkeypatch.setenv("PAUSEWIRE_NOTIFIER__FRESHNESS_EMAIL_HOURS", "1e6")
    monkeypatch.setenv("PAUSEWIRE_NOTIFIER__FRESHNESS_SMS_MINUTES", "1e8")
    monkeypatch.setenv("PAUSEWIRE_COSTS__SMS_MICROS", "50000")
    monkeypatch.setenv("PAUSEWIRE_SECRETS__PROVIDER", "environment")
    monkeypatch.setenv(
        "PAUSEWIRE_SECRETS__MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    )
    found = Served(sqlite_database)
    contact = ContactLine(EMPLOYEE, email="ana@example.org", phone="+15550100123")
    found.world.register(contact)
    return found


def test_simulating_says_who_and_when_and_at_what_cost(command, served):
    served.world.record(created(1), paused(2), resumed(3))
    found = command.json("rules", "simulate", "--since", "1d", "--limit", "1")
    assert (found["notices"], found["people"], found["in_app_only"]) == (4, 2, 2)
    assert found["deliveries"] == {"email": 2, "sms": 2}
    assert found["cost"] == {"micros": 100_000, "currency": "USD", "parts_of_each_sms": 1}
    (first,) = found["items"]
    assert (first["kind"], first["stream_id"]) == ("paused", "7")
    assert first["account_id"] in (EMPLOYEE, EMPLOYER)
    told = command.run("rules", "simulate", "--since", "1d").stdout
    assert "0.1000 USD, each SMS counted as one part" in told
    assert EMPLOYEE in told
    with served.database.read() as conn:
        assert conn.execute(notice.select()).all() == []


def test_the_report_counts_use_reading_and_cost(command, served):
    served.tell(created(1), paused(2))
    minute = now_micros() // 60_000_000
    with served.database.begin() as conn:
        conn.execute(update(notice).where(notice.c.kind == "paused").values(read_at=1))
        sms = conn.execute(delivery.select().where(delivery.c.channel == "sms")).one()
        tried(conn, sms.delivery_id, 1, result="accepted", ended_at=1)
        tried(conn, sms.delivery_id, 2, result="not_sent", ended_at=1)
        seen = select(delivery.c.delivery_id).where(delivery.c.channel == "email").limit(1)
        conn.execute(update(notice).where(notice.c.notice_id == sms.notice_id).values(read_at=None))
        seen_by_link.answer(conn, conn.scalar(seen), 2, helpful=True)
        views = {"requests": 9, "errors": 0, "history_views": 4}
        conn.execute(insert(request_minute).values(minute=minute, **views))
    found = command.json("report", "--since", "2020-01-01")
    assert found["streams"] == {"known": 1, "paused": 1, "paused_percent": 100.0}
    assert found["notices"] == {"total": 2, "by_kind": {"paused": 2}}
    shares = {"percent": 100.0, "in_app_percent": 50.0, "by_link_percent": 50.0}
    assert found["read"] == {"in_app": 1, "by_link": 1} | shares
    assert found["helpful"] == {"yes": 1, "no": 0}
    assert found["history_views"] == 4
    assert found["deliveries"]["in_app"] == {"delivered": 2}
    assert (found["cost_micros"], found["cost_micros_per_notice"]) == (50_000, 25_000)
    assert found["cost_micros_by_employer"] == {EMPLOYER: 50_000}
    told = command.run("report", "--since", "2020-01-01").stdout
    assert "1 of 1" in told
    assert "0.0500 USD" in told


def test_the_report_sums_what_each_try_cost(command, served, monkeypatch):
    """An SMS of three parts, one that nobody knows of, one not taken, one from before prices."""
    served.tell(created(1), paused(2))
    with served.database.begin() as conn:
        sms = conn.scalars(select(delivery.c.delivery_id).where(delivery.c.channel == "sms")).one()
        tried(conn, sms, 1, result="accepted", ended_at=1, cost=150_000)
        tried(conn, sms, 2, result="unknown", ended_at=1, cost=50_000)
        tried(conn, sms, 3, result="not_sent", ended_at=1, cost=0)
        tried(conn, sms, 4, result="accepted", ended_at=1)
        tried(conn, sms, 5, result="unknown", ended_at=1)
    monkeypatch.setenv("PAUSEWIRE_COSTS__SMS_MICROS", "60000")
    found = command.json("report", "--since", "2020-01-01")
    assert found["cost_micros"] == 260_000
    assert found["cost_micros_by_channel"] == {"sms": 260_000}
    assert found["cost_micros_by_employer"] == {EMPLOYER: 260_000}
    monkeypatch.setenv("PAUSEWIRE_COSTS__SMS_MICROS", "0")
    assert "0.2000 USD" in command.run("report", "--since", "2020-01-01").stdout


def test_a_report_of_nothing_divides_by_nothing(command):
    found = command.json("report")
    assert found["read"]["percent"] is found["streams"]["paused_percent"] is None
    assert "no price is set" in command.run("report").stdout
    assert "none" in command.run("rules", "simulate", "--since", "1d").stdout


async def test_looking_at_a_history_is_counted(served):
    from api.request_tally import history_views

    served.tell(created(1), paused(2))
    tally = served.app.state.request_tally
    stream = "/v1/streams/" + paused(2).contract_id + "/7"
    for path in (f"{stream}/pauses", f"{stream}/timeline", stream, f"{stream}8/pauses"):
        await served.ask(path)
    await tally.write()
    with served.database.read() as conn:
        assert history_views(conn, 0) == 2
