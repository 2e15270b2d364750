"""Reading JSON parameters as the server's Go decoder does: null is absent, a wrong type is refused."""

from typing import Any

from simulator.errors import RpcFailure

INVALID_PARAMS = -32602
U32_MAX = 2**32 - 1


def undecodable(detail: str) -> RpcFailure:
    """What jrpc2 answers when parameters do not unmarshal."""
    return RpcFailure(INVALID_PARAMS, "invalid parameters", detail)


def field(params: dict[str, Any], name: str, kind: type, default: Any) -> Any:
    """A field of one JSON type. Raises RpcFailure."""
    value = params.get(name)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise undecodable(f"json: cannot unmarshal field {name} of type {kind.__name__}")
    return value


def number(params: dict[str, Any], name: str) -> int:
    """A u32 field, 0 when absent. Raises RpcFailure."""
    value = params.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= U32_MAX:
        raise undecodable(f"json: cannot unmarshal {value!r} into field {name} of type uint32")
    return value
