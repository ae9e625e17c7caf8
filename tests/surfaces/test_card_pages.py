"""The pages of the card: one customer, and finding customers; who sees them, in which language, and how they refuse."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import orjson
import pytest
from starlette.responses import Response

from tests.conftest import INSTANCE, open_client
from tests.surfaces.bare import get_bare
from tests.surfaces.browsing import Elements, open_page
from topcoat.app import create_app
from topcoat.core import errors
from topcoat.core.roles import Role
from topcoat.settings import AuthMode, Settings
from topcoat.surfaces.pages import languages
from topcoat.surfaces.pages.views import Pages, View

HERE = f"/card/{INSTANCE}"
NASTY = "<script>alert(1)</script>"
KEY = {"Ocp-Apim-Subscription-Key": "topcoat-primary-key"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def browser(sqlite_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a token, whom the emulator takes for a Viewer."""
    async with open_client(Settings(home=tmp_path, database_url=sqlite_url)) as opened:
        del opened.headers["Authorization"], opened.headers["Ocp-Apim-Subscription-Key"]
        yield opened


async def choose_role(browser: httpx.AsyncClient, role: str, **more: str) -> httpx.Response:
    page = await open_page(browser, f"{HERE}/nobody", 404)
    (secret,) = page.find("input", name="form")
    data = {"form": secret["value"], "back": HERE, "role": role, **more}
    return await browser.post("/pages/role", data=data)


async def test_the_page_of_a_customer_has_the_card(browser: httpx.AsyncClient, abbie: str) -> None:
    page = await open_page(browser, f"{HERE}/{abbie}")

    assert page.find("customer-card") == [{"instance": INSTANCE, "customer": abbie, "token": "topcoat-viewer"}]
    assert page.find("script", type="module", src="/card/customer-card.js")
    assert "Abbie Moss - Topcoat" in page.texts


async def test_every_page_is_under_a_strict_policy(browser: httpx.AsyncClient, abbie: str) -> None:
    answer = await browser.get(f"{HERE}/{abbie}")

    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors *"
    )
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert " style=" not in answer.text
    assert all("src" in attributes for attributes in Elements(answer.text).find("script"))


async def test_a_card_is_embedded_only_where_that_is_allowed(sqlite_url: str, tmp_path: Path, abbie: str) -> None:
    settings = Settings(home=tmp_path, database_url=sqlite_url, card_origins="https://crm.example")
    async with open_client(settings) as client:
        answer = await client.get(f"{HERE}/{abbie}")

    assert answer.headers["content-security-policy"].endswith("frame-ancestors 'self' https://crm.example")


async def test_in_a_frame_there_is_the_card_alone(browser: httpx.AsyncClient, abbie: str) -> None:
    page = await open_page(browser, f"{HERE}/{abbie}", Sec_Fetch_Dest="iframe")

    assert (page.find("header"), page.find("form"), len(page.find("customer-card"))) == ([], [], 1)


async def test_what_a_customer_typed_stays_text(
    browser: httpx.AsyncClient, as_role: dict[str, str], abbie: str
) -> None:
    headers = {"Authorization": "Bearer topcoat-contributor", "Ocp-Apim-Subscription-Key": "topcoat-primary-key"}
    where = f"/api/instances/{INSTANCE}/data/Customer/{abbie}"
    await browser.patch(where, json={"FullName": NASTY, "EMail": "javascript:alert(1)"}, headers=headers)
    page = await open_page(browser, f"{HERE}/{abbie}")

    assert [a["src"] for a in page.find("script")] == ["/pages/pages.js", "/card/customer-card.js"]
    assert NASTY in page.texts


@pytest.mark.parametrize(
    ("path", "status", "heading"),
    [
        (f"{HERE}/nobody", 404, "There is nothing here"),
        (f"{HERE}/%00", 404, "There is nothing here"),
        (f"/card/{UNKNOWN}/nobody", 404, "There is nothing here"),
    ],
)
async def test_what_is_not_there_is_told(browser: httpx.AsyncClient, path: str, status: int, heading: str) -> None:
    page = await open_page(browser, path, status)

    assert heading in page.texts
    assert page.find("main", id="main")


