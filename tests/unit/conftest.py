"""Unit tests meet no network: a socket that leaves the process is an error."""

from collections.abc import Iterator

import pytest
import pytest_socket


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    pytest_socket.disable_socket(allow_unix_socket=True)  # event loops wake themselves by one
    yield
    pytest_socket.enable_socket()
