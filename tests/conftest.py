"""What every test may use: databases and brokers of its own, and an environment without surprises."""

import os

import pytest

pytest_plugins = ["tests.fixtures_databases", "tests.fixtures_npm", "tests.fixtures_brokers"]

KEPT = "PAUSEWIRE_TEST_"
DROPPED = "PAUSEWIRE_TEST_KILL_AT"


def pytest_configure(config: pytest.Config) -> None:
    """Settings of the developer's shell must not reach a test."""
    for name in list(os.environ):
        if name.startswith("PAUSEWIRE_") and (not name.startswith(KEPT) or name == DROPPED):
            del os.environ[name]
