"""Signing in with a wallet, as a stranger, a thief and an employee would try it, on both databases."""

import asyncio
import base64
import json
import re

import jwt
import pytest
from sqlalchemy import delete, select, update
from stellar_sdk import StrKey

from api import session_keys, sessions
from api.access_log import access_log
from api.sign_in import SignIn
from notifier.privacy import Vault
from store.clock import now_micros
from tests.fakes import chain
from tests.fakes.served import Served, ids
from tests.fakes.wallet import SparkWallet, muxed, person, signed

ANA, BEN = person("ana"), person("ben")
PASSPHRASE = "Test SDF Network ; September 2015"


@pytest.fixture
def served(database) -> Served:
    return Served(database, domain="pausewire.example", passphrase=PASSPHRASE)


async def challenged(served: Served, address: str) -> dict[str, str]:
    answer = await served.ask(
        "/v1/auth/challenge", key=None, method="POST", json={"address": address}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def met(served: Served, **sent):
    return await served.ask("/v1/auth/token", key=None, method="POST", json=sent)


async def token_of(served: Served, keypair=ANA) -> str:
    asked = await challenged(served, keypair.public_key)
    answer = await met(
        served,
        address=keypair.public_key,
        challenge=asked["challenge"],
        signature=signed(keypair, asked["message"]),
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["token"]


async def test_who_signs_the_challenge_has_a_session_of_the_account(served):
    served.tell(chain.created(1, employee=ANA.public_key), chain.paused(2, employee=ANA.public_key))
    token = await token_of(served)
    inbox = (await served.ask("/v1/me/inbox", key=token)).json()
    assert ids(inbox["items"], "kind") == ["paused"]
    assert (await served.ask("/v1/me/inbox", key=await token_of(served, BEN))).json()["items"] == []


async def test_the_message_tells_people_where_with_what_and_until_when(served):
    message = (await challenged(served, ANA.public_key))["message"]
    assert message.startswith("pausewire.example wants you to sign in")
    for said in (ANA.public_key, PASSPHRASE, "Expires: 20", "moves no money"):
        assert said in message
    assert message.isprintable() or set(message) - {"\n"}
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    answer = await served.ask(
        "/v1/auth/challenge",
        key=None,
        method="POST",
        headers=forged,
        json={"address": ANA.public_key},
    )
    assert "evil" not in answer.text


async def test_a_muxed_address_signs_in_as_its_account(served):
    address = muxed(ANA, 4711)
    asked = await challenged(served, address)
    sent = {"address": address, "challenge": asked["challenge"]}
    answer = await met(served, signature=signed(ANA, asked["message"]), **sent)
    assert answer.json()["account_id"] == ANA.public_key


async def test_a_spark_address_signs_in_with_its_key(served):
    wallet = SparkWallet(5)
    asked = await challenged(served, wallet.address)
    sent = {"address": wallet.address, "challenge": asked["challenge"]}
    signature = wallet.sign(asked["message"], compact=True)
    refused = await met(served, signature=signature, **sent)
    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/sign-in-refused")
    answer = await met(served, signature=signature, public_key=wallet.public_key, **sent)
    assert answer.json()["account_id"] == wallet.address


async def test_nobody_signs_in_for_a_contract_with_a_key_of_his_own(served):
    contract = StrKey.encode_contract(bytes(32))
    asked = await challenged(served, contract)
    signature = signed(ANA, asked["message"])
    sent = {"address": contract, "challenge": asked["challenge"], "public_key": ANA.public_key}
    answer = await met(served, signature=signature, **sent)
    assert answer.status_code == 401, answer.text


async def test_a_challenge_is_met_once_however_many_try_at_the_same_time(served):
    asked = await challenged(served, ANA.public_key)
    sent = {
        "address": ANA.public_key,
        "challenge": asked["challenge"],
        "signature": signed(ANA, asked["message"]),
    }
    async with served.client() as client:
        answers = await asyncio.gather(
            *(client.post("/v1/auth/token", json=sent) for _ in range(8))
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    again = Served(served.database, domain="pausewire.example", passphrase=PASSPHRASE)
    assert "met before" in (await met(again, **sent)).json()["detail"]  # at another process


async def test_a_challenge_is_of_one_address_domain_network_and_time(served):
    asked = await challenged(served, ANA.public_key)
    elsewhere = served.given.sign_in
    now = now_micros() // 1_000_000
    others = {
        "address": elsewhere.challenge(BEN.public_key, now),
        "time": elsewhere.challenge(ANA.public_key, now - 301),
        "domain": SignIn(served.given.vault, "evil.example", PASSPHRASE).challenge(
            ANA.public_key, now
        ),
        "network": SignIn(served.given.vault, "pausewire.example", "Other").challenge(
            ANA.public_key, now
        ),
        "deployment": SignIn(Vault(b"x" * 32), "pausewire.example", PASSPHRASE).challenge(
            ANA.public_key, now
        ),
    }
    for what, other in others.items():
        answer = await met(
            served,
            address=ANA.public_key,
            challenge=other.challenge,
            signature=signed(ANA, other.message),
        )
        assert answer.status_code == 401, what
    parts = asked["challenge"].split(".")
    for at in range(4):
        changed = [*parts]
        changed[at] = changed[at][:-1] + ("0" if changed[at][-1] != "0" else "1")
        answer = await met(
            served,
            address=ANA.public_key,
            challenge=".".join(changed),
            signature=signed(ANA, asked["message"]),
        )
        assert answer.status_code == 401, at


async def test_known_and_unknown_accounts_are_answered_alike(served):
    served.tell(chain.created(1, employee=ANA.public_key), chain.paused(2, employee=ANA.public_key))
    shapes = set()
    for keypair in (ANA, BEN):
        asked = await challenged(served, keypair.public_key)
        shapes.add(re.sub(r"[0-9a-f]{32}|G[A-Z2-7]{55}|[0-9:]{8,}", "_", json.dumps(asked)))
        answer = await met(
            served,
            address=keypair.public_key,
            challenge=asked["challenge"],
            signature=signed(person("eve"), asked["message"]),
        )
        shapes.add((answer.status_code, answer.text))
    assert len(shapes) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"address": 5}',
        b'{"address": ""}',
        b'{"address": "GABC"}',
        b'{"address": "\\u0000"}',
        b'{"address": "G", "role": "operator"}',
        json.dumps({"address": "A" * 5000}).encode(),
        json.dumps({"address": ANA.secret}).encode(),
    ],
)
async def test_a_wrong_address_is_named_and_not_repeated(served, body):
    answer = await served.ask(
        "/v1/auth/challenge",
        key=None,
        method="POST",
        content=body,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("body")
    assert ANA.secret not in answer.text


async def test_signing_out_ends_the_session_at_once_and_only_that(served):
    one, two = await token_of(served), await token_of(served)
    gone = await served.ask("/v1/auth/logout", key=one, method="POST", json={})
    assert gone.json() == {"ended": 1}
    assert (await served.ask("/v1/me/inbox", key=one)).status_code == 401
    assert (await served.ask("/v1/me/inbox", key=two)).status_code == 200
    three = await token_of(served)
    others = await token_of(served, BEN)
    gone = await served.ask("/v1/auth/logout", key=two, method="POST", json={"everywhere": True})
    assert gone.json() == {"ended": 2}
    assert (await served.ask("/v1/me/inbox", key=three)).status_code == 401
    assert (await served.ask("/v1/me/inbox", key=others)).status_code == 200


async def test_a_session_ends_with_its_time_whatever_its_token_says(served):
    token = await token_of(served)
    with served.database.begin() as conn:
        conn.execute(update(sessions.session).values(expires_at=now_micros()))
    assert (await served.ask("/v1/me/inbox", key=token)).status_code == 401


def rotated(served, now=None, **how):
    with served.database.begin() as conn:
        return sessions.rotate_keys(conn, served.given.vault, now or now_micros(), **how)


async def test_new_keys_sign_nobody_out_however_often_they_come(served):
    first = await token_of(served)
    rotated(served)
    second = await token_of(served)
    kids = [jwt.get_unverified_header(each)["kid"] for each in (first, second)]
    assert kids[0] != kids[1]
    for _ in range(3):
        rotated(served)
    rotated(served, now_micros() - 10**12)  # by a clock that is behind
    last = await token_of(served)
    assert jwt.get_unverified_header(last)["kid"] not in kids
    for token in (first, second, last):
        assert (await served.ask("/v1/me/inbox", key=token)).status_code == 200


async def test_a_key_that_no_session_needs_goes_with_the_next_rotations(served):
    token, later = await token_of(served), now_micros() + 2 * 86_400_000_000
    with served.database.begin() as conn:
        conn.execute(update(sessions.session).values(expires_at=later + 1))
    rotated(served)
    assert rotated(served, later - 1)[0].ended == 0
    assert rotated(served, later + 1)[0].ended == 2  # the session is over; the key before stays
    with served.database.read() as conn:
        assert len(conn.execute(select(session_keys.session_key)).all()) == 2
    assert (await served.ask("/v1/me/inbox", key=token)).status_code == 401


async def test_a_key_that_somebody_else_has_ends_every_session(served):
    tokens = [await token_of(served), await token_of(served, BEN)]
    key, ended = rotated(served, at_once=True)
    assert (key.kept, key.ended, ended) == (0, 1, 2)
    for token in tokens:
        assert (await served.ask("/v1/me/inbox", key=token)).status_code == 401
    assert (await served.ask("/v1/me/inbox", key=await token_of(served))).status_code == 200


async def test_without_its_key_no_session_stands(served):
    token = await token_of(served)
    with served.database.begin() as conn:
        conn.execute(delete(session_keys.session_key))
    assert (await served.ask("/v1/me/inbox", key=token)).status_code == 401


async def test_no_token_but_ours_is_believed(served):
    token = await token_of(served)
    claims = jwt.decode(token, options={"verify_signature": False})
    header = {"kid": jwt.get_unverified_header(token)["kid"]}
    head, body, signature = token.split(".")
    victim = base64.urlsafe_b64encode(json.dumps(claims | {"sub": BEN.public_key}).encode())
    with served.database.read() as conn:
        key = session_keys.signing_key(conn, served.given.vault, 0)
    forged = [
        jwt.encode(claims, "", algorithm="none", headers=header),
        jwt.encode(claims, b"k" * 32, algorithm="HS256", headers=header),
        jwt.encode(claims, key.secret * 2, algorithm="HS512", headers=header),
        jwt.encode(claims | {"aud": "other"}, key.secret, algorithm="HS256", headers=header),
        jwt.encode(claims | {"iss": "evil.example"}, key.secret, algorithm="HS256", headers=header),
        jwt.encode(claims | {"sub": BEN.public_key}, key.secret, algorithm="HS256", headers=header),
        jwt.encode(claims | {"jti": "session_x"}, key.secret, algorithm="HS256", headers=header),
        jwt.encode(claims | {"jti": 7}, key.secret, algorithm="HS256", headers=header),
        jwt.encode(claims | {"jti": "a\0b"}, key.secret, algorithm="HS256", headers=header),
        jwt.encode(claims, key.secret, algorithm="HS256"),
        f"{head}.{victim.decode().rstrip('=')}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        "..",
        token + "A" * 5000,
        "a.b.c",
    ]
    for each in forged:
        answer = await served.ask("/v1/me/inbox", key=each)
        assert answer.status_code == 401, each
        assert each not in answer.text
    assert (await served.ask("/v1/me/inbox", key=token)).status_code == 200


async def test_signing_in_and_out_is_in_the_access_log_without_the_account(served):
    token = await token_of(served)
    await served.ask("/v1/auth/logout", key=token, method="POST", json={})
    with served.database.read() as conn:
        rows = conn.execute(select(access_log).order_by(access_log.c.at)).all()
    assert [(row.action, row.client) for row in rows] == [
        ("signed_in", "127.0.0.1"),
        ("signed_out", "127.0.0.1"),
    ]
    assert {row.account_lookup for row in rows} == {
        served.given.vault.account_lookup(ANA.public_key)
    }
    assert ANA.public_key not in str(rows)
