"""PayStream's events, any values: translated to what was emitted; and nothing that arrives ever raises."""

import base64
import json

from hypothesis import given, settings
from hypothesis import strategies as st
from stellar_sdk import scval
from stellar_sdk.strkey import StrKey

from domain import facts
from domain.values import I128_MAX, I128_MIN, U64_MAX
from ingest.decode import decode_page
from ingest.profiles.loader import load_profile
from ingest.translate import Applied, Ignored, Quarantined, translate
from simulator import shapes
from tests.fakes import chain
from tests.fakes.fake_rpc import result, wire_event

PAYSTREAM = load_profile("paystream")
U64 = st.integers(0, U64_MAX)
I128 = st.integers(I128_MIN, I128_MAX)
U32 = st.integers(0, 2**32 - 1)
KEYS = st.binary(min_size=32, max_size=32)
PARTIES = st.one_of(KEYS.map(StrKey.encode_ed25519_public_key), KEYS.map(StrKey.encode_contract))


def decoded(**fields):
    page = json.dumps(result([wire_event(42) | fields])).encode()
    return decode_page(page, source="", seen_at=1).events[0]


def fact_of(emitted: shapes.Emitted) -> facts.Fact:
    event = decoded(topic=list(emitted.topics), value=emitted.value, type=emitted.type)
    found = translate(PAYSTREAM, event)
    assert isinstance(found, Applied)
    return found.fact


def own(fact: facts.Fact) -> dict:
    """A fact without its place on the chain."""
    place = set(facts.Fact.__struct_fields__)
    return {name: getattr(fact, name) for name in fact.__struct_fields__ if name not in place}


@given(stream_id=U64, one=PARTIES, other=PARTIES, at=U64, amount=I128, rest=I128, small=U32)
@settings(max_examples=200, deadline=None)
def test_what_a_stream_emits_is_what_we_read(*, stream_id, one, other, at, amount, rest, small):
    stream = {"stream_id": stream_id}
    parties = stream | {"employer": one, "employee": other}
    assert own(fact_of(shapes.paused(stream_id, one, other, at))) == parties | {"stated_at": at}
    assert own(fact_of(shapes.resumed(stream_id, one, other, at))) == parties | {"stated_at": at}
    created = shapes.created(stream_id, one, other, rate=amount, fee_bps=small)
    assert own(fact_of(created)) == parties | {"rate": amount, "fee_bps": small}
    cancelled = shapes.cancelled(stream_id, one, other, refund=amount, payout=rest)
    assert own(fact_of(cancelled)) == parties | {"refund": amount, "payout": rest}
    moved = fact_of(shapes.transferred(stream_id, one, other))
    assert own(moved) == stream | {"previous": one, "employee": other}
    proposed = fact_of(shapes.employer_proposed(stream_id, one, other))
    assert own(proposed) == stream | {"employer": one, "proposed": other}
    accepted = fact_of(shapes.employer_accepted(stream_id, one, other))
    assert own(accepted) == stream | {"previous": one, "employer": other}
    changed = fact_of(shapes.rate_changed(stream_id, amount, rest))
    assert own(changed) == stream | {"previous_rate": amount, "rate": rest}
    money = stream | {"account": one, "amount": amount}
    assert own(fact_of(shapes.withdrawn(stream_id, one, amount))) == money
    assert own(fact_of(shapes.topped_up(stream_id, one, amount))) == money
    warned = fact_of(shapes.near_exhaustion(stream_id, one, small))
    assert own(warned) == stream | {"account": one, "remaining": small}


@given(U64, st.none() | PARTIES, st.booleans(), KEYS, KEYS)
@settings(max_examples=100, deadline=None)
def test_what_contract_and_host_emit_is_what_we_read(stream_id, delegate, is_paused, old, new):
    told = fact_of(shapes.delegate_set(stream_id, delegate))
    assert own(told) == {"stream_id": stream_id, "delegate": delegate}
    paused = fact_of(shapes.contract_paused(paused=is_paused))
    assert own(paused) == {"paused": is_paused, "by": None, "switch": ""}
    upgraded = fact_of(shapes.upgraded(old.hex(), new.hex()))
    assert own(upgraded) == {"previous_wasm": old.hex(), "wasm": new.hex()}


NAMES = st.sampled_from(["paused", "created", "delegate", "status", "executable_update", "fee_col"])
ANY_XDR = st.one_of(
    st.binary(max_size=60),
    NAMES.map(lambda name: scval.to_symbol(name).to_xdr_bytes()),
    U64.map(lambda number: scval.to_uint64(number).to_xdr_bytes()),
    st.lists(U64.map(scval.to_uint64), max_size=3).map(
        lambda numbers: scval.to_vec(numbers).to_xdr_bytes()
    ),
).map(lambda xdr: base64.b64encode(xdr).decode())


@given(NAMES, st.lists(ANY_XDR, max_size=3), ANY_XDR, st.sampled_from(["contract", "system", "x"]))
@settings(max_examples=500, deadline=None)
def test_whatever_arrives_is_applied_ignored_or_quarantined(name, topics, value, kind):
    named = [scval.to_symbol(name).to_xdr(), *topics]
    for listed in (named, topics):
        event = decoded(topic=listed, value=value, type=kind)
        assert isinstance(translate(PAYSTREAM, event), Applied | Ignored | Quarantined)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(
    st.sampled_from(["type", "ledger", "ledgerClosedAt", "contractId", "txHash", "topic", "value"]),
    JSON,
)
@settings(max_examples=400, deadline=None)
def test_a_field_of_any_other_kind_never_spoils_the_page(name, content):
    event = decoded(**{name: content})
    assert event.event_id == chain.event_id(42)
    assert isinstance(translate(PAYSTREAM, event), Quarantined)
