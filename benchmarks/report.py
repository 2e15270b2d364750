"""The one table: a figure, what stands beside it, their ratio, the target, and whether it is met."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

_HEADER = ("what", "ours", "beside", "ratio", "target", "")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A bound on the figure itself, or on its ratio to what stands beside it."""

    of: Literal["ours", "ratio"]
    bound: float
    at_most: bool = False

    def __str__(self) -> str:
        sign = "<=" if self.at_most else ">="
        return f"{sign} {self.bound:,g}" + (" x" if self.of == "ratio" else "")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One figure. `beside`: what the other figure is; both are in `unit`. No target: for the reader."""

    what: str
    ours: float
    unit: str
    target: Target | None
    beside: str | None = None
    theirs: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours in terms of what stands beside it."""
        return self.ours / self.theirs if self.theirs else None

    @property
    def verdict(self) -> str:
        """`met`, or how far it is from the target in percent, or `missed`; empty without a target."""
        target = self.target
        measured = self.ours if target is not None and target.of == "ours" else self.ratio
        if target is None or measured is None:
            return ""
        if not target.bound:
            return "missed" if measured else "met"
        away = measured / target.bound - 1
        if (away <= 0) if target.at_most else (away >= 0):
            return "met"
        return f"{abs(away):.0%} {'over' if target.at_most else 'short'}"

    def document(self) -> dict[str, Any]:
        """The line for programs."""
        return {
            "what": self.what,
            "unit": self.unit,
            "ours": self.ours,
            "beside": self.beside,
            "theirs": self.theirs,
            "ratio": self.ratio,
            "target": self._bound,
            "verdict": self.verdict,
        }

    def cells(self) -> tuple[str, ...]:
        """The line for people, in the order of the header."""
        beside = "-" if self.theirs is None else f"{figure(self.theirs)} {self.beside}"
        ratio = "-" if self.ratio is None else f"{self.ratio:.2f}"
        ours = f"{figure(self.ours)} {self.unit}"
        return (self.what, ours, beside, ratio, self._bound, self.verdict)

    @property
    def _bound(self) -> str:
        return "" if self.target is None else str(self.target)


def figure(number: float) -> str:
    """Three digits that matter, and no more."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def table(lines: Iterable[Line]) -> str:
    """All lines under one header, as Markdown, so that the table can be kept as it is printed."""
    rows = [_HEADER, *(line.cells() for line in lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        f"| {' | '.join(f'{cell:<{width}}' for cell, width in zip(row, widths, strict=True))} |"
        for row in rows
    )
