"""The load generator wrk: the same few connections, each asking for the next of many requests."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks import chain

_WRK = "wrk"
_CONNECTIONS = 8
_SCRIPT = """
local asked = {%s}
local n = math.random(#asked)
request = function()
  n = n %% #asked + 1
  return wrk.format(asked[n][1], asked[n][2], nil, asked[n][3])
end
done = function(summary, latency, requests)
  local e = summary.errors
  io.stderr:write(string.format(
    '{"requests": %%d, "micros": %%d, "p50": %%d, "p95": %%d, "p99": %%d, "errors": %%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(95),
    latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
"""


class Asking(NamedTuple):
    """One request."""

    path: str
    method: str = "GET"
    body: str = ""


class Answered(NamedTuple):
    """How many, how many a second, and milliseconds."""

    requests: int
    rate: float
    p50: float
    p95: float
    p99: float


def missing() -> bool:
    """Whether there is no wrk on this machine."""
    return shutil.which(_WRK) is None


def ask(port: int, asked: Sequence[Asking], headers: Mapping[str, str], seconds: int) -> Answered:
    """Ask for so long. Raises SystemExit where one request failed: figures of errors are none."""
    told = [
        f"{{{', '.join(map(json.dumps, (each.method, each.path, each.body)))}}}" for each in asked
    ]
    with TemporaryDirectory(prefix=chain.PREFIX) as folder:
        script = Path(folder) / "asked.lua"
        script.write_text(_SCRIPT % ", ".join(told), "utf-8")
        ended = subprocess.run(
            [
                *(_WRK, "--threads", "1", "--connections", str(_CONNECTIONS)),
                *("--duration", f"{seconds}s", "--timeout", "30s", "--script", script),
                *(part for each in headers.items() for part in ("--header", ": ".join(each))),
                f"http://127.0.0.1:{port}/",
            ],
            check=True,
            capture_output=True,
            text=True,
        )
    found = json.loads(ended.stderr)
    if found["errors"] or not found["requests"]:
        raise SystemExit(f"wrk met errors: {found}")
    millis = (found[name] / 1e3 for name in ("p50", "p95", "p99"))
    return Answered(found["requests"], found["requests"] / found["micros"] * 1e6, *millis)
