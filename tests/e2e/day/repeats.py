"""The judge of receivers that know a repeat by its id: a webhook's, and a browser's push service.

What comes again under its id is counted and shown, no more; what is told again under another id is a
double, and so is what came oftener than it was tried. A repeat says the same, and no news overtakes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.e2e.day.evidence import IDEMPOTENT, Caught, Evidence
from tests.e2e.day.posts import Post


def doubles(evidence: Evidence) -> Iterator[str]:
    """What nobody sent, what came oftener than it was tried, and the same news under two ids."""
    for (box, identity), letters in _letters(evidence):
        tries = sum(each.marked for each in evidence.by_mark.get((box, identity), []))
        if len(letters) > tries:
            yield f"{box} {identity} came {len(letters)} times, where {tries} tries left"
    told: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for post in _posts(evidence):
        told[post.receiver, post.kind, post.event_id].add(post.identity)
    for (receiver, kind, event_id), identities in told.items():
        if len(identities) > 1:
            yield f"{receiver} was told {kind} {event_id} under {len(identities)} ids"


def repeats(evidence: Evidence) -> dict[str, int]:
    """By box, how often a receiver got what it had."""
    found: Counter[str] = Counter()
    for (box, _), letters in _letters(evidence):
        found[box] += len(letters) - 1
    return dict(found)


def altered(evidence: Evidence) -> Iterator[str]:
    """What did not say the same each time, or not what its delivery was to tell."""
    for (box, identity), letters in _letters(evidence):
        # What a digest tells may have been answered before it is tried again, down to one news.
        if len({each.body for each in letters if not each.is_digest}) > 1:
            yield f"{box} {identity} came {len(letters)} times, and not the same each time"
    for post in _posts(evidence):
        for each in evidence.by_mark.get(("webhook", post.identity), []):
            if each.event_id != post.event_id:
                yield f"webhook {post.identity} told {post.event_id}, not {each.event_id}"


def unsigned(evidence: Evidence) -> Iterator[str]:
    """Posts that a receiver has to refuse."""
    for post in _posts(evidence):
        if not post.is_signed:
            yield f"the signature of {post.identity} to {post.receiver} does not hold"


def out_of_order(evidence: Evidence) -> Iterator[str]:
    """Posts of a stream that came after newer ones, be it for the second time."""
    newest: dict[tuple[str, str], Post] = {}
    for post in _posts(evidence):
        before = newest.setdefault((post.receiver, post.stream), post)
        if post.position < before.position:
            yield (
                f"{post.receiver} got {post.identity} of {post.stream} at {post.position}"
                f" after {before.identity} at {before.position}"
            )
        else:
            newest[post.receiver, post.stream] = post


def _letters(evidence: Evidence) -> Iterator[tuple[tuple[str, str], list[Caught]]]:
    return ((key, found) for key, found in evidence.letters.items() if key[0] in IDEMPOTENT)


def _posts(evidence: Evidence) -> Iterator[Post]:
    """In the order in which they came."""
    return (each.post for each in evidence.caught if each.post is not None)
