"""What a cancellation paid is told in the token's own units, on each database."""

import pytest
from sqlalchemy import select

from cli.pause_money import PauseMoney
from ingest.claimable import tokens, wanted
from ingest.claimable.metadata import Metadata
from ingest.claimable.wanted import Claimable
from notifier.contact_file import ContactLine
from notifier.content import TEMPLATE_VERSION, Money, decode_content
from notifier.news import Paid
from notifier.rendering import Renderer
from notifier.schema import notice
from store import log
from tests.fakes.chain import CONTRACT, EMPLOYEE, EMPLOYER, cancelled, created, paused
from tests.fakes.planning import World

TOKEN = "CA3D5KRYM6CB7OWQ6TWYRR3Z4T7GNZLKERYNZGGA5SOAOPIFY6YQGAXE"
PAID = Paid(out=1_234_500_000, back=98_765_500_000)


@pytest.fixture
def world(database):
    world = World(database, settlements=PauseMoney())
    world.register(ContactLine(EMPLOYEE, email="ana@example.org"))
    world.register(ContactLine(EMPLOYER, email="boss@example.org"))
    world.record(created(1), paused(2))
    world.plan()
    return world


def read_pay(world, decimals=7, *, named=True):
    """The pause's pay was read, and so the stream's token is known."""
    with world.database.begin() as conn:
        wanted.note(conn, log.read_after(conn, 0, 100))
        wanted.keep(conn, paused(2).event_id, Claimable(5, TOKEN, 0))
        tokens.note(conn, TOKEN)
        if named:
            tokens.keep(conn, TOKEN, Metadata("USDC", decimals))


def cancel(world, **paid):
    """By role: the money of the notice, and the letter."""
    world.record(cancelled(3, **paid))
    world.plan()
    query = select(notice.c.content).where(notice.c.kind == "cancelled_while_paused")
    contents = [decode_content(row.content) for row in world.rows(query)]
    renderer = Renderer()
    return {
        each.role: (
            each.money,
            " ".join(renderer.render(each, "email", "en", TEMPLATE_VERSION).text.split()),
        )
        for each in contents
    }


def test_both_are_told_what_the_contract_paid(world):
    read_pay(world)
    told = cancel(world, payout=PAID.out, refund=PAID.back)
    money = Money("USDC", 7, settled=PAID.out, refunded=PAID.back)
    assert {role: each for role, (each, _) in told.items()} == {
        "employee": money,
        "employer": money,
    }
    assert "The contract paid out 123.45 USDC to you." in told["employee"][1]
    assert "9,876.55 USDC" in told["employer"][1]


def test_nothing_is_waited_for(world):
    read_pay(world, named=False)
    told = cancel(world, payout=PAID.out, refund=PAID.back)
    assert [money for money, _ in told.values()] == [None, None]
    assert "USDC" not in told["employee"][1]


def test_an_event_that_says_nothing_of_it_is_told_without(world):
    read_pay(world)
    assert [money for money, _ in cancel(world).values()] == [None, None]


@pytest.mark.parametrize(
    ("paid", "decimals", "money"),
    [
        (Paid(10**20, 0), 18, Money("USDC", 9, settled=10**11, refunded=0)),
        (Paid(-1, 7), 7, Money("USDC", 7, refunded=7)),
        (Paid(2**127 - 1, None), 7, None),
        (Paid(None, None), 7, None),
    ],
)
def test_what_is_beyond_belief_is_left_out(world, paid, decimals, money):
    read_pay(world, decimals)
    with world.database.read() as conn:
        assert PauseMoney().settled(conn, CONTRACT, 7, paid) == money
        assert PauseMoney().settled(conn, CONTRACT, 8, paid) is None
