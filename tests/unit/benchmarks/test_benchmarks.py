"""Each benchmark runs, at sizes that tell nothing, and the table says what was and was not met."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks import (
    backfill,
    decode,
    email,
    feed,
    follower,
    latency,
    machine,
    path,
    record,
    sources,
)
from benchmarks.__main__ import BENCHMARKS
from benchmarks.report import Line, Target, table
from benchmarks.scale import Scale

TINY = Scale(
    rounds=1,
    page_events=20,
    recorded_events=300,
    replayed_events=300,
    path_events=300,
    streams=20,
    mails=5,
    alerts=2,
    ledgers=2,
    followed_ledgers=2,
    poll_seconds=(0.05,),
    pause_seconds=0.1,
    feed_connections=3,
    feed_events=2,
)


def test_every_benchmark_is_in_the_table():
    assert list(BENCHMARKS.values()) == [
        module.lines
        for module in (decode, backfill, record, follower, path, latency, email, sources, feed)
    ]


def here(work, *args):
    """In this process: starting others would take longer than all the rest."""
    return work(*args)


@pytest.mark.parametrize("module", [decode, backfill, record, follower, path])
def test_a_benchmark_of_the_log_runs(module):
    lines = module.lines(TINY, here)
    assert lines
    assert all(line.ours > 0 and (line.beside is None or line.ratio > 0) for line in lines)


def test_the_benchmark_of_mails_runs(socket_enabled):
    (line,) = email.lines(TINY, here)
    assert line.ours > 0
    assert line.theirs > 0


def test_the_benchmark_of_the_feed_runs(socket_enabled):
    lines = feed.lines(TINY, here, lambda: ThreadPoolExecutor(1))
    assert [line.unit for line in lines[:2]] == ["s", "s"]
    assert all(line.ours > 0 and line.theirs > 0 for line in lines[:2])


@pytest.mark.parametrize(
    ("ours", "target", "verdict"),
    [
        (60.0, Target(of="ours", bound=50), "met"),
        (40.0, Target(of="ours", bound=50), "20% short"),
        (40.0, Target(of="ratio", bound=2), "met"),
        (10.0, Target(of="ratio", bound=2), "75% short"),
        (20.0, Target(of="ratio", bound=1.25, at_most=True), "met"),
        (30.0, Target(of="ratio", bound=1.25, at_most=True), "20% over"),
        (30.0, None, ""),
    ],
)
def test_a_line_says_whether_its_target_is_met_or_how_far_it_is(ours, target, verdict):
    line = Line(
        what="w", ours=ours, unit="events/s", target=target, beside="bare loop", theirs=20.0
    )
    assert line.verdict == verdict
    assert line.document()["verdict"] == verdict


def test_the_table_is_markdown_with_a_dash_where_nothing_stands_beside():
    alone = Line(what="T1", ours=51_234.4, unit="events/s", target=Target(of="ours", bound=50_000))
    header, rule, row = table([alone]).splitlines()
    assert [cell.strip() for cell in row.split("|")[1:-1]] == [
        *("T1", "51,234 events/s", "-", "-", ">= 50,000", "met")
    ]
    assert len(header) == len(rule) == len(row)


def test_the_machine_is_described_without_a_server():
    told = machine.describe(None)
    assert told["postgresql"] == "left out: no server"
    assert f"cores {told['cores']}" in machine.sentence(told)
