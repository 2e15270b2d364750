"""A contract account signs in by SEP-45: challenged by us, judged by its own contract."""

import asyncio

import pytest
from stellar_sdk import Address, Keypair, SorobanServer, xdr
from stellar_sdk.auth import authorize_entry
from stellar_sdk.sep.exceptions import InvalidSep45ChallengeError
from stellar_sdk.sep.stellar_soroban_web_authentication import (
    read_challenge_authorization_entries,
    verify_challenge_authorization_entries,
)

from simulator.network import running
from simulator.options import SimulatorOptions
from simulator.web_auth import refusing_wallet, server_keypair, wallet_of, web_auth_contract
from tests.fakes import chain
from tests.fakes.contract_wallet import (
    address_of,
    changed,
    entries_of,
    packed,
    saying,
    signed_entries,
)
from tests.fakes.served import Served, ids
from tests.fakes.wallet import person, signed
from wallets.contract_accounts import ContractAccounts
from wallets.contract_entries import WebAuth
from wallets.prover import Prover

DOMAIN = "pausewire.example"
AWAY = "http://127.0.0.1:9"
SERVER, CONTRACT = server_keypair(1), web_auth_contract(1)
WALLET, SIGNER = wallet_of(1)
PASSPHRASE = SimulatorOptions.__dataclass_fields__["passphrase"].default
FAR = 1_000_000  # a ledger that does not come


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    options = SimulatorOptions(
        state_dir=tmp_path_factory.mktemp("network"),
        rpc_port=0,
        web_port=0,
        smtp_port=0,
        scenario="quiet",
    )
    with running(options) as network:
        yield network


def accounts(*urls: str, **changes) -> ContractAccounts:
    said = {"contract_id": CONTRACT, "signing_key": SERVER.secret, "domain": DOMAIN}
    return ContractAccounts(WebAuth(**said | {"passphrase": PASSPHRASE} | changes), urls)


@pytest.fixture
def served(database, network) -> Served:
    prover = Prover(accounts(AWAY, network.rpc_url))
    return Served(database, domain=DOMAIN, passphrase=PASSPHRASE, prover=prover)


