"""The judge: a story that was recorded and told in full, then each kind of loss and repetition."""

import json
from uuid import uuid4

import pytest
from sqlalchemy import delete, insert, select, update

from cli.verdict import judge
from notifier.contact_file import ContactLine
from notifier.schema import attempt, delivery, notice
from store.schema import evidence, evidence_outcome
from tests.fakes.chain import (
    CONTRACT,
    EMPLOYEE,
    EMPLOYER,
    OTHER,
    contract_pause,
    created,
    event_id,
    paused,
    resumed,
)
from tests.fakes.served import Served

FILES = {
    "email": "mail.ndjson",
    "sms": "sms.ndjson",
    "push": "push.ndjson",
    "webhook": "webhooks.ndjson",
}
KINDS = {1: "created", 2: "paused", 3: "resumed", 4: "paused", 5: "contract_paused"}


def truth_line(ledger):
    whole = KINDS[ledger] == "contract_paused"
    return {
        "event_id": event_id(ledger),
        "closed_at": ledger,
        "kind": KINDS[ledger],
        "stream_id": None if whole else "7",
        "employer": None if whole else EMPLOYER,
        "employee": None if whole else EMPLOYEE,
        "stored_status": None if whole else "active",
    }


class Story:
    """One stream and its two parties; every letter was accepted and caught."""

    def __init__(self, database, folder):
        self.database, self.folder = database, folder
        self.served = Served(database)
        self.served.world.register(
            ContactLine(EMPLOYEE, "ana@example.test", "+15550100001", "ntfy:ana"),
            ContactLine(EMPLOYER, "boss@example.test"),
        )
        self.served.tell(created(1), paused(2), resumed(3), paused(4), contract_pause(5))
        self.truth = [truth_line(ledger) for ledger in KINDS]
        self.caught = {channel: [] for channel in FILES}
        self.change(delivery, state="accepted")
        for row in self.rows(delivery):
            if row.channel in FILES:
                self._catch(row)

    def _catch(self, row):
        message_id = f"{row.delivery_id}@pausewire.test"
        words = f"Stream 7 is paused. Ref {row.notice_id.hex[:8].upper()}"
        line = {
            "email": {"message_id": f"<{message_id}>"},
            "sms": {"sid": message_id, "body": words},
            "push": {"id": message_id, "message": words},
        }[row.channel]
        self.caught[row.channel].append(line)
        self.change(
            delivery, delivery.c.delivery_id == row.delivery_id, provider_message_id=message_id
        )

    def rows(self, table, *where):
        with self.database.read() as conn:
            return conn.execute(select(table).where(*where)).all()

    def change(self, table, *where, **values):
        with self.database.begin() as conn:
            conn.execute(update(table).where(*where).values(**values))

    def judged(self):
        self._write("truth.ndjson", self.truth)
        for channel, file in FILES.items():
            self._write(file, self.caught[channel])
        with self.database.read() as conn:
            return judge(conn, self.folder, CONTRACT)

    def _write(self, file, lines):
        (self.folder / file).write_text("".join(json.dumps(line) + "\n" for line in lines))

    def one(self, channel):
        return self.rows(delivery, delivery.c.channel == channel)[0]


@pytest.fixture
def story(sqlite_database, tmp_path):
    return Story(sqlite_database, tmp_path)


def test_a_story_told_in_full_is_neither_lost_nor_repeated(story):
    verdict = story.judged()
    assert (verdict.lost, verdict.duplicated, verdict.unknown) == ([], [], 0)
    assert (verdict.events_on_chain, verdict.events_recorded) == (5, 5)
    assert (verdict.streams, verdict.intervals, verdict.quarantined) == (1, 3, 0)
    assert verdict.notices == len(story.rows(notice)) == 8
    assert verdict.deliveries["email"] == {"accepted": 8}
    assert verdict.deliveries["sms"] == verdict.deliveries["push"] == {"accepted": 4}


def test_what_no_event_told_counts_neither_as_lost_nor_as_recorded(story):
    with story.database.begin() as conn:
        told = {"contract_id": CONTRACT, "bytes": b"", "sha256": b"", "seen_at": 1, "source": "-"}
        conn.execute(insert(evidence).values(event_id="storage:x:7:status=exhausted:9", **told))
    story.truth.append(truth_line(5) | {"event_id": None, "silent": True})
    verdict = story.judged()
    assert (verdict.lost, verdict.duplicated) == ([], [])
    assert (verdict.events_on_chain, verdict.events_recorded) == (5, 5)


def forget_an_event(story):
    story.truth.append(truth_line(2) | {"event_id": event_id(90), "kind": "contract_resumed"})


