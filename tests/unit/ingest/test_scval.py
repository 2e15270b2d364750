"""ScVal bytes: every arm reads as the SDK's, everything else is Undecodable."""

import struct
import sys

import pytest
from stellar_sdk import Address, scval, xdr
from stellar_sdk.strkey import StrKey

from domain.values import I128, I128_MAX, I128_MIN, U64_MAX
from ingest.errors import Undecodable
from ingest.scval import decode_scval
from tests.fakes import chain

VOID = struct.pack(">i", 1)


def vec_of(*items: bytes) -> bytes:
    return struct.pack(">iII", 16, 1, len(items)) + b"".join(items)


def map_of(*pairs: tuple[xdr.SCVal, xdr.SCVal]) -> xdr.SCVal:
    """A map with keys that Python cannot hash."""
    entries = [xdr.SCMapEntry(key, value) for key, value in pairs]
    return xdr.SCVal(xdr.SCValType.SCV_MAP, map=xdr.SCMap(entries))


def nested(depth: int) -> bytes:
    inner = VOID
    for _ in range(depth):
        inner = vec_of(inner)
    return inner


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (scval.to_bool(data=True), ("bool", True)),
        (scval.to_bool(data=False), ("bool", False)),
        (scval.to_void(), ("void", None)),
        (scval.to_uint32(2**32 - 1), ("u32", 2**32 - 1)),
        (scval.to_int32(-(2**31)), ("i32", -(2**31))),
        (scval.to_uint64(U64_MAX), ("u64", U64_MAX)),
        (scval.to_int64(-(2**63)), ("i64", -(2**63))),
        (scval.to_timepoint(U64_MAX), ("timepoint", U64_MAX)),
        (scval.to_duration(3), ("duration", 3)),
        (scval.to_uint128(2**128 - 1), ("u128", 2**128 - 1)),
        (scval.to_int128(I128_MIN), ("i128", I128_MIN)),
        (scval.to_int128(I128_MAX), ("i128", I128_MAX)),
        (scval.to_int128(-1), ("i128", -1)),
        (scval.to_uint256(2**256 - 1), ("u256", 2**256 - 1)),
        (scval.to_int256(-(2**255)), ("i256", -(2**255))),
        (scval.to_bytes(b"\x00\xff\x01"), ("bytes", b"\x00\xff\x01")),
        (scval.to_string("größe"), ("string", "größe")),
        (scval.to_string(b"\xff\xfe"), ("string", b"\xff\xfe")),
        (scval.to_symbol("paused"), ("symbol", "paused")),
        (scval.to_symbol("a" * 32), ("symbol", "a" * 32)),
        (scval.to_executable_tag("v2"), ("executable_tag", "v2")),
        (scval.to_vec([]), ("vec", [])),
        (
            scval.to_vec([scval.to_uint32(1), scval.to_symbol("x")]),
            ("vec", [("u32", 1), ("symbol", "x")]),
        ),
        (
            scval.to_map({scval.to_symbol("id"): scval.to_uint64(7)}),
            ("map", [(("symbol", "id"), ("u64", 7))]),
        ),
        (
            map_of((scval.to_vec([scval.to_uint32(1)]), scval.to_void())),
            ("map", [(("vec", [("u32", 1)]), ("void", None))]),
        ),
    ],
)
def test_each_kind_reads_as_the_sdk_wrote_it(value, expected):
    assert decode_scval(value.to_xdr_bytes()) == expected


def test_a_128_bit_amount_is_ready_to_be_stored():
    assert type(decode_scval(scval.to_int128(5).to_xdr_bytes())[1]) is I128


@pytest.mark.parametrize(
    "strkey",
    [
        chain.EMPLOYER,
        chain.CONTRACT,
        StrKey.encode_med25519_public_key(bytes(range(40))),
        StrKey.encode_claimable_balance(b"\x00" + bytes(range(32))),
        StrKey.encode_liquidity_pool(bytes(range(32))),
    ],
)
def test_each_kind_of_address_becomes_its_strkey(strkey):
    assert decode_scval(scval.to_address(strkey).to_xdr_bytes()) == ("address", strkey)
    assert Address(strkey).address == strkey


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            xdr.SCVal(
                xdr.SCValType.SCV_ERROR,
                error=xdr.SCError(xdr.SCErrorType.SCE_CONTRACT, contract_code=xdr.Uint32(99)),
            ),
            ("error", (0, 99)),
        ),
        (
            xdr.SCVal(
                xdr.SCValType.SCV_ERROR,
                error=xdr.SCError(
                    xdr.SCErrorType.SCE_AUTH, code=xdr.SCErrorCode.SCEC_UNEXPECTED_SIZE
                ),
            ),
            ("error", (9, 9)),
        ),
        (
            xdr.SCVal(xdr.SCValType.SCV_LEDGER_KEY_CONTRACT_INSTANCE),
            ("ledger_key_contract_instance", None),
        ),
        (
            xdr.SCVal(xdr.SCValType.SCV_LEDGER_KEY_NONCE, nonce_key=xdr.SCNonceKey(xdr.Int64(-5))),
            ("ledger_key_nonce", -5),
        ),
        (xdr.SCVal(xdr.SCValType.SCV_VEC), ("vec", None)),
        (xdr.SCVal(xdr.SCValType.SCV_MAP), ("map", None)),
    ],
)
def test_kinds_that_contracts_seldom_emit_read_too(value, expected):
    assert decode_scval(value.to_xdr_bytes()) == expected


