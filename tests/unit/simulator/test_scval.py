"""The hand-packed values are the SDK's, byte for byte."""

import pytest
from stellar_sdk import Address
from stellar_sdk import scval as sdk

from simulator import scval
from simulator.accounts import contract_id_for, keypair_for

ACCOUNT = keypair_for(1, "employee", 1).public_key
CONTRACT = contract_id_for(1)


@pytest.mark.parametrize("value", [0, 1, 42, 2**64 - 1])
def test_u64_equals_the_sdk(value):
    assert scval.u64(value) == sdk.to_uint64(value).to_xdr_bytes()


@pytest.mark.parametrize("value", [0, 1, -1, 2**64, -(2**64), 2**127 - 1, -(2**127)])
def test_i128_equals_the_sdk(value):
    assert scval.i128(value) == sdk.to_int128(value).to_xdr_bytes()


@pytest.mark.parametrize("strkey", [ACCOUNT, CONTRACT])
def test_an_address_equals_the_sdk(strkey):
    assert scval.address(strkey) == sdk.to_address(strkey).to_xdr_bytes()
    assert scval.address_body(strkey) == Address(strkey).to_xdr_sc_address().to_xdr_bytes()
    assert scval.address_topic(strkey) == sdk.to_address(strkey).to_xdr()


def test_small_values_equal_the_sdk():
    assert scval.boolean(True) == sdk.to_bool(True).to_xdr_bytes()
    assert scval.boolean(False) == sdk.to_bool(False).to_xdr_bytes()
    assert scval.u32(2**32 - 1) == sdk.to_uint32(2**32 - 1).to_xdr_bytes()
    assert sdk.to_void().to_xdr_bytes() == scval.VOID
    assert scval.optional_address(None) == scval.VOID
    assert scval.optional_address(ACCOUNT) == scval.address(ACCOUNT)


@pytest.mark.parametrize("text", ["", "a", "paused", "nearexhst", "abcdefgh"])
def test_text_and_bytes_equal_the_sdk_with_any_padding(text):
    assert scval.symbol(text) == sdk.to_symbol(text).to_xdr_bytes()
    assert scval.string(text) == sdk.to_string(text).to_xdr_bytes()
    assert scval.raw_bytes(text.encode()) == sdk.to_bytes(text.encode()).to_xdr_bytes()


def test_collections_equal_the_sdk():
    items = [sdk.to_uint64(7), sdk.to_symbol("paused"), sdk.to_address(ACCOUNT)]
    packed = scval.vec(scval.u64(7), scval.symbol("paused"), scval.address(ACCOUNT))
    assert packed == sdk.to_vec(items).to_xdr_bytes()
    assert scval.vec() == sdk.to_vec([]).to_xdr_bytes()
    fields = {"b": sdk.to_uint64(2), "a": sdk.to_bool(True)}
    packed = scval.mapping({"b": scval.u64(2), "a": scval.boolean(True)})
    assert packed == sdk.to_struct(fields).to_xdr_bytes()


def test_topics_are_the_constants_every_client_filters_by():
    assert scval.symbol_topic("paused") == "AAAADwAAAAZwYXVzZWQAAA=="
    assert scval.symbol_topic("resumed") == "AAAADwAAAAdyZXN1bWVkAA=="
    assert scval.id_topic(42) == "AAAABQAAAAAAAAAq"