@pytest.mark.parametrize(
    ("error", "status", "heading"),
    [
        (errors.StoreUnreachable(reason="it is down"), 503, "Not at the moment"),
        (errors.QueryTooSlow(seconds="15"), 503, "Not at the moment"),
        (errors.TooManyCalls(quota=100, window_seconds=60, retry_after_seconds=7), 429, "Too many calls"),
    ],
)
async def test_who_cannot_be_answered_now_is_told_when_to_come_again(
    sqlite_url: str, tmp_path: Path, error: errors.TopcoatError, status: int, heading: str
) -> None:
    async def fail(_: View) -> Response:
        raise error

    settings = Settings(home=tmp_path, database_url=sqlite_url)
    app = create_app(settings)
    app.add_api_route("/failing", Pages(settings, tmp_path).endpoint(fail, Role.VIEWER))
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
    ):
        answer = await client.get("/failing")

    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (status, True)
    assert heading in answer.text


async def test_a_visitor_is_a_viewer_until_another_role_is_chosen(browser: httpx.AsyncClient, abbie: str) -> None:
    answer = await choose_role(browser, "contributor")
    page = await open_page(browser, f"{HERE}/{abbie}")

    assert (answer.status_code, answer.headers["location"]) == (303, HERE)
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=strict" in answer.headers["set-cookie"]
    assert page.find("customer-card")[0]["token"] == "topcoat-contributor"
    assert [option["value"] for option in page.find("option", selected="")] == ["contributor"]


async def test_whoever_chooses_a_role_comes_back_to_the_very_address(browser: httpx.AsyncClient) -> None:
    here = f"{HERE}/a%20b%2Fc%3F?x=%26"
    page = await open_page(browser, here, 404)
    (back,) = page.find("input", name="back")
    answer = await choose_role(browser, "owner", back=back["value"])

    assert answer.headers["location"] == here


@pytest.mark.parametrize(
    ("query", "status"), [("q=Z\xfcrich".encode(), 200), (b"q=\xff", 400), (b"q=%zz", 400), (b"q=%00", 400)]
)
async def test_whatever_bytes_are_asked_are_answered(
    sqlite_url: str, tmp_path: Path, query: bytes, status: int
) -> None:
    app = create_app(Settings(home=tmp_path, database_url=sqlite_url))
    async with app.router.lifespan_context(app):
        found, body = await get_bare(app, f"{HERE}?{query.decode('utf-8', 'surrogateescape')}")

    assert (found, b"</html>" in body) == (status, True)


async def test_nobody_named_leads_to_the_search(browser: httpx.AsyncClient) -> None:
    answer = await browser.get(f"{HERE}/")

    assert (answer.status_code, answer.headers["location"]) == (307, HERE)


@pytest.mark.parametrize(
    "address", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "javascript:alert(1)"]
)
async def test_nobody_is_sent_elsewhere(browser: httpx.AsyncClient, address: str) -> None:
    answer = await choose_role(browser, "owner", back=address)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_a_role_that_there_is_not_is_refused(browser: httpx.AsyncClient) -> None:
    answer = await choose_role(browser, "king")

    assert answer.status_code == 400
    assert "role is &#39;king&#39;; expected viewer, contributor, administrator, owner" in answer.text


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        ({"role": "owner"}, {}),
        ({"role": "owner", "form": "x" * 43}, {}),
        ({"role": "owner", "form": "right"}, {"Sec-Fetch-Site": "cross-site"}),
        ({"role": "owner", "form": "right"}, {"Sec-Fetch-Site": "same-site"}),
        ({"role": "owner", "form": "right"}, {"Content-Type": "text/plain"}),
    ],
    ids=["no secret", "another secret", "of another site", "of a neighbour", "of another type"],
)
async def test_a_form_of_others_is_refused(
    browser: httpx.AsyncClient, data: dict[str, str], headers: dict[str, str]
) -> None:
    page = await open_page(browser, f"{HERE}/nobody", 404)
    (secret,) = page.find("input", name="form")
    sent = data | ({"form": secret["value"]} if data.get("form") == "right" else {})

    answer = await browser.post("/pages/role", data=sent, headers=headers)

    assert answer.status_code == 403
    assert "topcoat_role" not in answer.headers.get("set-cookie", "")


