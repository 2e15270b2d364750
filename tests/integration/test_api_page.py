"""What the page asks for: badges, who was told, the log, operations, the word to everybody, reports."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from api import keys
from api.announcement import announce, silence
from api.routes.page_reports import PER_MINUTE
from api.web.languages import LANGUAGES, chosen, words
from simulator.accounts import Cast
from simulator.wallet import CastWallet
from tests.fakes import chain
from tests.fakes.chain import CONTRACT, EMPLOYEE
from tests.fakes.served import Served, ids
from tests.house.repository import ROOT
from wallets.proof import verify

STREAM = f"/v1/streams/{CONTRACT}/7"
STATIC = ROOT / "api/web/static"


@pytest.fixture
def served(database) -> Served:
    served = Served(database)
    served.scanned(1, 500)
    return served


def badge_words(text: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(text).iter() if "text" in each.tag]


async def test_a_badge_says_the_status_and_is_an_image(served):
    served.tell(chain.created(100))
    answer = await served.ask(f"{STREAM}/badge.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert badge_words(answer.text) == ["stream 7", "flowing"]
    served.tell(chain.paused(110))
    assert badge_words((await served.ask(f"{STREAM}/badge.svg")).text) == ["stream 7", "paused"]
    assert (await served.ask(f"/v1/streams/{CONTRACT}/9/badge.svg")).status_code == 404


async def test_a_badge_of_a_paused_contract_says_so(served):
    served.tell(chain.created(100), chain.contract_pause(110))
    answer = await served.ask(f"{STREAM}/badge.svg")
    assert badge_words(answer.text) == ["stream 7", "contract paused"]


@pytest.mark.parametrize(("public", "status"), [(True, 200), (False, 401)])
async def test_badges_need_no_key_only_where_they_are_public(database, public, status):
    served = Served(database, public_badges=public)
    served.tell(chain.created(100))
    assert (await served.ask(f"{STREAM}/badge.svg", key=None)).status_code == status
    assert (await served.ask(STREAM, key=None)).status_code == 401


async def test_who_was_told_is_said_by_role_without_a_destination(served):
    served.tell(chain.created(100), chain.paused(110), chain.resumed(120))
    items = await served.walk(f"{STREAM}/notices", limit=1)
    told = {(item["kind"], item["role"]) for item in items}
    assert {("paused", "employee"), ("paused", "employer")} <= told
    for item in items:
        inbox = [each for each in item["deliveries"] if each["channel"] == "in_app"]
        assert [each["state"] for each in inbox] == ["delivered"]
        assert inbox[0]["told_at"] is not None
    [pause] = (await served.ask(f"{STREAM}/pauses")).json()["items"]
    of_start = (
        await served.ask(f"{STREAM}/notices", params={"event_id": pause["start_event_id"]})
    ).json()["items"]
    assert {item["kind"] for item in of_start} == {"paused"}
    assert (await served.ask(f"/v1/streams/{CONTRACT}/9/notices")).status_code == 404
    assert (await served.ask(f"{STREAM}/notices?event_id=%00")).status_code == 422


async def test_the_log_is_told_from_both_ends_with_late_and_refused_facts(served):
    served.tell(chain.created(100), chain.resumed(120), chain.resumed(121))
    served.tell(chain.paused(110))
    forward = await served.walk("/v1/audit/log?order=asc", limit=2)
    back = await served.walk("/v1/audit/log", limit=2)
    assert back == forward[::-1]
    assert len(set(ids(forward, "position"))) == len(forward) >= 5
    assert {item["kind"] for item in forward} >= {"created", "paused", "history_revised"}
    assert any(item["late"] for item in forward)
    assert any((item["verdict"] or "").startswith("refused") for item in forward)
    reader = served.make_key(keys.STREAMS_READ)
    assert (await served.ask("/v1/audit/log", key=reader)).status_code == 403


async def test_operations_tell_what_needs_a_person(served):
    served.tell(chain.created(100), chain.paused(110))
    answer = (await served.ask("/v1/operations")).json()
    assert "no indexer is active" in answer["failed"]
    assert answer["log"]["head_position"] > 0
    assert answer["deliveries"]["by_state"]["delivered"] == 2
    assert answer["sending"] == "on"
    reader = served.make_key(keys.STREAMS_READ)
    assert (await served.ask("/v1/operations", key=reader)).status_code == 403


async def test_the_operators_word_is_in_the_status_until_it_is_taken_back(served):
    with served.database.begin() as conn:
        announce(conn, "  Maintenance\n tonight ", 1_772_442_900_000_000)
        announce(conn, "Maintenance tonight, 22:00 UTC", 1_772_442_900_000_000)
    banner = (await served.ask("/v1/status", key=None)).json()["banner"]
    assert banner == {"text": "Maintenance tonight, 22:00 UTC", "since": "2026-03-02T09:15:00Z"}
    with served.database.begin() as conn:
        assert silence(conn)
        assert not silence(conn)
    assert (await served.ask("/v1/status", key=None)).json()["banner"] is None


async def test_what_pages_report_is_counted_up_to_a_limit(served):
    async with served.client() as client:
        for report in ({"kind": "view", "view": "log"}, {"kind": "csp_violation", "view": "log"}):
            assert (await client.post("/v1/page-reports", json=report)).status_code == 200
        wrong = {"kind": "view", "view": "log", "source": "https://x.test/?who=me"}
        assert (await client.post("/v1/page-reports", json=wrong)).status_code == 422
        for _ in range(PER_MINUTE):
            await client.post("/v1/page-reports", json={"kind": "view", "view": "log"})
        told = (await client.get("/metrics")).text
    assert 'pausewire_page_errors_total{kind="csp_violation"} 1.0' in told
    dropped = re.search(r"pausewire_page_reports_dropped_total (\d+)", told)
    assert dropped is not None
    assert int(dropped[1]) <= 2


async def test_the_page_comes_in_the_readers_language_under_a_strict_policy(served):
    answer = await served.ask("/", key=None, headers={"Accept-Language": "ar;q=0.9, xx"})
    assert '<html lang="ar" dir="rtl">' in answer.text
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "http" not in re.sub(r"\bhttp-equiv\b", "", answer.text.split("</script>")[1])
    assert (await served.ask("/?lang=de", key=None)).text.count('lang="de"') >= 1


async def test_the_files_of_the_page_are_served_and_asked_for_again_only_when_they_changed(served):
    for file in STATIC.iterdir():
        answer = await served.ask(f"/page/{file.name}", key=None)
        assert answer.content == file.read_bytes()
        again = await served.ask(
            f"/page/{file.name}", key=None, headers={"If-None-Match": answer.headers["etag"]}
        )
        assert again.status_code == 304
    assert (await served.ask("/page/page.py", key=None)).status_code == 404


@pytest.mark.parametrize(
    ("key", "headers", "status"),
    [
        ("pw_x", {"Host": "127.0.0.1:8000"}, 200),
        ("pw_x", {"Host": "localhost"}, 200),
        ("pw_x", {"Host": "evil.test:8000"}, 404),
        ("pw_x", {"Host": "127.0.0.1:8000", "Sec-Fetch-Site": "cross-site"}, 404),
        (None, {"Host": "127.0.0.1:8000"}, 404),
    ],
)
async def test_only_a_sandbox_gives_its_key_and_only_to_its_own_page(
    sqlite_database, key, headers, status
):
    served = Served(sqlite_database, sandbox_key=key)
    answer = await served.ask("/page/sandbox-key", method="POST", key=None, headers=headers)
    assert answer.status_code == status
    page = (await served.ask("/", key=None)).text
    assert ("data-sandbox" in page.split(">")[1]) == (key is not None)
    assert "pw_x" not in page


async def test_only_a_sandbox_signs_for_its_people_and_only_for_its_own_page(sqlite_database):
    wallet = CastWallet(1, Cast.of(1, 2))
    served = Served(sqlite_database, sandbox_wallet=wallet)
    here = {"Host": "127.0.0.1:8000"}
    people = (await served.ask("/page/sandbox-wallet", key=None, headers=here)).json()["people"]
    assert [each["role"] for each in people] == ["employee"] * 2 + ["employer"] * 2
    asked = {"account_id": people[0]["account_id"], "message": "hello"}
    answer = await served.ask(
        "/page/sandbox-wallet", method="POST", key=None, headers=here, json=asked
    )
    assert verify(asked["account_id"], "hello", answer.json()["signature"]).bound
    elsewhere = ({"Host": "evil.test:8000"}, here | {"Sec-Fetch-Site": "cross-site"})
    for headers in elsewhere:
        for method, body in (("GET", None), ("POST", asked)):
            refused = await served.ask(
                "/page/sandbox-wallet", method=method, key=None, headers=headers, json=body
            )
            assert refused.status_code == 404, (method, headers)
    stranger = asked | {"account_id": EMPLOYEE}
    refused = await served.ask(
        "/page/sandbox-wallet", method="POST", key=None, headers=here, json=stranger
    )
    assert refused.status_code == 404


async def test_no_other_deployment_signs_for_anybody(served):
    here = {"Host": "127.0.0.1:8000"}
    asked = {"account_id": Cast.of(1, 2).employees[0], "message": "hello"}
    for method, body in (("GET", None), ("POST", asked)):
        answer = await served.ask(
            "/page/sandbox-wallet", method=method, key=None, headers=here, json=body
        )
        assert answer.status_code == 404


async def test_everything_is_found_under_the_path_of_a_proxy(sqlite_database):
    served = Served(sqlite_database, root_path="/pay")
    page = (await served.ask("/", key=None)).text
    assert 'src="/pay/page/app.js"' in page
    for path in ("/page/app.js", "/pay/page/app.js", "/pay/v1/status", "/pay/", "/pay"):
        assert (await served.ask(path, key=None)).status_code == 200, path


def test_a_language_is_chosen_by_wish_then_by_weight():
    assert chosen("hi", "de") == "hi"
    assert chosen("xx", "en;q=0.1, pt-BR;q=0.8, *") == "pt"
    assert chosen(None, "xx, yy;q=z") == "en"


def used_words() -> set[str]:
    text = "".join(file.read_text() for file in STATIC.glob("*.js"))
    text += (ROOT / "api/web/templates/page.html").read_text()
    return set(re.findall(r'\bt\(\s*"([^"]+)"', text)) | set(re.findall(r't\["([^"]+)"\]', text))


def test_every_word_that_the_page_uses_is_in_its_catalogue():
    assert len(used_words()) > 80
    assert used_words() - set(words("en")) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_says_everything_with_the_same_places_for_values(language):
    own = json.loads((ROOT / f"api/web/words/{language}.json").read_text())
    assert set(own) == set(words("en"))
    for key, text in words("en").items():
        assert set(re.findall(r"\{\w+\}", own[key])) == set(re.findall(r"\{\w+\}", text)), key
        assert own[key].strip()


def test_the_page_and_its_files_load_nothing_from_elsewhere():
    for file in (*STATIC.iterdir(), ROOT / "api/web/templates/page.html"):
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, file.name
        assert " style=" not in text, file.name