def instance(executable: xdr.ContractExecutable, storage: xdr.SCMap | None = None) -> bytes:
    value = xdr.SCVal(
        xdr.SCValType.SCV_CONTRACT_INSTANCE,
        instance=xdr.SCContractInstance(executable, storage),
    )
    return value.to_xdr_bytes()


def test_a_contract_instance_reads_with_its_executable_and_storage():
    wasm = xdr.ContractExecutable(
        xdr.ContractExecutableType.CONTRACT_EXECUTABLE_WASM, wasm_hash=xdr.Hash(bytes(range(32)))
    )
    storage = scval.to_map({scval.to_symbol("Paused"): scval.to_bool(data=True)}).map
    assert decode_scval(instance(wasm, storage)) == (
        "contract_instance",
        (("wasm", bytes(range(32))), [(("symbol", "Paused"), ("bool", True))]),
    )
    token = xdr.ContractExecutable(xdr.ContractExecutableType.CONTRACT_EXECUTABLE_STELLAR_ASSET)
    expected = ("contract_instance", (("stellar_asset", None), None))
    assert decode_scval(instance(token)) == expected


def test_an_executable_kept_elsewhere_reads_with_its_owner():
    reference = xdr.ContractExecutableExternalRef(
        Address(chain.CONTRACT).to_xdr_sc_address(), xdr.SCString(b"v2")
    )
    elsewhere = xdr.ContractExecutable(
        xdr.ContractExecutableType.CONTRACT_EXECUTABLE_EXTERNAL_REF, external_ref=reference
    )
    expected = ("contract_instance", (("external_ref", (chain.CONTRACT, b"v2")), None))
    assert decode_scval(instance(elsewhere)) == expected


def test_a_value_seen_twice_is_decoded_once():
    short = scval.to_symbol("decoded_once").to_xdr_bytes()
    assert decode_scval(short) is decode_scval(bytes(bytearray(short)))


@pytest.mark.parametrize(
    ("xdr_bytes", "reason"),
    [
        (b"", "end too early"),
        (b"\0\0", "end too early"),
        (struct.pack(">i", 23), "a kind of ScVal that is not known"),
        (struct.pack(">i", -1), "a kind of ScVal that is not known"),
        (struct.pack(">iI", 5, 1), "end too early"),
        (VOID + b"\0", "1 bytes too many"),
        (scval.to_uint64(1).to_xdr_bytes() + b"\0\0\0\0", "4 bytes too many"),
        (struct.pack(">iI", 13, 2**32 - 1), "4294967295 bytes are announced"),
        (struct.pack(">iI", 15, 33) + b"a" * 36, "33 bytes; the longest has 32"),
        (struct.pack(">iI4s", 15, 2, b"\xff\xfe\0\0"), "not UTF-8"),
        (struct.pack(">iII", 16, 1, 2**32 - 1), "4294967295 items are announced"),
        (struct.pack(">iII", 17, 1, 2**29), "items are announced"),
        (struct.pack(">iII", 2, 10, 0), "error of type 10"),
        (struct.pack(">iII", 2, 1, 10), "with code 10"),
        (struct.pack(">ii", 18, 5) + bytes(40), "5 is not a known kind of address"),
        (struct.pack(">ii", 18, 0) + bytes(35), "end within an address"),
        (struct.pack(">iii", 18, 0, 1) + bytes(32), "1 is not a known kind of public key"),
        (struct.pack(">iii", 18, 3, 1) + bytes(32), "1 is not a known kind of claimable balance"),
        (struct.pack(">ii", 19, 3), "3 is not a known kind of executable"),
        (struct.pack(">ii", 19, 0) + bytes(31), "end within a wasm hash"),
    ],
)
def test_bytes_that_are_no_value_are_undecodable(xdr_bytes, reason):
    with pytest.raises(Undecodable, match=reason):
        decode_scval(xdr_bytes)


def test_the_muxed_contract_of_protocol_30_is_undecodable_not_fatal():
    w_address = struct.pack(">iiQ", 18, 5, 42) + bytes(32)
    with pytest.raises(Undecodable, match="5 is not a known kind of address"):
        decode_scval(vec_of(w_address))


def test_nesting_as_deep_as_the_sdk_takes_it_reads_and_deeper_is_undecodable():
    deepest = max(depth for depth in range(200, 300) if sdk_reads(nested(depth)))
    value = decode_scval(nested(deepest))
    for _ in range(deepest):
        assert value[0] == "vec"
        (value,) = value[1]
    assert value == ("void", None)
    with pytest.raises(Undecodable, match="nested deeper"):
        decode_scval(nested(300))


def sdk_reads(xdr_bytes: bytes) -> bool:
    try:
        xdr.SCVal.from_xdr_bytes(xdr_bytes)
    except ValueError:
        return False
    return True


def test_a_stack_that_is_nearly_used_up_is_no_crash():
    frames = len_of_stack()

    def deeper(left: int) -> object:
        return deeper(left - 1) if left else decode_scval(nested(250))

    with pytest.raises(Undecodable, match="too deeply for the stack"):
        deeper(sys.getrecursionlimit() - frames - 100)


def len_of_stack() -> int:
    frame, count = sys._getframe(), 0
    while frame is not None:
        frame, count = frame.f_back, count + 1
    return count
