"""Outgoing webhooks over the API, on SQLite and PostgreSQL, up to a receiver that checks signatures."""

import base64
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from api import keys
from notifier.channels.receiver_address import CheckedResolver
from notifier.channels.webhook import WebhookChannel
from notifier.deliver import Deliverer
from notifier.group_commit import GroupCommit
from notifier.guests import guest_list
from notifier.letters import Letters
from notifier.relay import Relay, RelayOptions
from notifier.rendering import Renderer
from notifier.schema import delivery
from notifier.webhooks.schema import webhook
from tests.fakes import chain
from tests.fakes.chain import CONTRACT, EMPLOYEE
from tests.fakes.channel_benches import LOOPBACK
from tests.fakes.guests import EVERYBODY
from tests.fakes.http_provider import HttpProvider, Scripted, http_provider
from tests.fakes.served import Served, ids
from tests.unit.notifier.test_receiver_address import Names


@pytest.fixture
async def served(database) -> AsyncIterator[Served]:
    trying = WebhookChannel(LOOPBACK, timeout_seconds=5)
    made = Served(database, webhooks=trying)
    with database.begin() as conn:
        made.key = keys.create_key(conn, name="hooks", scopes=["webhooks:write"]).key
    yield made
    await trying.close()


@pytest.fixture
def receiver() -> Iterator[HttpProvider]:
    with http_provider() as running:
        running.answer = Scripted(204, "")
        yield running


async def make(served: Served, url: str, **wanted):
    answer = await served.ask("/v1/webhooks", method="POST", json={"url": url} | wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


def is_signed(request, secret: str) -> bool:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    headers = request["headers"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{request['body']}".encode()
    right = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return f"v1,{right}" in headers["webhook-signature"].split()


async def deliver(served: Served) -> None:
    queued = []
    options = RelayOptions(
        name="r", providers={"webhook": "webhook"}, queue_limit=100, poll_seconds=0.01
    )
    relay = Relay(served.database, lambda _, planned, n: queued.append((planned, n)), options)
    deliverer = Deliverer(
        moves=GroupCommit(served.database),
        letters=Letters(served.world.vault, Renderer(), guests=EVERYBODY),
        channels={"webhook": WebhookChannel(LOOPBACK, timeout_seconds=5)},
        lease_seconds=120,
        worker="w",
    )
    while relay.step():
        batch, queued[:] = list(queued), []
        for planned, generation in batch:
            await deliverer.deliver(planned, generation)
    await deliverer.close()


async def test_news_reaches_a_receiver_that_can_check_it(served, receiver):
    made = await make(served, f"{receiver.url}/hooks", contract_id=CONTRACT, kinds=["paused"])
    served.tell(chain.created(1), chain.paused(2), chain.resumed(3))
    await deliver(served)
    (request,) = receiver.requests
    assert is_signed(request, made["secret"])
    log = (await served.ask(f"/v1/webhooks/{made['webhook_id']}/deliveries")).json()
    (entry,) = log["items"]
    assert (entry["state"], entry["kind"]) == ("delivered", "paused")
    assert entry["delivery_id"] == request["headers"]["webhook-id"]
    path = f"/v1/webhooks/{made['webhook_id']}/deliveries/{entry['delivery_id']}"
    (attempt,) = (await served.ask(path)).json()["attempts"]
    assert (attempt["result"], attempt["status_code"]) == ("accepted", 204)
    again = await served.ask(f"{path}/redrive", method="POST")
    assert again.status_code == 409
    with served.database.begin() as conn:
        conn.execute(update(delivery).values(state="failed"))
    assert (await served.ask(f"{path}/redrive", method="POST")).json()["state"] == "pending"
    await deliver(served)
    assert receiver.requests[1]["headers"]["webhook-id"] == entry["delivery_id"]
    assert receiver.requests[1]["body"] == request["body"]


async def test_a_subscription_from_making_to_ending(served, receiver):
    made = await make(served, receiver.url, account=EMPLOYEE, stream_id=None, description="payroll")
    path = f"/v1/webhooks/{made['webhook_id']}"
    shown = (await served.ask(path)).json()
    assert made == shown | {"secret": made["secret"]}
    assert (shown["account"], shown["description"], shown["state"]) == (
        EMPLOYEE,
        "payroll",
        "active",
    )
    rotated = (await served.ask(f"{path}/rotate", method="POST")).json()
    tried = (await served.ask(f"{path}/test", method="POST")).json()
    assert (tried["delivered"], tried["status_code"]) == (True, 204)
    (request,) = receiver.requests
    assert is_signed(request, made["secret"])
    assert is_signed(request, rotated["secret"])
    assert (await served.ask(path)).json()["secrets"] == 2
    assert (await served.ask(f"{path}/enable", method="POST")).status_code == 409
    for _ in range(2):
        assert (await served.ask(f"{path}/disable", method="POST")).json()["reason"] == "operator"
    assert (await served.ask(f"{path}/enable", method="POST")).json()["revived"] == 0
    assert (await served.ask(path, method="DELETE")).status_code == 204
    for method, end in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/deliveries")):
        assert (await served.ask(path + end, method=method)).status_code == 404
    with served.database.read() as conn:
        assert conn.scalar(select(webhook.c.private)) is None


async def test_a_receiver_that_refuses_is_told_about(served, receiver):
    made = await make(served, receiver.url)
    receiver.answer = Scripted(500, "our database is down")
    tried = (await served.ask(f"/v1/webhooks/{made['webhook_id']}/test", method="POST")).json()
    assert tried["delivered"] is False
    assert (tried["status_code"], tried["detail"]) == (500, "our database is down")


async def test_the_list_page_by_page_is_the_whole_list(served):
    made = [(await make(served, f"https://example.org/{n}"))["webhook_id"] for n in range(5)]
    assert ids(await served.walk("/v1/webhooks", 2), "webhook_id") == made


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body.url"),
        ({"url": "http://10.0.0.1/"}, "body.url"),
        ({"url": "https://169.254.169.254/latest"}, "body.url"),
        ({"url": "https://x.example/", "contract_id": "CABC"}, "body.contract_id"),
        ({"url": "https://x.example/", "stream_id": "7"}, "body"),
        (
            {"url": "https://x.example/", "contract_id": CONTRACT, "stream_id": str(2**64)},
            "body.stream_id",
        ),
        ({"url": "https://x.example/", "account": "G"}, "body.account"),
        ({"url": "https://x.example/", "kinds": ["nothing"]}, "body.kinds.0"),
        ({"url": "https://x.example/", "description": "two\nlines"}, "body.description"),
        ({"url": "https://x.example/", "secret": "mine"}, "body.secret"),
    ],
)
async def test_a_wrong_subscription_is_refused_by_its_field(served, body, field):
    answer = await served.ask("/v1/webhooks", method="POST", json=body)
    assert answer.status_code == 422, answer.text
    assert field in ids(answer.json()["errors"], "field")
    assert (await served.ask("/v1/webhooks")).json()["items"] == []


