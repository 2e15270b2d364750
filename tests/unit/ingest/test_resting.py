"""Jobs that wait, and those that need not."""

from ingest.coverage import LedgerRange
from ingest.errors import RpcUnavailable
from ingest.jobs import Job
from ingest.resting import Rests

ONE, TWO = (
    Job(id=name, kind="backfill", contract_id="C", ledgers=LedgerRange(1, 2)) for name in "ab"
)


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_a_job_in_bad_weather_lets_the_next_one_come_first():
    clock = Clock()
    rests = Rests(clock)
    assert rests.first_due([ONE, TWO]) is ONE
    rests.rest(ONE, RpcUnavailable("away", 5), least=1)
    assert rests.first_due([ONE, TWO]) is TWO
    rests.rest(TWO, None, least=1)
    assert rests.first_due([ONE, TWO]) is None
    clock.now += 61
    assert rests.first_due([ONE, TWO]) is ONE


def test_a_job_rests_longer_each_time_it_brings_nothing_up_to_a_minute():
    clock = Clock()
    rests = Rests(clock)
    waits = [rests.rest(ONE, None, least=0.5) for _ in range(12)]
    assert all(0.5 <= wait <= 60 for wait in waits)
    assert waits[-1] > waits[0]
    assert rests.rest(ONE, RpcUnavailable("away", 10**6), least=1) == 60
    rests.went_on(ONE)
    assert rests.first_due([ONE]) is ONE
    assert rests.rest(ONE, None, least=0.5) < 30


def test_what_is_known_of_jobs_that_ended_is_dropped():
    rests = Rests(Clock())
    rests.rest(ONE, None, least=1)
    assert rests.first_due([]) is None
    assert rests.first_due([ONE]) is ONE
