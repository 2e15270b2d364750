"""The document against the API: requests that it allows and forbids, and every answer as it says.

Schemathesis makes them from the document. PAUSEWIRE_TEST_EXAMPLES=200 asks for that many of each route.
"""

import os
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from api.keys import SCOPES, STREAMS_READ
from store.clock import now_micros
from store.schema import ledger_close
from tests.fakes.everybody import Everybody
from tests.fakes.listening import listening

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
CALLERS = {"every scope": tuple(SCOPES), "streams only": (STREAMS_READ,), "nobody": ()}
GIVEN = os.environ.get("PAUSEWIRE_TEST_EXAMPLES")
# Nothing can be wrong in what they are asked.
TAKE_ANYTHING = {"POST /v1/providers/{provider}/callbacks", "POST /v1/unsubscribe/{token}/undo"}


@pytest.fixture
def everybody(database) -> Everybody:
    everybody = Everybody(database)
    with database.begin() as conn:  # by the real clock, so that following is ready
        now = now_micros() // 1_000_000
        conn.execute(ledger_close.update().values(closed_at=now))
    return everybody


def examples(caller: str, database) -> int:
    """How many requests of each kind a route is asked."""
    if GIVEN is not None:
        return int(GIVEN)
    return 4 if (caller, database.dialect) == ("every scope", "sqlite") else 1


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.mark.parametrize("caller", CALLERS)
def test_every_answer_is_as_the_document_says(everybody, database, session, caller):
    served, scopes = everybody.served, CALLERS[caller]
    key = served.make_key(*scopes) if scopes else None
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    document = schemathesis.openapi.from_dict(served.app.openapi())
    asked = set()
    with listening(served.app) as url:
        for found in document.get_all_operations():
            operation = found.ok()
            for mode in modes(operation):

                @settings(
                    max_examples=examples(caller, database),
                    deadline=None,
                    database=None,
                    phases=[Phase.generate],  # a request is short: nothing to shrink
                    suppress_health_check=list(HealthCheck),
                )
                @given(case=operation.as_strategy(generation_mode=mode))
                def ask(case: Case) -> None:
                    asked.add(case.operation.label)
                    if case.operation.label == "GET /v1/feed":  # or it would not end
                        case.query = {**(case.query or {}), "follow": "false"}
                    case.call_and_validate(
                        base_url=url, session=session, headers=headers, checks=CHECKS
                    )

                ask()
    assert len(asked) == sum(1 for _ in document.get_all_operations()) > 50


def modes(operation) -> list[GenerationMode]:
    """What can be asked: as the document says, and otherwise where it says anything."""
    says_nothing = not operation.body and not list(operation.iter_parameters())
    if says_nothing or operation.label in TAKE_ANYTHING:
        return [GenerationMode.POSITIVE]
    return [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
