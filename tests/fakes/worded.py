"""Contents of every kind, and their words in every channel as the golden files hold them.

`python -m tests.fakes.worded` writes the golden files of the present template version anew: for words that
no release has had yet. What a release has sent is never changed: new words are a new version.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from notifier.contact_words import CODE, ContactRenderer, ContactWords
from notifier.contact_words import KINDS as CONTACT_KINDS
from notifier.content import TEMPLATE_VERSION, Content, Money, Pause
from notifier.digest_content import Digest, digest_of
from notifier.languages import LANGUAGES
from notifier.news import CONTRACT_PAUSED, CONTRACT_RESUMED, CORRECTION, KINDS, REMINDER, REVISED
from notifier.rendering import Renderer
from notifier.ways_out import WaysOut
from tests.fakes.chain import CONTRACT

GOLDEN = Path(__file__).parents[1] / "unit" / "notifier" / "golden"
AT = 1_790_000_000
CHANNELS = ("email", "sms", "push", "in_app")
ROLES = ("employee", "employer")
ACTORS = ("employer", "delegate", "authority", "stranger", "unknown")
OUT = WaysOut("https://pay.example/#/inbox/settings", "https://pay.example/v1/unsubscribe/TOKEN")
LINK = "https://pay.example/v1/confirm/TOKEN"
LARGEST_ID = 2**64 - 1


def content(kind: str, role: str = "employee", **changes: Any) -> Content:
    wide = kind in (CONTRACT_PAUSED, CONTRACT_RESUMED)
    fields: dict[str, Any] = {
        "kind": kind,
        "role": role,
        "contract_id": CONTRACT,
        "stream_id": None if wide else 184,
        "happened_at": AT,
        "learned_at": AT + 6 * 3600,
        "reference": "AB12CD34",
        "link": f"https://pay.example/streams/{CONTRACT}/184",
    }
    if kind == REVISED:
        fields["pauses"] = (Pause(AT - 9000, AT - 60), Pause(None, None))
    if kind.endswith(("resumed", "while_paused")):
        fields["paused_since"] = AT - 7200
    if kind == REMINDER:
        fields["learned_at"] = AT + 16 * 86_400
    return Content(**(fields | changes))


def variants(kind: str) -> Iterator[tuple[str, Content]]:
    """Each sentence that a kind may say, at least once."""
    for role in ROLES:
        yield role, content(kind, role)
        if kind not in (REVISED, CORRECTION, REMINDER):
            yield f"{role}, late", content(kind, role, late=True)
        yield from _pauses(kind, role)
        if kind.startswith("cancelled"):
            settled = Money("USDC", 7, settled=5_000_000, refunded=98_765_432_100_000)
            yield f"{role}, settled", content(kind, role, money=settled, network="testnet")
    if kind == REVISED:
        yield from _revised()


def _pauses(kind: str, role: str) -> Iterator[tuple[str, Content]]:
    if kind == REMINDER:
        yield from _of_contracts(role)
    if kind in ("paused", CONTRACT_PAUSED, REMINDER):
        yield f"{role}, since when is not known", content(kind, role, start_known=False)
    if kind == "paused":
        yield from _by_actors(role)
    if kind in ("paused", REMINDER):
        earned = Money("USDC", 7, earned=12_345_678_901, withdrawn=2_345_678_901)
        yield f"{role}, earned", content(kind, role, money=earned, time_zone="Asia/Kolkata")


def _by_actors(role: str) -> Iterator[tuple[str, Content]]:
    for actor in ACTORS:
        by = {"paused_by": "GBQD…XEYA", "paused_by_role": actor}
        yield f"{role}, by {actor}", content("paused", role, **by)


def _revised() -> Iterator[tuple[str, Content]]:
    pauses = (Pause(None, AT), Pause(AT, None), Pause(None, None))
    yield "of a contract", content(REVISED, stream_id=None, pauses=pauses)
    yield "one pause", content(REVISED, pauses=pauses[:1])
    yield "none took place", content(REVISED, "employer", pauses=())


def _of_contracts(role: str) -> Iterator[tuple[str, Content]]:
    for known, name in ((True, ""), (False, ", since when is not known")):
        made = content(REMINDER, role, stream_id=None, start_known=known)
        yield f"{role}, of a contract{name}", made


def golden_text(renderer: Renderer, language: str, kind: str) -> str:
    parts = []
    for name, made in variants(kind):
        for channel in CHANNELS if name in ROLES else CHANNELS[:2]:
            words = renderer.render(made, channel, language, TEMPLATE_VERSION)
            parts += [f"=== {name} · {channel} ===", words.subject, "", words.text, ""]
    return "\n".join(parts)


def digest(role: str, *kinds: str) -> Digest:
    """A digest of these, one stream each, a minute apart."""
    told = [
        content(kind, role, stream_id=number, happened_at=AT + 60 * number)
        for number, kind in enumerate(kinds, start=184)
    ]
    return digest_of(told[-1], told)


def digest_variants() -> Iterator[tuple[str, Digest]]:
    """Few and many, of one kind and of all."""
    for role in ROLES:
        yield role, digest(role, *["paused"] * 3, "resumed", "cancelled", "cancelled_while_paused")
        yield f"{role}, two of a kind", digest(role, "paused", "paused")
        yield f"{role}, more than there is room for", digest(role, *["paused"] * 500)
        yield f"{role}, still paused", digest(role, *[REMINDER] * 60)
        yield f"{role}, still paused and more", digest(role, REMINDER, "resumed")


def golden_digests(renderer: Renderer, language: str) -> str:
    parts = []
    for name, made in digest_variants():
        for channel in CHANNELS[:3]:
            words = renderer.render_digest(made, channel, language, TEMPLATE_VERSION)
            parts += [f"=== {name} · {channel} ===", words.subject, "", words.text, ""]
    return "\n".join(parts)


def golden_html(renderer: Renderer, language: str) -> str:
    html = renderer.render(content("paused"), "email", language, TEMPLATE_VERSION).html
    return f"{html}\n"


def golden_foot(renderer: Renderer, language: str) -> str:
    """What stands below an email that has an address of ours to lead to."""
    how = ("email", language, TEMPLATE_VERSION, OUT)
    texts = [renderer.render(content("paused"), *how).text]
    texts.append(renderer.render_digest(digest("employee", "paused", "paused"), *how).text)
    return "\n\n".join(text.rpartition("\n\n")[2] for text in texts) + "\n"


def golden_again(renderer: Renderer, language: str) -> str:
    """An email that may have come before, and a digest that may."""
    how = ("email", language, TEMPLATE_VERSION)
    one = renderer.render(content("paused"), *how, repeats=True)
    many = renderer.render_digest(digest("employee", "paused", "paused"), *how, repeats=True)
    parts = [one.text, many.text, str(one.html)]
    return "\n\n".join(parts) + "\n"


def contact_variants() -> Iterator[tuple[str, str, ContactWords]]:
    """Each sentence of the letters about contacts: kind, name, what it is made of."""
    yield CODE, "email", ContactWords("email", AT, "en", "040917", 15)
    for place in ("email", "sms", "push"):
        for kind in CONTACT_KINDS[1:]:
            yield kind, place, ContactWords(place, AT, "en", time_zone="Asia/Kolkata")


def golden_contacts(renderer: ContactRenderer, language: str) -> str:
    parts = []
    for kind, place, made in contact_variants():
        for channel in CHANNELS[:3]:
            words = msgspec.structs.replace(made, language=language)
            said = renderer.render(kind, words, channel, OUT, LINK if kind == CODE else None)
            parts += [f"=== {kind}, {place} · {channel} ===", said.subject, "", said.text, ""]
    return "\n".join(parts)


def golden_contact_html(renderer: ContactRenderer, language: str) -> str:
    words = ContactWords("email", AT, language, "040917", 15)
    return f"{renderer.render(CODE, words, 'email', OUT, LINK).html}\n"


def golden_contact_file(language: str, ending: str) -> Path:
    return GOLDEN / "contacts" / f"{language}.{ending}"


def golden_file(language: str, name: str) -> Path:
    return GOLDEN / TEMPLATE_VERSION / language / name


if __name__ == "__main__":
    made = Renderer()
    for language in LANGUAGES:
        golden_file(language, "").mkdir(parents=True, exist_ok=True)
        for kind in KINDS:
            golden_file(language, f"{kind}.txt").write_text(golden_text(made, language, kind))
        golden_file(language, "digest.txt").write_text(golden_digests(made, language))
        golden_file(language, "foot.txt").write_text(golden_foot(made, language))
        golden_file(language, "again.txt").write_text(golden_again(made, language))
        golden_file(language, "paused.html").write_text(golden_html(made, language))
        letters = ContactRenderer()
        golden_contact_file(language, "").parent.mkdir(exist_ok=True)
        golden_contact_file(language, "txt").write_text(golden_contacts(letters, language))
        golden_contact_file(language, "html").write_text(golden_contact_html(letters, language))
