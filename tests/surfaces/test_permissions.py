"""Every route in every role, without a token, with the key of another instance: as docs/permissions.md says."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from starlette.responses import Response

from tests.conftest import INSTANCE, NOW, headers_of, open_client, open_service
from tests.docs import permission_table
from topcoat.app import create_app
from topcoat.core.roles import Role
from topcoat.core.subscription_keys import KeySlot
from topcoat.settings import Settings
from topcoat.store import instances
from topcoat.surfaces import permissions
from topcoat.surfaces.customer_insights import router
from topcoat.surfaces.customer_insights.operation import Call, Operation

MAY = permission_table.shown_cells(permission_table.PAGE.read_text())
ROLES = [role.name.lower() for role in Role]
REACHED = 299
ANOTHER = INSTANCE[:-1] + "2"
KEYLESS = {"Get-API-access", "Update-API-access", "Regenerate-subscription-key"}
# Operation, method, path: all spellings of the API's own, and the others, which answer by themselves.
ROUTES = [
    (operation.id, operation.method, f"{prefix}/instances{path}")
    for operation in router.OPERATIONS
    for prefix in router.PREFIXES
    for path in operation.paths
]
OTHER_ROUTES = [
    ("Read-clock", "GET", "/_topcoat/clock"),
    ("Move-clock", "POST", "/_topcoat/clock"),
    ("Get-CA-certificate", "GET", "/_topcoat/ca.pem"),
    ("Discover-instance", "GET", "/common/discovery/instance"),
    ("Get-openid-configuration", "GET", "/{tenant}/v2.0/.well-known/openid-configuration"),
    ("Get-token-keys", "GET", "/{tenant}/discovery/v2.0/keys"),
    ("Get-token", "POST", "/{tenant}/oauth2/v2.0/token"),
    ("Authorize", "GET", "/{tenant}/oauth2/v2.0/authorize"),
    ("Health-live", "GET", "/health/live"),
    ("Health-ready", "GET", "/health/ready"),
    ("Metrics", "GET", "/metrics"),
    ("openapi", "GET", "/openapi.json"),
    ("swagger_ui_html", "GET", "/docs"),
    ("swagger_ui_redirect", "GET", "/docs/oauth2-redirect"),
    ("redoc_html", "GET", "/redoc"),
]
# Those of one instance that tell strangers by themselves, in the tests of their own surfaces.
SELF_ANSWERING = {
    "Dataverse-Web-API",
    "Card-profile",
    "Card-timeline",
    "Card-events",
    "Card-preflight",
    "Card-file",
    "Card-page",
    "Card-search",
    "Console",
    "Console-instance",
    "Console-tables",
    "Console-changes",
    "Console-job",
    "Console-writes",
    "Console-send",
    "Console-calls",
    "Console-clock",
    "Page-file",
    "Choose-role",
}


async def reach(_: Call) -> Response:
    """Stands for an operation that was allowed."""
    return Response(status_code=REACHED)


def serve_instead(monkeypatch: pytest.MonkeyPatch, operations: list[Operation]) -> None:
    monkeypatch.setattr(router, "OPERATIONS", operations)
    monkeypatch.setattr(router, "build_routes", router.build_routes.__wrapped__)


@pytest.fixture
async def key_of_another(sqlite_url: str) -> str:
    """Of an instance beside the sample's."""
    lifetime = timedelta(hours=1)
    async with open_service(sqlite_url) as service:
        async with service.store.writing() as connection:
            await instances.save_instance(
                connection,
                guid=ANOTHER,
                name="Another",
                instance_type="sandbox",
                profile_lifetime=lifetime,
                activity_lifetime=lifetime,
                now=NOW,
            )
        key, _ = await service.flows.permissions.regenerate_key(ANOTHER, KeySlot.PRIMARY)
    return key


@pytest.fixture
async def stranger(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """Without headers, on a service whose operations end where they would begin."""
    serve_instead(monkeypatch, [replace(operation, answer=reach) for operation in router.OPERATIONS])
    async with open_client(Settings(home=tmp_path, database_url=sqlite_url)) as opened:
        opened.headers.clear()
        yield opened


async def ask(client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str]) -> int:
    address = re.sub(r"{\w+(:path)?}", "x", path.replace("{instanceId}", INSTANCE))
    return (await client.request(method, address, headers=headers)).status_code


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_what_the_table_says(stranger: httpx.AsyncClient, role: str) -> None:
    column = 1 + ROLES.index(role)
    headers = headers_of(role)

    reached = [(*route, await ask(stranger, *route[1:], headers)) for route in ROUTES]
    others = {name: await ask(stranger, method, path, headers) for name, method, path in OTHER_ROUTES}

    assert [call for call in reached if call[-1] != (REACHED if MAY[call[0]][column] else 403)] == []
    assert {name for name, status in others.items() if status == 403} == {n for n in others if not MAY[n][column]}
    assert 401 not in others.values()


@pytest.mark.parametrize("headers", [{}, {"Ocp-Apim-Subscription-Key": "topcoat-primary-key"}])
async def test_without_a_token_nothing_is_reached(stranger: httpx.AsyncClient, headers: dict[str, str]) -> None:
    reached = [(*route, await ask(stranger, *route[1:], headers)) for route in ROUTES]

    assert [call for call in reached if call[-1] != 401] == []


@pytest.mark.parametrize("has_key", [False, True], ids=["no key", "the key of another instance"])
async def test_only_the_keys_themselves_are_reached_without_a_key_of_the_instance(
    stranger: httpx.AsyncClient, key_of_another: str, has_key: bool
) -> None:
    """S33."""
    headers = {"Authorization": "Bearer topcoat-owner"}
    headers |= {"Ocp-Apim-Subscription-Key": key_of_another} if has_key else {}

    reached = [(*route, await ask(stranger, *route[1:], headers)) for route in ROUTES]

    opened = KEYLESS | ({"Get-all-instances", "Create-an-instance", "Copy-an-instance"} if has_key else set())
    assert [call for call in reached if call[-1] != (REACHED if call[0] in opened else 401)] == []


async def test_what_belongs_to_no_instance_takes_a_token_alone(stranger: httpx.AsyncClient) -> None:
    statuses = {name: await ask(stranger, method, path, {}) for name, method, path in OTHER_ROUTES}

    assert {name for name, status in statuses.items() if status == 401} == {n for n in statuses if not MAY[n][0]}


def test_every_route_has_an_entry() -> None:
    app = create_app(Settings(database_url="sqlite:///unused.db"))
    routes = {getattr(route, "operation_id", None) or route.name for route in app.routes}

    assert routes - SELF_ANSWERING == {route[0] for route in ROUTES + OTHER_ROUTES}
    assert routes <= set(MAY)


def test_an_operation_without_an_entry_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    serve_instead(monkeypatch, [replace(router.OPERATIONS[0], id="New-operation")])

    with pytest.raises(LookupError, match="New-operation has no role"):
        create_app(Settings(database_url="sqlite:///unused.db"))


def test_every_operation_has_one_entry() -> None:
    names = [name for operations in permissions.AREAS.values() for name in operations]

    assert len(names) == len(set(names))
