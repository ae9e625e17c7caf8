"""manage/relationships, manage/systemrelationships and hierarchies over HTTP."""

from typing import Any

import httpx
import pytest

AUDIT = ["version", "updatedBy", "updatedUtc", "createdBy", "createdUtc", "instanceId"]
RELATIONSHIP = [
    "friendlyName",
    "name",
    "description",
    "relationshipType",
    "fromAttributeName",
    "fromEntityName",
    "toAttributeName",
    "toEntityName",
    "cardinality",
    "source",
]
SHOPS = {
    "name": "Shops",
    "fromEntityName": "PoS_posPurchases",
    "fromAttributeName": "StoreName",
    "toEntityName": "Customer",
    "toAttributeName": "City",
}
CHAINS = {
    "name": "Chains",
    "dependency": {
        "sourceEntity": "PoS_posPurchases",
        "accountIdAttribute": "StoreName",
        "parentAccountIdAttribute": "Currency",
    },
}
KINDS = [("manage/relationships", SHOPS), ("hierarchies", CHAINS)]


@pytest.fixture
async def shops(client: httpx.AsyncClient, base: str) -> dict[str, Any]:
    answer = await client.post(f"{base}/manage/relationships", json=SHOPS)
    assert answer.status_code == 200, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def test_a_relationship_is_told_with_everything_the_contract_has(
    client: httpx.AsyncClient, base: str, shops: dict[str, Any]
) -> None:
    read = (await client.get(f"{base}/manage/relationships/Shops")).json()
    listed = (await client.get(f"{base}/manage/relationships")).json()

    assert read == shops
    assert listed == [shops]
    assert sorted(shops) == sorted(RELATIONSHIP + AUDIT)
    assert shops == shops | SHOPS
    assert (shops["friendlyName"], shops["cardinality"], shops["source"]) == ("Shops", "manyToOne", "user")
    assert shops["relationshipType"] == "singleKeyRelationshipOrigin"
    assert (shops["version"], shops["createdBy"]) == (1, "topcoat-contributor")


async def test_what_was_read_can_be_put_back_changed(
    client: httpx.AsyncClient, base: str, shops: dict[str, Any]
) -> None:
    changed = shops | {"cardinality": "oneToOne", "friendlyName": "Places"}

    answer = await client.put(f"{base}/manage/relationships/Shops", json=changed)

    assert answer.status_code == 200
    told = answer.json()
    assert told == changed | {"version": 2, "updatedUtc": told["updatedUtc"]}


async def test_both_tables_tell_a_relationship_each_from_its_end(
    client: httpx.AsyncClient, base: str, shops: dict[str, Any]
) -> None:
    purchases = (await client.get(f"{base}/manage/tables/PoS_posPurchases")).json()
    customer = (await client.get(f"{base}/manage/tables/Customer")).json()

    outgoing = {r["name"]: r for r in purchases["relationships"]}
    incoming = {r["name"]: r for r in customer["relationships"]}
    assert outgoing.keys() == {shops["name"], "PoS_posPurchases_LoyaltyScheme_loyCustomers"}
    assert outgoing["Shops"]["relationshipType"] == "singleKeyRelationshipOrigin"
    assert outgoing["Shops"]["fromAttribute"]["name"] == "StoreName"
    assert incoming["Shops"]["relationshipType"] == "singleKeyRelationshipDestination"
    assert incoming["Shops"]["toAttribute"] in customer["attributes"]
    assert {"UnifiedActivity_Customer", "Customer_Measure_Customer"} <= incoming.keys()


