"""Somebody at home: an API, a network, channels that keep what they are given, and a person signed in."""

import re

from sqlalchemy import select, update

from api.access_log import access_log
from notifier import suppression
from notifier.contact_letters import contact_letter
from notifier.contact_sender import ContactSender
from store.clock import now_micros
from tests.fakes.controlled import Network
from tests.fakes.fake_channel import FakeChannel
from tests.fakes.guests import EVERYBODY
from tests.fakes.served import Served
from tests.fakes.wallet import person, signed

ANA, BEN = person("ana"), person("ben")
EMAIL, PHONE = "ana.maria@example.org", "+15550100123"


class Home:
    """An API, a network, channels, and somebody signed in."""

    def __init__(self, database) -> None:
        self.network = Network()
        self.served = Served(database, control=self.network)
        self.channels = {name: FakeChannel(provider=name) for name in ("email", "sms", "push")}
        self.sender = ContactSender(
            database, self.served.given.vault, self.channels, guests=EVERYBODY, poll_seconds=0.01
        )

    async def sign_in(self, keypair=ANA) -> str:
        asked = await self.served.ask(
            "/v1/auth/challenge", key=None, method="POST", json={"address": keypair.public_key}
        )
        sent = {
            "address": keypair.public_key,
            "challenge": asked.json()["challenge"],
            "signature": signed(keypair, asked.json()["message"]),
        }
        answer = await self.served.ask("/v1/auth/token", key=None, method="POST", json=sent)
        return answer.json()["token"]

    async def add(self, token: str, destination: str = EMAIL, channel: str = "email"):
        body = {"channel": channel, "destination": destination}
        return await self.served.ask("/v1/me/contacts", key=token, method="POST", json=body)

    async def verify(self, token: str, contact_id: str, code: str):
        path = f"/v1/me/contacts/{contact_id}/verify"
        return await self.served.ask(path, key=token, method="POST", json={"code": code})

    async def verified(self, token: str, destination: str = EMAIL, channel: str = "email") -> str:
        contact_id = (await self.add(token, destination, channel)).json()["contact"]["contact_id"]
        answer = await self.verify(token, contact_id, await self.code(destination, channel))
        assert answer.status_code == 200, answer.text
        return contact_id

    async def code(self, destination: str = EMAIL, channel: str = "email") -> str:
        """The newest code that arrived at a place."""
        while await self.sender.step():
            pass
        texts = [letter.text for letter, to in self.channels[channel].sent if to == destination]
        return re.findall(r"\b\d{6}\b", texts[-1])[0]

    async def prove(self, token: str, contact_id: str):
        path = f"/v1/me/contacts/{contact_id}/prove"
        return await self.served.ask(path, key=token, method="POST")

    def keep_from(self, reason: str, destination: str = EMAIL, channel: str = "email") -> None:
        """Put a place on the suppression list, as a provider or an operator does."""
        lookup = self.served.given.vault.destination_lookup(channel, destination)
        with self.served.database.begin() as conn:
            suppression.put(conn, channel, lookup, reason, source="test", at=now_micros())

    def a_day_later(self) -> None:
        """As if the codes until now had been sent a day ago."""
        day = 24 * 3_600 * 1_000_000
        with self.served.database.begin() as conn:
            letter = contact_letter.c
            conn.execute(update(contact_letter).values(created_at=letter.created_at - day))

    async def contacts(self, token: str) -> list[dict]:
        return (await self.served.ask("/v1/me/contacts", key=token)).json()["contacts"]

    def actions(self) -> list[str]:
        with self.served.database.read() as conn:
            return list(conn.scalars(select(access_log.c.action).order_by(access_log.c.at)))
