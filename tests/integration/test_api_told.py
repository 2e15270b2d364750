"""The page behind a letter's link over the API, on both databases: seen, answered, and what follows."""

import pytest
from sqlalchemy import select, update

from api.rate_limits import RateLimits
from notifier import told_links
from notifier.contact_file import ContactLine
from notifier.erasure import erase
from notifier.recipients import recipient_of
from notifier.schema import delivery, notice
from notifier.seen_by_link import notice_seen
from notifier.usage import usage
from notifier.ways import STEP_UNTIL_READ
from store.clock import now_micros
from store.schema import notice_fact_outbox
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE, EMPLOYER
from tests.fakes.served import Served

ANA = "ana@example.test"


@pytest.fixture
def served(database) -> Served:
    made = Served(database)
    made.world.register(ContactLine(EMPLOYEE, ANA, "+15550100123", "", "es"))
    made.tell(chain.created(1), chain.paused(2))
    return made


def mail_of(served: Served):
    with served.database.read() as conn:
        return conn.execute(
            select(delivery)
            .where(delivery.c.channel == "email")
            .order_by(delivery.c.planned_at.desc())
        ).first()


def path_of(served: Served, row=None) -> str:
    row = row or mail_of(served)
    vault = served.world.vault
    token = told_links.token_for(vault, row.delivery_id, now_micros())
    return f"/v1/told/{token}"


def read_at(served: Served) -> int | None:
    with served.database.read() as conn:
        mine = notice.c.notice_id == mail_of(served).notice_id
        return conn.scalar(select(notice.c.read_at).where(mine))


async def test_opening_marks_nothing_and_a_person_who_saw_it_marks_it_once(served):
    path = path_of(served)
    for method in ("GET", "HEAD"):
        await served.ask(path, key=None, method=method)
    page = await served.ask(path, key=None)
    assert read_at(served) is None
    assert '<html lang="es"' in page.text
    assert "sigue en pausa" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    for secret in (ANA, EMPLOYEE, EMPLOYER, "+15550100123"):
        assert secret not in page.text
    seen = await served.ask(f"{path}/seen", key=None, method="POST")
    first = read_at(served)
    assert (seen.status_code, first is not None) == (200, True)
    assert (await served.ask(f"{path}/seen", key=None, method="POST")).status_code == 200
    assert read_at(served) == first
    with served.database.read() as conn:
        told = list(conn.scalars(select(notice_fact_outbox.c.topic)))
        used = usage(conn, 0)
    assert told.count("notice.read.1") == 1
    assert (used.read, used.read_by_link) == (1, 1)


async def test_what_was_read_in_the_inbox_before_is_not_counted_for_the_link(served):
    token = served.make_session(EMPLOYEE)
    await served.ask("/v1/me/inbox/read", key=token, method="POST", json={"all": True})
    await served.ask(f"{path_of(served)}/seen", key=None, method="POST")
    with served.database.read() as conn:
        used = usage(conn, 0)
    assert (used.read, used.read_by_link) == (1, 0)


async def test_an_answer_counts_once_may_change_and_says_that_it_was_seen(served):
    path = path_of(served)
    for answer, counts in (("no", (0, 1)), ("yes", (1, 0)), ("yes", (1, 0))):
        said = await served.ask(f"{path}/helpful/{answer}", key=None, method="POST")
        assert said.status_code == 200
        assert said.text.count('aria-pressed="true"') == 1
        with served.database.read() as conn:
            used = usage(conn, 0)
        assert (used.helpful, used.unhelpful) == counts
    assert read_at(served) is not None
    wrong = await served.ask(f"{path}/helpful/perhaps", key=None, method="POST")
    assert wrong.status_code == 422


async def test_a_step_to_another_channel_ends_when_it_was_seen_by_the_link(served):
    with served.database.begin() as conn:
        steps = delivery.c.channel == "sms"
        values = {"state": "held", "purpose": STEP_UNTIL_READ, "available_at": now_micros() + 10**9}
        conn.execute(update(delivery).where(steps).values(values))
    await served.ask(f"{path_of(served)}/seen", key=None, method="POST")
    with served.database.read() as conn:
        row = conn.execute(select(delivery).where(delivery.c.channel == "sms")).one()
    assert row.state == "cancelled"


async def test_the_page_says_how_it_stands_now(served):
    path = path_of(served)
    served.tell(chain.resumed(3))
    page = await served.ask(path, key=None)
    assert "Ahora: fluye, desde el" in page.text
    assert f"#/stream/{chain.CONTRACT}/7" in page.text
    served.tell(chain.cancelled(4))
    assert "Ahora: cancelado" in (await served.ask(path, key=None)).text


async def test_a_digest_marks_all_that_it_tells(served):
    mail = mail_of(served)
    served.tell(chain.created(10, stream_id=8), chain.paused(11, stream_id=8))
    with served.database.begin() as conn:
        conn.execute(
            update(delivery)
            .where(delivery.c.channel == "email", delivery.c.delivery_id != mail.delivery_id)
            .values(carried_by=mail.delivery_id)
        )
    path = path_of(served, mail)
    page = await served.ask(path, key=None)
    assert page.text.count('class="news"') == 2
    await served.ask(f"{path}/seen", key=None, method="POST")
    with served.database.read() as conn:
        mine = notice.c.recipient_id == conn.scalar(recipient_of(served.world.vault, EMPLOYEE))
        assert None not in conn.scalars(select(notice.c.read_at).where(mine)).all()


async def test_an_erased_person_has_no_page_and_no_answers_left(served):
    path = path_of(served)
    await served.ask(f"{path}/helpful/yes", key=None, method="POST")
    with served.database.begin() as conn:
        erase(conn, served.world.vault, EMPLOYEE, now_micros())
        assert conn.execute(select(notice_seen)).all() == []
    for method, more in (("GET", ""), ("POST", "/seen"), ("POST", "/helpful/no")):
        answer = await served.ask(path + more, key=None, method=method)
        assert answer.status_code == 404
    with served.database.read() as conn:
        assert conn.execute(select(notice_seen)).all() == []


async def test_forged_and_ended_links_get_one_answer_and_change_nothing(served):
    vault, row = served.world.vault, mail_of(served)
    path = path_of(served)
    late = told_links.token_for(vault, row.delivery_id, now_micros() - 91 * 86_400 * 10**6)
    nobody = told_links.token_for(vault, row.notice_id, now_micros())
    stolen = told_links.token_for(type(vault)(b"x" * 32), row.delivery_id, now_micros())
    told = set()
    for wrong in (late, nobody, stolen, path[-48:-1], "x", "%C3%A9" * 20, "A" * 48):
        for method, more in (("GET", ""), ("POST", "/seen"), ("POST", "/helpful/no")):
            answer = await served.ask(f"/v1/told/{wrong}{more}", key=None, method=method)
            assert answer.status_code == 404, (wrong, method)
            told.add(answer.json()["detail"])
    assert len(told) == 1
    assert read_at(served) is None


async def test_whoever_tries_many_is_stopped_by_the_address(sqlite_database):
    limited = Served(sqlite_database, rate_limits=RateLimits(of_address=3))
    async with limited.client() as client:
        answers = [await client.get(f"/v1/told/{n}") for n in range(5)]
    assert [each.status_code for each in answers] == [404] * 3 + [429] * 2