async def test_a_form_without_the_cookie_is_refused(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/pages/role", data={"role": "owner", "form": "x" * 43})

    assert answer.status_code == 403


async def test_whoever_brings_a_token_is_who_it_says(browser: httpx.AsyncClient, abbie: str) -> None:
    page = await open_page(browser, f"{HERE}/{abbie}", Authorization="Bearer topcoat-owner")
    refused = await open_page(browser, f"{HERE}/{abbie}", 401, Authorization="Bearer stranger")

    assert (page.find("customer-card")[0]["token"], page.find("select")) == ("topcoat-owner", [])
    assert "Embed the card and bring a token" in refused.texts


async def test_outside_of_emulator_mode_a_page_takes_a_token(sqlite_url: str, tmp_path: Path, abbie: str) -> None:
    settings = Settings(
        home=tmp_path,
        database_url=sqlite_url,
        auth=AuthMode.ENTRA,
        auth_issuers="https://issuer.example",
        auth_audiences="api://topcoat",
    )
    async with open_client(settings) as client:
        del client.headers["Authorization"]
        client.cookies.set("topcoat_role", "owner")
        answer = await client.get(f"{HERE}/{abbie}")
        chosen = await client.post("/pages/role", data={"role": "owner"})

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="topcoat"')
    assert "Embed the card and bring a token" in answer.text
    assert answer.headers["content-security-policy"].endswith("frame-ancestors 'self'")
    assert chosen.status_code == 404


async def find(browser: httpx.AsyncClient, query: str) -> tuple[Elements, list[str]]:
    """The page, and the customers on its tiles."""
    page = await open_page(browser, f"{HERE}?{query}")
    return page, [a["href"].rpartition("/")[2] for a in page.find("a") if a["href"].startswith(f"{HERE}/")]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("q=abbie+moss", "1 customer."),
        ("q=ABBIE&in.City=Seattle", "1 customer."),
        ("q=abb", "1 customer. No word is quite like that; these have it as a part."),
        ("q={abbie}", "1 customer. That is the id of a customer."),
    ],
)
async def test_a_customer_is_found_without_a_script(
    browser: httpx.AsyncClient, abbie: str, query: str, said: str
) -> None:
    page, found = await find(browser, query.replace("{abbie}", abbie))

    assert found == [abbie]
    assert said in page.texts
    assert {"Abbie Moss", "Seattle"} <= set(page.texts)
    assert page.find("form", method="get", role="search")
    assert {"type": "search", "name": "q"}.items() <= page.find("input", id="q")[0].items()


async def test_nobody_found_is_said(browser: httpx.AsyncClient) -> None:
    page, found = await find(browser, "q=nobody+%3Cscript%3E&in.City=Seattle")

    assert (found, "0 customers." in page.texts, "Nobody is like that" in page.texts) == ([], True, True)
    assert page.find("input", id="q")[0]["value"] == "nobody <script>"
    assert page.find("input", name="in.City", value="Seattle", checked="")


async def test_facets_count_merged_values_and_add_up(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, abbie: str
) -> None:
    where = f"/api/instances/{INSTANCE}/data/Customer/{abbie}"
    await client.patch(where, json={"City": "Paris"})
    everybody, _ = await find(browser, "")
    paris, found = await find(browser, "in.City=Paris")
    both, some = await find(browser, "in.City=Paris&in.City=Portland")

    assert everybody.find("input", name="in.City", value="Paris")
    assert (found, paris.find("input", name="in.City", value="Paris", checked="") != []) == ([abbie], True)
    assert len(some) > 1
    assert len(both.find("input", name="in.City", checked="")) == 2
    assert len(paris.find("input", name="in.City")) == len(everybody.find("input", name="in.City"))


async def test_a_changed_customer_is_marked_with_when_it_changes_back(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, abbie: str
) -> None:
    await client.patch(f"/api/instances/{INSTANCE}/data/Customer/{abbie}", json={"City": "Paris"})
    page, _ = await find(browser, "q=abbie")

    assert "Changed, until" in page.texts
    assert page.find("time", datetime="2026-11-24T16:00:00+00:00")


