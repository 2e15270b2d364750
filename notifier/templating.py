"""Templates that speak one language: the sandbox that notices, letters about contacts and pages share.

Files that end in `.html` escape what they are given. What a template lacks is a defect, said at once. Each
is compiled once a process, whatever the number of languages: they differ in what `gettext` gives.
"""

from typing import TYPE_CHECKING

from babel.support import NullTranslations
from jinja2 import BaseLoader, BytecodeCache, StrictUndefined
from jinja2.bccache import Bucket
from jinja2.sandbox import SandboxedEnvironment

from notifier.wording import plain

if TYPE_CHECKING:
    from types import CodeType


class _Compiled(BytecodeCache):
    """The code of templates by file and source."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give it the code of that source, if it was compiled."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep its code."""
        self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


def speaking(loader: BaseLoader, words: NullTranslations) -> SandboxedEnvironment:
    """An environment whose `gettext` says these words. `plain`: one line that turns no direction."""
    environment = SandboxedEnvironment(
        loader=loader,
        bytecode_cache=_COMPILED,
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        auto_reload=False,  # templates change with the release, a stat for each letter buys nothing
        autoescape=lambda name: name is not None and name.endswith(".html"),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = plain
    environment.install_gettext_translations(  # type: ignore[attr-defined] # the extension's
        words, newstyle=True
    )
    return environment
