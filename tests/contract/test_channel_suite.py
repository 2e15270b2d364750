"""What every channel must do, met against a real server for each: one table of what it can meet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from notifier.channels.channel import DETAIL_CHARACTERS, Channel, Receipt
from notifier.channels.http_answers import LONGEST_WAIT_SECONDS
from notifier.errors import (
    ChannelUnavailable,
    Deferred,
    DeliveryError,
    OutcomeUnknown,
    Permanent,
    ProviderFault,
    RateLimited,
    Transient,
)
from tests.fakes.channel_benches import BENCHES, HTTP_BENCHES, IMPATIENT, LETTER, PATIENT, Bench

End = type[Receipt] | type[DeliveryError] | tuple[type[Receipt] | type[DeliveryError], ...]
# A far side that knows a repeat by its id: whatever it says with a 2xx it has, and the rest is repeated.
HARMLESS = (Receipt, Deferred)


class Behaviour(NamedTuple):
    """What comes of it by family; None: not of that protocol. `arrives`: how many letters are there."""

    keyless: End
    repeatable: End
    mail: End | None
    arrives: int | None = 1


REFUSED = Behaviour(DeliveryError, DeliveryError, None)
UNKNOWN = Behaviour(OutcomeUnknown, HARMLESS, None)
UNKNOWN_IN_MAIL = Behaviour(OutcomeUnknown, HARMLESS, OutcomeUnknown, None)
BUSY = Behaviour(RateLimited, RateLimited, None)
TABLE: dict[str, Behaviour] = {
    "takes": Behaviour(Receipt, Receipt, Receipt),
    "in_pieces": Behaviour(Receipt, Receipt, Receipt),
    "refuses": Behaviour(Permanent, Permanent, Permanent, None),
    "later": Behaviour(Transient, Transient, Transient, None),
    "busy": Behaviour(RateLimited, RateLimited, Transient, None),
    "busy_seconds": BUSY,
    "busy_date": BUSY,
    "busy_past": BUSY,
    "busy_nonsense": BUSY,
    "busy_too_much": BUSY,
    "away_seconds": Behaviour(Deferred, Deferred, None),
    "slow_before": Behaviour(OutcomeUnknown, Deferred, ChannelUnavailable, 0),
    "slow_after": Behaviour(OutcomeUnknown, Deferred, OutcomeUnknown),
    "cut_before": Behaviour(OutcomeUnknown, Deferred, ChannelUnavailable, 0),
    "cut_after": Behaviour(OutcomeUnknown, Deferred, OutcomeUnknown),
    # Says that it took what it drops: nobody can know, it is accepted as said.
    "says_yes": Behaviour(Receipt, Receipt, Receipt, 0),
    # Says that it failed and took it. A 4xx to DATA is a server's word that it did not (RFC 5321 §6.1).
    "says_no": Behaviour(OutcomeUnknown, Deferred, Deferred),
    "empty": UNKNOWN_IN_MAIL,
    "html": UNKNOWN_IN_MAIL,
    "list": UNKNOWN_IN_MAIL,
    "no_utf8": UNKNOWN_IN_MAIL,
    **dict.fromkeys(("truncated", "emptied", "object", "null", "number", "deep"), UNKNOWN),
    "too_much": Behaviour(DeliveryError, HARMLESS, None),
    "no_http": Behaviour(OutcomeUnknown, Deferred, None),
    "long_header": UNKNOWN_IN_MAIL,
    "many_headers": UNKNOWN_IN_MAIL,
    "no_gzip": UNKNOWN,
    "half": UNKNOWN_IN_MAIL,
    "endless": UNKNOWN,
    "drips": UNKNOWN_IN_MAIL,
    **dict.fromkeys(("no_deep", "no_no_utf8", "moved"), REFUSED),
    "error_deep": Behaviour(OutcomeUnknown, Deferred, None),
}
WAITS = {
    "busy": None,
    "busy_seconds": 11,
    "busy_date": LONGEST_WAIT_SECONDS,
    "busy_past": 0,
    "busy_nonsense": None,
    "away_seconds": 11,
}
FAMILIES = dict.fromkeys(BENCHES, "mail") | {n: b.family for n, b in HTTP_BENCHES.items()}
CASES = [
    (name, case)
    for name in sorted(BENCHES)
    for case, behaviour in TABLE.items()
    if getattr(behaviour, FAMILIES[name]) is not None
]
# More than any answer of good faith, less than what would be read of one without an end: sockets hold some.
MOST_READ_BYTES = 16_000_000


# Those that end by the channel's own timeout.
SLOW_CASES = ("slow_before", "slow_after", "drips")


@pytest.fixture
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    name, case = request.param if isinstance(request.param, tuple) else (request.param, "")
    with ExitStack() as stack:
        made = BENCHES[name](stack, IMPATIENT if case in SLOW_CASES else PATIENT)
        yield made
        await made.channel.close()


every_bench = pytest.mark.parametrize("bench", sorted(BENCHES), indirect=True)


async def sent(channel: Channel, destination: str, patience: float = 30) -> Receipt | DeliveryError:
    """What comes of one letter, within the test's patience; anything but these two is a crash."""
    try:
        async with asyncio.timeout(patience), channel.prepare(LETTER, destination) as handover:
            return await handover.send()
    except DeliveryError as error:
        return error


