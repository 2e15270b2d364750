"""Templates are compiled once a process and speak the language of their environment."""

import pytest
from babel.support import NullTranslations
from jinja2 import DictLoader

from notifier.templating import speaking


class Spoken(NullTranslations):
    """Words of a language that says everything with one name before it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def ugettext(self, message: str) -> str:
        return f"{self._name}: {message}"

    gettext = ugettext


def test_another_language_uses_the_same_code(monkeypatch: pytest.MonkeyPatch) -> None:
    source = {"told.txt": "{{ _('stopped') }} {{ x }}"}
    first = speaking(DictLoader(source), Spoken("en"))
    second = speaking(DictLoader(source), Spoken("de"))
    assert first.get_template("told.txt").render(x="<") == "en: stopped <"
    monkeypatch.setattr(second, "compile", pytest.fail)
    assert second.get_template("told.txt").render(x="<") == "de: stopped <"


def test_another_source_under_the_same_name_is_another_template() -> None:
    one = speaking(DictLoader({"told.html": "{{ x }}"}), Spoken("en"))
    other = speaking(DictLoader({"told.html": "{{ x }}!"}), Spoken("en"))
    assert one.get_template("told.html").render(x="<") == "&lt;"
    assert other.get_template("told.html").render(x="<") == "&lt;!"
