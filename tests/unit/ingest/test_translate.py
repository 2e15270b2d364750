"""Contract events by profile: every PayStream shape, the host's upgrade, OpenZeppelin's three pauses."""

import json
import re
from typing import Any

import pytest
from stellar_sdk import scval, xdr

from domain import facts
from domain.values import I128_MAX, I128_MIN, U64_MAX
from ingest.decode import ContractEvent, decode_page
from ingest.profiles.loader import load_profile
from ingest.translate import Applied, Ignored, Quarantined, translate
from tests.fakes import chain
from tests.fakes.fake_rpc import result, wire_event

PAYSTREAM = load_profile("paystream")
PAUSABLE = load_profile("openzeppelin-pausable")
A, B = scval.to_address(chain.EMPLOYER), scval.to_address(chain.EMPLOYEE)
ID = scval.to_uint64(7)


def event(name: str, *topics: xdr.SCVal, value: xdr.SCVal, **other: Any) -> ContractEvent:
    wire = wire_event(42, topics=[scval.to_symbol(name), *topics], value=value, **other)
    page = decode_page(json.dumps(result([wire])).encode(), source="here", seen_at=5)
    return page.events[0]


def vec(*items: xdr.SCVal) -> xdr.SCVal:
    return scval.to_vec(list(items))


def amount(value: int) -> xdr.SCVal:
    return scval.to_int128(value)


def place(**fields: Any) -> dict[str, Any]:
    return chain.place(42) | fields


STREAM = [
    (
        event("created", ID, value=vec(A, B, amount(I128_MAX), scval.to_uint32(25))),
        facts.StreamCreated(
            **place(stream_id=7, employer=chain.EMPLOYER, employee=chain.EMPLOYEE),
            rate=I128_MAX,
            fee_bps=25,
        ),
    ),
    (
        event("paused", scval.to_uint64(U64_MAX), value=vec(A, B, scval.to_uint64(U64_MAX))),
        facts.StreamPaused(
            **place(stream_id=U64_MAX, employer=chain.EMPLOYER, employee=chain.EMPLOYEE),
            stated_at=U64_MAX,
        ),
    ),
    (
        event("resumed", ID, value=vec(A, B, scval.to_uint64(0))),
        facts.StreamResumed(
            **place(stream_id=7, employer=chain.EMPLOYER, employee=chain.EMPLOYEE), stated_at=0
        ),
    ),
    (
        event("cancelled", ID, value=vec(A, B, amount(I128_MIN), amount(3))),
        facts.StreamCancelled(
            **place(stream_id=7, employer=chain.EMPLOYER, employee=chain.EMPLOYEE),
            refund=I128_MIN,
            payout=3,
        ),
    ),
    (
        event("transfer", ID, value=vec(A, B)),
        facts.EmployeeTransferred(
            **place(stream_id=7), previous=chain.EMPLOYER, employee=chain.EMPLOYEE
        ),
    ),
    (
        event("emp_prop", ID, value=vec(A, B)),
        facts.EmployerProposed(
            **place(stream_id=7), employer=chain.EMPLOYER, proposed=chain.EMPLOYEE
        ),
    ),
    (
        event("emp_acc", ID, value=vec(A, B)),
        facts.EmployerAccepted(
            **place(stream_id=7), previous=chain.EMPLOYER, employer=chain.EMPLOYEE
        ),
    ),
    (
        event("withdraw", ID, value=vec(B, amount(5))),
        facts.StreamWithdrawn(**place(stream_id=7), account=chain.EMPLOYEE, amount=5),
    ),
    (
        event("topup", ID, value=vec(A, amount(6))),
        facts.StreamToppedUp(**place(stream_id=7), account=chain.EMPLOYER, amount=6),
    ),
    (
        event("ratechng", ID, value=vec(amount(1), amount(2))),
        facts.RateChanged(**place(stream_id=7), previous_rate=1, rate=2),
    ),
    (
        event("nearexhst", ID, value=vec(A, scval.to_uint32(3))),
        facts.NearExhaustion(**place(stream_id=7), account=chain.EMPLOYER, remaining=3),
    ),
    (
        event("status", ID, value=vec(scval.to_symbol("Exhausted"))),
        facts.StatusStated(**place(stream_id=7), status="exhausted"),
    ),
    (
        event("delegate", ID, value=A),
        facts.DelegateSet(**place(stream_id=7), delegate=chain.EMPLOYER),
    ),
    (
        event("delegate", ID, value=scval.to_void()),
        facts.DelegateSet(**place(stream_id=7), delegate=None),
    ),
]
CONTRACT = [
    (
        event("paused", value=scval.to_bool(data=True)),
        facts.ContractPauseSet(**place(), paused=True),
    ),
    (
        event("paused", value=scval.to_bool(data=False)),
        facts.ContractPauseSet(**place(), paused=False),
    ),
    (
        event("glb_pause", value=scval.to_bool(data=True)),
        facts.ContractPauseSet(**place(), paused=True),
    ),
]