async def test_the_tables_relationships_are_system_made_and_stay(client: httpx.AsyncClient, base: str) -> None:
    made = (await client.get(f"{base}/manage/systemrelationships")).json()

    by_name = {relationship["name"]: relationship for relationship in made}
    assert {"UnifiedActivity_Customer", "PoS_posPurchases_LoyaltyScheme_loyCustomers"} <= by_name.keys()
    assert all(r["source"] == "system" and r["version"] is None for r in made)
    one = by_name["UnifiedActivity_Customer"]
    assert (await client.get(f"{base}/manage/relationships/UnifiedActivity_Customer")).json() == one
    for method, body in (("PUT", SHOPS | {"name": one["name"]}), ("DELETE", None)):
        answer = await client.request(method, f"{base}/manage/relationships/{one['name']}", json=body)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "SystemMade")
    taken = await client.post(f"{base}/manage/relationships", json=SHOPS | {"name": one["name"]})
    assert (taken.status_code, taken.json()["errorCode"]) == (400, "NameTaken")
    assert (await client.get(f"{base}/manage/systemrelationships")).json() == made


@pytest.mark.parametrize(
    ("changes", "code", "named"),
    [
        ({"name": "a-b"}, "ParameterInvalid", "name"),
        ({"name": "a b"}, "ParameterInvalid", "letters, digits and underscores"),
        ({"name": None}, "ParameterInvalid", "name is missing"),
        ({"name": 7}, "ParameterInvalid", "name is the number 7; expected a string"),
        ({"fromEntityName": "PoS_posPurchase"}, "TableNotFoundForWriting", "PoS_posPurchase"),
        ({"toAttributeName": "Cty"}, "UnknownColumn", "Cty"),
        ({"toEntityName": None}, "ParameterInvalid", "toEntityName"),
        ({"cardinality": "manyToMany"}, "ParameterInvalid", "expected one of 'oneToMany', 'oneToOne' or 'manyToOne'"),
        ({"source": "system"}, "ParameterInvalid", "source"),
        ({"description": "\0"}, "ParameterInvalid", "description"),
        ({"from": "x"}, "ParameterInvalid", "from is not a key of the contract; expected one of friendlyName, name,"),
    ],
)
async def test_a_faulty_relationship_is_refused_and_not_kept(
    client: httpx.AsyncClient, base: str, changes: dict[str, Any], code: str, named: str
) -> None:
    answer = await client.post(f"{base}/manage/relationships", json=SHOPS | changes)

    problem = answer.json()
    assert (answer.status_code, problem["errorCode"]) == (400, code)
    assert named in problem["message"]
    assert (await client.get(f"{base}/manage/relationships")).json() == []


@pytest.mark.parametrize(("path", "body"), KINDS)
async def test_a_taken_name_is_refused_and_the_first_stays(
    client: httpx.AsyncClient, base: str, path: str, body: dict[str, Any]
) -> None:
    first = await client.post(f"{base}/{path}", json=body)

    second = await client.post(f"{base}/{path}", json=body)

    assert (second.status_code, second.json()["errorCode"]) == (400, "NameTaken")
    assert (await client.get(f"{base}/{path}")).json() == [first.json()]


@pytest.mark.parametrize(("path", "body"), KINDS)
async def test_a_name_that_is_not_there_is_not_found(
    client: httpx.AsyncClient, base: str, path: str, body: dict[str, Any]
) -> None:
    await client.post(f"{base}/{path}", json=body)
    change = "PUT" if path.startswith("manage") else "PATCH"

    for method, sent in (("GET", None), (change, body | {"name": "shops"}), ("DELETE", None)):
        answer = await client.request(method, f"{base}/{path}/shops", json=sent)
        assert (answer.status_code, answer.json()["errorCode"]) == (404, "DefinitionNotFound")
    assert len((await client.get(f"{base}/{path}")).json()) == 1


@pytest.mark.parametrize(("path", "body"), KINDS)
async def test_another_name_in_the_body_than_in_the_address_is_refused(
    client: httpx.AsyncClient, base: str, path: str, body: dict[str, Any]
) -> None:
    await client.post(f"{base}/{path}", json=body)
    change = "PUT" if path.startswith("manage") else "PATCH"

    answer = await client.request(change, f"{base}/{path}/{body['name']}", json=body | {"name": "Other"})

    assert answer.status_code == 400
    assert f"expected '{body['name']}', as in the address" in answer.json()["message"]


