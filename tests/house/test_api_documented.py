"""The API's document: every route says what it answers, takes and refuses; the docs name every route."""

import json
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, TypeAdapter
from sqlalchemy import insert

from api import (
    audit_schemas,
    auth_schemas,
    change_schemas,
    contract_schemas,
    delivery_schemas,
    feed_schemas,
    inbox_schemas,
    me_schemas,
    operation_schemas,
    pause_schemas,
    preference_schemas,
    read_schemas,
    schemas,
    told_schemas,
    webhook_schemas,
)
from api.app import create_app
from api.dependencies import ApiDependencies
from api.problems import KINDS
from api.reference_page import METHODS
from api.routes import page_reports
from domain.values import account_id, contract_id, network_id
from ingest.disputes import rpc_dispute
from ingest.endpoint_report import rpc_endpoint
from ingest.headroom import retention
from ingest.reconcile.report import reconcile_finding, reconciliation
from notifier.callbacks.twilio import TwilioCallbacks
from notifier.canary import canary_minute
from notifier.privacy import Vault
from store.clock import now_micros
from store.engine import Database
from store.schema import ingest_source
from tests.fakes import chain
from tests.fakes.guests import EVERYBODY
from tests.fakes.served import Served
from tests.house.repository import ROOT

MODULES = (
    *(schemas, contract_schemas, delivery_schemas, inbox_schemas, operation_schemas),
    *(auth_schemas, change_schemas, me_schemas, webhook_schemas, preference_schemas),
)
MODULES += (audit_schemas, pause_schemas, read_schemas, told_schemas, page_reports)
FILES = {f"/v1/export/pauses.{form}" for form in ("csv", "ndjson", "parquet")}
TOLD = {f"/v1/told/{{token}}{more}" for more in ("", "/seen", "/helpful/{answer}")}
PAGES = TOLD | {"/v1/confirm/{token}", "/v1/unsubscribe/{token}", "/v1/unsubscribe/{token}/undo"}
BADGE = "/v1/streams/{contract_id}/{stream_id}/badge.svg"
ONLY_TEXT = {"/metrics", "/v1/feed", BADGE, *FILES, *PAGES}
PREVIEW = {"GET /preview", "GET /preview/{language}/{kind}"}
SANDBOX = {"POST /page/sandbox-key", "GET /page/sandbox-wallet", "POST /page/sandbox-wallet"}
OF_ALERTS = {"GET /streams/{contract_id}/{stream_id}", "GET /contracts/{contract_id}"}
PAGE = {"GET /", "GET /page/{name}", *OF_ALERTS, *SANDBOX}
UNLISTED = {*PAGE, *PREVIEW, "GET /docs", "GET /openapi.json", "GET /problems/{slug}"}
TOLD = "Following the chain|RPC endpoints|Telling people|The process and its database|The feed"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    database = Database.open(f"sqlite:///{tmp_path_factory.mktemp('api')}/p.db")
    given = ApiDependencies(
        database=database,
        vault=Vault(bytes(32)),
        network=network_id("Test"),
        contracts=(),
        version="0",
        guests=EVERYBODY,
    )
    yield create_app(given).openapi()
    database.close()


def answer_of(operation: dict[str, Any]) -> dict[str, Any]:
    """What it answers with when all goes well; nothing where that has no body."""
    answers = operation["responses"]
    return answers.get("200") or answers.get("201") or {}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield f"{method.upper()} {path}", methods[method]


def test_every_operation_has_words_a_tag_and_its_problems(document):
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        for status in ("500", "503", *(("401", "403", "422") if operation.get("security") else ())):
            content = operation["responses"][status]["content"]
            assert list(content) == ["application/problem+json"], (name, status)
            assert content["application/problem+json"]["examples"], (name, status)


def test_no_operation_answers_with_the_frameworks_own_errors(document):
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_parameter_says_what_it_means(document):
    for name, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), (name, parameter["name"])


def test_every_answer_and_body_has_an_example_that_is_valid(document):
    models = {
        each.__name__: each
        for module in MODULES
        for each in vars(module).values()
        if isinstance(each, type) and (issubclass(each, BaseModel) or is_dataclass(each))
    }
    shown = set()
    for name, operation in operations(document):
        if name.split()[1] in ONLY_TEXT:
            continue
        bodies = [answer_of(operation), operation.get("requestBody")]
        for body in filter(None, bodies):
            ref = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            [example] = document["components"]["schemas"][ref]["examples"]
            shown.add(ref)
            assert_shape(models[ref], example)
    assert len(shown) > 10


def assert_shape(model: type, example: dict[str, Any]) -> None:
    """The example has exactly the answer's members, and so have the answers inside it."""
    schema = TypeAdapter(model).json_schema(mode="serialization")
    assert_members(schema, schema, example)


def assert_members(root: dict[str, Any], schema: dict[str, Any], example: Any) -> None:
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if "properties" in schema and isinstance(example, dict):
        required = set(schema.get("required", ()))
        assert required <= set(example) <= set(schema["properties"]), schema["title"]
        for name, value in example.items():
            assert_members(root, schema["properties"][name], value)
    elif schema.get("type") == "array":
        for value in example:
            assert_members(root, schema["items"], value)
    elif "anyOf" in schema and example is not None:
        kinds = [each for each in schema["anyOf"] if each.get("type") != "null"]
        assert_members(root, kinds[0], example)


def test_ids_in_examples_are_legal():
    assert contract_id(schemas.CONTRACT) != contract_id(pause_schemas.ASSET)
    assert account_id(schemas.EMPLOYER) != account_id(schemas.EMPLOYEE)