async def challenged(served: Served, address: str = WALLET) -> dict[str, str]:
    answer = await served.ask(
        "/v1/auth/challenge", key=None, method="POST", json={"address": address}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def met(served: Served, asked: dict[str, str], entries: str, address: str = WALLET):
    sent = {"address": address, "challenge": asked["challenge"], "authorization_entries": entries}
    return await served.ask("/v1/auth/token", key=None, method="POST", json=sent)


def by_wallet(entries: str, signer: Keypair = SIGNER, until: int = FAR, address: str = WALLET):
    return signed_entries(entries, address, signer, until=until, passphrase=PASSPHRASE)


async def refusal(served: Served, asked: dict[str, str], entries: str, **more) -> str:
    answer = await met(served, asked, entries, **more)
    assert answer.status_code == 401, answer.text
    said = answer.json()
    assert said["type"] == "/problems/sign-in-refused"
    return said["detail"]


async def test_a_contract_account_signs_in_and_reads_its_inbox(served):
    served.tell(chain.created(1, employee=WALLET), chain.paused(2, employee=WALLET))
    asked = await challenged(served)
    answer = await met(served, asked, by_wallet(asked["authorization_entries"]))
    assert answer.status_code == 200, answer.text
    assert answer.json()["account_id"] == WALLET
    inbox = (await served.ask("/v1/me/inbox", key=answer.json()["token"])).json()
    assert ids(inbox["items"], "kind") == ["paused"]


async def test_a_wallet_by_the_sdk_takes_the_challenge_for_one_of_sep_45(served):
    asked = await challenged(served)
    read = read_challenge_authorization_entries(
        asked["authorization_entries"], SERVER.public_key, DOMAIN, DOMAIN, CONTRACT
    )
    assert (read.client_account_id, read.nonce) == (WALLET, asked["challenge"])
    assert asked["network_passphrase"] == PASSPHRASE


async def test_what_we_take_another_server_of_sep_45_takes_too(served, network):
    asked = await challenged(served)

    def judged(entries: str) -> str:
        with SorobanServer(network.rpc_url) as server:
            return verify_challenge_authorization_entries(
                server, entries, SERVER.public_key, DOMAIN, DOMAIN, CONTRACT, PASSPHRASE
            ).client_account_id

    signed_by = [
        by_wallet(asked["authorization_entries"], each) for each in (SIGNER, person("ben"))
    ]
    assert await asyncio.to_thread(judged, signed_by[0]) == WALLET
    with pytest.raises(InvalidSep45ChallengeError, match="InvalidAction"):
        await asyncio.to_thread(judged, signed_by[1])


async def test_a_challenge_is_met_once(served):
    asked = await challenged(served)
    entries = by_wallet(asked["authorization_entries"])
    assert (await met(served, asked, entries)).status_code == 200
    assert "met before" in await refusal(served, asked, entries)
    other = await challenged(served)
    assert "other than in the challenge: nonce" in await refusal(served, other, entries)


async def test_the_contract_decides_whose_signature_counts(served):
    asked = await challenged(served)
    entries = asked["authorization_entries"]
    no = "contract does not accept the signature"
    assert no in await refusal(served, asked, by_wallet(entries, person("ben")))
    assert "signature has expired" in await refusal(served, asked, entries)  # nobody signed
    refuses = refusing_wallet(1)
    asked = await challenged(served, refuses)
    entries = by_wallet(asked["authorization_entries"], address=refuses)
    assert no in await refusal(served, asked, entries, address=refuses)
    absent = Address.from_raw_contract(bytes(32)).address
    asked = await challenged(served, absent)
    entries = by_wallet(asked["authorization_entries"], address=absent)
    assert no in await refusal(served, asked, entries, address=absent)


async def test_entries_that_are_not_the_challenge_are_refused_and_said_why(served):
    asked = await challenged(served)
    given = asked["authorization_entries"]
    other = Address.from_raw_contract(b"x" * 32).to_xdr_sc_address()

    def elsewhere(invocation):
        invocation.function.contract_fn.contract_address = other

    def otherwise(invocation):
        invocation.function.contract_fn.function_name = xdr.SCSymbol(b"transfer")

    def deeper(invocation):
        invocation.sub_invocations = [entries_of(given)[0].root_invocation]

    for change, why in (
        (elsewhere, "another contract"),
        (otherwise, "another function"),
        (deeper, "further invocations"),
        (saying("home_domain", "evil.example"), "home_domain"),
        (saying("web_auth_domain", "evil.example"), "web_auth_domain"),
        (saying("account", refusing_wallet(1)), "account"),
        (saying("web_auth_domain_account", person("ben").public_key), "web_auth_domain_account"),
        (saying("memo", "7"), "the arguments"),
    ):
        entries = by_wallet(changed(given, change))
        assert why in await refusal(served, asked, entries), why


async def test_our_own_entry_must_be_ours(served):
    asked = await challenged(served)
    entries = entries_of(by_wallet(asked["authorization_entries"]))
    ours = next(each for each in entries if address_of(each) == SERVER.public_key)
    theirs = next(each for each in entries if address_of(each) == WALLET)
    forged = authorize_entry(ours, person("eve"), FAR, PASSPHRASE)
    assert "our own signature" in await refusal(served, asked, packed([forged, theirs]))
    longer = xdr.SorobanAuthorizationEntry.from_xdr(ours.to_xdr())
    longer.credentials.address.signature_expiration_ledger = xdr.Uint32(FAR)
    assert "our own signature" in await refusal(served, asked, packed([longer, theirs]))
    for wrong in ([theirs], [ours, theirs, theirs], [ours]):
        assert "no other" in await refusal(served, asked, packed(wrong))
    paid = xdr.SorobanCredentials(xdr.SorobanCredentialsType.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT)
    by_source = xdr.SorobanAuthorizationEntry(paid, theirs.root_invocation)
    assert "by an address" in await refusal(served, asked, packed([ours, by_source]))


async def test_what_has_expired_by_ledger_or_clock_is_refused(served, network):
    asked = await challenged(served)
    late = by_wallet(asked["authorization_entries"], until=1)
    assert "signature has expired" in await refusal(served, asked, late)
    served.given.prover._contracts._ledgers = -1  # a challenge of a while ago
    asked = await challenged(served)
    entries = by_wallet(asked["authorization_entries"])
    assert "challenge has expired" in await refusal(served, asked, entries)


async def test_what_is_no_entry_at_all_is_refused(served):
    asked = await challenged(served)
    for rubbish, why in (
        ("!", "give base64"),
        ("AAAAAA==", "there are none"),
        ("A" * 17_000, "longer"),
    ):
        assert why in await refusal(served, asked, rubbish)
    sent = {"address": WALLET, "challenge": asked["challenge"]}
    answer = await served.ask("/v1/auth/token", key=None, method="POST", json=sent)
    assert answer.status_code == 422
    sent["signature"] = signed(SIGNER, asked["message"])  # SEP-53 proves no contract
    answer = await served.ask("/v1/auth/token", key=None, method="POST", json=sent)
    assert answer.status_code == 401


async def test_where_no_endpoint_answers_it_is_said_and_nothing_is_opened(served):
    asked = await challenged(served)
    away = Served(
        served.database, domain=DOMAIN, passphrase=PASSPHRASE, prover=Prover(accounts(AWAY))
    )
    for path, sent in (
        ("/v1/auth/challenge", {"address": WALLET}),
        (
            "/v1/auth/token",
            {
                "address": WALLET,
                "challenge": asked["challenge"],
                "authorization_entries": by_wallet(asked["authorization_entries"]),
            },
        ),
    ):
        answer = await away.ask(path, key=None, method="POST", json=sent)
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/chain-unreadable")
        assert answer.headers["retry-after"] == "10"
    # the challenge is still good
    assert (await met(served, asked, by_wallet(asked["authorization_entries"]))).status_code == 200


async def test_without_a_contract_of_sep_45_contract_accounts_do_not_sign_in(database):
    served = Served(database, domain=DOMAIN, passphrase=PASSPHRASE)
    asked = await challenged(served)
    assert asked["authorization_entries"] is None
    assert "does not prove a key" in await refusal(served, asked, "AAAA")
