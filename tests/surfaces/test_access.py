"""Who may call, and what is recorded of a call."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.testing import capture_logs

from tests.conftest import INSTANCE, open_client, open_service
from tests.surfaces.state import activity, purchase, read_everything
from topcoat.app import create_app
from topcoat.core import errors
from topcoat.settings import Settings
from topcoat.surfaces.access import CallRecorder

OTHER = "c0ffee00-0000-4000-8000-000000000002"
OTHER_KEYS = ("other-primary-key", "other-secondary-key")
AsRole = Callable[[str], dict[str, str]]


@pytest.fixture
async def two_instances(
    client: httpx.AsyncClient, sqlite_url: str, sample_folder: Path, tmp_path: Path
) -> httpx.AsyncClient:
    """Beside Contoso Coffee a second instance with the same customers and keys of its own."""
    folder = shutil.copytree(sample_folder, tmp_path / "other")
    environment = folder / "contoso.yaml"
    text = environment.read_text().replace(INSTANCE, OTHER)
    keys = f"subscription_keys: {{primary: {OTHER_KEYS[0]}, secondary: {OTHER_KEYS[1]}}}"
    lines = text.splitlines()
    at = next(n for n, line in enumerate(lines) if OTHER in line)
    line = lines[at]
    if line.rstrip().endswith("}"):
        lines[at] = line.rstrip()[:-1] + f", {keys}}}"
    else:
        lines.insert(at + 1, " " * (len(line) - len(line.lstrip())) + keys)
    environment.write_text("\n".join(lines) + "\n")
    async with open_service(sqlite_url) as service:
        await service.refresh(environment)
    return client


def with_key(key: str | None, token: str | None = "topcoat-contributor") -> dict[str, str]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return headers if key is None else headers | {"Ocp-Apim-Subscription-Key": key}


@pytest.fixture
async def stranger(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Brings no headers of its own; the same service."""
    client.headers.pop("Authorization")
    client.headers.pop("Ocp-Apim-Subscription-Key")
    return client


@pytest.mark.parametrize(
    "headers",
    [
        {},
        with_key("topcoat-primary-key", None),
        with_key(None),
        with_key("wrong"),
        {"Authorization": "Bearer topcoat-viewer", "Ocp-Apim-Subscription-Key": "topcoat-primary-kéy".encode()},
        with_key("topcoat-primary-key", "wrong"),
        with_key("topcoat-primary-key", ""),
        {"Authorization": "topcoat-contributor", "Ocp-Apim-Subscription-Key": "topcoat-primary-key"},
        {"Authorization": "Basic topcoat-contributor", "Ocp-Apim-Subscription-Key": "topcoat-primary-key"},
    ],
)
async def test_a_stranger_is_told_nothing(stranger: httpx.AsyncClient, base: str, headers: Any) -> None:
    for path in ["", "/data/Customer", "/manage/tables", "/rbac/myrole", "/nope", "/manage/segments"]:
        answer = await stranger.get(base + path, headers=headers)

        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith('Bearer realm="topcoat"')
        assert answer.json()["errorCode"] == "NotAuthenticated"
        assert "Ocp-Apim-Subscription-Key" in answer.json()["message"]


@pytest.mark.parametrize("headers", [{}, with_key("wrong"), with_key("topcoat-primary-key", "wrong")])
@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/V2"), ("POST", "/copy")])
async def test_a_stranger_sees_no_instances(
    stranger: httpx.AsyncClient, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = await stranger.request(method, f"/api/instances{path}", headers=headers)

    assert answer.status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
@pytest.mark.parametrize("key", ["topcoat-primary-key", "topcoat-secondary-key"])
async def test_both_keys_open_and_the_scheme_has_no_case(
    stranger: httpx.AsyncClient, base: str, scheme: str, key: str
) -> None:
    headers = {"Authorization": f"{scheme} topcoat-viewer", "Ocp-Apim-Subscription-Key": key}

    answer = await stranger.get(f"{base}/data/Customer?$top=1", headers=headers)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "data/UnifiedActivity", activity("x")),
        ("POST", "data/PoS_posPurchases", purchase("x")),
        ("PATCH", "data/Customer/{abbie}", {"City": "Paris"}),
        ("DELETE", "changes/1", None),
        ("PATCH", "data/Nope/1", {"City": "Paris"}),
    ],
)
async def test_a_viewer_does_not_write(
    client: httpx.AsyncClient, base: str, abbie: str, as_role: AsRole, method: str, path: str, body: Any
) -> None:
    before = await read_everything(client, base, abbie)

    answer = await client.request(method, f"{base}/{path.format(abbie=abbie)}", headers=as_role("viewer"), json=body)

    assert answer.status_code == 403
    assert answer.json()["errorCode"] == "NotPermitted"
    assert answer.json()["message"] == "The role Viewer may not do this; it takes Contributor or above."
    assert await read_everything(client, base, abbie) == before


