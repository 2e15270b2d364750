"""The report of a day: figures, and what is wrong, as JSON and as a table for people."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cli.verdict import Verdict
from notifier.latency import percentiles
from tests.e2e.day import judging, repeats
from tests.e2e.day.evidence import Evidence

_SHOWN = 20
_FINDINGS = (
    *("lost", "doubles", "unwanted", "over_caps", "unaccounted"),
    *("out_of_order", "altered", "unsigned"),
)


@dataclass
class Report:
    """`lost` to `unsigned`: findings, all empty on a good day. `unknown`: what nobody knows, each.

    `repeats`: what came again, under its id, to a receiver that knows it: no fault, and counted.

    `held`: of what was held, by the reason, what became of it. `latency`: seconds from ledger close, or
    from the end of a hold, until the provider's yes.
    """

    size: Mapping[str, int]
    broker: str
    seconds: float = 0.0
    kills: int = 0
    flushes: int = 0
    events_on_chain: int = 0
    events_recorded: int = 0
    notices: int = 0
    caught: dict[str, int] = field(default_factory=dict)
    deliveries: dict[str, dict[str, int]] = field(default_factory=dict)
    latency: dict[str, dict[str, float]] = field(default_factory=dict)
    most_in_an_hour: dict[str, int] = field(default_factory=dict)
    caps: Mapping[str, int] = field(default_factory=dict)
    held: dict[str, dict[str, int]] = field(default_factory=dict)
    unknowns_resolved: int = 0
    unknown: list[dict[str, Any]] = field(default_factory=list)
    marked_doubles: list[str] = field(default_factory=list)
    repeats: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)
    over_caps: list[str] = field(default_factory=list)
    unaccounted: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    unsigned: list[str] = field(default_factory=list)

    @property
    def findings(self) -> list[str]:
        """All that must not be."""
        return [each for name in _FINDINGS for each in getattr(self, name)]

    def judge(self, evidence: Evidence, verdict: Verdict) -> None:
        """Fill in what the evidence says; `verdict`: of the log, the read models and the notices."""
        ends = judging.ends_of(evidence)
        self.events_on_chain, self.events_recorded = (
            verdict.events_on_chain,
            verdict.events_recorded,
        )
        self.notices = verdict.notices
        self.caught = dict(Counter(each.box for each in evidence.caught))
        counts: dict[str, Counter[str]] = {}
        for each in evidence.deliveries:
            counts.setdefault(each.box, Counter())[ends[each.delivery_id].name] += 1
        self.deliveries = {name: dict(sorted(found.items())) for name, found in counts.items()}
        self.latency = _latency(evidence)
        self.most_in_an_hour, self.caps = judging.most_in_an_hour(evidence), evidence.caps
        self.unknown = list(_unknown(evidence))
        unknown = {each.delivery_id for each in evidence.deliveries if each.state == "unknown"}
        self.unknowns_resolved = len(evidence.unknown_seen - unknown)
        self.lost = [*verdict.lost, *judging.lost(evidence, ends)]
        self.doubles, self.marked_doubles = judging.doubles(evidence)
        self.doubles += [*verdict.duplicated, *judging.invented(evidence)]
        self.unwanted = list(judging.unwanted(evidence))
        self.over_caps = judging.over_caps(evidence)
        self.held, self.unaccounted = judging.held(evidence, ends)
        self._judge_repeats(evidence)

    def _judge_repeats(self, evidence: Evidence) -> None:
        """At receivers that know one."""
        self.repeats = repeats.repeats(evidence)
        self.out_of_order = list(repeats.out_of_order(evidence))
        self.altered = list(repeats.altered(evidence))
        self.unsigned = list(repeats.unsigned(evidence))

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self), indent=1, default=str) + "\n", "utf-8")

    def told(self) -> str:
        """As a table."""
        return "\n".join(_lines(self))


def _latency(evidence: Evidence) -> dict[str, dict[str, float]]:
    seconds: dict[str, list[float]] = {}
    for each in evidence.deliveries:
        if each.told_seconds is not None:
            seconds.setdefault(each.box, []).append(each.told_seconds)
    return {channel: percentiles(found) for channel, found in sorted(seconds.items())}


def _unknown(evidence: Evidence) -> Iterator[dict[str, Any]]:
    for each in evidence.deliveries:
        if each.state == "unknown":
            key = (each.box, evidence.mark_of(each))
            yield {
                "delivery": str(each.delivery_id),
                "channel": each.box,
                "reason": each.reason,
                "tries": list(each.results),
                "the catcher has it": key in evidence.letters,
            }


def _lines(report: Report) -> Iterator[str]:
    size = ", ".join(f"{number} {name}" for name, number in report.size.items())
    yield f"A day over {report.broker} ({size}) in {report.seconds:.0f} s"
    yield f"  {report.kills} kills, {report.flushes} flushes of the broker"
    yield f"  events: {report.events_recorded} recorded of {report.events_on_chain} on the chain"
    yield f"  notices: {report.notices}"
    for channel, ends in sorted(report.deliveries.items()):
        told = report.latency.get(channel, {})
        speed = f"p50 {told['p50']:.1f} s, p99 {told['p99']:.1f} s" if told else "none told"
        most, cap = report.most_in_an_hour.get(channel), report.caps.get(channel)
        caps = "" if cap is None else f"; at most {most} an hour to one person, {cap} may be"
        yield f"  {channel}: {report.caught.get(channel, 0)} caught, {speed}{caps}"
        for name, count in ends.items():
            yield f"    {count:7} {name}"
    for why, ends in sorted(report.held.items()):
        yield f"  held for {why}: " + ", ".join(f"{n} {name}" for name, n in sorted(ends.items()))
    there = sum(each["the catcher has it"] for each in report.unknown)
    yield f"  unknown: {report.unknowns_resolved} resolved, {len(report.unknown)} listed ({there} came)"
    yield f"  doubles marked as possible: {len(report.marked_doubles)}"
    for box, count in sorted(report.repeats.items()):
        yield f"  repeats that a receiver knows by their id, {box}: {count}"
    for name in _FINDINGS:
        found = getattr(report, name)
        yield f"  {name}: {len(found)}"
        yield from (f"    {each}" for each in found[:_SHOWN])
