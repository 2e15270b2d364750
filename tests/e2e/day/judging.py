"""The day's judge: what was lost, doubled, told against a wish or over a cap, held without account."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from tests.e2e.day import repeats
from tests.e2e.day.ends import End, end_of, why_held
from tests.e2e.day.evidence import IDEMPOTENT, WEBHOOK, Delivery, Evidence
from tests.e2e.day.people import MICROS, Person

HOUR = 3600 * MICROS
_NOTHING = ("failed", "expired", "suppressed", "bounced")
_BESIDE = ("in_app", WEBHOOK)  # they stand for no other channel

Ends = dict[object, End]


def ends_of(evidence: Evidence) -> Ends:
    """The end of each delivery, by its id."""
    return {each.delivery_id: end_of(each, evidence) for each in evidence.deliveries}


def lost(evidence: Evidence, ends: Ends) -> Iterator[str]:
    """What somebody wanted on a channel and has neither come nor a named end."""
    for each in evidence.deliveries:
        end = ends[each.delivery_id]
        if end.fault is not None:
            yield f"{_named(each)}: {end.fault}"
    by_want: dict[tuple[str, str], dict[str, Delivery]] = defaultdict(dict)
    by_subject: dict[tuple[str, int | None], list[Delivery]] = defaultdict(list)
    for each in evidence.deliveries:
        by_want[each.account, each.event_id][each.channel] = each
        by_subject[each.account, each.stream_id].append(each)
    for want in evidence.wants:
        there = by_want.get(want, {})
        if "in_app" not in there:
            yield f"{want.account} has no notice of {want.event_id}"
            continue
        about = by_subject[want.account, there["in_app"].stream_id]
        stands = ", ".join(f"{channel} {each.state}" for channel, each in there.items())
        for channel in _missing(evidence.people[want.account], there, about):
            yield f"{want.account} has nothing of {want.event_id} by {channel} ({stands})"


def _missing(person: Person, there: dict[str, Delivery], about: Sequence[Delivery]) -> list[str]:
    """Channels where there should be a delivery, whatever became of it.

    `about`: all that this person was to be told of the stream.
    """
    kind = there["in_app"].kind
    posted = [] if WEBHOOK in there or not _is_posted(person, kind) else [WEBHOOK]
    missing = [channel for channel in person.places if channel not in there]
    if not person.one_by_one:
        return missing + posted
    missing = [
        channel
        for channel in missing
        if not person.declines(kind, channel) and channel not in person.suppressed
    ]
    sent = [each for each in there.values() if each.channel not in _BESIDE]
    # One channel is enough as long as it did not come to nothing; none is needed where newer news is told.
    is_needed = all(each.state in _NOTHING for each in sent) and not _is_overtaken(
        there["in_app"], about
    )
    return posted + (missing if is_needed else [])


def _is_overtaken(news: Delivery, about: Sequence[Delivery]) -> bool:
    """Whether newer news of the stream is told, or need not be, as all is again as it was before this."""
    newer = [
        each
        for each in sorted(about, key=lambda each: each.event_id)
        if each.event_id > news.event_id and each.channel not in _BESIDE
    ]
    withdrawn = [each for each in newer if each.state == "cancelled" and each.reason != "digest"]
    if any(each.state not in _NOTHING and each not in withdrawn for each in newer):
        return True
    answered = [each.kind for each in withdrawn if each.reason == "answered"]
    return bool(answered) and answered[-1] != news.kind


def _is_posted(person: Person, kind: str) -> bool:
    """Whether such news has to be posted; who says "gone" ends it at a time that is nobody's to say."""
    return person.hook is not None and not person.hook.says_gone and person.hook.wants(kind)


def invented(evidence: Evidence) -> Iterator[str]:
    """Notices that nobody was to have. Of a contract's stop more may be told (see wanted)."""
    wants = set(evidence.wants)
    for each in evidence.deliveries:
        is_known = each.kind.startswith("contract_") or (each.account, each.event_id) in wants
        if each.channel in _BESIDE and not is_known:
            yield f"{_named(each)}: nobody was to know"