@pytest.mark.parametrize("role", ["contributor", "administrator", "owner"])
async def test_contributors_and_above_write(
    client: httpx.AsyncClient, base: str, abbie: str, as_role: AsRole, role: str
) -> None:
    headers = as_role(role)

    created = await client.post(f"{base}/data/UnifiedActivity", headers=headers, json=activity(abbie))
    changed = await client.patch(f"{base}/data/Customer/{abbie}", headers=headers, json={"City": "Paris"})

    assert [created.status_code, changed.status_code] == [201, 204]


@pytest.mark.parametrize("instance", [OTHER, "nope", "🥐", "c0ffee00-0000-4000-8000-00000000000'"])
async def test_an_unknown_instance_is_not_found(client: httpx.AsyncClient, abbie: str, instance: str) -> None:
    calls: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("GET", "/data/Customer", None),
        ("GET", "/data/Customer('x')", None),
        ("POST", "/data/UnifiedActivity", activity(abbie)),
        ("PATCH", f"/data/Customer/{abbie}", {"City": "Paris"}),
        ("GET", "/manage/tables", None),
        ("GET", "/manage/tables/Customer", None),
        ("GET", "/rbac/myrole", None),
        ("GET", "/changes?customerId=x", None),
        ("DELETE", "/changes/1", None),
    ]
    for method, path, body in calls:
        answer = await client.request(method, f"/api/instances/{instance}{path}", json=body)

        assert answer.status_code == 404, path
        assert answer.json()["errorCode"] == "InstanceNotFound"


async def test_a_key_of_another_instance_opens_nothing(two_instances: httpx.AsyncClient, base: str) -> None:
    """S33."""
    other = f"/api/instances/{OTHER}/data/Customer?$top=1"
    own = f"{base}/data/Customer?$top=1"

    statuses = {
        (address, key): (await two_instances.get(address, headers=with_key(key))).status_code
        for address in (own, other)
        for key in ("topcoat-primary-key", *OTHER_KEYS)
    }

    assert statuses == {
        (own, "topcoat-primary-key"): 200,
        (own, OTHER_KEYS[0]): 401,
        (own, OTHER_KEYS[1]): 401,
        (other, "topcoat-primary-key"): 401,
        (other, OTHER_KEYS[0]): 200,
        (other, OTHER_KEYS[1]): 200,
    }


async def test_a_key_lists_the_instances_it_opens(two_instances: httpx.AsyncClient) -> None:
    """S33."""
    listed = {}
    for key in ("topcoat-primary-key", OTHER_KEYS[1]):
        answer = await two_instances.get("/api/instances", headers=with_key(key))
        listed[key] = [instance["instanceId"] for instance in answer.json()]

    assert listed == {"topcoat-primary-key": [INSTANCE], OTHER_KEYS[1]: [OTHER]}


async def test_writes_to_one_instance_do_not_reach_another(
    two_instances: httpx.AsyncClient, base: str, abbie: str
) -> None:
    """S33."""
    other = f"/api/instances/{OTHER}"
    two_instances.headers["Ocp-Apim-Subscription-Key"] = OTHER_KEYS[0]
    before = await read_everything(two_instances, other, abbie)
    two_instances.headers["Ocp-Apim-Subscription-Key"] = "topcoat-primary-key"

    await two_instances.post(f"{base}/data/UnifiedActivity", json=activity(abbie))
    await two_instances.patch(f"{base}/data/Customer/{abbie}", json={"City": "Paris"})

    two_instances.headers["Ocp-Apim-Subscription-Key"] = OTHER_KEYS[0]
    assert await read_everything(two_instances, other, abbie) == before


async def test_open_serves_everybody_as_administrator(sqlite_url: str, tmp_path: Path, base: str, abbie: str) -> None:
    settings = Settings(home=tmp_path, database_url=sqlite_url, open=True)
    async with open_client(settings) as client:
        client.headers.clear()

        listed = await client.get("/api/instances")
        role = await client.get(f"{base}/rbac/myrole")
        changed = await client.patch(f"{base}/data/Customer/{abbie}", json={"City": "Paris"})
        clock = await client.get("/_topcoat/clock")

    assert [listed.status_code, changed.status_code, clock.status_code] == [200, 204, 200]
    assert role.json()["roles"] == ["Admin"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health/live", 200),
        ("GET", "/nope", 404),
        ("DELETE", "/health/live", 405),
        ("GET", "/api/instances/{id}/data/Customer", 200),
        ("GET", "/api/instances/{id}/nope", 404),
        ("PUT", "/api/instances/{id}/data/Customer", 405),
    ],
)
async def test_every_answer_has_the_request_id_of_the_caller(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path.format(id=INSTANCE), headers={"x-request-id": "my-id-1"})

    assert answer.status_code == status
    assert answer.headers.get_list("x-request-id") == ["my-id-1"]