@pytest.mark.parametrize(("contract_event", "fact"), STREAM + CONTRACT)
def test_each_paystream_event_becomes_its_fact(contract_event, fact):
    assert translate(PAYSTREAM, contract_event) == Applied(fact, "paystream@1")


@pytest.mark.parametrize("spelling", ["Paused", "paused", "PAUSED"])
def test_a_stated_status_may_be_spelled_in_any_case(spelling):
    found = translate(PAYSTREAM, event("status", ID, value=vec(scval.to_symbol(spelling))))
    assert found.fact.status == "paused"


@pytest.mark.parametrize(
    ("name", "topics", "value"),
    [
        ("fee_col", [ID], vec(amount(1), A)),
        ("fee_wdr", [], vec(A, amount(1), B)),
        ("propcreat", [ID], ID),
        ("propexec", [ID], ID),
        ("admprop", [ID], ID),
        ("admexec", [ID], ID),
        ("upg_sched", [], vec(scval.to_bytes(bytes(32)), ID)),
        ("upg_exec", [], scval.to_bytes(bytes(32))),
    ],
)
def test_listed_events_are_of_no_concern(name, topics, value):
    found = translate(PAYSTREAM, event(name, *topics, value=value))
    assert found == Ignored("listed as of no concern", "paystream@1")


def wasm(fill: int) -> xdr.SCVal:
    return vec(scval.to_symbol("Wasm"), scval.to_bytes(bytes([fill]) * 32))


@pytest.mark.parametrize("profile", [PAYSTREAM, PAUSABLE])
def test_an_upgrade_is_understood_under_every_profile(profile):
    upgrade = event("executable_update", wasm(1), wasm(2), value=vec(), type="system")
    found = translate(profile, upgrade)
    expected = facts.ContractUpgraded(**place(), previous_wasm="01" * 32, wasm="02" * 32)
    assert found.fact == expected


def test_an_upgrade_from_something_without_wasm_has_no_hash_of_it():
    token = vec(scval.to_symbol("StellarAsset"))
    upgrade = event("executable_update", token, wasm(2), value=vec(), type="system")
    fact = translate(PAYSTREAM, upgrade).fact
    assert (fact.previous_wasm, fact.wasm) == (None, "02" * 32)


def test_a_contract_cannot_claim_an_upgrade_by_an_event_of_its_own():
    claim = event("executable_update", wasm(1), wasm(2), value=vec())
    assert isinstance(translate(PAYSTREAM, claim), Quarantined)


