"""Decoding a page of contract events: ours against the SDK's own path.

Both sides get the same bytes, the result of one getEvents, and end with native values and strkeys. Ours
also computes the evidence and its hash; the second row adds translation into facts. The sides take turns,
page after page as a replay does; each one's best CPU time counts, as timeit's does: the rest is what the
neighbours on the machine took. Facts are more than the SDK gives, so that row has no target.
"""

import json
import random
import time
from collections.abc import Callable
from dataclasses import replace

from stellar_sdk import Keypair, scval
from stellar_sdk.soroban_rpc import GetEventsResponse

from benchmarks import apart
from benchmarks.report import Line, Target
from benchmarks.scale import Scale
from ingest.decode import decode_page
from ingest.profiles.loader import load_profile
from ingest.scval import decode_scval
from ingest.translate import Applied, translate
from simulator import shapes
from tests.fakes.fake_rpc import result, wire_event

EVENTS_PER_LEDGER = 50
ACCOUNTS = 200
TURNS_PER_ROUND = 3
PAGES_PER_TURN = 5
PROFILE = load_profile("paystream")


def page(events: int, accounts: int) -> bytes:
    """A page of pauses and resumes of as many streams as accounts, in every ledger some."""
    dice = random.Random(1)
    parties = [
        Keypair.from_raw_ed25519_seed(dice.randbytes(32)).public_key for _ in range(accounts)
    ]
    wire = []
    for number in range(events):
        shape = (shapes.paused, shapes.resumed)[number % 2]
        emitted = shape(
            dice.randrange(accounts), dice.choice(parties), dice.choice(parties), 1_784_655_000
        )
        ledger, index = 3_727_845 + number // EVENTS_PER_LEDGER, number % EVENTS_PER_LEDGER
        told = {"topic": list(emitted.topics), "value": emitted.value, "txHash": f"{number:064x}"}
        wire.append(wire_event(ledger, index) | told)
    return json.dumps(result(wire)).encode()


def by_sdk(body: bytes) -> None:
    """Pydantic models, to_native, and the strkeys of both parties."""
    for event in GetEventsResponse.model_validate_json(body).events:
        for topic in event.topic:
            scval.to_native(topic)
        parties = scval.to_native(event.value)
        for party in parties[:2]:  # type: ignore[index] # a Vec becomes a list
            _ = party.address  # type: ignore[union-attr] # its first two are addresses


def by_us(body: bytes) -> None:
    """The page with evidence and hashes, and every value decoded."""
    for event in decode_page(body, source="bench", seen_at=0).events:
        for topic in event.topics:
            decode_scval(topic)
        decode_scval(event.value)


def to_facts(body: bytes) -> None:
    """All that ingest does between the answer and the aggregates."""
    for event in decode_page(body, source="bench", seen_at=0).events:
        if not isinstance(translate(PROFILE, event), Applied):
            raise SystemExit(f"{event.event_id} was not understood")


def lines(scale: Scale, call: apart.Call = apart.call) -> list[Line]:
    """Decoding against the SDK, as far as values and as far as facts."""
    sdk, values, facts = call(rates, scale)
    native = Line(
        what="decode a page, evidence and values",
        ours=values,
        unit="events/s",
        beside="the SDK",
        theirs=sdk,
        target=Target(of="ratio", bound=20),
    )
    return [native, replace(native, what="the same, translated to facts", ours=facts, target=None)]


def rates(scale: Scale) -> list[float]:
    """Events a second by the SDK, to our values, to our facts."""
    body = page(scale.page_events, ACCOUNTS)
    ways = (by_sdk, by_us, to_facts)
    took: list[list[float]] = [[] for _ in ways]
    for _ in range(TURNS_PER_ROUND * scale.rounds):
        for way, times in zip(ways, took, strict=True):
            times += [seconds(way, body) for _ in range(PAGES_PER_TURN)]
    return [scale.page_events / min(times) for times in took]


def seconds(work: Callable[[bytes], None], body: bytes) -> float:
    """Processor time."""
    began = time.process_time()
    work(body)
    return time.process_time() - began
