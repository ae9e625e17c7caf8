"""The console: what each role sees of an instance, its forms, and the lines that it shows for others."""

import ast
import json
import shlex
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import INSTANCE, open_client, open_service
from tests.flows import asking
from tests.surfaces.browsing import Elements, open_page
from tests.surfaces.state import activity
from topcoat.core import catalog
from topcoat.flows.jobs import command_line
from topcoat.flows.refresh.environment import load_environment
from topcoat.flows.refresh.progress import Silent
from topcoat.settings import AuthMode, Settings
from topcoat.surfaces.console import lines
from topcoat.surfaces.console.lines import Credentials, RealTimeCall

HERE = f"/console/{INSTANCE}"
WRITES = f"{HERE}/writes"
DATA = f"/api/instances/{INSTANCE}/data"
NASTY = "<img src=x onerror=alert(1)>'\"; $(reboot) `reboot` \\ \u202e ü"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def browser(sqlite_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a token, whom the emulator takes for a Viewer."""
    async with open_client(Settings(home=tmp_path, database_url=sqlite_url)) as opened:
        del opened.headers["Authorization"], opened.headers["Ocp-Apim-Subscription-Key"]
        yield opened


@pytest.fixture
async def refreshed(sqlite_url: str, sample_folder: Path, abbie: str) -> None:
    """One more refresh, on record, held against a live change of her city."""
    async with open_service(sqlite_url) as service:
        await asking.override(service, abbie, {"City": "Paris"}, asking.write(caller="Till 7"))
        loaded = load_environment(sample_folder / "contoso.yaml")
        await command_line.refresh(service.store, service.clock, loaded, Silent(), horizon=timedelta(days=7))


def become(browser: httpx.AsyncClient, role: str) -> None:
    browser.cookies.set("topcoat_role", role)


async def send(browser: httpx.AsyncClient, path: str, status: int = 200, **fields: str) -> Elements:
    """A form of the console, with the secret that its pages hold."""
    (secret, *_) = (await open_page(browser, "/")).find("input", name="form")
    answer = await browser.post(path, data={"form": secret["value"], **fields})
    assert answer.status_code == status, answer.text
    return Elements(answer.text)


async def change(browser: httpx.AsyncClient, customer: str, body: str, status: int = 200, **fields: str) -> Elements:
    return await send(browser, WRITES, status, kind="patch", record_id=customer, body=body, intent="send", **fields)


async def read_city(client: httpx.AsyncClient, customer: str) -> Any:
    return (await client.get(f"{DATA}/Customer('{customer}')")).json()["City"]


async def test_the_first_page_has_the_instances_and_the_clock(browser: httpx.AsyncClient) -> None:
    page = await open_page(browser, "/")

    assert {"Console", "Contoso Coffee", INSTANCE, "Service clock", "Stopped"} <= set(page.texts)
    assert {HERE, f"/card/{INSTANCE}"} <= {a["href"] for a in page.find("a")}
    assert page.find("time", datetime="2026-11-24T12:00:00+00:00")
    assert page.find("form", action="/console/clock") == []


@pytest.mark.parametrize("part", ["", "/tables", "/changes"])
async def test_the_console_goes_into_nobodys_frame(browser: httpx.AsyncClient, part: str) -> None:
    answer = await browser.get(f"{HERE}{part}")

    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].endswith("frame-ancestors 'none'")
    assert answer.headers["x-frame-options"] == "DENY"
    assert " style=" not in answer.text


@pytest.mark.parametrize(
    ("part", "needed"), [("calls", "administrator"), ("writes", "contributor"), ("tables", "viewer")]
)
async def test_a_part_is_for_those_who_may(browser: httpx.AsyncClient, part: str, needed: str) -> None:
    roles = ["viewer", "contributor", "administrator", "owner"]
    statuses = []
    for role in roles:
        become(browser, role)
        statuses.append((await browser.get(f"{HERE}/{part}")).status_code)

    assert statuses == [403 if roles.index(role) < roles.index(needed) else 200 for role in roles]


async def test_what_is_not_permitted_says_that_a_role_can_be_chosen(browser: httpx.AsyncClient) -> None:
    page = await open_page(browser, f"{HERE}/calls", 403)

    assert "That is not for your role" in page.texts
    assert "The role Viewer may not do this; it takes Administrator or above." in page.texts
    assert page.find("select", name="role")


@pytest.mark.usefixtures("refreshed")
async def test_an_instance_at_a_glance(browser: httpx.AsyncClient, client: httpx.AsyncClient, abbie: str) -> None:
    await client.patch(f"{DATA}/Customer/{abbie}", json={"Town": "Paris"})
    await client.get("/metrics")  # it saves what the other service counted
    become(browser, "administrator")
    page = await open_page(browser, HERE)

    assert {"20", "Abbie Moss", "City", '"Paris"', "Till 7", "successful", "the command line"} <= set(page.texts)
    assert page.texts[page.texts.index("Unknown to the source") + 1] == "1"
    assert page.texts[page.texts.index("Only in real time") + 1] == "0"
    assert {"Update-an-entity", "400", "UnknownColumn"} <= set(page.texts)
    assert page.find("a", href=f"/card/{INSTANCE}/{abbie}")


@pytest.mark.usefixtures("refreshed")
async def test_a_job_is_shown_with_its_tasks_and_its_report(browser: httpx.AsyncClient) -> None:
    (link,) = [a["href"] for a in (await open_page(browser, HERE)).find("a") if "/jobs/" in a["href"]]
    page = await open_page(browser, link)
    report = json.loads(next(text for text in page.texts if text.startswith("{")))
    missing = await open_page(browser, f"{HERE}/jobs/{UNKNOWN}", 404)

    assert {"ingestion", "profileStore", "successful"} <= set(page.texts)
    assert report["profiles"] == 20
    assert f"Job '{UNKNOWN}' does not exist in this instance." in missing.texts


async def test_tables_are_listed_with_their_columns(browser: httpx.AsyncClient) -> None:
    page = await open_page(browser, f"{HERE}/tables")

    assert {"Customer", "UnifiedActivity", "PoS_posPurchases", "City", "facetable", "date-time"} <= set(page.texts)
    assert "Its records become activities: Store purchase, of type SalesOrder." in page.texts


async def test_live_changes_are_listed_by_lapse_and_by_customer(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, abbie: str
) -> None:
    await client.post(f"{DATA}/UnifiedActivity", json=activity(abbie, ActivityId="A-1"))
    await client.patch(f"{DATA}/Customer/{abbie}", json={"City": NASTY})
    everything = await open_page(browser, f"{HERE}/changes")
    hers = await open_page(browser, f"{HERE}/changes?customer={abbie}")
    nobodys = await open_page(browser, f"{HERE}/changes?customer=nobody")

    assert everything.texts.index("City") < everything.texts.index("A-1")
    assert everything.find("img", src="x") == []
    assert {"City", "A-1"} <= set(hers.texts)
    assert "Nothing is live at the moment." in nobodys.texts


async def test_live_changes_go_on_to_the_next_page(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, abbie: str
) -> None:
    for n in range(30):
        await client.patch(f"{DATA}/Customer/{abbie}", json={"City": f"City {n}"})
    first = await open_page(browser, f"{HERE}/changes")
    (following,) = first.find("a", rel="next")
    second = await open_page(browser, f"{HERE}/changes{following['href']}")
    shown = [text for page in (first, second) for text in page.texts if text.startswith('"City ')]

    assert shown == [f'"City {n}"' for n in range(30)]
    assert second.find("a", rel="next") == []


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        (f"/console/{UNKNOWN}", 404, f"Instance '{UNKNOWN}' does not exist."),
        (f"{HERE}/changes?skiptoken=forged", 400, "$skiptoken is not usable"),
        (f"{HERE}/changes?customer=%01", 400, "customer is '�'; expected an id of at most 100 characters"),
        (f"{HERE}/calls?hours=2", 400, "hours is '2'; expected 1 or 6 or 24 or 168"),
        (f"{HERE}/writes?table=Nothing", 404, "Table 'Nothing' does not exist"),
    ],
)
async def test_what_is_wrong_is_told(browser: httpx.AsyncClient, path: str, status: int, said: str) -> None:
    become(browser, "owner")
    page = await open_page(browser, path, status)

    assert said in " ".join(page.texts)


async def test_calls_are_told_by_operation_status_and_error(browser: httpx.AsyncClient) -> None:
    become(browser, "administrator")
    await browser.get(f"{HERE}/tables")
    await browser.get(f"{HERE}/jobs/{UNKNOWN}")
    page = await open_page(browser, f"{HERE}/calls?hours=24")

    assert {"Console-tables", "200", "Console-job", "404", "JobNotFound", "Last 7 days"} <= set(page.texts)
    assert page.find("a", href="?hours=24", **{"aria-current": "true"})


async def test_a_change_is_sent_and_shown_as_others_would_send_it(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, abbie: str
) -> None:
    become(browser, "contributor")
    page = await change(browser, abbie, '{"City": "Paris"}', valid_until="2026-11-24T13:00:00Z", caller="Till 7")
    changes = await open_page(browser, f"{HERE}/changes")

    assert {"204", "Stored."} <= set(page.texts)
    assert page.find("a", href=f"/card/{INSTANCE}/{abbie}")
    assert await read_city(client, abbie) == "Paris"
    assert "Till 7" in changes.texts
    assert changes.find("time", datetime="2026-11-24T13:00:00+00:00")


async def test_an_activity_is_sent_in_either_format(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, abbie: str
) -> None:
    become(browser, "contributor")
    for table in ("UnifiedActivity", "PoS_posPurchases"):
        form = await open_page(browser, f"{WRITES}?table={table}&customer={abbie}")
        (body,) = [text for text in form.texts if text.startswith("{") and "City" not in text]
        page = await send(browser, WRITES, kind="post", table=table, body=body, intent="send")
        assert {"201", "Stored."} <= set(page.texts), page.texts

    timeline = (await client.get(f"{DATA}/UnifiedActivity?$filter=CustomerId eq '{abbie}'&$top=2")).json()["value"]
    assert {each["Title"] or each["EntityName"] for each in timeline} >= {"Called about an order"}
    assert "PoS_posPurchases" in {each["EntityName"] for each in timeline}


async def test_lines_are_shown_without_sending(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, abbie: str
) -> None:
    become(browser, "contributor")
    page = await send(browser, WRITES, kind="patch", record_id=abbie, body='{"City": "Paris"}', intent="show")
    (line,) = [text for text in page.texts if text.startswith("curl -X PATCH")]

    assert shlex.split(line)[-2:] == ['{"City": "Paris"}', f"http://testserver{DATA}/Customer/{abbie}"]
    assert "Authorization: Bearer topcoat-contributor" in shlex.split(line)
    assert await read_city(client, abbie) == "Seattle"


@pytest.mark.parametrize(
    ("customer", "body", "status", "said"),
    [
        ("{abbie}", "{", 400, "BodyUnreadable: The body is not JSON"),
        ("{abbie}", '{"Town": "Paris"}', 400, "UnknownColumn: Table Customer has no column 'Town'"),
        ("{abbie}", '{"<b>": 1}', 400, "UnknownColumn: Table Customer has no column '<b>'"),
        ("nobody", '{"City": "Paris"}', 404, "RecordNotFound"),
        ("", '{"City": "Paris"}', 400, "ParameterInvalid: CustomerId is missing; expected the id of a customer."),
    ],
)
async def test_a_refused_call_is_told_beside_its_form(
    browser: httpx.AsyncClient, abbie: str, customer: str, body: str, status: int, said: str
) -> None:
    become(browser, "contributor")
    page = await change(browser, customer.replace("{abbie}", abbie), body, status)

    assert "Refused; nothing was stored." in page.texts
    assert any(text.startswith(said) for text in page.texts), page.texts
    assert page.find("b") == []
    assert body in page.texts


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "put"}, "kind is 'put'; expected patch or post"),
        ({"kind": "patch", **{f"f{n}": "" for n in range(60)}}, "The form is too long; expected at most 50 fields"),
    ],
)
async def test_a_form_that_is_none_of_ours_is_refused(
    browser: httpx.AsyncClient, fields: dict[str, str], said: str
) -> None:
    become(browser, "contributor")
    page = await send(browser, WRITES, 400, **fields)

    assert said in " ".join(page.texts)


@pytest.mark.parametrize(("path", "kind"), [(WRITES, "patch"), ("/console/clock", "freeze")])
async def test_a_form_of_another_site_changes_nothing(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, abbie: str, path: str, kind: str
) -> None:
    become(browser, "owner")
    await open_page(browser, "/")
    fields = {"kind": kind, "move": kind, "record_id": abbie, "body": '{"City": "Paris"}', "intent": "send"}

    answer = await browser.post(path, data={"form": "x" * 43, **fields})

    assert answer.status_code == 403
    assert "The form was not sent from a page of this service" in answer.text
    assert await read_city(client, abbie) == "Seattle"


async def test_sending_takes_a_contributor_and_the_clock_an_administrator(
    browser: httpx.AsyncClient, abbie: str
) -> None:
    await change(browser, abbie, '{"City": "Paris"}', 403)
    become(browser, "contributor")
    await send(browser, "/console/clock", 403, move="resume")


async def test_the_clock_is_moved_and_what_lapsed_is_linked(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, abbie: str
) -> None:
    await client.patch(f"{DATA}/Customer/{abbie}", json={"City": "Paris"})
    become(browser, "administrator")
    before = await open_page(browser, "/")
    (instant,) = before.find("input", name="instant")
    after = await send(browser, "/console/clock", move="set", instant=instant["value"])

    assert instant["value"] == "2026-11-24T16:00:00+00:00"
    assert "1 write lapsed on the way. 0 jobs fell due." in after.texts
    assert after.find("a", href=f"/card/{INSTANCE}/{abbie}")
    assert after.find("time", datetime="2026-11-24T16:00:00+00:00")
    assert await read_city(client, abbie) == "Seattle"


async def test_the_clock_is_advanced_let_run_and_stopped(browser: httpx.AsyncClient) -> None:
    become(browser, "administrator")
    advanced = await send(browser, "/console/clock", move="advance", amount="90", unit="minutes")
    running = await send(browser, "/console/clock", move="resume")
    stopped = await send(browser, "/console/clock", move="freeze")

    assert advanced.find("time", datetime="2026-11-24T13:30:00+00:00")
    assert ("It runs." in running.texts, "Stopped" in stopped.texts) == (True, True)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"move": "back"}, "move is 'back'; expected freeze, resume, advance or set"),
        ({"move": "advance", "amount": "-4", "unit": "hours"}, "amount is '-4'; expected a whole number from 1"),
        ({"move": "advance", "amount": "4", "unit": "years"}, "unit is 'years'"),
        ({"move": "set", "instant": "soon"}, "instant is 'soon'"),
        ({"move": "set", "instant": "2001-01-01T00:00:00Z"}, "The service clock only moves forward"),
    ],
)
async def test_a_move_that_cannot_be_is_told(browser: httpx.AsyncClient, fields: dict[str, str], said: str) -> None:
    become(browser, "administrator")
    page = await send(browser, "/console/clock", 400, **fields)

    assert said in " ".join(page.texts)


async def test_outside_of_emulator_mode_the_console_takes_a_token_and_has_no_clock(
    sqlite_url: str, tmp_path: Path
) -> None:
    issuer = {"auth_issuers": "https://issuer.example", "auth_audiences": "api://topcoat"}
    settings = Settings(home=tmp_path, database_url=sqlite_url, auth=AuthMode.ENTRA, **issuer)
    async with open_client(settings) as client:
        del client.headers["Authorization"]
        client.cookies.set("topcoat_role", "owner")
        statuses = [(await client.get(path)).status_code for path in ("/", HERE, WRITES)]
        moved = await client.post("/console/clock", data={"move": "resume"})

    assert statuses == [401, 401, 401]
    assert moved.status_code == 405


async def test_where_everybody_is_administrator_no_role_is_chosen(sqlite_url: str, tmp_path: Path) -> None:
    async with open_client(Settings(home=tmp_path, database_url=sqlite_url, open=True)) as client:
        del client.headers["Authorization"]
        page = await open_page(client, f"{HERE}/calls")

    assert page.find("select", name="role") == []


@pytest.mark.usefixtures("refreshed")
async def test_the_console_speaks_german(browser: httpx.AsyncClient) -> None:
    become(browser, "administrator")
    start = await open_page(browser, "/", Accept_Language="de-DE")
    overview = await open_page(browser, HERE, Accept_Language="de-DE")

    assert {"Konsole", "Instanzen", "Uhr des Dienstes", "Angehalten"} <= set(start.texts)
    assert {"Was als Nächstes abläuft", "erfolgreich", "der Kommandozeile"} <= set(overview.texts)


NASTY_CALL = RealTimeCall("Customer", "a/b '$(x)", {"City": NASTY, "Points": None}, "2026-11-24T13:00:00Z", "Till '7'")


def test_a_curl_line_is_read_back_by_a_shell() -> None:
    line = lines.curl_line("http://127.0.0.1:8300", INSTANCE, NASTY_CALL, Credentials("topcoat-owner", "it's a key"))
    words = shlex.split(line)

    assert line.isascii()
    assert words[:3] == ["curl", "-X", "PATCH"]
    assert words[3:9:2] == ["-H", "-H", "-H"]
    assert words[4:8:2] == ["Authorization: Bearer topcoat-owner", "Ocp-Apim-Subscription-Key: it's a key"]
    assert json.loads(words[words.index("--data-raw") + 1]) == NASTY_CALL.body
    assert words[-1] == (
        f"http://127.0.0.1:8300{DATA}/Customer/a%2Fb%20%27%24%28x%29"
        "?validUntil=2026-11-24T13%3A00%3A00Z&caller=Till%20%277%27"
    )


def test_python_lines_say_the_same() -> None:
    text = lines.python_lines("http://127.0.0.1:8300", INSTANCE, NASTY_CALL, Credentials("topcoat-owner", "key"))
    call = ast.parse(text).body[-1]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    named = {keyword.arg: keyword.value for keyword in call.value.keywords}
    body = named["body"]
    assert isinstance(body, ast.Call)

    assert text.isascii()
    assert ast.unparse(call.value.func) == "client.update_an_entity"
    assert [ast.literal_eval(each) for each in call.value.args] == [INSTANCE, "Customer", "a/b '$(x)"]
    assert ast.literal_eval(body.args[0]) == NASTY_CALL.body
    assert ast.literal_eval(named["valid_until"]) == "2026-11-24T13:00:00Z"
    assert ast.literal_eval(named["caller"]) == "Till '7'"


def test_a_token_of_ones_own_is_not_shown() -> None:
    call = RealTimeCall("UnifiedActivity", None, {"CustomerId": "c"}, "", "")
    nobodys = Credentials(None, None)
    curl = lines.curl_line("http://127.0.0.1", INSTANCE, call, nobodys)
    python = lines.python_lines("http://127.0.0.1", INSTANCE, call, nobodys)

    assert '-H "Authorization: Bearer $TOKEN" -H "Ocp-Apim-Subscription-Key: $KEY"' in curl
    assert "'Authorization': 'Bearer ' + os.environ['TOKEN']" in python
    ast.parse(python)


async def test_a_token_that_was_brought_is_not_repeated_in_lines(browser: httpx.AsyncClient) -> None:
    """Those that everybody knows are."""
    page = await open_page(browser, WRITES, Authorization="Bearer topcoat-owner")

    assert any("Bearer topcoat-owner" in text for text in page.texts)
    assert catalog.CUSTOMER_ID in page.texts