def test_every_keyed_list_is_bounded(document):
    for name, operation in operations(document):
        answer = answer_of(operation).get("content", {}).get("application/json")
        if answer is None:
            continue
        ref = answer["schema"]["$ref"].rpartition("/")[2]
        properties = document["components"]["schemas"][ref]["properties"]
        if "next_cursor" in properties:
            names = {parameter["name"] for parameter in operation["parameters"]}
            assert {"limit", "cursor"} <= names, name
            assert "items" in properties


def test_the_pages_of_the_api_load_nothing_from_elsewhere():
    for template in (ROOT / "api/templates").rglob("*.*"):
        text = template.read_text(encoding="utf-8")
        assert "://" not in text, template


async def test_answers_are_what_the_document_says(sqlite_database):
    served = Served(sqlite_database)
    served.scanned(1, 500)
    served.tell(chain.created(100), chain.paused(110), chain.resumed(120), chain.paused(130))
    stream, contract = f"/v1/streams/{chain.CONTRACT}/7", f"/v1/contracts/{chain.CONTRACT}"
    for path, model in (
        ("/v1/streams", schemas.StreamsPage),
        (stream, schemas.StreamAnswer),
        (f"{stream}?as_of_ledger=115", schemas.StreamAnswer),
        (f"{stream}/pauses", pause_schemas.PausesPage),
        (f"{stream}/pauses?as_of_ledger=115", pause_schemas.PausesPage),
        (f"{stream}/timeline", schemas.TimelinePage),
        (contract, contract_schemas.ContractAnswer),
        (f"{contract}/pauses", contract_schemas.ContractPausesPage),
    ):
        answer = await served.ask(path)
        assert answer.status_code == 200, answer.text
        TypeAdapter(model).validate_json(answer.content)
        assert_shape(model, answer.json())


async def test_a_message_of_the_feed_is_what_the_document_says(document, sqlite_database):
    served = Served(sqlite_database)
    served.tell(chain.created(100), chain.resumed(120))
    served.tell(chain.paused(110))  # late: its history is revised
    answer = await served.ask("/v1/feed?last_event_id=0&follow=false")
    said = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    assert len(said) == 4
    for each in said:
        TypeAdapter(feed_schemas.FeedMessage).validate_json(each)
        assert_shape(feed_schemas.FeedMessage, json.loads(each))
    assert_shape(feed_schemas.FeedMessage, feed_schemas.MESSAGE_EXAMPLE)
    told = document["paths"]["/v1/feed"]["get"]["responses"]["200"]["content"]["text/event-stream"]
    assert json.dumps(feed_schemas.MESSAGE_EXAMPLE["tx_hash"]) in told["example"]


def rows(page: str, headings: str) -> list[list[str]]:
    """The cells of the tables below headings that match, without the head rows."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    _, *parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    found = "".join(part for heading, part in pairs if re.fullmatch(headings, heading))
    lines = [line for line in found.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]


def test_the_page_of_the_api_names_every_address_with_its_scope(document):
    named = {address.strip("`"): scope for address, scope, _ in rows("api.md", "Addresses")}
    operated = dict(operations(document))
    assert set(named) == set(operated) | UNLISTED
    for name, operation in operated.items():
        for way in operation.get("security", []):
            assert [named[name].strip("`")] == way["apiKey"], name


def test_the_page_of_the_api_names_every_problem():
    named = [(slug.strip("`"), int(status)) for slug, status, _ in rows("api.md", "Problems")]
    assert named == [(kind.slug, kind.status) for kind in KINDS]


async def test_the_page_of_metrics_names_every_metric_with_its_labels(sqlite_database):
    registry = CollectorRegistry()
    providers = {"twilio": TwilioCallbacks("token")}
    served = Served(sqlite_database, registry=registry, providers=providers)
    served.scanned(1, 500)
    with sqlite_database.begin() as conn:
        conn.execute(insert(ingest_source).values(contract_id="C", source="live-1"))
        numbers = dict.fromkeys(retention.columns.keys(), 1) | {"source": "live-1"}
        conn.execute(insert(retention).values(numbers))
        conn.execute(insert(reconciliation).values(contract_id="C", finished_at=1))
        found = {"contract_id": "C", "n": 0, "kind": "archived", "detail": "-", "healed": False}
        conn.execute(insert(reconcile_finding).values(found))
        numbers = dict.fromkeys(rpc_endpoint.columns.keys(), 1) | {"name": "a", "state": "closed"}
        conn.execute(insert(rpc_endpoint).values(numbers))
        now = now_micros()
        sent = {"minute": now // 60_000_000, "closed_at": now // 1_000_000, "planned_at": now}
        conn.execute(insert(canary_minute).values(delivery_id=UUID(int=1), **sent))
        told = {"event_id": "1", "endpoint": "a", "kind": "lacks", "against": "b", "seen_at": 1}
        conn.execute(insert(rpc_dispute).values(told))
    await served.ask("/livez")
    await served.ask("/v1/providers/twilio/callbacks", method="POST")
    told = {}
    for family in registry.collect():
        name = family.name + ("_total" if family.type == "counter" else "")
        of_samples = [key for each in family.samples for key in each.labels if key != "le"]
        told[name] = set(getattr(family, "_labelnames", None) or of_samples)
    page = rows("metrics.md", TOLD)
    assert {cells[0].strip("`"): set(re.findall(r"`(\w+)`", cells[1])) for cells in page} == told
    assert all(meaning and reaction for _, _, meaning, reaction in page)


def test_no_page_names_a_metric_that_is_told_nowhere():
    told = {cells[0].strip("`") for cells in rows("metrics.md", TOLD)}
    text = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    announced = set(re.findall(r"pausewire_\w+", text.partition("## Not told yet")[2]))
    assert announced
    assert not announced & told
    assert set(re.findall(r"pausewire_\w+", text)) == announced | told
