"""What is not there."""

import re
from pathlib import Path

import httpx
import pytest

from tests.conftest import INSTANCE, open_client
from topcoat.core import errors
from topcoat.settings import Settings
from topcoat.surfaces.customer_insights import problems, router
from topcoat.surfaces.customer_insights.router import OperationRoute
from topcoat.surfaces.emulator import problems as emulator_problems


def kinds_of(error: type[errors.TopcoatError]) -> list[type[errors.TopcoatError]]:
    """The errors that are raised: those without further kinds."""
    kinds = error.__subclasses__()
    return [leaf for kind in kinds for leaf in kinds_of(kind)] or [error]


@pytest.mark.parametrize("error", kinds_of(errors.TopcoatError), ids=lambda error: error.__name__)
def test_every_error_has_a_status(error: type[errors.TopcoatError]) -> None:
    assert 400 <= problems.STATUSES[error] < 600


def test_the_emulator_and_the_api_agree_on_statuses() -> None:
    assert emulator_problems.STATUSES.items() <= problems.STATUSES.items()


def test_the_contract_has_sixty_operations_and_eight_are_ours() -> None:
    ids = [operation.id for operation in router.OPERATIONS]

    assert len(ids) == len(set(ids)) == 68


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/manage",
        "/manage/tables/a/b",
        "/manage/tables/",
        "/",
        "/data",
        "/rbac/",
        "/changes/1/2",
        "%2Fdata/Customer/x",
    ],
)
async def test_an_address_that_does_not_exist_is_not_found(client: httpx.AsyncClient, base: str, path: str) -> None:
    answer = await client.get(base + path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["errorCode"] == "AddressNotFound"
    assert answer.json()["message"].startswith("There is nothing at GET /api/instances/")


@pytest.mark.parametrize("path", ["/nope", "/api", "/api/", "/v1", "/v1/nope", "/api/instances/", "/v1/instances/"])
async def test_outside_the_api_answers_are_json_too(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["errorCode"] == "AddressNotFound"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "{base}/data/Customer", "GET, PATCH, POST"),
        ("DELETE", "{base}/data/Customer/x", "GET, PATCH, POST"),
        ("DELETE", "{base}/data/UnifiedActivity/x", "GET, PATCH, POST"),
        ("PUT", "{base}/data/Customer('x')", "GET, PATCH, POST"),
        ("OPTIONS", "{base}/data/Customer", "GET, PATCH, POST"),
        ("BREW", "{base}/data/Customer", "GET, PATCH, POST"),
        ("POST", "{base}/manage/tables", "GET"),
        ("PATCH", "{base}/manage/entities/Customer", "GET"),
        ("POST", "{base}/rbac/myrole", "GET"),
        ("POST", "{base}", "DELETE, GET"),
        ("GET", "{base}/changes/1", "DELETE"),
        ("POST", "/api/instances", "GET"),
        ("POST", "/health/live", "GET"),
        ("DELETE", "/_topcoat/clock", "GET, POST"),
    ],
)
async def test_a_method_that_an_address_does_not_know_is_told_those_it_does(
    client: httpx.AsyncClient, base: str, method: str, path: str, allowed: str
) -> None:
    answer = await client.request(method, path.format(base=base))

    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["errorCode"] == "MethodNotSupported"
    assert answer.json()["message"] == f"{method} is not supported here; the address answers {allowed}."


@pytest.mark.parametrize("path", ["Customer/a", "Customer/a/b", "", "%FF"])
async def test_activities_are_posted_to_a_table(client: httpx.AsyncClient, base: str, path: str) -> None:
    answer = await client.post(f"{base}/data/{path}", json={})

    assert answer.status_code == 404
    assert answer.json()["errorCode"] == "AddressNotFound"


@pytest.mark.parametrize(
    "accept",
    [
        "text/plain",
        "text/html, application/xml;q=0.9",
        "application/json;q=0",
        "application/json;q=0, */*",
        "application/json; q=0.0, text/json",
        "application/*;q=0, */*",
        "*/*;q=0",
    ],
)
@pytest.mark.parametrize("path", ["data/Customer", "manage/tables"])
async def test_an_accept_header_without_json_cannot_be_served(
    client: httpx.AsyncClient, base: str, path: str, accept: str
) -> None:
    answer = await client.get(f"{base}/{path}", headers={"Accept": accept})

    assert answer.status_code == 406
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["errorCode"] == "MediaTypeNotAcceptable"
    assert answer.json()["message"].startswith("Answers are application/json only")


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "APPLICATION/JSON;odata.metadata=minimal",
        "text/plain, application/json;q=0.1",
        "text/json",
        "text/*",
        "application/*",
        "*/*",
        "text/html, */*;q=0.1",
        "text/json, */*;q=0",
        "application/json;q=often",
        "",
    ],
)
async def test_an_accept_header_with_room_for_json_is_served_json(
    client: httpx.AsyncClient, base: str, accept: str
) -> None:
    answer = await client.get(f"{base}/data/Customer?$top=1", headers={"Accept": accept})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"


async def test_a_write_whose_answer_cannot_be_read_is_not_stored(
    client: httpx.AsyncClient, base: str, abbie: str
) -> None:
    answer = await client.patch(
        f"{base}/data/Customer/{abbie}", json={"City": "Paris"}, headers={"Accept": "text/plain"}
    )

    assert answer.status_code == 406
    assert (await client.get(f"{base}/changes?customerId={abbie}")).json() == {"value": []}


async def test_health_asks_for_no_credentials(client: httpx.AsyncClient) -> None:
    client.headers.clear()

    live = await client.get("/health/live")
    ready = await client.get("/health/ready")

    assert (live.status_code, live.json()) == (200, {"status": "live"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


async def test_the_documentation_names_every_built_operation_once(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()

    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    ids = [operation["operationId"] for operation in operations]
    built = [operation.id for operation in router.OPERATIONS]
    assert len(ids) == len(set(ids))
    assert set(built) <= set(ids)
    assert "/api/instances/{instanceId}/data/{entityName}/{entityId}" in document["paths"]


def addresses_with(bad: str) -> list[tuple[str, str]]:
    """Every documented operation, each of its parameters in turn as it should not be."""
    found = []
    for route in router.build_routes():
        assert isinstance(route, OperationRoute)
        names = list(route.param_convertors) if route.include_in_schema else []
        for wrong in names:
            values = {name: bad if name == wrong else INSTANCE if name == "instanceId" else "x" for name in names}
            path = re.sub(r"{(\w+)(?::\w+)?}", lambda match, values=values: values[match[1]], route.path)
            found += [(method, path) for method in sorted(route.methods or ())]
    return found


@pytest.mark.postgres
async def test_no_database_is_asked_for_what_it_cannot_keep(postgres_url: str, tmp_path: Path) -> None:
    failed = []
    async with open_client(Settings(home=tmp_path, database_url=postgres_url)) as client:
        client.headers["Authorization"] = "Bearer topcoat-owner"
        for method, path in addresses_with("a%00b"):
            body = {} if method in ("POST", "PUT", "PATCH") else None
            answer = await client.request(method, path, json=body)
            failed += [(method, path, answer.status_code)] * (answer.status_code >= 500 and answer.status_code != 501)

    assert failed == []
