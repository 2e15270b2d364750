"""`pausewire demo --json` on every back end: the summary that scripts read, and nothing lost in it."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.harness import PAUSEWIRE, BackEnd, outside

pytestmark = pytest.mark.e2e

_KEYS = {
    "events_on_chain",
    "events_recorded",
    "streams",
    "intervals",
    "notices",
    "deliveries",
    "lost",
    "duplicated",
    "possible_duplicates",
    "unknown",
    "quarantined",
    "latency_seconds",
    "digest",
    "replay_digest",
    "database",
    "broker",
}


def test_the_demo_loses_nothing_and_replays_equal(tmp_path: Path, back_end: BackEnd) -> None:
    done = subprocess.run(
        [PAUSEWIRE, "demo", "--events", "300", "--timeout", "150", "--json"],
        env=outside()
        | {
            "PAUSEWIRE_DATABASE__URL": back_end.database_url,
            "PAUSEWIRE_BROKER__URL": back_end.broker_url,
            "PAUSEWIRE_BROKER__NAMESPACE": back_end.namespace,
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    summary = json.loads(done.stdout)
    assert set(summary) == _KEYS
    assert summary["events_on_chain"] == summary["events_recorded"] == 300
    assert summary["lost"] == summary["duplicated"] == summary["quarantined"] == 0
    assert summary["digest"] == summary["replay_digest"]
    assert summary["database"] == back_end.database_url.partition(":")[0].partition("+")[0]
    assert summary["broker"] == back_end.broker_url.partition(":")[0]
    for channel in ("email", "sms", "push"):
        assert summary["deliveries"][channel]["accepted"] == summary["notices"]
        for stage in ("observed", "recorded", "planned", "queued", "handed_off", "accepted"):
            seconds = summary["latency_seconds"][channel][stage]
            assert 0 <= seconds["p50"] <= seconds["p95"] <= seconds["p99"]
