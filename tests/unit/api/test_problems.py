import sqlite3

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api import problems
from api.problem_answers import for_store
from api.problems import Problem, documented
from store.errors import DatabaseLocked, FenceLost, SchemaBehind, UnknownTopic


def test_kinds_have_their_own_slugs_and_error_statuses():
    slugs = [kind.slug for kind in problems.KINDS]
    assert len(set(slugs)) == len(slugs)
    assert all(400 <= kind.status < 600 for kind in problems.KINDS)


def test_a_document_has_the_members_of_rfc_9457_and_its_own():
    problem = Problem(problems.SCOPE_MISSING, "lacks x", scope="x")
    assert problems.document(problem, "/v1/x") == {
        "type": "/problems/scope-missing",
        "title": "The API key may not do this",
        "status": 403,
        "detail": "lacks x",
        "instance": "/v1/x",
        "scope": "x",
    }


def locked() -> sqlite3.Error:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


@pytest.mark.parametrize(
    "error",
    [
        DatabaseLocked("busy"),
        SchemaBehind("no table"),
        PoolTimeout("every connection is in use"),
        OperationalError("SELECT 1", {}, locked()),
    ],
)
def test_what_passes_is_told_to_try_again(error):
    problem = for_store(error)
    assert problem is not None
    assert problem.kind is problems.UNAVAILABLE
    assert int(problem.headers["Retry-After"]) > 0


@pytest.mark.parametrize("error", [KeyError("x"), FenceLost(3), UnknownTopic("x")])
def test_a_defect_is_no_problem_of_the_storage(error):
    assert for_store(error) is None


def test_problems_of_one_status_share_an_entry_of_the_document():
    entries = documented(problems.NOT_READY, problems.UNAVAILABLE, problems.CONFLICT)
    assert list(entries) == [503, 409]
    examples = entries[503]["content"][problems.MEDIA_TYPE]["examples"]
    assert list(examples) == ["not-ready", "unavailable"]
