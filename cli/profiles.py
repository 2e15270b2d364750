"""`pausewire profiles`: check a profile file, and try it on a contract's real events before it counts."""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.asking import ask, events_of
from cli.events import Wasm
from cli.output import FAILED, Json, refuse, show_json, show_rows
from cli.sandbox import as_followed
from cli.wiring import Deployment, deployment
from domain.values import contract_id
from ingest.coverage import LedgerRange
from ingest.cursors import FIRST_LEDGER, LAST_LEDGER
from ingest.decision import OUTCOME_APPLIED, OUTCOME_IGNORED, OUTCOME_QUARANTINED
from ingest.errors import ProfileInvalid
from ingest.profiles.loader import HOST, load_profile, read_profile
from ingest.profiles.shapes import Profile, Section
from ingest.reading import Kind, Reader, kind_of
from ingest.stored import stored_events

File = Annotated[Path, typer.Argument(help="A profile file, `name.yaml`.")]
_SUFFIX = ".yaml"


def register(app: typer.Typer) -> None:
    """Add the group to the command."""
    group = typer.Typer(no_args_is_help=True, help="Contract profiles: how events read.")
    group.command("check")(check)
    group.command("try")(try_out)
    app.add_typer(group, name="profiles")


def check(file: File, json: Json = False) -> None:
    """Whether a profile file reads; names line, event, field and way out of each fault."""
    profile, faults = read_profile(*_place(file))
    if profile is None:
        if json:
            show_json({"ok": False, "faults": [vars(fault) for fault in faults]})
            raise typer.Exit(FAILED)
        refuse("\n".join(map(str, faults)), code=FAILED)
    sections: list[tuple[str | None, Section]] = [
        (None, profile.default),
        *profile.by_wasm.items(),
    ]
    if json:
        shown = [_section(wasm, section) for wasm, section in sections]
        show_json({"ok": True, "profile": profile.label, "sections": shown})
        return
    for wasm, section in sections:
        title = profile.label if wasm is None else f"{profile.label} while wasm {wasm} runs"
        rows = [
            (kind, name, arity, ", ".join(shape.fact.__name__ for shape in shapes))
            for (kind, name, arity), shapes in section.shapes.items()
        ]
        rows += [(*key, "of no concern") for key in sorted(section.of_no_concern)]
        show_rows(title, ("type", "event", "topics", "reads as"), rows)


def try_out(  # the options of the command
    file: File,
    ledgers: Annotated[
        tuple[int, int] | None,
        typer.Option("--ledger-range", metavar="FIRST LAST", help="Both included."),
    ] = None,
    start_ledger: Annotated[
        int | None, typer.Option("--start-ledger", min=1, help="First ledger, up to the newest.")
    ] = None,
    contract: Annotated[
        str | None,
        typer.Option("--contract", help="Default: the configured one that has this profile."),
    ] = None,
    *,
    stored: Annotated[
        bool, typer.Option("--stored", help="Read the evidence in the database, not the RPC.")
    ] = False,
    wasm: Wasm = None,
    json: Json = False,
) -> None:
    """Read real events by a profile file; exit 1 where it does not understand one. Records nothing."""
    here = as_followed(deployment())
    wanted = _ledgers(ledgers, start_ledger)
    contract = contract_id(contract or _configured(here, file.stem), "--contract")
    try:
        profile = load_profile(*_place(file))
    except ProfileInvalid as error:
        refuse(str(error), code=FAILED)
    reader = Reader(profile, wasm)
    if stored:
        found = _count_stored(here, contract, wanted, reader)
    else:
        found = ask(_count(here, contract, wanted, reader))
    _tell(profile, found, as_json=json)
    if any(kind.outcome == OUTCOME_QUARANTINED for kind in found):
        raise typer.Exit(FAILED)


def _ledgers(both: tuple[int, int] | None, start: int | None) -> LedgerRange:
    if (both is None) == (start is None):
        refuse("give either --ledger-range FIRST LAST or --start-ledger L")
    first, last = both or (start or FIRST_LEDGER, LAST_LEDGER)
    if not FIRST_LEDGER <= first <= last <= LAST_LEDGER:
        refuse(f"--ledger-range {first} {last}: give a first ledger > 0 that is not the later one")
    return LedgerRange(first, last)


def _configured(here: Deployment, profile: str) -> str:
    """The one contract that is followed by a profile of this name."""
    ids = [each.id for each in here.settings.network.contracts if each.profile == profile]
    if len(ids) != 1:
        refuse(
            f"{len(ids)} configured contracts have the profile {profile}: name one by --contract"
        )
    return ids[0]


def _place(file: Path) -> tuple[str, Path]:
    """Name and folder, as profiles are loaded."""
    if file.suffix != _SUFFIX or file.stem == HOST:
        refuse(f"{file}: a profile file is called <profile>{_SUFFIX}, but for {HOST}{_SUFFIX}")
    if not file.is_file():
        refuse(f"{file}: there is no such file")
    return file.stem, file.parent


async def _count(
    here: Deployment, contract: str, ledgers: LedgerRange, reader: Reader
) -> Counter[Kind]:
    found: Counter[Kind] = Counter()
    async for event in events_of(here.settings, contract, ledgers.from_ledger, follow=False):
        if event.ledger > ledgers.to_ledger:
            break
        found[kind_of(reader.read(event))] += 1
    return found


def _count_stored(
    here: Deployment, contract: str, ledgers: LedgerRange, reader: Reader
) -> Counter[Kind]:
    with closing(here.migrated_database()) as database, database.read() as conn:
        events = stored_events(conn, contract, ledgers)
        return Counter(kind_of(reader.read(event)) for event in events)


def _tell(profile: Profile, found: Mapping[Kind, int], *, as_json: bool) -> None:
    totals = {
        outcome: sum(count for kind, count in found.items() if kind.outcome == outcome)
        for outcome in (OUTCOME_APPLIED, OUTCOME_IGNORED, OUTCOME_QUARANTINED)
    }
    if as_json:
        counted = [{**kind._asdict(), "count": count} for kind, count in sorted(found.items())]
        show_json({"profile": profile.label, **totals, "kinds": counted})
        return
    show_rows(
        f"Events as {profile.label} reads them",
        ("type", "event", "topics", "outcome", "reads as", "count"),
        [(*kind, count) for kind, count in sorted(found.items())],
    )
    print(", ".join(f"{count} {outcome}" for outcome, count in totals.items()))


def _section(wasm: str | None, section: Section) -> dict[str, Any]:
    return {
        "wasm": wasm,
        "events": [
            {
                "type": kind,
                "event": name,
                "arity": arity,
                "facts": [shape.fact.__name__ for shape in shapes],
            }
            for (kind, name, arity), shapes in section.shapes.items()
        ],
        "of_no_concern": [
            {"type": kind, "event": name, "arity": arity}
            for kind, name, arity in sorted(section.of_no_concern)
        ],
    }
