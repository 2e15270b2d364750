"""Commands whose modules are loaded when they are asked for.

Loading all of them takes seconds, and a worker that starts again after a crash, or an operator's `status`,
needs one.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup
from typer.main import get_group


class _OnDemand(MutableMapping[str, Any]):
    """Commands by name, as Typer makes them. `modules`: where each is; others are held as they are."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = modules
        self._held: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._held:
            self._held[name] = _loaded(self._modules[name], name)
        return self._held[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._held[name] = command

    def __delitem__(self, name: str) -> None:
        del self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._modules, *self._held)))

    def __len__(self) -> int:
        return len(list(iter(self)))


class GroupOnDemand(TyperGroup):
    """A group of commands; `modules`: the name of each, and the module whose `register` adds it."""

    modules: ClassVar[Mapping[str, str]] = {}

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = _OnDemand(self.modules)

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order of the table."""
        del ctx
        return list(self.commands)


def _loaded(module: str, name: str) -> Any:
    """The command, with all that it needs."""
    registered = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    registered.callback()(_nothing)  # else a command alone would not be in a group
    import_module(module).register(registered)
    return get_group(registered).commands[name]


def _nothing() -> None:
    """What is done before a command of the group."""
