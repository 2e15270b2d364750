"""Everybody can use the page: any screen, by keyboard, screen readers, dark, less motion, any language."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from api.web.languages import LANGUAGES, RIGHT_TO_LEFT, words
from tests.fakes import chain
from tests.fakes.chain import EMPLOYEE

VIEWS = {
    "streams": ("#/streams", "li[data-stream]"),
    "stream": ("{stream}", "li[data-pause]"),
    "inbox": ("#/inbox", "li[data-notice]"),
    "settings": ("#/inbox/settings", "#save"),
    "operations": ("#/operations", ".tile"),
    "log": ("#/log", "li[data-position]"),
}


def at(site, view):
    place, sign = VIEWS[view]
    return place.format(stream=site.stream), sign


def violations(page):
    found = Axe().run(page).response["violations"]
    return [
        (each["id"], [(node["target"], node.get("failureSummary")) for node in each["nodes"]][:3])
        for each in found
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_view(site, opened, scheme):
    site.tell(chain.resumed(150), chain.resumed(151), chain.contract_pause(160))
    how = {"bypass_csp": True, "reduced_motion": "reduce", "account": EMPLOYEE}
    page = opened(color_scheme=scheme, **how)
    for view in VIEWS:
        place, sign = at(site, view)
        page.goto(f"{site.url}/{place}")
        expect(page.locator(sign).first).to_be_visible()
        assert violations(page) == [], view
    page.get_by_role("button", name="Key").click()
    assert violations(page) == [], "key"


@pytest.mark.parametrize("place", ["", "#/log", "#/stream/C/1"])
def test_axe_finds_nothing_where_something_is_lacking(site, opened, place):
    page = opened(place, key=None, bypass_csp=True, reduced_motion="reduce")
    expect(page.get_by_role("alert").first).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_where_people_sign_in(site, opened, scheme):
    page = opened(
        "#/inbox", key=None, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce"
    )
    expect(page.get_by_role("heading", name="No wallet found")).to_be_visible()
    assert violations(page) == []
    wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0


@pytest.mark.parametrize("width", [320, 768, 1440])
def test_nothing_is_wider_than_the_screen(site, opened, width):
    site.tell(chain.contract_pause(160))
    page = opened(viewport={"width": width, "height": 800}, account=EMPLOYEE)
    for view in VIEWS:
        place, sign = at(site, view)
        page.goto(f"{site.url}/{place}")
        expect(page.locator(sign).first).to_be_visible()
        wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, view


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_speaks_a_language_on_a_narrow_screen(site, opened, language):
    page = opened(f"?lang={language}{site.stream}", viewport={"width": 320, "height": 800})
    expect(page.locator("li[data-pause]").first).to_be_visible()
    expect(page.locator("#pauses-title")).to_have_text(words(language)["pauses.title"])
    html = page.locator("html")
    expect(html).to_have_attribute("lang", language)
    expect(html).to_have_attribute("dir", "rtl" if language in RIGHT_TO_LEFT else "ltr")
    assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_browsers_language_is_spoken_and_another_can_be_chosen(site, opened):
    page = opened(locale="de-AT")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ströme")
    page.get_by_label("Sprache").select_option("fr")
    expect(page.get_by_role("heading", level=1)).to_have_text("Flux")


def test_the_keyboard_alone_leads_everywhere(site, opened):
    page = opened()
    expect(page.locator("li[data-stream]")).to_have_count(2)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Paused")).to_be_checked()
    expect(page.locator("li[data-stream]")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.locator("a.stream")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("li[data-pause]").first).to_be_visible()
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("details[open]")).to_contain_text("employee")


def test_skipping_to_the_content_stays_on_the_same_page(site, opened):
    page = opened(site.stream)
    expect(page.locator("li[data-pause]").first).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    assert page.url.endswith(site.stream)
    expect(page.locator("li[data-pause]").first).to_be_visible()


def test_who_asks_for_less_motion_gets_none(site, opened):
    page = opened(site.stream, reduced_motion="reduce")
    expect(page.locator("rect.pause[data-ended=open]")).to_have_css("animation-name", "none")


def test_the_key_is_in_no_address_and_there_is_no_cookie(site, opened):
    asked = []
    page = opened(key=None)
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="Enter a key").click()
    page.get_by_label("Key", exact=True).fill(site.served.key)
    page.keyboard.press("Enter")
    expect(page.locator("li[data-stream]")).to_have_count(2)
    assert asked
    assert not [url for url in asked if site.served.key in url or not url.startswith(site.url)]
    assert page.context.cookies() == []


def test_what_breaks_is_reported_without_what_was_on_the_page(site, opened):
    page = opened()
    expect(page.locator("li[data-stream]")).to_have_count(2)
    with page.expect_request("**/v1/page-reports") as reported:
        page.evaluate(
            "() => document.body.append(Object.assign(new Image(), {src: '/lost.png?who=me'}))"
        )
    assert reported.value.post_data_json == {
        "kind": "failed_load",
        "view": "streams",
        "source": "lost.png",
        "line": 0,
    }
