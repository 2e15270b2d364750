"""Ledgers of other protocols, ledgers that were changed, and where their events are placed."""

from hashlib import sha256

import pytest
from stellar_sdk import xdr

from ingest.errors import LedgerUnreadable
from ingest.ledgers.header import header_at, read_header
from ingest.ledgers.meta import events_of
from tests.fakes.drawn_ledger import SEQUENCE, STRKEYS, WANTED, drawn_meta, expected, seal

SIGNATURE = bytes(36) + (64).to_bytes(4) + bytes(64)
ARMS = {
    "signed": (1).to_bytes(4) + SIGNATURE,
    "empty set": (2).to_bytes(4) + bytes(68) + SIGNATURE,
    "signed with milliseconds": (3).to_bytes(4) + bytes(8) + SIGNATURE,
    "empty set with milliseconds": (4).to_bytes(4) + bytes(76) + SIGNATURE,
    "of a protocol to come": (9).to_bytes(4) + bytes(500),
}
BASIC_ARM = slice(80, 84)  # behind version, two hashes, close time and no upgrades


@pytest.fixture(scope="module")
def plain():
    """A ledger of version 2 with events, without upgrades and with the simplest header."""
    seed = next(seed for seed in range(300) if len(expected(drawn_meta(seed, 2))) > 2)
    meta = drawn_meta(seed, 2)
    meta.v2.ext = xdr.LedgerCloseMetaExt(0)
    header = meta.v2.ledger_header.header
    header.scp_value.upgrades = []
    header.scp_value.ext = xdr.StellarValueExt(xdr.StellarValueType.STELLAR_VALUE_BASIC)
    header.ext = xdr.LedgerHeaderExt(0)
    seal(meta.v2, 2)
    return meta


def parts(meta):
    """The meta's bytes before the header's hash, the header, and all behind it."""
    body = meta.to_xdr_bytes()
    header = meta.v2.ledger_header.header.to_xdr_bytes()
    at = body.index(header)
    return body[: at - 32], header, body[at + len(header) :]


def joined(before, header, behind):
    return before + sha256(header).digest() + header + behind


def told(body):
    return [
        (each.id, each.type, each.contractId, each.txHash, each.topic, each.value)
        for each in events_of(body, read_header(body, SEQUENCE), STRKEYS)
    ]


@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
def test_a_header_of_any_protocol_is_passed_by_its_hash(plain, arm):
    before, header, behind = parts(plain)
    changed = header[: BASIC_ARM.start] + arm + header[BASIC_ARM.stop :]
    assert told(joined(before, changed, behind)) == expected(plain)


@pytest.mark.parametrize(
    "extension", [bytes(4), (1).to_bytes(4) + bytes(8), (7).to_bytes(4) + bytes(60)]
)
def test_a_header_may_end_in_anything_that_its_hash_covers(plain, extension):
    before, header, behind = parts(plain)
    assert told(joined(before, header[:-4] + extension, behind)) == expected(plain)


def test_an_address_of_protocol_30_does_not_hide_the_events_beside_it(plain):
    muxed = (18).to_bytes(4) + (5).to_bytes(4) + bytes(7) + b"\x09" + WANTED
    body = plain.to_xdr_bytes()
    event = expected(plain)[0]
    old = event[5]
    changed = body.replace(
        len(event[4]).to_bytes(4) + b"".join(event[4]) + old,
        len(event[4]).to_bytes(4) + b"".join(event[4]) + muxed,
    )
    assert changed != body
    found = told(changed)
    assert found[0] == (*event[:5], muxed)
    assert [each[0] for each in found] == [each[0] for each in expected(plain)]


def test_one_changed_bit_of_the_header_is_noticed(plain):
    before, header, behind = parts(plain)
    body = joined(before, header, behind)
    for at in range(len(before), len(before) + 32 + len(header)):
        broken = bytearray(body)
        broken[at] ^= 1
        with pytest.raises(LedgerUnreadable, match=f"ledger {SEQUENCE} does not read"):
            read_header(bytes(broken), SEQUENCE)


def test_another_ledger_than_the_one_asked_for_is_noticed(plain):
    with pytest.raises(LedgerUnreadable, match="another ledger's"):
        read_header(plain.to_xdr_bytes(), SEQUENCE + 1)


def test_transactions_that_are_not_the_header_s_are_noticed(plain):
    body = plain.to_xdr_bytes()
    tx_hash = plain.v2.tx_processing[0].result.transaction_hash.hash
    with pytest.raises(LedgerUnreadable, match="not those that its header is of"):
        told(body.replace(tx_hash, bytes(32)))
    tx_set = plain.v2.tx_set.to_xdr_bytes()
    with pytest.raises(LedgerUnreadable, match="transaction set is not the one"):
        told(body.replace(tx_set, tx_set[:-1] + b"\x07"))


def test_what_is_not_a_close_meta_is_noticed():
    for body in (b"", bytes(3), (3).to_bytes(4) + bytes(1000), (2).to_bytes(4) + bytes(400)):
        with pytest.raises(LedgerUnreadable):
            read_header(body, SEQUENCE)
        assert header_at(body, 0, SEQUENCE) is None


def test_a_close_time_beyond_all_calendars_is_noticed(plain):
    before, header, behind = parts(plain)
    late = header[:68] + (2**60).to_bytes(8) + header[76:]
    with pytest.raises(LedgerUnreadable, match="calendars"):
        read_header(joined(before, late, behind), SEQUENCE)


def test_without_a_hit_or_a_transaction_nothing_is_walked(plain):
    body = plain.to_xdr_bytes()
    header = read_header(body, SEQUENCE)
    nothing = b"not one transaction of it would read"
    assert events_of(nothing, header, STRKEYS) == []
    empty = header._replace(results_hash=sha256(bytes(4)).digest())
    assert events_of(body, empty, STRKEYS) == []