async def test_a_key_of_an_account_keeps_that_accounts_webhooks_only(served):
    others = await make(served, "https://example.org/operator")
    everybody, served.key = served.key, served.make_key("webhooks:write", account=EMPLOYEE)
    refused = await served.ask("/v1/webhooks", method="POST", json={"url": "https://a.example/"})
    assert refused.status_code == 403
    own = await make(served, "https://example.org/own", account=EMPLOYEE)
    assert ids((await served.ask("/v1/webhooks")).json()["items"], "webhook_id") == [
        own["webhook_id"]
    ]
    for end in ("", "/deliveries"):
        assert (await served.ask(f"/v1/webhooks/{others['webhook_id']}{end}")).status_code == 404
    served.key = everybody
    assert len((await served.ask("/v1/webhooks")).json()["items"]) == 2


async def test_another_scope_opens_nothing(served):
    key = served.make_key("streams:read")
    assert (await served.ask("/v1/webhooks", key=key)).status_code == 403
    assert (await served.ask(f"/v1/webhooks/{uuid4()}")).status_code == 404


async def test_a_log_shows_only_its_own_webhooks_deliveries(served, receiver):
    one, two = await make(served, receiver.url), await make(served, receiver.url)
    served.tell(chain.created(1), chain.paused(2))
    (entry,) = (await served.ask(f"/v1/webhooks/{one['webhook_id']}/deliveries")).json()["items"]
    path = f"/v1/webhooks/{two['webhook_id']}/deliveries/{entry['delivery_id']}"
    assert (await served.ask(path)).status_code == 404
    assert (await served.ask(f"{path}/redrive", method="POST")).status_code == 404


async def test_outside_production_a_receiver_is_tried_out_only_where_it_is_a_guest(
    served, receiver, database
):
    names = Names(["127.0.0.1"])
    port = receiver.url.rpartition(":")[2]
    url = f"http://hooks.example.test:{port}/hooks"
    made = await make(served, url)
    path = f"/v1/webhooks/{made['webhook_id']}/test"
    for places, status in (((), 409), (("hooks.example.test",), 200), ((url,), 200)):
        channel = WebhookChannel(
            LOOPBACK, timeout_seconds=5, resolver=CheckedResolver(LOOPBACK, names)
        )
        guests = guest_list(places, frozenset(), "Test SDF Network ; September 2015")
        staging = Served(database, webhooks=channel, guests=guests)
        staging.key = served.key
        answer = await staging.ask(path, method="POST")
        await channel.close()
        assert answer.status_code == status, answer.text
        if status == 409:
            assert "hooks.example.test" in answer.json()["detail"]
            assert "guests.places" in answer.json()["detail"]
            assert receiver.requests == []
    assert len(receiver.requests) == 2
    assert {json.loads(each["body"])["network"] for each in receiver.requests} == {
        "Test SDF Network"
    }
