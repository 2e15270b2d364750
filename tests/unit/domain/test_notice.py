"""Notices: planned, tried, read."""

from uuid import UUID

from domain import notice
from domain.contract import GapOpened
from tests.fakes import chain

ID, DELIVERY = UUID(int=3), UUID(int=4)


def test_a_notice_remembers_each_deliverys_last_state_and_the_first_reading():
    events = [
        notice.NoticePlanned(
            ID, 1, "r", "paused", "e", chain.CONTRACT, 7, late=False, planned_at=1
        ),
        notice.DeliveryChanged(ID, 2, DELIVERY, "email", "-", "handed_off", None, 1, "smtp", 2),
        notice.DeliveryChanged(ID, 3, DELIVERY, "email", "-", "accepted", None, 1, "smtp", 3),
        notice.NoticeRead(ID, 4, read_at=5),
        notice.NoticeRead(ID, 5, read_at=9),
    ]
    state = notice.fold(None, events)
    assert state == notice.NoticeState(
        version=5,
        recipient_id="r",
        kind="paused",
        cause_event_id="e",
        deliveries={str(DELIVERY): "accepted"},
        read_at=5,
    )
    assert notice.fold(None, []) is None


def test_an_event_of_another_kind_only_counts_the_version():
    state = notice.evolve(notice.NoticeState(), GapOpened(ID, 1, chain.CONTRACT, 1, 2, 3))
    assert state == notice.NoticeState(version=1)
