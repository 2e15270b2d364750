"""Our decoder against the SDK: same values on what the SDK reads, Undecodable on all the rest."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from stellar_sdk import Address, scval, xdr
from stellar_sdk.strkey import StrKey

from ingest.errors import Undecodable
from ingest.scval import ScVal, decode_scval

KEYS = st.binary(min_size=32, max_size=32)
ADDRESSES = st.one_of(
    KEYS.map(StrKey.encode_ed25519_public_key),
    KEYS.map(StrKey.encode_contract),
    st.binary(min_size=40, max_size=40).map(StrKey.encode_med25519_public_key),
    KEYS.map(lambda key: StrKey.encode_claimable_balance(b"\0" + key)),
    KEYS.map(StrKey.encode_liquidity_pool),
)
SYMBOLS = st.text("abcXYZ_019", max_size=32)


def signed(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def unsigned(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**bits - 1)


def error(kind: int, code: int) -> xdr.SCVal:
    made = (
        xdr.SCError(xdr.SCErrorType(0), contract_code=xdr.Uint32(code))
        if kind == 0
        else xdr.SCError(xdr.SCErrorType(kind), code=xdr.SCErrorCode(code))
    )
    return xdr.SCVal(xdr.SCValType.SCV_ERROR, error=made)


SCALARS = st.one_of(
    st.booleans().map(scval.to_bool),
    st.just(scval.to_void()),
    unsigned(32).map(scval.to_uint32),
    signed(32).map(scval.to_int32),
    unsigned(64).map(scval.to_uint64),
    signed(64).map(scval.to_int64),
    unsigned(64).map(scval.to_timepoint),
    unsigned(64).map(scval.to_duration),
    unsigned(128).map(scval.to_uint128),
    signed(128).map(scval.to_int128),
    unsigned(256).map(scval.to_uint256),
    signed(256).map(scval.to_int256),
    st.binary(max_size=40).map(scval.to_bytes),
    st.one_of(st.text(max_size=20), st.binary(max_size=20)).map(scval.to_string),
    SYMBOLS.map(scval.to_symbol),
    SYMBOLS.map(scval.to_executable_tag),
    ADDRESSES.map(scval.to_address),
    st.builds(error, st.integers(0, 9), st.integers(0, 9)),
    signed(64).map(
        lambda nonce: xdr.SCVal(
            xdr.SCValType.SCV_LEDGER_KEY_NONCE, nonce_key=xdr.SCNonceKey(xdr.Int64(nonce))
        )
    ),
)


def map_of(pairs: list[tuple[xdr.SCVal, xdr.SCVal]]) -> xdr.SCVal:
    entries = [xdr.SCMapEntry(key, value) for key, value in pairs]
    return xdr.SCVal(xdr.SCValType.SCV_MAP, map=xdr.SCMap(entries))


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(scval.to_vec),
        st.lists(st.tuples(inner, inner), max_size=3).map(map_of),
    ),
    max_leaves=12,
)


def plain(value: xdr.SCVal) -> ScVal:
    """What the SDK read, in our form, field by field."""
    kind = value.type.name.removeprefix("SCV_").lower()
    kind = {"str": "string"}.get(kind, kind)
    if value.type == xdr.SCValType.SCV_VEC:
        return kind, value.vec and [plain(each) for each in value.vec.sc_vec]
    if value.type == xdr.SCValType.SCV_MAP:
        pairs = value.map and [(plain(each.key), plain(each.val)) for each in value.map.sc_map]
        return kind, pairs
    return kind, _content(value)


def _content(value: xdr.SCVal) -> Any:
    types = xdr.SCValType
    if value.type == types.SCV_ADDRESS:
        return Address.from_xdr_sc_val(value).address
    if value.type == types.SCV_ERROR:
        code = value.error.contract_code
        return int(value.error.type), value.error.code if code is None else code.uint32
    if value.type == types.SCV_LEDGER_KEY_NONCE:
        return value.nonce_key.nonce.int64
    if value.type == types.SCV_LEDGER_KEY_CONTRACT_INSTANCE:
        return None
    if value.type == types.SCV_CONTRACT_INSTANCE:
        return _instance(value.instance)
    return scval.to_native(value)


def _instance(instance: xdr.SCContractInstance) -> Any:
    storage = instance.storage
    pairs = storage and [(plain(each.key), plain(each.val)) for each in storage.sc_map]
    executable = instance.executable
    if executable.wasm_hash is not None:
        return ("wasm", executable.wasm_hash.hash), pairs
    if executable.external_ref is not None:
        owner = Address.from_xdr_sc_address(executable.external_ref.executable_owner).address
        return ("external_ref", (owner, executable.external_ref.tag.sc_string)), pairs
    return ("stellar_asset", None), pairs


def ours(xdr_bytes: bytes) -> ScVal | None:
    """None where it is Undecodable; any other error fails the test."""
    try:
        return decode_scval(xdr_bytes)
    except Undecodable:
        return None


def sdks(xdr_bytes: bytes) -> ScVal | None:
    """None where the SDK refuses, in one of its many ways."""
    try:
        return plain(xdr.SCVal.from_xdr_bytes(xdr_bytes))
    except (ValueError, EOFError, AssertionError):
        return None


@given(VALUES)
@settings(max_examples=400, deadline=None)
def test_what_the_sdk_writes_reads_as_the_sdk_reads_it(value):
    assert ours(value.to_xdr_bytes()) == plain(value)


@given(st.binary(max_size=120))
@settings(max_examples=600, deadline=None)
def test_any_bytes_read_as_the_sdk_reads_them_or_not_at_all(xdr_bytes):
    assert ours(xdr_bytes) == sdks(xdr_bytes)


@given(VALUES, st.data())
@settings(max_examples=600, deadline=None)
def test_a_damaged_value_reads_as_the_sdk_reads_it_or_not_at_all(value, data):
    damaged = bytearray(value.to_xdr_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    for xdr_bytes in (bytes(damaged), bytes(damaged[:cut]), bytes(damaged) + b"\0" * (cut % 5)):
        assert ours(xdr_bytes) == sdks(xdr_bytes)


@given(
    st.lists(st.integers(0, 23).map(lambda kind: kind.to_bytes(4)), min_size=1, max_size=12),
    st.binary(max_size=80),
)
@settings(max_examples=600, deadline=None)
def test_words_that_look_like_kinds_read_as_the_sdk_reads_them_or_not_at_all(words, tail):
    xdr_bytes = b"".join(words) + tail
    assert ours(xdr_bytes) == sdks(xdr_bytes)
