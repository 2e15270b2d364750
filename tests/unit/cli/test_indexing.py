"""The index role's wiring: which profile reads which contract."""

import json

import pytest

from cli.contract_profiles import ContractTranslator, profiles_of
from cli.indexing import follow_role
from cli.wiring import deployment
from ingest.decode import decode_page
from ingest.errors import ProfileInvalid
from ingest.translate import Applied, Quarantined
from tests.fakes import fake_rpc
from tests.fakes.chain import CONTRACT


@pytest.fixture
def event():
    page = fake_rpc.result([fake_rpc.paused(7)])
    return decode_page(json.dumps(page).encode(), source="fake", seen_at=1).events[0]


def test_each_contract_is_read_by_its_profile(command, event):
    translation = ContractTranslator(profiles_of(deployment()))(event, None)
    assert isinstance(translation, Applied)
    assert translation.fact.contract_id == CONTRACT


def test_an_event_of_a_contract_that_is_not_followed_is_kept_apart(event):
    translation = ContractTranslator({})(event, None)
    assert translation == Quarantined("the contract is not followed", None)


def test_a_profile_that_does_not_exist_is_found_before_anything_runs(
    command, sqlite_database, monkeypatch
):
    contracts = f'[{{"id":"{CONTRACT}","profile":"no_such"}}]'
    monkeypatch.setenv("PAUSEWIRE_NETWORK__CONTRACTS", contracts)
    with pytest.raises(ProfileInvalid, match="no_such"):
        follow_role(deployment(), sqlite_database)
    told = command.run("index", code=2)
    assert "no_such" in told.stderr
