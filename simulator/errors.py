"""Errors of the simulated network.

SimulatorError
  StateMismatch     the state folder belongs to another network or another version: stop
  RpcFailure        what the RPC answers a caller as a JSON-RPC error object
CallRefused         the contract panics: the transaction fails, nothing is emitted
Undecipherable      a web push that no browser could read, or whose sender is nobody
"""


class SimulatorError(Exception):
    """The simulated network cannot do what was asked."""


class StateMismatch(SimulatorError):
    """The chain file cannot be continued by this network."""


class RpcFailure(SimulatorError):
    """A JSON-RPC error: the code, the exact message and optional data of stellar-rpc."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class CallRefused(Exception):
    """The contract refuses a call, with its own words where it has some."""


class Undecipherable(Exception):
    """A web push that no browser could read, or whose sender is nobody; the message says what is wrong."""