def miss_a_pause(story):
    story.truth[2]["event_id"] = event_id(91)


def skip_a_notice(story):
    some = story.rows(notice, notice.c.cause_event_id == event_id(2))[0]
    with story.database.begin() as conn:
        conn.execute(delete(notice).where(notice.c.notice_id == some.notice_id))


def leave_one_waiting(story):
    story.change(
        delivery, delivery.c.delivery_id == story.one("sms").delivery_id, state="retry_wait"
    )


def lose_a_mail(story):
    story.caught["email"].pop()


def lose_an_sms_of_another_id(story):
    story.caught["sms"][0]["sid"] = "SM-another"


LOSSES = [
    (forget_an_event, f"event {event_id(90)} (contract_resumed) is not in evidence"),
    (miss_a_pause, f"stream 7: pause {event_id(2)} to {event_id(91)} by resumed is missing"),
    (skip_a_notice, f"1 notices of paused {event_id(2)}"),
    (leave_one_waiting, "1 deliveries by sms are still retry_wait"),
    (lose_a_mail, "was accepted 1 times and came 0 times"),
    (lose_a_mail, "is not there"),
    (lose_an_sms_of_another_id, "is not there"),
]


@pytest.mark.parametrize(("harm", "finding"), LOSSES)
def test_a_loss_is_found(story, harm, finding):
    harm(story)
    lost = story.judged().lost
    assert any(finding in each for each in lost), lost


def invent_a_pause(story):
    del story.truth[1:3]


def invent_a_contract_pause(story):
    story.truth.pop()


def invent_a_stream(story):
    story.truth = [line for line in story.truth if line["stream_id"] is None]


def tell_one_party_twice(story):
    story.truth[1]["employee"] = EMPLOYER


def send_twice(story):
    story.caught["push"].append(story.caught["push"][0])


def send_what_never_left(story):
    story.change(
        delivery, delivery.c.delivery_id == story.one("email").delivery_id, state="cancelled"
    )


def send_to_nobody(story):
    story.caught["email"].append({"message_id": "<from-elsewhere@example.test>"})


REPETITIONS = [
    (invent_a_pause, f"stream 7: pause {event_id(2)} to {event_id(3)} by resumed never was"),
    (invent_a_contract_pause, f"the contract: pause {event_id(5)} to None by None never was"),
    (invent_a_stream, "stream 7 never was"),
    (tell_one_party_twice, f"1 notices of paused {event_id(2)}"),
    (send_twice, "came 2 times, where 1 may have left"),
    (send_what_never_left, "came 1 times, where 0 may have left"),
    (send_to_nobody, "email without a mark came 1 times, where 0 may have left"),
]


@pytest.mark.parametrize(("harm", "finding"), REPETITIONS)
def test_what_came_twice_or_never_was_is_found(story, harm, finding):
    harm(story)
    duplicated = story.judged().duplicated
    assert any(finding in each for each in duplicated), duplicated


@pytest.mark.parametrize("arrived", [True, False])
def test_a_letter_of_unknown_outcome_is_neither_whether_or_not_it_came(story, arrived):
    row = story.one("email")
    story.change(delivery, delivery.c.delivery_id == row.delivery_id, state="unknown")
    if not arrived:
        mark = f"<{row.delivery_id}@pausewire.test>"
        story.caught["email"] = [
            line for line in story.caught["email"] if line["message_id"] != mark
        ]
    verdict = story.judged()
    assert (verdict.lost, verdict.duplicated, verdict.unknown) == ([], [], 1)


@pytest.mark.parametrize(
    ("flagged", "results", "is_hidden"),
    [
        (True, ("unknown", "accepted"), False),
        (True, ("unknown", None), False),
        (False, ("unknown", "accepted"), True),
        (True, ("not_sent", "accepted"), True),
    ],
)
def test_a_mail_that_was_sent_again_is_listed_only_where_it_is_flagged(
    story, flagged, results, is_hidden
):
    row = story.one("email")
    mine = delivery.c.delivery_id == row.delivery_id
    story.change(delivery, mine, possible_duplicate=flagged)
    with story.database.begin() as conn:
        for n, result in enumerate(results, 1):
            tried = {"delivery_id": row.delivery_id, "n": n, "provider": "smtp", "worker": "w"}
            times = {"phase": "sending", "started_at": 1, "handed_off_at": 2}
            conn.execute(insert(attempt).values(tried | times | {"result": result}))
    story.caught["email"] += [
        line for line in story.caught["email"] if str(row.delivery_id) in line["message_id"]
    ]
    verdict = story.judged()
    found = [f"email {row.delivery_id} came 2 times, where 1 may have left"]
    assert verdict.duplicated == (found if is_hidden else [])
    assert verdict.possible_duplicates == ([] if is_hidden else found)


