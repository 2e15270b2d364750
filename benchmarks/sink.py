"""A mail provider in a process of its own: takes every mail, keeps when, and nothing else.

Its clock is the machine's, so its times stand beside those of any other process here. Times are those
of the moment right before the sender reads 250: what it calls accepted.
"""

import multiprocessing
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session

_START_SECONDS = 30
_ANSWER_SECONDS = 10

Taken = dict[str, float]


class Sink:
    """The sink as the sending side sees it, by `port`, and as the measuring side does."""

    def __init__(self, port: int, pipe: Connection) -> None:
        self.port = port
        self._pipe = pipe

    def taken(self) -> Taken:
        """When each recipient's first mail was taken, in unix seconds."""
        self._pipe.send("taken")
        if not self._pipe.poll(_ANSWER_SECONDS):
            raise TimeoutError("the mail sink does not answer")
        times: Taken = self._pipe.recv()
        return times


@contextmanager
def running() -> Iterator[Sink]:
    """A sink for the length of the block."""
    spawned = multiprocessing.get_context("spawn")
    ours, far_end = spawned.Pipe()
    process = spawned.Process(target=serve, args=(far_end,), daemon=True)
    process.start()
    try:
        if not ours.poll(_START_SECONDS):
            raise TimeoutError("the mail sink did not start")
        yield Sink(ours.recv(), ours)
    finally:
        ours.close()
        process.join(_ANSWER_SECONDS)
        process.kill()


def serve(pipe: Connection) -> None:
    """The sink's process: ends when the other end of the pipe is closed."""
    handler = _Handler()
    # aiosmtpd connects to itself to see that it runs: it must know the port before.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    pipe.send(port)
    try:
        while pipe.recv():
            pipe.send(dict(handler.taken))
    except EOFError:
        controller.stop()


class _Handler:
    def __init__(self) -> None:
        self.taken: Taken = {}

    async def handle_DATA(self, server: object, session: Session, envelope: Envelope) -> str:  # noqa: N802 # aiosmtpd's name
        """Answer to a whole mail."""
        del server, session
        for recipient in envelope.rcpt_tos:
            self.taken.setdefault(recipient, time.time())
        return "250 2.0.0 taken"
