"""How a token is called and counted, read from its contract's instance; hostile names are not shown."""

import pytest
from stellar_sdk import scval, xdr

from ingest.claimable.metadata import Metadata, read_metadata
from ingest.errors import Undecodable
from ingest.rpc import LedgerEntry
from tests.fakes import kept

ASSET = xdr.ContractExecutable(xdr.ContractExecutableType.CONTRACT_EXECUTABLE_STELLAR_ASSET)


def told(**changes):
    fields = {
        "decimal": scval.to_uint32(7),
        "name": scval.to_string("USDC:GA5Z"),
        "symbol": scval.to_string("USDC"),
    } | changes
    return scval.to_struct({name: each for name, each in fields.items() if each is not None})


def entry(*pairs, executable=ASSET):
    storage = xdr.SCMap([xdr.SCMapEntry(key, value) for key, value in pairs])
    instance = xdr.SCContractInstance(executable, storage if pairs else None)
    value = xdr.SCVal(xdr.SCValType.SCV_CONTRACT_INSTANCE, instance=instance)
    return LedgerEntry(
        key=b"",
        xdr=kept.entry_xdr(kept.INSTANCE, value),
        last_modified_ledger_seq=1,
        live_until_ledger_seq=9,
    )


def metadata(value):
    return entry((scval.to_symbol("METADATA"), value))


def test_an_assets_contract_says_how_it_is_called_and_counted():
    assert read_metadata(metadata(told())) == Metadata("USDC", 7)


def test_the_native_token_is_called_as_people_call_it():
    assert read_metadata(metadata(told(symbol=scval.to_string("native")))) == Metadata("XLM", 7)


def test_it_is_found_among_what_else_is_kept():
    other = (scval.to_symbol("ALLOWED"), scval.to_bool(True))
    admin = (scval.to_enum("Admin", None), scval.to_uint64(1))
    assert read_metadata(entry(other, (scval.to_symbol("METADATA"), told()), admin)).decimals == 7


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (entry(), "no METADATA"),
        (entry((scval.to_symbol("OTHER"), told())), "no METADATA"),
        (metadata(scval.to_uint32(1)), "a u32, not a map"),
        (metadata(told(decimal=None)), "decimal of METADATA is a None"),
        (metadata(told(decimal=scval.to_uint64(7))), "decimal of METADATA is a u64"),
        (metadata(told(decimal=scval.to_uint32(39))), "39 decimals"),
        (metadata(told(symbol=scval.to_symbol("USDC"))), "symbol of METADATA is a symbol"),
        *(
            (metadata(told(symbol=scval.to_string(name))), "no asset code")
            for name in (
                *("", "thirteenchars", "US DC", "win at evil.example", "<b>USDC</b>", "USD\u0421"),
                *("USDC\n", "\u202eCDSU", b"\xff\xfe"),
            )
        ),
    ],
)
def test_what_should_not_be_shown_is_not_known(wrong, reason):
    with pytest.raises(Undecodable, match=reason):
        read_metadata(wrong)


def test_an_entry_that_is_no_instance_is_refused():
    value = kept.entry_xdr(kept.INSTANCE, scval.to_uint32(1))
    with pytest.raises(Undecodable, match="a u32 stands where"):
        read_metadata(LedgerEntry(value, 1))
