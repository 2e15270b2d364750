"""Errors of the configuration: wrong settings stop the process, with all faults at once.

ConfigurationError        carries every fault that was found
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One wrong setting: which, what is wrong, which layer said so, and the way out. Never its value."""

    key: str
    problem: str
    layer: str
    fix: str

    def __str__(self) -> str:
        return f"{self.key}: {self.problem} (from: {self.layer})\n    {self.fix}"


class ConfigurationError(Exception):
    """The settings cannot be used; `faults` holds all that is wrong with them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        lines = "\n".join(f"- {fault}" for fault in faults)
        noun = "setting is" if len(faults) == 1 else "settings are"
        super().__init__(f"{len(faults)} {noun} wrong:\n{lines}")
        self.faults = tuple(faults)