@pytest.mark.parametrize("request_id", ["", "with blank", "ü", "x" * 129, "tab\there"])
async def test_an_unfit_request_id_is_replaced(client: httpx.AsyncClient, request_id: str) -> None:
    answer = await client.get("/health/live", headers={b"x-request-id": request_id.encode()})

    assert len(answer.headers["x-request-id"]) == 32


async def test_two_calls_have_two_request_ids(client: httpx.AsyncClient) -> None:
    answers = [await client.get("/health/live") for _ in range(2)]

    assert len({answer.headers["x-request-id"] for answer in answers}) == 2


async def test_a_call_is_recorded_by_its_route_alone(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    with capture_logs() as events:
        await client.get(f"{base}/data/Customer('{abbie}')?$select=FullName")

    (event,) = events
    assert event["event"] == "call_answered"
    assert event["method"] == "GET"
    assert event["route"] == "/api/instances/{instanceId}/data/{rest:path}"
    assert event["status"] == 200
    assert event["duration_ms"] > 0
    assert abbie not in json.dumps(event)
    assert "Full" not in json.dumps(event)


class Failing:
    """Stands in for a flow; every call of it raises."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, _: str) -> Callable[..., Any]:
        async def fail(*_: Any) -> Any:
            raise self._error

        return fail


async def ask_failing(settings: Settings, flow: str, error: Exception, path: str) -> httpx.Response:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        app.state.flows = replace(app.state.flows, **{flow: Failing(error)})
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        headers = with_key("topcoat-primary-key", "topcoat-administrator")
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers) as client:
            return await client.get(path)


async def test_a_defect_of_ours_is_told_without_details(sqlite_url: str, tmp_path: Path, base: str) -> None:
    settings = Settings(home=tmp_path, database_url=sqlite_url)

    with capture_logs() as events:
        answer = await ask_failing(settings, "query", RuntimeError("secret detail"), f"{base}/data/Customer")

    failed, answered = events
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert answer.json()["errorCode"] == "UnexpectedError"
    assert "secret" not in answer.text
    assert failed["event"] == "call_failed"
    assert failed["exc_info"]
    assert answered["status"] == 500


@pytest.mark.parametrize("error", [errors.Overloaded(), errors.StoreUnreachable(reason="it is down")])
@pytest.mark.parametrize(
    ("flow", "path"),
    [
        ("query", "/api/instances/{id}/data/Customer"),
        ("instances", "/api/instances"),
        ("permissions", "/api/instances/{id}/nope"),
        ("service_clock", "/_topcoat/clock"),
    ],
)
async def test_what_passes_says_when_to_come_again(
    sqlite_url: str, tmp_path: Path, flow: str, path: str, error: errors.Unavailable
) -> None:
    """S31."""
    settings = Settings(home=tmp_path, database_url=sqlite_url)

    answer = await ask_failing(settings, flow, error, path.format(id=INSTANCE))

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["errorCode"] == error.code


async def test_a_service_without_its_schema_is_not_ready(tmp_path: Path) -> None:
    async with open_client(Settings(home=tmp_path)) as client:
        answer = await client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready"}


async def call_recorded(app: ASGIApp, scope: dict[str, Any]) -> list[Message]:
    """What the recorder sends on for an application."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await CallRecorder(app)(scope, receive, send)
    return sent


async def test_a_caller_who_leaves_is_no_defect() -> None:
    async def read_body(scope: Scope, receive: Receive, _: Send) -> None:
        await Request(scope, receive).body()

    with capture_logs() as events:
        sent = await call_recorded(read_body, {"type": "http", "method": "POST", "headers": []})

    assert sent == []
    assert [event["event"] for event in events] == ["caller_left", "call_answered"]


async def test_an_answer_that_breaks_off_is_not_answered_twice() -> None:
    async def break_off(_: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    with capture_logs() as events, pytest.raises(RuntimeError):
        await call_recorded(break_off, {"type": "http", "method": "GET", "headers": []})

    assert [event["event"] for event in events] == ["call_failed", "call_answered"]


async def test_what_is_no_call_is_not_recorded() -> None:
    async def start(scope: Scope, _: Receive, __: Send) -> None:
        assert scope["type"] == "lifespan"

    with capture_logs() as events:
        await call_recorded(start, {"type": "lifespan"})

    assert events == []


async def test_what_no_database_stores_is_found_nowhere(database_url: str, tmp_path: Path, as_role: AsRole) -> None:
    paths = (
        "/api/instances/%00/data/Customer",
        "/card/api/%00/profile?customer=x",
        "/card/%00",
        "/card/%00/x",
        "/console/%00",
        f"/card/{INSTANCE}/%00",
        f"/console/{INSTANCE}/jobs/%00",
        f"/api/instances/{INSTANCE}/workflows/main/jobs/%00",
    )
    async with open_client(Settings(home=tmp_path, database_url=database_url)) as client:
        statuses = {path: (await client.get(path, headers=as_role("owner"))).status_code for path in paths}

    assert statuses == dict.fromkeys(paths, 404)