async def test_pages_go_on_to_the_end(browser: httpx.AsyncClient, abbie: str) -> None:
    seen: list[str] = []
    query = "in.Country=United+States&in.Country=Canada&top=8"
    while True:
        page, found = await find(browser, query)
        seen += found
        following = page.find("a", rel="next")
        if not following:
            break
        query = following[0]["href"].removeprefix("?")

    assert len(seen) == len(set(seen)) == 20
    assert abbie in seen
    assert [a["href"] for a in page.find("a", **{"class": "button"})] == [
        "?in.Country=United+States&in.Country=Canada&top=8"
    ]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("skiptoken=forged", "$skiptoken is not usable"),
        ("in.Town=x", "Table Customer has no column 'Town'"),
        ("in.RewardsPoints=many", "expected an integer"),
        ("in.TotalSpend=1", "in.TotalSpend is of type decimal; expected a column of texts, whole numbers or booleans"),
        ("by=luck", "by is 'luck'; expected words or id or parts"),
        ("top=97", "top is '97'; expected a whole number from 1 to 96"),
        ("q=%FF", "q is encoded badly"),
        ("&".join(f"in.City={n}" for n in range(21)), "there more than 20 times"),
    ],
)
async def test_a_search_that_is_wrong_is_told_so(browser: httpx.AsyncClient, query: str, said: str) -> None:
    page = await open_page(browser, f"{HERE}?{query}", 400)

    assert said in " ".join(page.texts)
    assert page.find("a", href=HERE)


async def test_without_an_index_parts_of_names_are_found_and_it_says_how_to_have_one(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, abbie: str, admin: dict[str, str]
) -> None:
    where = f"/api/instances/{INSTANCE}/manage/search"
    answer = await client.put(where, json={"entityConfig": []}, headers=admin)
    assert answer.status_code == 200, answer.text
    page, found = await find(browser, "q=bbie+oss")

    assert found == [abbie]
    assert "No search index is configured, so this looks for parts of names." in page.texts
    assert "search: searchable: [FullName, FirstName, LastName, EMail, City]" in page.texts
    assert page.find("details", **{"class": "facets"}) == []


async def test_an_instance_that_was_never_refreshed_says_what_brings_customers(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    body = {"instanceMetadata": {"name": "New", "instanceType": "sandbox"}}
    made = await client.post("/api/instances/V2", json=body, headers=admin | KEY)
    assert made.status_code < 300, made.text
    page = await open_page(browser, f"/card/{made.json()['instanceId']}")

    assert "There are no customers yet. The first refresh brings them:" in page.texts


async def test_the_search_speaks_german(browser: httpx.AsyncClient) -> None:
    page = await open_page(browser, f"{HERE}?q=abbie", Accept_Language="de")

    assert {"Kunden finden", "1 Kunde.", "Suchen", "Eingrenzen"} <= set(page.texts)


@pytest.mark.parametrize(
    ("wanted", "language", "heading"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de", "Hier ist nichts"),
        ("en-GB", "en", "There is nothing here"),
        ("fr, de;q=0.3, en;q=0.4", "en", "There is nothing here"),
        ("de;q=0, fr", "en", "There is nothing here"),
        ("", "en", "There is nothing here"),
    ],
)
async def test_a_page_speaks_the_readers_language(
    browser: httpx.AsyncClient, wanted: str, language: str, heading: str
) -> None:
    page = await open_page(browser, f"{HERE}/nobody", 404, Accept_Language=wanted)

    assert page.find("html")[0]["lang"] == language
    assert heading in page.texts


def test_all_languages_say_the_same_things() -> None:
    """With the same parts filled in."""
    texts = {file.stem: orjson.loads(file.read_bytes()) for file in languages.FOLDER.glob("*.json")}
    parts = {
        code: {key: sorted(re.findall(r"{(\w+)}", text)) for key, text in said.items()} for code, said in texts.items()
    }

    assert set(texts) == {"en", "de"}
    assert parts["de"] == parts["en"]
