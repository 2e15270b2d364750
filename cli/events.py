"""`pausewire events`: what the RPC says about a contract, raw, and how a profile reads it."""

import asyncio
import json as json_text
from base64 import b64encode
from typing import Annotated, Any

import typer

from cli.asking import ask, events_of
from cli.output import Json, refuse
from cli.sandbox import as_followed
from cli.times import when_seconds
from cli.wiring import Deployment, deployment
from domain.values import contract_id
from ingest.errors import ProfileInvalid
from ingest.profiles.loader import load_profile
from ingest.profiles.shapes import Profile
from ingest.reading import Reader, Reading, in_words

Contract = Annotated[str, typer.Option("--contract", help="The contract, `C…`.")]
StartLedger = Annotated[int, typer.Option("--start-ledger", min=1, help="First ledger to read.")]
Wasm = Annotated[
    str | None,
    typer.Option("--wasm", help="Hex hash of the code that ran then, for profiles that tell."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("events")(events)


def events(
    contract: Contract,
    start_ledger: StartLedger,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what comes.")] = False,
    profile: Annotated[
        str | None, typer.Option(help="Default: the configured one, else paystream.")
    ] = None,
    wasm: Wasm = None,
    json: Json = False,
) -> None:
    """Print each contract event; nothing is recorded. With --json one document per line."""
    here = as_followed(deployment())
    reader = Reader(named_profile(here, contract_id(contract, "--contract"), profile), wasm)
    try:
        ask(_print(here, contract, start_ledger, reader, follow=follow, as_json=json))
    except KeyboardInterrupt:
        return


def named_profile(here: Deployment, contract: str, name: str | None) -> Profile:
    """The profile asked for, else the contract's own, else the reference contract's."""
    configured = {each.id: each.profile for each in here.settings.network.contracts}
    try:
        return load_profile(name or configured.get(contract, "paystream"))
    except ProfileInvalid as error:
        refuse(str(error))


async def _print(
    here: Deployment,
    contract: str,
    start_ledger: int,
    reader: Reader,
    *,
    follow: bool,
    as_json: bool,
) -> None:
    async for event in events_of(here.settings, contract, start_ledger, follow=follow):
        reading = reader.read(event)
        if as_json:
            print(json_text.dumps(_as_json(reading), ensure_ascii=False), flush=True)
        else:
            _tell(reading)
        await asyncio.sleep(0)  # lets Ctrl-C in between the events of a page


def _tell(reading: Reading) -> None:
    event = reading.event
    print(f"{when_seconds(event.closed_at)}  ledger {event.ledger}  {event.event_id}  {event.type}")
    print(f"  tx      {event.tx_hash}")
    for topic in event.topics:
        print(f"  topic   {b64encode(topic).decode()}  {in_words(topic)}")
    print(f"  value   {b64encode(event.value).decode()}  {in_words(event.value)}")
    print(f"  reads   {reading.says}", flush=True)


def _as_json(reading: Reading) -> dict[str, Any]:
    event = reading.event
    return {
        "event_id": event.event_id,
        "type": event.type,
        "contract_id": event.contract_id,
        "ledger": event.ledger,
        "closed_at": when_seconds(event.closed_at),
        "tx_hash": event.tx_hash,
        "topics": [b64encode(topic).decode() for topic in event.topics],
        "value": b64encode(event.value).decode(),
        "topics_in_words": [in_words(topic) for topic in event.topics],
        "value_in_words": in_words(event.value),
        "outcome": reading.outcome,
        "reason": reading.reason,
        "fact": reading.fact,
        "fields": reading.fields,
    }
