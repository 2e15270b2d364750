"""Each benchmark runs, at sizes that tell nothing, and the table says what was and was not met."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from benchmarks import (
    backfill,
    callbacks,
    channels,
    crowd,
    decode,
    email,
    feed,
    follower,
    latency,
    machine,
    path,
    peer,
    reads,
    record,
    sources,
    wrk,
)
from benchmarks.__main__ import BENCHMARKS
from benchmarks.report import Line, Target, table
from benchmarks.scale import Scale
from projections import pauses
from store import log

TINY = Scale(
    rounds=1,
    page_events=20,
    recorded_events=300,
    replayed_events=300,
    path_events=300,
    streams=20,
    mails=5,
    letters=25,
    alerts=2,
    ledgers=2,
    followed_ledgers=2,
    poll_seconds=(0.05,),
    pause_seconds=0.1,
    feed_connections=3,
    feed_events=2,
    read_events=(100, 300),
    read_seconds=1,
)


def test_every_benchmark_is_in_the_table():
    assert list(BENCHMARKS.values()) == [
        module.lines
        for module in (
            *(
                decode,
                backfill,
                record,
                follower,
                path,
                latency,
                email,
                channels,
                callbacks,
                sources,
            ),
            *(feed, reads, peer),
        )
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


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # by a plugin that Apprise loads
def test_the_benchmark_of_channels_runs(socket_enabled):
    lines = channels.lines(TINY, here)
    assert all(line.ours > 0 and line.theirs > 0 for line in lines)
    beside = [line.beside for line in lines if line.what.startswith("webhooks")]
    assert beside == ["Apprise, 8 threads", "httpx, signed"]


def test_a_loop_that_cannot_be_run_is_left_out_and_said_so(socket_enabled, monkeypatch, capsys):
    way = channels.WAYS["web push"]._replace(needs="no_such_module")
    monkeypatch.setattr(channels, "WAYS", {"web push": way})
    assert channels.lines(TINY, here) == []
    assert "no no_such_module" in capsys.readouterr().err


def test_the_benchmark_of_the_feed_runs(socket_enabled):
    lines = feed.lines(TINY, here, lambda: ThreadPoolExecutor(1))
    assert [line.unit for line in lines[:2]] == ["s", "s"]
    assert all(line.ours > 0 and line.theirs > 0 for line in lines[:2])


@pytest.mark.skipif(wrk.missing(), reason="wrk is not installed (Debian: wrk)")
def test_the_benchmark_of_reads_runs(socket_enabled):
    lines = reads.lines(TINY, here)
    assert len(lines) == 2 * 2 * 4
    assert all(line.ours > 0 for line in lines)
    assert [line.verdict != "" for line in lines if "p95" in line.what] == [False] * 2 + [True] * 2


def test_a_crowd_is_as_large_as_it_says_and_each_stream_has_its_own_pauses(
    sqlite_database, monkeypatch
):
    monkeypatch.setattr(crowd, "RECORDED_EVENTS", 200)
    many = crowd.fill(sqlite_database, 600)
    assert many == 6
    pause = pauses.TABLES["a"]
    with sqlite_database.read() as conn:
        streams_of = select(pause.c.stream_id, func.count()).group_by(pause.c.stream_id)
        assert sorted(conn.execute(streams_of).all()) == [(number, 50) for number in range(many)]
        kept = log.read_after(conn, 0, 1_000)
        assert [each.position for each in kept] == list(range(1, 601))
        assert log.head(conn) == 600


def test_the_peer_is_left_out_without_a_server(capsys):
    assert peer.lines(TINY, here) == []
    assert "no PostgreSQL server" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ours", "target", "verdict"),
    [
        (60.0, Target(of="ours", bound=50), "met"),
        (40.0, Target(of="ours", bound=50), "20% short"),
        (40.0, Target(of="ratio", bound=2), "met"),
        (10.0, Target(of="ratio", bound=2), "75% short"),
        (20.0, Target(of="ratio", bound=1.25, at_most=True), "met"),
        (30.0, Target(of="ratio", bound=1.25, at_most=True), "20% over"),
        (0.0, Target(of="ours", bound=0, at_most=True), "met"),
        (3.0, Target(of="ours", bound=0, at_most=True), "missed"),
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
