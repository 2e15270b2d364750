"""`pausewire recipients create-test`: somebody to try a deployment on, outside production."""

import io
import secrets
from typing import Annotated

import typer

from cli.output import Json, refuse, show
from cli.wiring import Deployment, deployment
from notifier.contact_file import ContactLine, read_contacts, write_contacts
from notifier.contact_import import import_contacts
from notifier.errors import RecipientsInvalid
from notifier.guests import GuestList
from notifier.guests_on import PRODUCTION, guests_of
from simulator.accounts import keypair_for


def create_test(  # one option for each place
    account: Annotated[
        str, typer.Option(help="An account of yours, G…; none: a new one, its secret is shown.")
    ] = "",
    email: Annotated[str, typer.Option(help="An address of yours.")] = "",
    phone: Annotated[str, typer.Option(help="A number of yours, +15550100123.")] = "",
    push: Annotated[str, typer.Option(help="A topic of yours, ntfy:<topic>.")] = "",
    language: Annotated[str, typer.Option(help="As en or pt-BR.")] = "en",
    json: Json = False,
) -> None:
    """Create a recipient whose places are verified; its news is sent as anybody's.

    Without a place it gets made-up ones, where a catcher takes them.
    """
    here = deployment()
    if here.settings.environment == PRODUCTION:
        refuse("this is production: real people are imported, `pausewire recipients import`")
    guests = guests_of(here.settings)
    secret = None
    if not account:
        pair = keypair_for(secrets.randbits(63), "test recipient", 1)
        account, secret = pair.public_key, pair.secret
    line = ContactLine(account, email, phone, push, language)
    if not (email or phone or push):
        line = _made_up(line, guests)
    _refuse_strangers(line, guests)
    _import(here, line)
    found = {name: value for name, value in line._asdict().items() if value}
    show(found if secret is None else found | {"secret": secret}, as_json=json)


def _made_up(line: ContactLine, guests: GuestList) -> ContactLine:
    """Places of nobody, on the channels that a catcher takes."""
    name = line.account_id[1:11].lower()
    number = f"+1555{200_000 + secrets.randbelow(100_000):07d}"  # a range that nobody owns
    made = {"email": f"test-{name}@example.test", "sms": number, "push": f"ntfy:test-{name}"}
    caught = {channel: place for channel, place in made.items() if channel in guests.catchers}
    if not caught:
        refuse("no catcher takes made-up places here: give --email, --phone or --push of your own")
    return line._replace(
        email=caught.get("email", ""), phone=caught.get("sms", ""), push=caught.get("push", "")
    )


def _refuse_strangers(line: ContactLine, guests: GuestList) -> None:
    places = {"email": line.email, "sms": line.phone, "push": line.push}
    outside = [
        place for channel, place in places.items() if place and not guests.admits(channel, place)
    ]
    if outside:
        refuse(
            f"not on the guest list: {', '.join(outside)}; nothing would be sent there:"
            " add it to guests.places"
        )


def _import(here: Deployment, line: ContactLine) -> None:
    """By way of the file's form, which checks every cell."""
    text = io.StringIO()
    write_contacts([line], text)
    text.seek(0)
    try:
        lines = read_contacts(text)
    except RecipientsInvalid as error:
        refuse("\n".join(error.faults).replace("line 2: ", ""))
    import_contacts(here.migrated_database(), here.vault, lines)