@pytest.mark.parametrize(
    ("contract_event", "reason"),
    [
        (event("melted", ID, value=ID), "contract event 'melted' with 2 topics is not in"),
        (event("paused", ID, ID, value=vec(A, B, ID)), "'paused' with 3 topics is not in"),
        (
            event("paused", scval.to_uint32(7), value=vec(A, B, ID)),
            r"has another shape: topics \(u32\), data vec\[address, address, u64\]",
        ),
        (event("paused", ID, value=vec(A, B)), r"another shape: .* data vec\[address, address\]"),
        (event("paused", ID, value=vec(A, B, amount(1))), r"data vec\[address, address, i128\]"),
        (event("paused", ID, value=scval.to_bool(data=True)), "data bool"),
        (event("paused", value=vec(A)), r"data vec\[address\]"),
        (event("created", ID, value=vec()), "data empty vec"),
        (event("created", ID, value=scval.to_map({})), "data empty map"),
        (
            event("paused", ID, value=scval.to_map({scval.to_symbol("id"): ID})),
            r"data map\{symbol 'id'\}",
        ),
        (event("status", ID, value=vec(scval.to_symbol("Melted"))), r"data vec\[symbol 'Melted'\]"),
        (event("status", ID, value=vec(scval.to_symbol("Paused"), ID)), "another shape"),
        (event("status", ID, value=scval.to_symbol("Paused")), "data symbol 'Paused'"),
        (event("created", ID, value=vec(*[ID] * 13)), r"(u64, ){12}…\]"),
        (
            event("executable_update", vec(), wasm(1), value=vec(), type="system"),
            "system event 'executable_update' with 3 topics has another shape",
        ),
    ],
)
def test_what_is_not_understood_is_quarantined_with_its_shape(contract_event, reason):
    found = translate(PAYSTREAM, contract_event)
    assert isinstance(found, Quarantined)
    assert found.profile == "paystream@1"
    assert re.search(reason, found.reason)


def changed(**fields: Any) -> ContractEvent:
    wire = wire_event(42, topics=[scval.to_symbol("paused"), ID], value=vec(A, B, ID)) | fields
    page = decode_page(json.dumps(result([wire])).encode(), source="here", seen_at=5)
    return page.events[0]


def test_an_event_without_topics_is_quarantined():
    found = translate(PAYSTREAM, changed(topic=[]))
    assert found == Quarantined("the event has no topics", "paystream@1")


def test_an_event_whose_name_is_no_symbol_is_quarantined():
    found = translate(PAYSTREAM, changed(topic=[scval.to_string("paused").to_xdr(), ID.to_xdr()]))
    assert found == Quarantined("topic 0 is a string, not a symbol", "paystream@1")


@pytest.mark.parametrize("fields", [{"value": "AAAAFw=="}, {"topic": ["AAAAFw==", ID.to_xdr()]}])
def test_a_kind_of_value_from_the_future_quarantines_its_event(fields):
    found = translate(PAYSTREAM, changed(**fields))
    assert found == Quarantined("XDR: a kind of ScVal that is not known", "paystream@1")


def test_a_defect_of_the_page_quarantines_the_event():
    found = translate(PAYSTREAM, changed(txHash="short"))
    assert found == Quarantined("tx hash 'short' is not 64 hex characters", "paystream@1")


@pytest.mark.parametrize(("name", "is_paused"), [("paused", True), ("unpaused", False)])
@pytest.mark.parametrize(
    ("value", "by"),
    [(A, chain.EMPLOYER), (scval.to_void(), None), (scval.to_map({}), None)],
)
def test_all_three_shapes_of_openzeppelins_pause_are_one_fact(name, is_paused, value, by):
    found = translate(PAUSABLE, event(name, value=value))
    assert found.fact == facts.ContractPauseSet(**place(), paused=is_paused, by=by)


def test_a_fourth_shape_of_openzeppelins_pause_is_quarantined():
    found = translate(PAUSABLE, event("paused", value=scval.to_map({scval.to_symbol("by"): A})))
    assert isinstance(found, Quarantined)


def test_other_events_of_a_pausable_contract_are_its_own_business():
    found = translate(PAUSABLE, event("mint", A, value=amount(1)))
    assert found == Ignored("not an event that the profile is about", "openzeppelin-pausable@1")
