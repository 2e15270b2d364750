"""The letter of a claimed delivery: its stored content, its words, and the destination in clear.

In: a claim. Out: a Draft read in the claim's own transaction, then the Letter rendered from it.
The same delivery always makes the same letter: content and template version are fixed at planning.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, select, update

from notifier import digests, privacy, told_links, unsubscribing
from notifier.attempts import Claim
from notifier.channels.channel import Admitted, Letter
from notifier.content import DIGEST, EMAIL, Content, Rendered, decode_content
from notifier.digest_content import digest_of
from notifier.drafts import ERASED, STRANGER, Draft, Place, Ready, Withheld
from notifier.errors import DestinationRejected
from notifier.guests import GuestList, marked
from notifier.privacy import Vault
from notifier.recipients import SealedPlace, open_place
from notifier.rendering import Renderer
from notifier.schema import contact, delivery, notice, recipient
from notifier.sites import site_lookup
from notifier.states import CANARY, CANCELLED, SUPPRESSED
from notifier.still_paused import is_reminder
from notifier.suppression import reason_for
from notifier.ways import OVER
from notifier.ways_out import ways_out
from notifier.webhooks import posts
from notifier.webhooks.subscriptions import WEBHOOK
from store.among import among, uuids

# One statement for all that letters are made of.
_LETTERS = (
    select(
        delivery.c.delivery_id,
        delivery.c.possible_duplicate,
        notice.c.kind,
        notice.c.content,
        notice.c.language,
        notice.c.template_version,
        notice.c.contract_id,
        notice.c.stream_id,
        recipient.c.recipient_id,
        recipient.c.wrapped_key,
        contact.c.destination,
        contact.c.destination_lookup,
        contact.c.site_lookup,
        reason_for(contact.c.channel, contact.c.destination_lookup).label("suppressed"),
    )
    .join_from(delivery, notice, notice.c.notice_id == delivery.c.notice_id)
    .outerjoin(contact, contact.c.contact_id == delivery.c.contact_id)
    .outerjoin(recipient, recipient.c.recipient_id == contact.c.recipient_id)
    .where(among(delivery.c.delivery_id, uuids("are_held")))
)


CANARY_SUBJECT = "Pausewire canary"
CANARY_TEXT = "Sent each minute to see that people can be told. Nothing is to be done."


class Letters:
    """Reads and renders letters. `public_url`: of the API, where mails' unsubscribe links lead."""

    def __init__(
        self,
        vault: Vault,
        renderer: Renderer,
        *,
        guests: GuestList,
        canary_place: str = "-",
        public_url: str | None = None,
    ) -> None:
        self._public_url = public_url
        self._vault = vault
        self._renderer = renderer
        self._guests = guests
        self._canary_place = canary_place

    def look_up(self, conn: Connection, claims: Sequence[Claim]) -> Mapping[UUID, Any]:
        """What the letters of these claims are made of, by delivery; webhooks have their own."""
        known: dict[UUID, Any] = {}
        known |= posts.look_up(conn, [each for each in claims if each.channel == WEBHOOK])
        held = [each.delivery_id for each in claims if each.channel != WEBHOOK]
        if held:
            rows = conn.execute(_LETTERS, {"are_held": held})
            known |= {row.delivery_id: row for row in rows}
        return known

    def read(
        self, conn: Connection, held: Claim, known: Mapping[UUID, Any]
    ) -> Draft | Ready | Withheld:
        """The draft, unless its words were erased, its place is suppressed, or is no guest's.

        `known`: by `look_up`. Raises DestinationRejected: the contact is gone.
        """
        place = self._place(conn, held, known)
        if isinstance(place, Withheld):
            return place
        admitted = self._guests.admit(held.channel, place.destination)
        return STRANGER if admitted is None else place.then(admitted)

    def _place(self, conn: Connection, held: Claim, known: Mapping[UUID, Any]) -> Place | Withheld:
        """A person's, a receiver's or the canary's."""
        if held.channel == WEBHOOK:
            made_of = known[held.delivery_id]
            letter, receiver = posts.read(made_of, self._vault, held, self._guests.network)
            return Place(receiver, partial(Ready, letter))
        row = known[held.delivery_id]
        if row.content is None:
            return ERASED
        if row.kind == CANARY:
            return Place(self._canary_place, partial(_canary, row))
        if row.suppressed is not None:
            return Withheld(SUPPRESSED, row.suppressed)
        if held.contact_id is None:
            raise DestinationRejected("the delivery names no contact")
        sealed = SealedPlace(held.contact_id, row.recipient_id, row.wrapped_key, row.destination)
        return Place(open_place(self._vault, sealed), partial(self._draft, conn, held, row))

    def _draft(
        self, conn: Connection, held: Claim, row: Any, destination: Admitted
    ) -> Draft | Withheld:
        reminds = is_reminder(row)
        looked = held.bundle is not None or reminds
        told = digests.told_in(conn, held, self._vault) if looked else ()
        if looked and not told:
            return Withheld(CANCELLED, OVER if reminds else digests.OVERTAKEN)
        content = decode_content(row.content)
        return Draft(
            content=content,
            language=row.language,
            template_version=row.template_version,
            thread=_thread(held, row),
            destination=destination,
            unsubscribe_url=unsubscribing.link_for(
                self._vault, held.channel, row.destination_lookup, self._public_url
            ),
            site=row.site_lookup or self._site(conn, held, row.site_lookup, destination),
            told=told if held.digest else (),
            daily=held.digest and self._is_daily(held, row, content.role),
            repeats=row.possible_duplicate,
        )

    def _is_daily(self, held: Claim, row: Any, role: str) -> bool:
        key = self._vault.unwrap(row.wrapped_key, row.recipient_id)
        return held.bundle == privacy.daily_bundle(key, role)

    def _site(self, conn: Connection, held: Claim, known: str | None, destination: str) -> str:
        """The site of a contact that was written before sites were known is filled in."""
        if known is not None:
            return known
        found = site_lookup(self._vault, held.channel, destination)
        conn.execute(
            update(contact).where(contact.c.contact_id == held.contact_id).values(site_lookup=found)
        )
        return found

    def write(self, held: Claim, draft: Draft | Ready) -> Letter:
        """Render it. Raises jinja2.TemplateError: a defect."""
        if isinstance(draft, Ready):
            return draft.letter
        if draft.content.kind == CANARY:
            words = Rendered(CANARY_SUBJECT, f"{CANARY_TEXT} {draft.content.reference}")
        else:
            words = self._worded(held, draft)
        words = marked(words, self._guests.mark)
        return Letter(
            delivery_id=held.delivery_id,
            thread=draft.thread,
            subject=words.subject,
            text=words.text,
            html=words.html,
            planned_at=held.planned_at,
            deadline_at=held.deadline_at,
            kind=DIGEST if draft.told else draft.content.kind,
            unsubscribe_url=draft.unsubscribe_url,
        )

    def _worded(self, held: Claim, draft: Draft) -> Rendered:
        how = (held.channel, draft.language, draft.template_version)
        out = ways_out(self._public_url, draft.unsubscribe_url)
        if draft.told:
            digest = digest_of(draft.content, draft.told, daily=draft.daily)
            digest = digest._replace(content=self._linked(held, digest.content))
            return self._renderer.render_digest(digest, *how, out, repeats=draft.repeats)
        content = self._linked(held, draft.content)
        return self._renderer.render(content, *how, out, repeats=draft.repeats)

    def _linked(self, held: Claim, content: Content) -> Content:
        """A mail leads to the page that knows whether it was seen; where people reach us at all."""
        if held.channel != EMAIL or content.link is None or self._public_url is None:
            return content
        url = self._public_url
        link = told_links.link_for(self._vault, held.delivery_id, held.planned_at, url)
        return msgspec.structs.replace(content, link=link)


def _canary(row: Any, destination: Admitted) -> Draft:
    """Its place is the deployment's own, no recipient's."""
    return Draft(
        content=decode_content(row.content),
        language=row.language,
        template_version=row.template_version,
        thread=CANARY,
        destination=destination,
    )


def _thread(held: Claim, row: Any) -> str:
    """What a mailbox keeps together: the news of a stream, and the digests about one employer.

    Elsewhere a newer message takes the older one's place, and no digest tells what another one told.
    """
    if held.digest:
        return f"digest.{held.bundle if held.channel == EMAIL else held.delivery_id}"
    stream = "contract" if row.stream_id is None else row.stream_id
    return f"{row.contract_id}.{stream}"
