"""Debian's Firefox, driven by WebDriver BiDi as it speaks it itself: no driver binary, no patched build.

Playwright drives builds of its own only, and Selenium wants geckodriver, which no index that we use ships.
BiDi is JSON over a websocket; this is the little of it that journeys need, with real clicks and real keys.
"""

import asyncio
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

PATIENCE = 30.0  # seconds
_LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
_PREFERENCES = {
    "app.update.auto": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.prefs.recommended": True,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class WireError(AssertionError):
    """Firefox refuses; `kind`: as WebDriver BiDi names it."""

    def __init__(self, kind: str, told: str) -> None:
        super().__init__(told)
        self.kind = kind


class Wire:
    """Commands and their answers, from any thread."""

    def __init__(self, address: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0
        self.events: list[dict[str, Any]] = []
        self._run(self._open(f"{address}/session"))

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask for something and wait for its end."""
        return self._run(self._ask(method, parameters))

    def close(self) -> None:
        """Hang up."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, wanted: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(wanted, self._loop).result(PATIENCE * 2)

    async def _open(self, address: str) -> None:
        self._session = aiohttp.ClientSession()
        self._socket = await self._session.ws_connect(address, max_msg_size=0)
        self._reading = asyncio.create_task(self._read())

    async def _close(self) -> None:
        self._reading.cancel()
        await self._socket.close()
        await self._session.close()

    async def _ask(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        answer = self._waiting[self._number] = self._loop.create_future()
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        said = await answer
        if said["type"] == "error":
            raise WireError(said["error"], f"{method}: {said['error']}: {said['message']}")
        return said["result"]

    async def _read(self) -> None:
        async for message in self._socket:
            said = json.loads(message.data)
            if said["type"] == "event":
                self.events.append(said)
            else:
                self._waiting.pop(said["id"]).set_result(said)


@contextmanager
def firefox(binary: str, profile: Path) -> Iterator[Wire]:
    """A Firefox without a window, with a profile of its own, and the wire to it."""
    lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in _PREFERENCES.items())
    (profile / "user.js").write_text("\n".join(lines))
    command = [binary, "--headless", "--no-remote", "--profile", str(profile)]
    with subprocess.Popen(
        [*command, "--remote-debugging-port", "0"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as running:
        try:
            wire = Wire(_address(running))
            wire("session.new", capabilities={})
            wire("session.subscribe", events=["log.entryAdded"])
            yield wire
            wire("session.end")
            wire.close()
        finally:
            running.terminate()
            running.wait(30)


def _address(running: "subprocess.Popen[str]") -> str:
    """Where it listens, as it says itself; what it says afterwards is read away, or it would block."""
    assert running.stderr is not None
    for line in running.stderr:
        found = _LISTENING.search(line)
        if found is not None:
            threading.Thread(target=running.stderr.read, daemon=True).start()
            return found[1]
    raise AssertionError("Firefox does not start")
