"""Templates that speak one language: the sandbox that notices, letters about contacts and pages share.

Files that end in `.html` escape what they are given. What a template lacks is a defect, said at once.
"""

from babel.support import NullTranslations
from jinja2 import BaseLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from notifier.wording import plain


def speaking(loader: BaseLoader, words: NullTranslations) -> SandboxedEnvironment:
    """An environment whose `gettext` says these words. `plain`: one line that turns no direction."""
    environment = SandboxedEnvironment(
        loader=loader,
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
