"""Our walk through ledgers against the SDK: the same ends, the same events, on whatever it can draw."""

import contextlib
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stellar_sdk import xdr

from ingest.errors import LedgerUnreadable, Undecodable
from ingest.ledgers import entries, results, values
from ingest.ledgers.header import read_header
from ingest.ledgers.meta import events_of
from tests.fakes.drawn_ledger import CLOSED_AT, SEQUENCE, STRKEYS, drawn_meta, expected
from tests.fakes.drawn_xdr import drawn

SEEDS = st.integers(0, 2**64)
SETTINGS = "8 is not a known arm of a ledger entry"  # of the network, which no transaction changes
WALKS = [
    (xdr.SCVal, values.skip_value),
    (xdr.ContractEvent, values.EVENT),
    (xdr.DiagnosticEvent, values.DIAGNOSTIC_EVENT),
    (xdr.LedgerEntry, entries.ENTRY),
    (xdr.LedgerKey, entries.KEY),
    (xdr.LedgerEntryChange, entries.CHANGE),
    (xdr.TransactionResultPair, results.RESULT_PAIR),
]


@pytest.mark.parametrize(("kind", "skip"), WALKS, ids=lambda each: getattr(each, "__name__", ""))
@given(seed=SEEDS, behind=st.binary(max_size=8))
@settings(max_examples=300, deadline=None)
def test_a_walk_ends_where_the_sdk_ends(kind, skip, seed, behind):
    body = drawn(kind, random.Random(seed), most=3).to_xdr_bytes()
    end, reason = None, ""
    try:
        end = skip(body + behind, 0)
    except Undecodable as unknown:
        reason = unknown.reason
    assert end == len(body) or reason == SETTINGS


@pytest.mark.parametrize(("kind", "skip"), WALKS, ids=lambda each: getattr(each, "__name__", ""))
@given(seed=SEEDS, junk=st.binary(max_size=40))
@settings(max_examples=200, deadline=None)
def test_a_walk_over_broken_bytes_ends_or_says_why(kind, skip, seed, junk):
    dice = random.Random(seed)
    body = drawn(kind, dice).to_xdr_bytes()
    at = dice.randrange(len(body))
    for broken in (body[:at], body[:at] + junk, body[:at] + junk + body[at:], junk):
        with contextlib.suppress(Undecodable, struct.error):
            assert skip(broken, 0) >= 0


@pytest.mark.parametrize("version", [0, 1, 2])
@given(seed=SEEDS)
@settings(max_examples=120, deadline=None)
def test_events_of_a_ledger_are_those_that_the_sdk_shows(version, seed):
    meta = drawn_meta(seed, version)
    body = meta.to_xdr_bytes()
    header = read_header(body, SEQUENCE)
    assert header.closed_at == CLOSED_AT
    found = [
        (each.id, each.type, each.contractId, each.txHash, each.topic, each.value)
        for each in events_of(body, header, STRKEYS)
    ]
    assert found == expected(meta)


@pytest.mark.parametrize("version", [0, 1, 2])
@given(seed=SEEDS)
@settings(max_examples=100, deadline=None)
def test_a_ledger_cut_anywhere_within_its_transactions_never_reads_with_less(version, seed):
    meta = drawn_meta(seed, version)
    body = meta.to_xdr_bytes()
    wanted = expected(meta)
    cut = random.Random(seed).randrange(len(body) - len(_behind_transactions(meta)))
    try:
        short = body[:cut]
        found = events_of(short, read_header(short, SEQUENCE), STRKEYS)
    except LedgerUnreadable:
        return
    # What is left shows none of the contracts: only then may a cut ledger seem empty.
    assert not found
    assert not wanted or not any(raw in short for raw in STRKEYS)


def _behind_transactions(meta: xdr.LedgerCloseMeta) -> bytes:
    """What stands behind a ledger's transactions, as XDR."""
    version = meta.v
    body = getattr(meta, f"v{version}")
    body.tx_processing = []
    whole = meta.to_xdr_bytes()
    transactions = body.tx_set.to_xdr_bytes()
    return whole[whole.index(transactions) + len(transactions) + 4 :]
