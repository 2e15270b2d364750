"""A day of the notifier under fire: providers fail, workers die at random, and all is accounted for."""

import sys
from pathlib import Path

import pytest

from tests.e2e.day.report import Report
from tests.e2e.day.run import day
from tests.e2e.day.size import Size, asked_for
from tests.e2e.harness import BackEnd

pytestmark = pytest.mark.e2e

SMALL = Size(events=150, recipients=40, kills=6)


def lived(folder: Path, back_end: BackEnd, size: Size, shown: pytest.CaptureFixture[str]) -> Report:
    with day(folder, back_end, size) as under_way:
        report = under_way.play()
    report.write(folder / "day.json")
    with shown.disabled():
        sys.stdout.write(f"\n{report.told()}\n{folder / 'day.json'}\n")
    assert not report.findings
    assert report.kills == size.kills
    assert report.events_recorded == report.events_on_chain >= size.events
    return report


@pytest.mark.postgres
@pytest.mark.redis
def test_a_small_day_with_the_broker_flushed(
    tmp_path: Path, postgresql_redis: BackEnd, capsys: pytest.CaptureFixture[str]
) -> None:
    report = lived(tmp_path, postgresql_redis, SMALL, capsys)
    assert report.flushes == 1
    assert min(report.caught.values()) > 0
    assert {"gathered", "quiet hours"} <= set(report.held)
    ends = {end for found in report.deliveries.values() for end in found}
    assert "waits: rate" in ends or "expired: rate" in ends, "no cap was met"


@pytest.mark.long
def test_a_whole_day(tmp_path: Path, servers: BackEnd, capsys: pytest.CaptureFixture[str]) -> None:
    lived(tmp_path, servers, asked_for(), capsys)
