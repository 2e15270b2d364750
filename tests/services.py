"""Servers that tests need: given by URL, found on this machine, or started from a wheel; else skipped.

With PAUSEWIRE_TEST_REQUIRE_SERVICES=1 (CI) a missing server fails the test instead.
"""

import os
import socket
from typing import Never

import pytest


def missing(server: str, variable: str) -> Never:
    """Skip the test that needs this server, or fail it where servers are required."""
    reason = f"no {server}: set {variable}"
    if os.environ.get("PAUSEWIRE_TEST_REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def listens(host: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
