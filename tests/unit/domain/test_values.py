"""Ids and numbers: checked without the SDK, pinned where they are persisted."""

import msgspec
import pytest

from domain import values
from domain.errors import InvalidValue
from tests.fakes import chain

PASSPHRASE = "Test SDF Network ; September 2015"


def test_aggregate_ids_are_pinned_because_they_are_persisted():
    network = values.network_id(PASSPHRASE)
    assert network == "cee0302d59844d32bdca915c8203dd44b33fbb7edc19051ea37abedf28ecd472"
    assert (
        str(values.stream_uuid(network, chain.CONTRACT, 7))
        == "c1eed126-1010-5e5d-8995-0824a47fede7"
    )
    assert (
        str(values.contract_uuid(network, chain.CONTRACT)) == "6c05e793-96f4-5c7d-82bf-9f8aa8fb0cbe"
    )


def test_strkeys_are_checked_by_kind_and_checksum():
    assert values.contract_id(chain.CONTRACT) == chain.CONTRACT
    assert values.account_id(chain.EMPLOYER) == chain.EMPLOYER
    assert values.account_id(chain.CONTRACT) == chain.CONTRACT, "a party may be a contract"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "C",
        chain.EMPLOYER,
        chain.CONTRACT[:-1] + "A",
        chain.CONTRACT.lower(),
        "0" * 56,
        "é" * 56,
    ],
)
def test_what_is_no_contract_id_is_refused_with_the_fix(text):
    with pytest.raises(InvalidValue, match=r"network\.contracts") as caught:
        values.contract_id(text, "network.contracts")
    assert "strkey" in caught.value.fix


def test_what_is_no_account_is_refused():
    with pytest.raises(InvalidValue, match="account_id"):
        values.account_id("G" * 56)


def test_u64_has_limits():
    assert values.u64(values.U64_MAX, "stream_id") == values.U64_MAX
    for value in (-1, values.U64_MAX + 1):
        with pytest.raises(InvalidValue):
            values.u64(value, "stream_id")


def test_only_known_types_have_a_stored_form():
    with pytest.raises(NotImplementedError):
        msgspec.msgpack.encode(object(), enc_hook=values.encode_value)
    with pytest.raises(NotImplementedError):
        values.decode_value(set, [])
