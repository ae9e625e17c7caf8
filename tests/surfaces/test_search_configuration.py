"""The search configuration over HTTP: told, replaced, refused, and shown in the metadata of Customer."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests import searching
from tests.conftest import open_service

Headers = Callable[[str], dict[str, str]]


def configuration(*attributes: dict[str, Any], table: str = "Customer") -> dict[str, Any]:
    return {"entityConfig": [{"qualifiedEntityName": table, "attributes": list(attributes)}]}


def attribute(name: str, **properties: Any) -> dict[str, Any]:
    return {"name": name, "properties": properties}


CITY = attribute("City", isSearchable=True, isFilterable=True, facetSpecification="count:10")


async def get(client: httpx.AsyncClient, base: str) -> dict[str, Any]:
    answer = await client.get(f"{base}/manage/search")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def put(
    client: httpx.AsyncClient, base: str, body: Any, headers: dict[str, str], **options: Any
) -> httpx.Response:
    return await client.put(f"{base}/manage/search", json=body, headers=headers, **options)


async def test_the_configuration_of_the_environment_file_is_told(client: httpx.AsyncClient, base: str) -> None:
    found = await get(client, base)

    [customer] = found["entityConfig"]
    assert customer["qualifiedEntityName"] == "Customer"
    names = [a["name"] for a in customer["attributes"]]
    assert names[:3] == ["FullName", "FirstName", "LastName"]
    properties = {a["name"]: a["properties"] for a in customer["attributes"]}
    assert properties["City"] == {
        "isSearchable": True,
        "isFilterable": True,
        "isFacetable": True,
        "facetSpecification": None,
        "isSortable": True,
    }
    assert properties["EMail"]["isFilterable"] is False
    assert (found["isSystemGenerated"], found["version"]) == (False, 1)
    assert found["createdBy"] == "environment file"
    assert found["createdUtc"].endswith("Z")
    assert found["instanceId"] == base.rpartition("/")[2]


async def test_a_replaced_configuration_is_stored_and_answered(
    client: httpx.AsyncClient, base: str, as_role: Headers
) -> None:
    sent = configuration(attribute("RewardsPoints", isSortable=True, isSearchable=None), CITY)

    answer = await put(client, base, sent, as_role("administrator"))

    assert answer.status_code == 200, answer.text
    stored = answer.json()
    assert [(a["name"], a["properties"]["isSearchable"]) for a in stored["entityConfig"][0]["attributes"]] == [
        ("City", True),
        ("RewardsPoints", False),
    ]
    assert stored["entityConfig"][0]["attributes"][0]["properties"]["facetSpecification"] == "count:10"
    assert (stored["version"], stored["updatedBy"], stored["createdBy"]) == (
        2,
        "topcoat-administrator",
        "environment file",
    )
    assert await get(client, base) == stored


async def test_an_answer_can_be_sent_back(client: httpx.AsyncClient, base: str, as_role: Headers) -> None:
    told = await get(client, base)

    answer = await put(client, base, told, as_role("administrator"))

    assert answer.status_code == 200, answer.text
    assert answer.json()["entityConfig"] == told["entityConfig"]


async def test_no_table_at_all_configures_nothing(client: httpx.AsyncClient, base: str, as_role: Headers) -> None:
    answer = await put(client, base, {"entityConfig": []}, as_role("owner"))

    assert answer.json()["entityConfig"] == []
    assert answer.json()["isSystemGenerated"] is False


async def test_metadata_shows_what_is_configured(client: httpx.AsyncClient, base: str, as_role: Headers) -> None:
    await put(client, base, configuration(CITY), as_role("administrator"))

    tables = (await client.get(f"{base}/manage/tables")).json()["entities"]

    properties = {(table["name"], a["name"]): a["searchProperties"] for table in tables for a in table["attributes"]}
    assert properties["Customer", "City"] == {
        "isSearchable": True,
        "isFilterable": True,
        "isFacetable": False,
        "isSortable": False,
        "facetSpecification": "count:10",
    }
    assert not any(properties["Customer", "FullName"].values())
    assert properties["UnifiedActivity", "Title"] is None


async def test_the_index_follows_in_the_background(
    client: httpx.AsyncClient, base: str, as_role: Headers, sqlite_url: str
) -> None:
    gender = attribute("Gender", isSortable=True)

    await put(client, base, configuration(CITY, gender), as_role("administrator"))

    async with open_service(sqlite_url) as service:
        await searching.until_built(service)
        found = await service.flows.search_index.find_built(base.rpartition("/")[2])
    assert found.is_token_complete
    assert {"City", "Gender"} <= found.ordered.keys()


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("contributor", 403), ("administrator", 200)])
async def test_only_an_administrator_replaces(
    client: httpx.AsyncClient, base: str, as_role: Headers, role: str, status: int
) -> None:
    answer = await put(client, base, configuration(CITY), as_role(role))

    assert answer.status_code == status
    if status == 403:
        assert answer.json()["errorCode"] == "NotPermitted"


async def test_every_role_may_look(client: httpx.AsyncClient, base: str, as_role: Headers) -> None:
    answer = await client.get(f"{base}/manage/search", headers=as_role("viewer"))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (configuration(attribute("Cty", isFilterable=True)), "UnknownColumn", "did you mean 'City'?"),
        (configuration(CITY, table="Custmer"), "TableNotFoundForWriting", "did you mean 'Customer'?"),
        (configuration(CITY, table="UnifiedActivity"), "ParameterInvalid", "the only table whose search"),
        (configuration(attribute("DateOfBirth", isSearchable=True)), "ColumnNotSearchable", "type date"),
        (configuration(CITY, CITY), "ColumnTwice", "City"),
        ({}, "ParameterInvalid", "entityConfig is missing"),
        ({"entityConfig": None}, "ParameterInvalid", "entityConfig is null; expected an array"),
        ({"entityConfig": {}}, "ParameterInvalid", "entityConfig is an object; expected an array"),
        ({"entityConfig": ["Customer"]}, "ParameterInvalid", "entityConfig[0] is the string 'Customer'; expected an"),
        ({"entityConfig": [{"attributes": []}]}, "ParameterInvalid", "entityConfig[0].qualifiedEntityName is missing"),
        (configuration({"name": 5}), "ParameterInvalid", "entityConfig[0].attributes[0].name is the number 5"),
        (
            configuration(attribute("City", isFilterable="yes")),
            "ParameterInvalid",
            "entityConfig[0].attributes[0].properties.isFilterable is the string 'yes'; expected true or false",
        ),
        (
            configuration(attribute("City", isFiltrable=True)),
            "ParameterInvalid",
            "properties.isFiltrable is not a key of the contract; expected one of isSearchable, isFilterable,",
        ),
        ({"entityConfig": [], "entities": []}, "ParameterInvalid", "entities is not a key of the contract"),
        ([], "BodyUnreadable", "an array"),
    ],
)
async def test_a_faulty_configuration_is_refused_by_place_and_expectation(
    client: httpx.AsyncClient, base: str, as_role: Headers, body: Any, code: str, said: str
) -> None:
    """Among them: only strings are searchable."""
    before = await get(client, base)

    answer = await put(client, base, body, as_role("administrator"))

    assert (answer.status_code, answer.json()["errorCode"]) == (400, code), answer.text
    assert said in answer.json()["message"]
    assert await get(client, base) == before


async def test_an_unknown_instance_is_not_found(client: httpx.AsyncClient, as_role: Headers) -> None:
    other = "/api/instances/11111111-1111-4111-8111-111111111111"

    told = await client.get(f"{other}/manage/search")
    replaced = await put(client, other, configuration(CITY), as_role("administrator"))

    assert [a.status_code for a in (told, replaced)] == [404, 404]
    assert told.json()["errorCode"] == "InstanceNotFound"


async def test_both_are_documented(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()

    path = document["paths"]["/api/instances/{instanceId}/manage/search"]
    assert {"get", "put"} <= path.keys()
    reference = path["put"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert reference.rpartition("/")[2] in document["components"]["schemas"]
