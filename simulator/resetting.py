"""The sandbox begins anew when a frontend's tests ask it to: over HTTP, on the simulator's own port.

No deployment but a simulated one has this address. A web page of another origin cannot use it: a JSON
body makes its browser ask first, and nothing here permits it.
"""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from simulator.scenario import SCENARIOS


class Resetting:
    """`GET /sandbox` tells the scenario, `POST /sandbox/reset` begins one (default: the same) anew."""

    def __init__(self, scenario: Callable[[], str], begin: Callable[[str], None]) -> None:
        self._scenario = scenario
        self._begin = begin

    def add_to(self, application: web.Application) -> None:
        """Add the routes."""
        application.router.add_get("/sandbox", self._tell)
        application.router.add_post("/sandbox/reset", self._reset)

    async def _tell(self, _: web.Request) -> web.Response:
        return web.json_response({"scenario": self._scenario(), "scenarios": list(SCENARIOS)})

    async def _reset(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            return _refused(415, 'send JSON, such as {"scenario": "paused-now"}')
        try:
            body: Any = await request.json()
        except ValueError:
            return _refused(400, "the body is not JSON")
        wanted = body.get("scenario", self._scenario()) if isinstance(body, dict) else None
        if not isinstance(wanted, str) or wanted not in SCENARIOS:
            return _refused(400, f"scenario: give one of {', '.join(SCENARIOS)}")
        self._begin(wanted)
        return web.json_response({"scenario": wanted}, status=202)


def _refused(status: int, problem: str) -> web.Response:
    return web.json_response({"problem": problem}, status=status)