async def test_a_deleted_relationship_is_gone(client: httpx.AsyncClient, base: str, shops: dict[str, Any]) -> None:
    answer = await client.delete(f"{base}/manage/relationships/{shops['name']}")

    assert (answer.status_code, answer.json()) == (200, {"statusCode": 200})
    assert (await client.get(f"{base}/manage/relationships")).json() == []
    assert (await client.post(f"{base}/manage/relationships", json=SHOPS)).json()["version"] == 1


async def test_a_hierarchy_is_created_changed_in_parts_and_deleted(client: httpx.AsyncClient, base: str) -> None:
    created = (await client.post(f"{base}/hierarchies", json=CHAINS)).json()
    patch = {"displayName": "Chains of shops", "dependency": {"accountIdAttribute": "ReceiptUrl"}}
    changed = (await client.patch(f"{base}/hierarchies/Chains", json=patch)).json()
    read = (await client.get(f"{base}/hierarchies/Chains")).json()
    deleted = await client.delete(f"{base}/hierarchies/Chains")

    assert sorted(created) == sorted(["name", "displayName", "dependency", *AUDIT])
    assert created == created | CHAINS | {"displayName": "Chains", "version": 1}
    assert read == changed
    assert (changed["displayName"], changed["version"]) == ("Chains of shops", 2)
    assert changed["dependency"] == CHAINS["dependency"] | {"accountIdAttribute": "ReceiptUrl"}  # type: ignore[operator]  # a dict
    assert (deleted.status_code, deleted.json()["value"]) == (200, {"name": "Chains"})
    assert (await client.get(f"{base}/hierarchies")).json() == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": "a-b"}, "name"),
        ({"dependency": {}}, "dependency.sourceEntity is missing"),
        ({"dependency": CHAINS["dependency"] | {"sourceEntity": "PoS"}}, "Table 'PoS'"),  # type: ignore[operator]
        ({"dependency": CHAINS["dependency"] | {"accountIdAttribute": "Shop"}}, "'Shop'"),  # type: ignore[operator]
        ({"dependency": CHAINS["dependency"] | {"parent": "x"}}, "dependency.parent is not a key"),  # type: ignore[operator]
        ({"dependency": []}, "dependency is an array; expected an object"),
        ({"displayName": "a\0b"}, "displayName is a text with the control character U+0000"),
    ],
)
async def test_a_faulty_hierarchy_is_refused_and_not_kept(
    client: httpx.AsyncClient, base: str, changes: dict[str, Any], named: str
) -> None:
    answer = await client.post(f"{base}/hierarchies", json=CHAINS | changes)

    assert answer.status_code == 400
    assert named in answer.json()["message"]
    assert (await client.get(f"{base}/hierarchies")).json() == []


async def test_a_faulty_change_leaves_the_hierarchy_as_it_was(client: httpx.AsyncClient, base: str) -> None:
    created = (await client.post(f"{base}/hierarchies", json=CHAINS)).json()

    answer = await client.patch(f"{base}/hierarchies/Chains", json={"dependency": {"sourceEntity": "Nowhere"}})

    assert answer.status_code == 400
    assert (await client.get(f"{base}/hierarchies/Chains")).json() == created


async def test_the_profile_store_tells_what_it_holds(client: httpx.AsyncClient, base: str) -> None:
    size = (await client.get(f"{base}/manage/tables/Customer/entitysize")).json()

    state = (await client.get(f"{base}/profilestore/stateinfo")).json()

    assert list(state) == ["ingestionTime", "primaryInfo", "secondaryInfo", "instanceId"]
    assert state["ingestionTime"] == "2026-11-24T12:00:00Z"
    assert state["primaryInfo"] == {
        "currentState": "queryable",
        "rowCount": size["rowCount"],
        "size": size["size"],
        "profileStoreHydrationStateInfo": {"Customer": "hydrated", "UnifiedActivity": "hydrated"},
    }
    assert state["secondaryInfo"] == {
        "currentState": "empty",
        "rowCount": 0,
        "size": 0,
        "profileStoreHydrationStateInfo": {},
    }
