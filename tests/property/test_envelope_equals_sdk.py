"""Envelopes of every shape, built by the SDK: our reader finds who authorized what, or says why not."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stellar_sdk import (
    Account,
    Address,
    Asset,
    Keypair,
    MuxedAccount,
    StrKey,
    TransactionBuilder,
    scval,
    xdr,
)
from stellar_sdk.operation import InvokeHostFunction

from domain.values import network_id
from ingest.actors.envelope import Call, read_envelope
from ingest.errors import Undecodable
from ingest.transaction import is_envelope_of

# Transactions without time bounds are what we want to read, too.
pytestmark = pytest.mark.filterwarnings("ignore:It looks like you haven't set a TimeBounds")
PASSPHRASE = "Test SDF Network ; September 2015"
NETWORK = network_id(PASSPHRASE)
KEYS = [Keypair.from_raw_ed25519_seed(bytes([n]) * 32) for n in range(1, 6)]
ACCOUNTS = [key.public_key for key in KEYS]
CONTRACTS = [StrKey.encode_contract(bytes([n]) * 32) for n in range(1, 5)]

arguments = st.lists(
    st.one_of(
        st.integers(0, 2**64 - 1).map(scval.to_uint64),
        st.sampled_from(ACCOUNTS + CONTRACTS).map(scval.to_address),
        st.lists(st.booleans().map(scval.to_bool), max_size=3).map(scval.to_vec),
        st.binary(max_size=20).map(scval.to_bytes),
    ),
    max_size=4,
)


@st.composite
def contract_calls(draw):
    return xdr.InvokeContractArgs(
        contract_address=Address(draw(st.sampled_from(CONTRACTS))).to_xdr_sc_address(),
        function_name=xdr.SCSymbol(draw(st.sampled_from(("pause_stream", "exec", "x"))).encode()),
        args=draw(arguments),
    )


def creation(number):
    preimage = xdr.ContractIDPreimage(
        xdr.ContractIDPreimageType.CONTRACT_ID_PREIMAGE_FROM_ADDRESS,
        from_address=xdr.ContractIDPreimageFromAddress(
            Address(ACCOUNTS[0]).to_xdr_sc_address(), xdr.Uint256(bytes(32))
        ),
    )
    if number % 2:
        preimage = xdr.ContractIDPreimage(
            xdr.ContractIDPreimageType.CONTRACT_ID_PREIMAGE_FROM_ASSET,
            from_asset=Asset("LONGASSET" if number % 3 else "PAY", ACCOUNTS[1]).to_xdr_object(),
        )
    code = xdr.ContractExecutable(
        xdr.ContractExecutableType.CONTRACT_EXECUTABLE_WASM, wasm_hash=xdr.Hash(bytes(32))
    )
    return preimage, code


@st.composite
def functions(draw):
    kinds = xdr.SorobanAuthorizedFunctionType
    number = draw(st.integers(0, 9))
    if number < 7:
        return xdr.SorobanAuthorizedFunction(
            kinds.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CONTRACT_FN, contract_fn=draw(contract_calls())
        )
    if number == 7:
        return xdr.SorobanAuthorizedFunction(
            kinds.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CREATE_CONTRACT_HOST_FN,
            create_contract_host_fn=xdr.CreateContractArgs(*creation(number)),
        )
    return xdr.SorobanAuthorizedFunction(
        kinds.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CREATE_CONTRACT_V2_HOST_FN,
        create_contract_v2_host_fn=xdr.CreateContractArgsV2(*creation(number), draw(arguments)),
    )


def trees():
    leaf = functions().map(lambda function: xdr.SorobanAuthorizedInvocation(function, []))
    return st.recursive(
        leaf,
        lambda below: st.builds(
            xdr.SorobanAuthorizedInvocation, functions(), st.lists(below, max_size=3)
        ),
        max_leaves=6,
    )


@st.composite
def credentials(draw):
    """Credentials of each kind, and whose they are (None: the source's)."""
    kinds = xdr.SorobanCredentialsType
    kind = kinds(draw(st.integers(0, 3)))
    if kind is kinds.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT:
        return xdr.SorobanCredentials(kind), None
    address = draw(st.sampled_from(ACCOUNTS + CONTRACTS))
    signed = xdr.SorobanAddressCredentials(
        Address(address).to_xdr_sc_address(),
        xdr.Int64(draw(st.integers(-(2**63), 2**63 - 1))),
        xdr.Uint32(draw(st.integers(0, 2**32 - 1))),
        scval.to_vec([scval.to_bytes(b"signature")]),
    )
    if kind is kinds.SOROBAN_CREDENTIALS_ADDRESS:
        return xdr.SorobanCredentials(kind, address=signed), address
    if kind is kinds.SOROBAN_CREDENTIALS_ADDRESS_V2:
        return xdr.SorobanCredentials(kind, address_v2=signed), address
    signer = Address(ACCOUNTS[4]).to_xdr_sc_address()
    nested = xdr.SorobanDelegateSignature(signer, scval.to_void(), [])
    delegate = xdr.SorobanDelegateSignature(signer, scval.to_void(), [nested])
    both = xdr.SorobanAddressCredentialsWithDelegates(signed, [delegate])
    return xdr.SorobanCredentials(kind, address_with_delegates=both), address


@st.composite
def host_functions(draw):
    kinds = xdr.HostFunctionType
    number = draw(st.integers(0, 9))
    if number < 7:
        call = draw(contract_calls())
        kind = kinds.HOST_FUNCTION_TYPE_INVOKE_CONTRACT
        return xdr.HostFunction(kind, invoke_contract=call)
    if number == 7:
        kind = kinds.HOST_FUNCTION_TYPE_UPLOAD_CONTRACT_WASM
        return xdr.HostFunction(kind, wasm=draw(st.binary(max_size=40)))
    if number == 8:
        created = xdr.CreateContractArgs(*creation(draw(st.integers(0, 5))))
        kind = kinds.HOST_FUNCTION_TYPE_CREATE_CONTRACT
        return xdr.HostFunction(kind, create_contract=created)
    created_v2 = xdr.CreateContractArgsV2(*creation(draw(st.integers(0, 5))), draw(arguments))
    kind = kinds.HOST_FUNCTION_TYPE_CREATE_CONTRACT_V2
    return xdr.HostFunction(kind, create_contract_v2=created_v2)


def conditions(draw, builder):
    """Preconditions and memo of every kind."""
    match draw(st.integers(0, 3)):
        case 1:
            builder.set_timeout(30)
        case 2:
            builder.set_ledger_bounds(5, 900)
            builder.set_min_sequence_number(7)
            builder.set_min_sequence_age(3)
            builder.add_extra_signer(KEYS[1].public_key)
        case 3:
            payload = StrKey.encode_ed25519_signed_payload
            signed = bytes(KEYS[2].raw_public_key()) + (5).to_bytes(4, "big") + b"hello\0\0\0"
            builder.add_time_bounds(0, 9)
            builder.add_extra_signer(payload(signed))
    match draw(st.integers(0, 3)):
        case 1:
            builder.add_text_memo("pay")
        case 2:
            builder.add_id_memo(2**64 - 1)
        case 3:
            builder.add_hash_memo(bytes(32))


@st.composite
def envelopes(draw):
    """The SDK's envelope, its hash, and what our reader should say."""
    source = KEYS[draw(st.integers(0, 4))]
    number = draw(st.sampled_from((None, 0, 2**64 - 1)))
    account = Account(MuxedAccount(source.public_key, number), 5)
    builder = TransactionBuilder(account, PASSPHRASE, base_fee=100)
    builder.v1 = draw(st.booleans()) if number is None else True
    if builder.v1:
        conditions(draw, builder)
    of_operation = draw(st.sampled_from((None, *ACCOUNTS)))
    entries = draw(st.lists(st.tuples(credentials(), trees()), max_size=4))
    function = draw(host_functions())
    auth = [xdr.SorobanAuthorizationEntry(each, tree) for (each, _), tree in entries]
    builder.append_operation(InvokeHostFunction(function, auth, of_operation))
    if draw(st.booleans()):
        builder.set_soroban_data(SOROBAN_DATA)
    built = builder.build()
    for signer in KEYS[: draw(st.integers(0, 3))]:
        built.sign(signer)
    if draw(st.booleans()):
        built.sign_hashx(draw(st.binary(min_size=1, max_size=64)))
    if builder.v1 and draw(st.booleans()):
        built = TransactionBuilder.build_fee_bump_transaction(KEYS[3], 500, built, PASSPHRASE)
        built.sign(KEYS[3])
    acting = of_operation or source.public_key
    root = called(function.invoke_contract)
    authorized = [(whose or acting, list(calls(tree))) for (_, whose), tree in entries]
    return built, acting, root, authorized


def called(args):
    if args is None:
        return None
    contract = Address.from_xdr_sc_address(args.contract_address).address
    return contract, args.function_name.sc_symbol.decode(), len(args.args)


def calls(tree):
    if tree.function.contract_fn is not None:
        yield called(tree.function.contract_fn)
    for below in tree.sub_invocations:
        yield from calls(below)


def footprint():
    key = xdr.LedgerKey(
        xdr.LedgerEntryType.CONTRACT_CODE,
        contract_code=xdr.LedgerKeyContractCode(xdr.Hash(bytes(32))),
    )
    return xdr.LedgerFootprint([key], [key])


SOROBAN_DATA = xdr.SorobanTransactionData(
    xdr.SorobanTransactionDataExt(0),
    xdr.SorobanResources(footprint(), xdr.Uint32(1), xdr.Uint32(2), xdr.Uint32(3)),
    xdr.Int64(99),
)


def short(call):
    return None if call is None else (call.contract_id, call.function, len(call.arguments))


@settings(max_examples=100, deadline=None)
@given(envelopes())
def test_our_reader_finds_what_the_sdk_built(made):
    built, acting, root, authorized = made
    raw = built.to_xdr_object().to_xdr_bytes()
    assert is_envelope_of(raw, built.hash_hex(), NETWORK)
    assert not is_envelope_of(raw, built.hash_hex(), network_id("another network"))
    found = read_envelope(raw)
    assert found.source == acting
    assert short(found.root) == root
    assert [(each.address, [short(one) for one in each.calls]) for each in found.authorized] == (
        authorized
    )


@settings(max_examples=100, deadline=None)
@given(envelopes(), st.data())
def test_hostile_bytes_are_refused_and_nothing_else(made, data):
    built, *_ = made
    raw = bytearray(built.to_xdr_object().to_xdr_bytes())
    if data.draw(st.booleans()):
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    else:
        at = data.draw(st.integers(0, len(raw) // 4 - 1)) * 4
        other = data.draw(st.sampled_from((0, 1, 3, 4, 7, 255, 2**31, 2**32 - 1)))
        if raw[at : at + 4] == other.to_bytes(4, "big"):
            other ^= 1
        raw[at : at + 4] = other.to_bytes(4, "big")
    changed = bytes(raw)
    with suppress(Undecodable):
        read_envelope(changed)
    # Only signatures are not hashed: what is still believed is the same transaction.
    if is_envelope_of(changed, built.hash_hex(), NETWORK):
        assert read_envelope(changed) == read_envelope(built.to_xdr_object().to_xdr_bytes())


@given(st.binary(max_size=300))
def test_noise_is_refused_and_nothing_else(raw):
    with pytest.raises(Undecodable):
        read_envelope(raw)
    assert not is_envelope_of(raw, "00" * 32, NETWORK)


def test_a_call_keeps_its_arguments():
    builder = TransactionBuilder(Account(ACCOUNTS[0], 1), PASSPHRASE, base_fee=100)
    builder.append_invoke_contract_function_op(
        CONTRACTS[0], "pause_stream", [scval.to_address(ACCOUNTS[0]), scval.to_uint64(7)]
    )
    built = builder.build()
    found = read_envelope(built.to_xdr_object().to_xdr_bytes())
    arguments = (("address", ACCOUNTS[0]), ("u64", 7))
    assert found.root == Call(CONTRACTS[0], "pause_stream", arguments)
