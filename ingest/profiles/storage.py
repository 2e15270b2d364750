"""Where a contract keeps its own record of pauses: the `storage` section of a profile, as data.

    storage:
      instance:
        paused: {key: Config, field: paused}    # the contract-wide pause, a Bool
        streams: {key: StreamCount}             # how many streams there are: ids 1 to that, a U64
      stream:
        {key: Stream, status: status, employer: employer, employee: employee,
         accrual: {token: token, deposit: deposit, withdrawn: withdrawn, rate: rate_per_second,
                   since: last_withdraw_time, stop: stop_time, cliff: cliff_time}}
      pauses: {key: PauseHistory, is_pause: is_pause, at: timestamp, stream_id: stream_id}

Keys are the variants of the contract's key enum: `Vec[Symbol]` in the instance, `Vec[Symbol, U64 id]`
for the persistent entries of a stream. The other words are names of struct fields (symbol keys of a Map).
"""

from typing import Annotated, TypeAlias

import msgspec

_Symbol: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[a-zA-Z0-9_]{1,32}$")]


class InstanceValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value in the contract's instance.

    `field`: of the struct under the key, where it is one. `absent`: what it means that there is no such
    key; without it that is a fault.
    """

    key: _Symbol
    field: _Symbol | None = None
    absent: bool | None = None


class InstanceLayout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`paused`: the contract-wide pause. `streams`: how many streams, where the contract counts them."""

    paused: InstanceValue
    streams: InstanceValue | None = None


class AccrualLayout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a stream of steady pay keeps of its money: fields of the stream's struct.

    `token`: a contract (address). `deposit`, `withdrawn`: base units (I128). `rate`: base units per second
    (I128). `since`: pay up to it was taken out; `stop`, `cliff`: unix seconds (U64), 0 for none.
    """

    token: _Symbol
    deposit: _Symbol
    withdrawn: _Symbol
    rate: _Symbol
    since: _Symbol
    stop: _Symbol
    cliff: _Symbol


class StreamLayout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The struct of one stream: its status (a unit variant) and its parties (addresses).

    `accrual`: how its pay grows, where that can be read.
    """

    key: _Symbol
    status: _Symbol
    employer: _Symbol
    employee: _Symbol
    accrual: AccrualLayout | None = None


class PausesLayout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A vector of one struct per pause and resume: a Bool, unix seconds (U64), the stream's id (U64)."""

    key: _Symbol
    is_pause: _Symbol
    at: _Symbol
    stream_id: _Symbol | None = None


class StorageLayout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What can be read back of a contract; without `stream` only its contract-wide pause."""

    instance: InstanceLayout
    stream: StreamLayout | None = None
    pauses: PausesLayout | None = None