def is_storable(end: Receipt | DeliveryError) -> bool:
    """The columns of `attempt` hold it, and no stranger's words stand in it at length."""
    status, detail = end.status_code, end.detail or ""
    if isinstance(end, Receipt):
        good = 0 < len(end.provider_message_id) <= DETAIL_CHARACTERS
    else:
        good = 0 <= (end.retry_after_seconds or 0) <= LONGEST_WAIT_SECONDS
    return good and (status is None or 100 <= status < 1000) and len(detail) <= DETAIL_CHARACTERS


@pytest.mark.parametrize(
    ("bench", "case"),
    [((name, case), case) for name, case in CASES],
    indirect=["bench"],
    ids=["-".join(each) for each in CASES],
)
async def test_the_table(bench: Bench, case: str) -> None:
    expected = TABLE[case]
    end = await sent(bench.channel, bench.arrange(case), 3 if case in SLOW_CASES else 30)
    assert isinstance(end, getattr(expected, bench.family)), end
    assert is_storable(end)
    assert bench.asked() == 1  # never twice, whatever is answered
    if expected.arrives is not None:
        assert bench.arrived() == expected.arrives
    assert bench.written() < MOST_READ_BYTES
    if case in WAITS and bench.family != "mail":
        assert isinstance(end, DeliveryError)
        assert end.retry_after_seconds == WAITS[case]


@every_bench
async def test_preparing_alone_lets_nothing_leave_and_can_be_repeated(bench: Bench) -> None:
    destination = bench.arrange("takes")
    for _ in range(3):
        async with bench.channel.prepare(LETTER, destination):
            pass
    assert bench.arrived() == 0
    assert isinstance(await sent(bench.channel, destination), Receipt)
    assert bench.arrived() == 1


@every_bench
async def test_a_refused_destination_is_not_quoted(bench: Bench) -> None:
    error = await sent(bench.channel, bench.arrange("refuses"))
    assert isinstance(error, Permanent)
    assert "pausewire-ana" not in error.detail
    assert "nobody@" not in error.detail
    assert "1555" not in error.detail
    assert error.status_code is not None


@every_bench
async def test_a_request_for_later_is_not_the_channel_being_away(bench: Bench) -> None:
    assert not isinstance(await sent(bench.channel, bench.arrange("later")), ChannelUnavailable)


@every_bench
async def test_a_fault_of_our_account_is_the_providers_business(bench: Bench) -> None:
    if bench.has_account:
        assert isinstance(await sent(bench.channel, bench.arrange("account")), ProviderFault)
    else:  # whoever is called there was named by a stranger, and no login of ours is asked for
        assert not isinstance(await sent(bench.channel, bench.arrange("refuses")), ProviderFault)


@every_bench
async def test_after_a_failure_the_next_letter_leaves_as_if_nothing_had_been(bench: Bench) -> None:
    for case in ("cut_after", "refuses", "html", "half", "long_header", "later", "busy"):
        await sent(bench.channel, bench.arrange(case))
    before = bench.arrived()
    assert isinstance(await sent(bench.channel, bench.arrange("takes")), Receipt)
    assert bench.arrived() == before + 1


@every_bench
async def test_closing_twice_is_closing_once(bench: Bench) -> None:
    await bench.channel.close()
    await bench.channel.close()


@every_bench
async def test_a_provider_that_cannot_be_reached_has_proven_nothing_left(bench: Bench) -> None:
    channel, destination = bench.away()
    end = await sent(channel, destination)
    await channel.close()
    # That a stranger's place is away is no fault of the channel.
    assert isinstance(end, Deferred if bench.family == "repeatable" else ChannelUnavailable)
