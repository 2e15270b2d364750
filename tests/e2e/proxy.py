"""A TCP proxy that a test can cut: connections stay, and nothing passes, as on a broken network."""

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK = 65_536
_LOOK_SECONDS = 0.05


class Proxy:
    """Listens on a port of its own and passes everything on to `host:port`, until it is cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._whole = threading.Event()
        self._whole.set()
        self._refusing = threading.Event()
        self._stop = threading.Event()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        """Let nothing through any more; new connections are taken, and find silence."""
        self._whole.clear()

    def stop(self) -> None:
        """Reset everything and refuse what comes, as a server that was stopped."""
        self._refusing.set()
        self._reset()

    def mend(self) -> None:
        """The network is back; what hung in it is reset."""
        self._reset()
        self._refusing.clear()
        self._whole.set()

    def _reset(self) -> None:
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _close(pair)

    def close(self) -> None:
        """End all connections."""
        self._stop.set()
        self._listening.close()
        self.mend()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        self._listening.settimeout(_LOOK_SECONDS)
        while not self._stop.is_set():
            try:
                near, _ = self._listening.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            if self._refusing.is_set():
                near.close()
                continue
            passing = threading.Thread(target=self._pass_on, args=(near,), daemon=True)
            self._threads.append(passing)
            passing.start()

    def _pass_on(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self._target, timeout=5)
        except OSError:
            near.close()
            return
        pair = (near, far)
        self._pairs.append(pair)
        with selectors.DefaultSelector() as ready, suppress(OSError, ValueError):
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while not self._stop.is_set():
                if not self._whole.wait(_LOOK_SECONDS):
                    continue
                for key, _ in ready.select(_LOOK_SECONDS):
                    data = key.fileobj.recv(_CHUNK)  # type: ignore[union-attr] # a socket was registered
                    if not data:
                        raise OSError
                    key.data.sendall(data)
        _close(pair)


def _close(pair: tuple[socket.socket, socket.socket]) -> None:
    for each in pair:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


@contextmanager
def proxied(host: str, port: int) -> Iterator[Proxy]:
    """A proxy for the length of the block."""
    proxy = Proxy(host, port)
    try:
        yield proxy
    finally:
        proxy.close()
