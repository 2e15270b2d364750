"""The preview of notices: every kind in every language, in the development environment alone."""

import pytest

from notifier.languages import LANGUAGES
from notifier.news import KINDS
from store.engine import Database
from tests.fakes.served import Served


@pytest.fixture
def served(sqlite_database: Database) -> Served:
    return Served(sqlite_database, preview=True)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_kind_is_shown_in_every_language_side_by_side(served, kind):
    page = await served.ask(f"/preview?kind={kind}&role=employer")
    assert page.status_code == 200
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    for language in LANGUAGES:
        frame = f"/preview/{language}/{kind}?role=employer"
        assert f'src="{frame}"' in page.text
    assert "segment" in page.text
    mail = await served.ask(f"/preview/ar/{kind}?role=employer")
    assert 'dir="rtl"' in mail.text
    assert "frame-ancestors 'self'" in mail.headers["Content-Security-Policy"]
    assert mail.headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize(
    "path",
    ["/preview?kind=paid", "/preview?role=boss", "/preview/tlh/paused", "/preview/en/%7B%7B"],
)
async def test_what_does_not_exist_is_not_found(served, path):
    answer = await served.ask(path)
    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/not-found"


async def test_elsewhere_nothing_is_previewed(sqlite_database):
    assert (await Served(sqlite_database).ask("/preview")).status_code == 404
