"""`make bench`: every benchmark, one table.

    python -m benchmarks [--quick] [--only NAME ...] [--json]

PostgreSQL is the server of PAUSEWIRE_TEST_POSTGRES_URL, else the one on 127.0.0.1:5432, else left out;
brokers.py says where Redis and RabbitMQ are.
The exit code says that the figures could be taken, not that they are good.
"""

import argparse
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import replace

from benchmarks import (
    backfill,
    callbacks,
    chain,
    channels,
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
)
from benchmarks.report import Line, table
from benchmarks.scale import FULL, QUICK, Scale

BENCHMARKS: dict[str, Callable[[Scale], list[Line]]] = {
    "decode": decode.lines,
    "backfill": backfill.lines,
    "record": record.lines,
    "follower": follower.lines,
    "path": path.lines,
    "latency": latency.lines,
    "email": email.lines,
    "channels": channels.lines,
    "callbacks": callbacks.lines,
    "sources": sources.lines,
    "feed": feed.lines,
    "reads": reads.lines,
    "peer": peer.lines,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Measure against the bare ceilings on this machine."
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: a look, not a figure")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS))
    parser.add_argument(
        "--json", action="store_true", help="one JSON document instead of the table"
    )
    options = parser.parse_args()
    # Ended in any way but by force, a run leaves no database and no process behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    server = chain.server()
    scale = replace(QUICK if options.quick else FULL, postgres=server)
    told = machine.describe(server) | {"sizes": "quick" if options.quick else "full"}
    lines: list[Line] = []
    for name in options.only:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        lines += BENCHMARKS[name](scale)
    if options.json:
        print(json.dumps({"machine": told, "lines": [line.document() for line in lines]}))
    else:
        print(f"{machine.sentence(told)}\n\n{table(lines)}")


if __name__ == "__main__":
    main()
