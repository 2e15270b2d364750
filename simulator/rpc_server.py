"""The wire of a Stellar RPC: JSON-RPC 2.0 over HTTP POST, as jrpc2's bridge speaks it.

In: HTTP requests. Out: JSON bodies, HTTP 200 for every JSON-RPC error. Next: `rpc_methods.py` answers
the methods, `event_query.py` getEvents; `faults.py` may answer instead of either.
"""

import json
from contextlib import suppress
from typing import Any

from aiohttp import web

from simulator.errors import RpcFailure
from simulator.faults import RPC_FAILURES, Fault, Forecast, Weather
from simulator.rpc_methods import Methods

MAX_BODY_BYTES = 512 * 1024
_PARSE_ERROR, _INVALID_REQUEST, _METHOD_NOT_FOUND, _INVALID_PARAMS = -32700, -32600, -32601, -32602
_CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
_KNOWN_FIELDS = {"jsonrpc", "id", "method", "params"}
_ID_TYPES = (str, int, float, type(None))
_PARAMETER_TYPES = (dict, list, type(None))
_NOT_PARAMETERS = "parameters must be array or object"
_PLAIN_STATUS = {Fault.UNAVAILABLE: 503, Fault.GATEWAY_TIMEOUT: 504}


def rpc_application(methods: Methods, weather: Weather) -> web.Application:
    """The server's one route."""
    handler = _RpcHandler(methods, weather)
    # the bridge has its own limit and its own answer to it, so aiohttp's stands above
    application = web.Application(client_max_size=2 * MAX_BODY_BYTES)
    application.router.add_route("*", "/{path:.*}", handler.handle)
    return application


class _RpcHandler:
    def __init__(self, methods: Methods, weather: Weather) -> None:
        self._methods = methods
        self._weather = weather

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One HTTP request."""
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=_CORS)
        if request.method != "POST":
            return web.Response(status=405, headers={"Accept-Post": "application/json", **_CORS})
        if request.content_type != "application/json":
            text = "content-type must be application/json\n"
            return web.Response(status=415, text=text, headers=_CORS)
        forecast = self._weather.next()
        struck = await self._struck_down(request, forecast)
        if struck is not None:
            return struck
        return await self._answer(request, forecast)

    async def _struck_down(
        self, request: web.Request, forecast: Forecast
    ) -> web.StreamResponse | None:
        fault = forecast.fault
        if fault in _PLAIN_STATUS:
            return web.Response(status=_PLAIN_STATUS[fault])
        if fault is Fault.RATE_LIMITED:
            seconds = str(self._weather.plan.retry_after_seconds)
            body = {"error": "Too many requests"}
            return web.json_response(body, status=429, headers={"Retry-After": seconds})
        if fault is Fault.HTML:
            page = "<!doctype html><title>Please wait</title><p>Checking your browser…</p>"
            return web.Response(text=page, content_type="text/html")
        if fault is Fault.CUT:
            return await _cut(request)
        return None

    async def _answer(self, request: web.Request, forecast: Forecast) -> web.Response:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            body = b" " * (MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            return web.Response(status=500, text="http: request body too large\n", headers=_CORS)
        try:
            sent = json.loads(body)
        except ValueError:
            text = f"[{_PARSE_ERROR}] invalid request value\n"
            return web.Response(status=500, text=text, headers=_CORS)
        if sent == []:
            text = f"[{_INVALID_REQUEST}] empty request batch\n"
            return web.Response(status=500, text=text, headers=_CORS)
        requests = sent if isinstance(sent, list) else [sent]
        answers = [a for each in requests if (a := self._one(each, forecast)) is not None]
        if not answers:
            return web.Response(status=204, headers=_CORS)
        # jrpc2's bridge sends a single answer alone, also when a batch asked for it
        out = answers[0] if len(answers) == 1 else b"[" + b",".join(answers) + b"]"
        return web.Response(body=out, content_type="application/json", headers=_CORS)

    def _one(self, call: Any, forecast: Forecast) -> bytes | None:
        """The answer to one JSON-RPC call; None for a notification."""
        call_id = call.get("id") if isinstance(call, dict) else None
        try:
            method, params = _checked(call)
            result = self._result(method, params, forecast)
        except RpcFailure as failure:
            known_id = call_id if isinstance(call_id, str | int | float) else None
            if call_id is None and _is_notification(call):
                return None
            return _error_body(known_id, failure)
        if call_id is None:
            return None
        return b'{"jsonrpc":"2.0","id":%s,"result":%s}' % (json.dumps(call_id).encode(), result)

    def _result(self, method: str, params: dict[str, Any], forecast: Forecast) -> bytes:
        answer = self._methods.table.get(method)
        if answer is None:
            raise RpcFailure(_METHOD_NOT_FOUND, "method not found", method)
        if forecast.fault in RPC_FAILURES:
            raise RPC_FAILURES[forecast.fault]
        return answer(params, self._methods.tip(forecast.lag_ledgers))


def _is_notification(call: Any) -> bool:
    return isinstance(call, dict) and call.get("jsonrpc") == "2.0" and bool(call.get("method"))


def _checked(call: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(call, dict):
        raise RpcFailure(_PARSE_ERROR, "request is not a JSON object")
    extra = sorted(set(call) - _KNOWN_FIELDS)
    method, params, call_id = call.get("method", ""), call.get("params"), call.get("id")
    rules = (
        (call.get("jsonrpc") == "2.0", _INVALID_REQUEST, "invalid version marker", None),
        (isinstance(call_id, _ID_TYPES), _INVALID_REQUEST, "invalid request ID", None),
        (isinstance(method, str), _PARSE_ERROR, "invalid method name", None),
        (not extra, _INVALID_REQUEST, "extra fields in request", extra),
        (bool(method), _INVALID_REQUEST, "empty method name", None),
        (isinstance(params, _PARAMETER_TYPES), _INVALID_REQUEST, _NOT_PARAMETERS, None),
        # the handlers take parameters by name only
        (not isinstance(params, list), _INVALID_PARAMS, "invalid parameters", "array parameters"),
    )
    for holds, code, message, data in rules:
        if not holds:
            raise RpcFailure(code, message, data)
    return method, params or {}


def _error_body(call_id: object, failure: RpcFailure) -> bytes:
    error: dict[str, object] = {"code": failure.code, "message": failure.message}
    if failure.data is not None:
        error["data"] = failure.data
    return json.dumps({"jsonrpc": "2.0", "id": call_id, "error": error}).encode()


async def _cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "4096"})
    response.content_type = "application/json"
    with suppress(ConnectionResetError):  # who asked may be gone already
        await response.prepare(request)
        await response.write(b'{"jsonrpc":"2.0","id":')
    if request.transport is not None:
        request.transport.abort()
    return response