def doubles(evidence: Evidence) -> tuple[list[str], list[str]]:
    """What came more often than it may have left once; apart from it what was marked as possibly double.

    Of receivers that know a repeat, repeats.py judges.
    """
    double, marked = list(repeats.doubles(evidence)), []
    for (channel, mark), letters in evidence.letters.items():
        if channel in IDEMPOTENT:
            continue
        rows = evidence.by_mark.get((channel, mark), [])
        once = sum(bool(each.may_have_left) for each in rows)
        tries = sum(each.may_have_left for each in rows)
        if len(letters) <= once:
            continue
        said = f"{channel} {mark} came {len(letters)} times, where {once} may have left"
        flagged = any(each.possible_duplicate for each in rows) and len(letters) <= tries
        (marked if flagged else double).append(said)
    return double, marked


def unwanted(evidence: Evidence) -> Iterator[str]:
    """What left although its reader had declined it, slept, or was not to be written to."""
    for each in evidence.deliveries:
        left = each.marked if each.box in IDEMPOTENT else each.may_have_left
        if each.channel == "in_app" or not left:
            continue
        person = evidence.people[each.account]
        if person.declines(each.kind, each.channel):
            yield f"{_named(each)}: declined, and sent"
        if each.channel in person.suppressed:
            yield f"{_named(each)}: suppressed, and sent"
        if not each.digest and person.sleeps(each.kind, each.channel, each.handed_off_at or 0):
            yield f"{_named(each)}: it rang in quiet hours"


def most_in_an_hour(evidence: Evidence) -> dict[str, int]:
    """By channel, the most that one person got within any hour, by the catchers' clock.

    Systems have no cap.
    """
    times: dict[tuple[str, str], list[int]] = defaultdict(list)
    for key, letters in evidence.letters.items():
        rows = evidence.by_mark.get(key, [])
        # References are short: of two people who share one, nobody knows from it whose the letter is.
        accounts = {each.account for each in rows}
        if len(accounts) == 1 and rows[0].channel in evidence.caps:
            times[rows[0].channel, rows[0].account] += [each.at for each in letters]
    most: Counter[str] = Counter()
    for (channel, _), came in times.items():
        came.sort()
        first = 0
        for last, at in enumerate(came):
            while came[first] <= at - HOUR:
                first += 1
            most[channel] = max(most[channel], last - first + 1)
    return dict(most)


def over_caps(evidence: Evidence) -> list[str]:
    """Channels on which somebody got more than they may."""
    return [
        f"{most} by {channel} to one person in an hour, {evidence.caps[channel]} may be"
        for channel, most in most_in_an_hour(evidence).items()
        if most > evidence.caps[channel]
    ]


def held(evidence: Evidence, ends: Ends) -> tuple[dict[str, dict[str, int]], list[str]]:
    """What became of all that was ever held, by the reason; and what cannot account for itself."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    faults = []
    for each in evidence.deliveries:
        why = evidence.held_seen.get(each.delivery_id)
        if each.state == "held":
            why = why_held(each, evidence) or why or "nothing"
        if why is None:
            continue
        end = ends[each.delivery_id]
        counts[why][end.name] += 1
        fault = end.fault or _let_go_before(each)
        if fault is not None:
            faults.append(f"{_named(each)}, held for {why}: {fault}")
    gone = [str(one) for one in evidence.held_seen if one not in evidence.by_id]
    return {why: dict(found) for why, found in counts.items()}, faults + gone


def _let_go_before(each: Delivery) -> str | None:
    early = 0 if each.released_at is None else each.planned_at - each.released_at
    return f"let go {early / MICROS} s before it was planned" if early > 0 else None


def _named(each: Delivery) -> str:
    return f"{each.channel} {each.delivery_id} of {each.kind} {each.event_id}"