def test_a_mail_that_came_and_was_refused_when_it_was_sent_again_is_no_invention(story):
    row = story.one("email")
    mine = delivery.c.delivery_id == row.delivery_id
    story.change(delivery, mine, possible_duplicate=True, state="failed")
    tried = {"delivery_id": row.delivery_id, "n": 1, "provider": "smtp", "worker": "w"}
    times = {"phase": "sending", "started_at": 1, "handed_off_at": 2, "result": "unknown"}
    with story.database.begin() as conn:
        conn.execute(insert(attempt).values(tried | times))
    verdict = story.judged()
    assert (verdict.lost, verdict.duplicated, verdict.possible_duplicates) == ([], [], [])


def test_catchers_that_wrote_nothing_caught_nothing(story):
    verdict = story.judged()
    for file in FILES.values():
        (story.folder / file).unlink()
    with story.database.read() as conn:
        verdict = judge(conn, story.folder, CONTRACT)
    assert len([each for each in verdict.lost if "came 0 times" in each]) == 16


def test_a_line_being_written_is_left_out(story):
    story.judged()
    for file in ("truth.ndjson", *FILES.values()):
        with (story.folder / file).open("a") as opened:
            opened.write('{"event_id": "half a li')
    with story.database.read() as conn:
        verdict = judge(conn, story.folder, CONTRACT)
    assert (verdict.events_on_chain, verdict.lost, verdict.duplicated) == (5, [], [])


def test_other_contracts_are_no_concern_of_this_chain(story):
    with story.database.read() as conn:
        story.judged()
        verdict = judge(conn, story.folder, "C" + "B" * 55)
    assert (verdict.events_recorded, verdict.intervals) == (0, 0)


def test_what_could_not_be_read_is_counted(story):
    row = {"event_id": event_id(2), "n": 9, "outcome": "quarantined"}
    with story.database.begin() as conn:
        conn.execute(insert(evidence_outcome), row)
    assert story.judged().quarantined == 1


def test_somebody_who_is_both_parties_is_told_once(sqlite_database, tmp_path):
    story = Story(sqlite_database, tmp_path)
    story.served.tell(paused(6, stream_id=9, employee=EMPLOYER))
    story.truth.append(
        truth_line(2)
        | {"event_id": event_id(6), "stream_id": "9", "employee": EMPLOYER, "employer": EMPLOYER}
    )
    told = story.rows(notice, notice.c.cause_event_id == event_id(6))
    assert len(told) == 1
    assert not [each for each in story.judged().lost if "notices" in each]


def test_a_stranger_has_a_notice_too(story):
    story.served.tell(paused(7, stream_id=10, employee=OTHER))
    story.truth.append(
        truth_line(2) | {"event_id": event_id(7), "stream_id": "10", "employee": OTHER}
    )
    assert not [each for each in story.judged().lost if "notices" in each]


def post(story, *, came):
    """News that was posted to a subscriber, and came so many times in two tries."""
    told = story.rows(notice, notice.c.cause_event_id == event_id(2))[0]
    sent = story.rows(delivery, delivery.c.notice_id == told.notice_id)[0]
    mine = {"notice_id": uuid4(), "recipient_id": "a subscription"}
    name = uuid4()
    changes = {"delivery_id": name, "channel": "webhook", "state": "delivered", "attempts": 2}
    with story.database.begin() as conn:
        conn.execute(insert(notice).values(told._asdict() | mine))
        row = sent._asdict() | changes | {"notice_id": mine["notice_id"]}
        conn.execute(insert(delivery).values(row | {"provider_message_id": str(name)}))
    story.caught["webhook"] += [{"id": str(name)}] * came
    return name


def test_a_post_that_came_again_under_its_id_came_once(story):
    post(story, came=2)
    verdict = story.judged()
    assert (verdict.lost, verdict.duplicated) == ([], [])
    assert verdict.notices == 8  # people's
    assert verdict.deliveries["webhook"] == {"delivered": 1}


def test_a_post_that_never_came_is_lost_and_one_of_nobody_is_a_repetition(story):
    name = post(story, came=0)
    story.caught["webhook"].append({"id": "stray"})
    verdict = story.judged()
    assert f"webhook {name} was accepted 1 times and came 0 times" in verdict.lost
    assert verdict.duplicated == ["webhook stray came 1 times, where 0 may have left"]


def test_a_post_that_may_have_come_before_it_was_given_up_is_no_repetition(story):
    name = post(story, came=1)
    story.change(delivery, delivery.c.delivery_id == name, state="expired")
    assert story.judged().duplicated == []
