"""The machine that the figures belong to, since absolute figures mean nothing without it."""

import os
import platform
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks.chain import libpq

_LOAD_WHEN_QUIET = 0.5  # a minute's average; beyond, somebody else had part of the machine


def describe(postgres: str | None) -> dict[str, str | int | float]:
    """Processor, versions, date, and the load that was there before we began."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "postgresql": "left out: no server" if postgres is None else _server_version(postgres),
        "load_before": round(os.getloadavg()[0], 2),
    }


def sentence(machine: dict[str, str | int | float]) -> str:
    """The same on one line, with a warning where the machine was not ours alone."""
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine.items())
    if float(machine["load_before"]) > _LOAD_WHEN_QUIET:
        told += "\nThe machine was busy before this began: figures are too low, ratios less so."
    return told


def _processor() -> str:
    """The model, where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _server_version(server: str) -> str:
    with psycopg.connect(libpq(server)) as conn:
        return conn.info.parameter_status("server_version") or "unknown"
