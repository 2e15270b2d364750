"""Reading whole ledgers for a contract's events: ours against the SDK's decoding of the same metas.

The ledgers are the simulator's, each with as many transactions as the public network's. One in
LEDGERS_PER_HIT is of the contract that is asked for; the others are of another, as nearly all of the
network's ledgers are, and cost a header and one search. The second row has a hit in every ledger. The
sides take turns; each one's best CPU time counts. The SDK's side decodes the meta and stops there.
"""

import time
from collections.abc import Callable, Sequence

from stellar_sdk import xdr

from benchmarks import apart
from benchmarks.report import Line, Target
from benchmarks.scale import Scale
from ingest.ledgers.pages import Place, RawLedger, read_ledgers
from simulator.chain import Chain
from simulator.ledger_xdr import close_meta
from simulator.scenario import build

EVENTS_PER_LEDGER = 400
LEDGERS_PER_HIT = 20
OURS_PER_SDK = 20  # times that ours runs for one of the SDK's, which is that much slower
GENESIS_AT = 1_784_655_000


def chain_of(scale: Scale) -> tuple[list[RawLedger], str]:
    """Some full ledgers, and the contract that all of them are of."""
    with Chain(seed=1, streams=200, passphrase="bench", genesis_at=GENESIS_AT) as chain:
        events = scale.ledgers * EVENTS_PER_LEDGER
        build(chain, scenario="burst", seed=1, events=events, closed_at=GENESIS_AT)
        numbers = range(chain.latest.sequence - scale.ledgers + 1, chain.latest.sequence + 1)
        ledgers = [RawLedger(number, close_meta(chain.ledger(number))) for number in numbers]
        return ledgers, chain.cast.contract_id


def by_sdk(ledgers: Sequence[RawLedger]) -> None:
    for each in ledgers:
        xdr.LedgerCloseMeta.from_xdr_bytes(each.meta)


def by_us(ledgers: Sequence[RawLedger], contracts: Sequence[str]) -> int:
    place = Place.of(None, ledgers[0].sequence)
    read = read_ledgers(ledgers, contracts=contracts, place=place, limit=10**9, source="bench")
    return len(read.events)


def lines(scale: Scale, call: apart.Call = apart.call) -> list[Line]:
    """Megabytes a second where hits are rare and where all ledgers are hits, and events a second."""
    sdk, rare, every, events = call(rates, scale)
    return [
        Line(
            what=f"whole ledgers, a hit in one of {LEDGERS_PER_HIT}",
            ours=rare,
            unit="MB/s",
            beside="the SDK, decoding",
            theirs=sdk,
            target=Target(of="ratio", bound=20),
        ),
        Line(
            what="whole ledgers, a hit in each",
            ours=every,
            unit="MB/s",
            beside="the SDK, decoding",
            theirs=sdk,
            target=None,
        ),
        Line(what="the same, events and evidence", ours=events, unit="events/s", target=None),
    ]


def rates(scale: Scale) -> list[float]:
    """MB/s of the SDK, of ours with rare hits and with hits only; events/s of the last."""
    ledgers, contract = chain_of(scale)
    found = by_us(ledgers, [contract])
    megabytes = sum(len(each.meta) for each in ledgers) / 1e6
    some = ledgers[: max(1, len(ledgers) // LEDGERS_PER_HIT)]
    part = sum(len(each.meta) for each in some) / 1e6
    nobody = "CAAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6N4O"
    sdk, missed, hit = [], [], []
    for _ in range(scale.rounds):
        sdk.append(seconds(lambda: by_sdk(some)))
        for _ in range(OURS_PER_SDK // LEDGERS_PER_HIT + 1):
            missed.append(seconds(lambda: by_us(ledgers, [nobody])))
            hit.append(seconds(lambda: by_us(ledgers, [contract])))
    rare = min(missed) * (1 - 1 / LEDGERS_PER_HIT) + min(hit) / LEDGERS_PER_HIT
    return [part / min(sdk), megabytes / rare, megabytes / min(hit), found / min(hit)]


def seconds(work: Callable[[], object]) -> float:
    """Processor time."""
    began = time.process_time()
    work()
    return time.process_time() - began
