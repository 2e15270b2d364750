"""Faults of a profile file, in the order of its lines: what is wrong, where, and the way out."""

from typing import Final

import yaml

from ingest.errors import ProfileInvalid


class Faults:
    """Collects the faults of one file."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._root: Final[yaml.Node | None] = yaml.compose(text, Loader=yaml.SafeLoader)
        self._found: list[ProfileInvalid] = []

    @property
    def found(self) -> list[ProfileInvalid]:
        """What was noted so far."""
        return sorted(self._found, key=lambda fault: fault.line or 0)

    def note(self, event: str, field: str, fix: str, *place: str | int) -> None:
        """One more. `place`: keys and indices that lead to it, as far as they exist in the file."""
        self._found.append(ProfileInvalid(self._file, event, field, fix, self._line(place)))

    def _line(self, place: tuple[str | int, ...]) -> int | None:
        """The line on which the deepest of these stands, from 1; None in an empty file."""
        node, line = self._root, None
        if node is not None:
            line = node.start_mark.line + 1
        for step in place:
            if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
                if step >= len(node.value):
                    break
                node = node.value[step]
                line = node.start_mark.line + 1
            elif isinstance(node, yaml.MappingNode):
                pairs = [pair for pair in node.value if pair[0].value == step]
                if not pairs:
                    break
                key, node = pairs[0]
                line = key.start_mark.line + 1
            else:
                break
        return line
