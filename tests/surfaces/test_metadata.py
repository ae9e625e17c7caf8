"""manage/tables and manage/entities."""

from typing import Any

import httpx
import pytest

from tests.surfaces.state import INSTANCE_METADATA

MODEL = ["instanceId", "dataflowId", "datasourceId", "dataflowType", "entities"]
ENTITY = [
    "name",
    "qualifiedEntityName",
    "dataSourceName",
    "dataflowType",
    "shouldUseSparkSasAuth",
    "datasourceId",
    "entityType",
    "attributes",
    "keys",
    "relationships",
    "timestampAttribute",
    "incrementalAttribute",
    "semanticType",
    "refreshTime",
    "partitions",
    "incrementalUpsertPartitions",
    "incrementalDeletePartitions",
    "fullPartitionsParquet",
    "incrementalUpsertPartitionsParquet",
    "incrementalDeletePartitionsParquet",
    "annotations",
]
ATTRIBUTE = ["name", "friendlyName", "baseName", "dataType", "semanticType", "searchProperties"]


async def get_table(client: httpx.AsyncClient, base: str, name: str, query: str = "") -> dict[str, Any]:
    answer = await client.get(f"{base}/manage/tables/{name}{query}")
    assert answer.status_code == 200, answer.text
    table: dict[str, Any] = answer.json()
    return table


async def test_the_model_lists_system_tables_then_source_tables(client: httpx.AsyncClient, base: str) -> None:
    model = (await client.get(f"{base}/manage/tables")).json()

    names = [entity["qualifiedEntityName"] for entity in model["entities"]]
    assert list(model) == MODEL
    assert model["instanceId"] == base.rpartition("/")[2]
    assert names[:3] == ["Customer", "UnifiedActivity", "Customer_Measure"]
    assert {"PoS_posPurchases", "Website_webReviews", "eCommerce_eCommerceContacts"} <= set(names)


async def test_entities_have_exactly_the_contracts_fields(client: httpx.AsyncClient, base: str) -> None:
    model = (await client.get(f"{base}/manage/tables")).json()

    assert all(list(entity) == ENTITY for entity in model["entities"])
    assert all(list(attribute) == ATTRIBUTE for entity in model["entities"] for attribute in entity["attributes"])


@pytest.mark.parametrize("prefix", ["/api", "/v1"])
@pytest.mark.parametrize("spelling", ["tables", "entities"])
@pytest.mark.parametrize("name", ["", "/UnifiedActivity"])
async def test_both_prefixes_and_both_spellings_are_one_resource(
    client: httpx.AsyncClient, base: str, prefix: str, spelling: str, name: str
) -> None:
    query = "?attributesAnnotations=false"

    answer = await client.get(f"{base.replace('/api', prefix)}/manage/{spelling}{name}{query}")

    assert answer.json() == (await client.get(f"{base}/manage/tables{name}")).json()


async def test_columns_tell_their_types(client: httpx.AsyncClient, base: str) -> None:
    table = await get_table(client, base, "Customer")

    types = {attribute["name"]: attribute["dataType"] for attribute in table["attributes"]}
    assert types["FullName"] == "string"
    assert types["RewardsPoints"] == "int64"
    assert types["TotalSpend"] == "decimal"
    assert types["EmailOptIn"] == "boolean"
    assert types["DateOfBirth"] == "dateTime"
    assert types["CustomerSince"] == "dateTimeOffset"


async def test_the_customer_table_has_its_alternate_keys(client: httpx.AsyncClient, base: str) -> None:
    table = await get_table(client, base, "Customer")

    assert table["entityType"] == "profile"
    assert table["dataSourceName"] is None
    assert [[attribute["name"] for attribute in key] for key in table["keys"]] == [
        ["CustomerId"],
        ["eCommerce_eCommerceContacts_ContactId"],
        ["LoyaltyScheme_loyCustomers_LoyaltyID"],
    ]


async def test_the_measures_of_a_customer_are_columns_of_a_table(client: httpx.AsyncClient, base: str) -> None:
    table = await get_table(client, base, "Customer_Measure")

    types = {attribute["name"]: attribute["dataType"] for attribute in table["attributes"]}
    assert types == {
        "CustomerId": "string",
        "LifetimeSpend": "decimal",
        "PurchaseCount": "int64",
        "LastPurchaseOn": "dateTimeOffset",
    }
    assert [[attribute["name"] for attribute in key] for key in table["keys"]] == [["CustomerId"]]


async def test_a_source_table_names_its_source_and_time(client: httpx.AsyncClient, base: str) -> None:
    table = await get_table(client, base, "PoS_posPurchases")
    again = await get_table(client, base, "PoS_posPurchases")
    contacts = await get_table(client, base, "eCommerce_eCommerceContacts")

    assert table["name"] == "posPurchases"
    assert table["dataSourceName"] == "PoS"
    assert table["datasourceId"] == again["datasourceId"] != contacts["datasourceId"]
    assert [table["entityType"], contacts["entityType"]] == ["activity", "unspecified"]
    assert table["timestampAttribute"]["name"] == "PurchasedOn"
    assert contacts["timestampAttribute"] is None
    assert table["keys"] == [[table["attributes"][0]]]


async def test_annotations_mark_keys_and_mandatory_columns(client: httpx.AsyncClient, base: str) -> None:
    table = await get_table(client, base, "UnifiedActivity", "?attributesAnnotations=true")

    marks = {attribute["name"]: [a["name"] for a in attribute["annotations"]] for attribute in table["attributes"]}
    assert marks["ActivityId"] == ["ReadOnly"]
    assert marks["CustomerId"] == marks["ActivityTime"] == marks["ActivityType"] == ["Mandatory"]
    assert marks["Title"] == []
    assert table["attributes"][0]["annotations"] == [{"name": "ReadOnly", "value": "true"}]


async def test_annotations_mark_what_a_source_record_needs(client: httpx.AsyncClient, base: str) -> None:
    table = await get_table(client, base, "PoS_posPurchases", "?attributesAnnotations=TRUE")

    mandatory = {
        attribute["name"]
        for attribute in table["attributes"]
        if {"name": "Mandatory", "value": "true"} in attribute["annotations"]
    }
    assert mandatory == {"PurchaseId", "PurchasedOn", "LoyaltyID"}


async def test_the_vendors_client_sends_its_defaults(client: httpx.AsyncClient, base: str) -> None:
    query = "attributesAnnotations=false&includeQuarantined=false&includeSelfConflatedEntity=false"

    answer = await client.get(f"{base}/manage/entities?{query}")

    assert answer.status_code == 200


@pytest.mark.parametrize("mark", ["attributesAnnotations", "includeQuarantined", "includeSelfConflatedEntity"])
@pytest.mark.parametrize("value", ["1", "yes", ""])
async def test_a_boolean_is_true_or_false(client: httpx.AsyncClient, base: str, mark: str, value: str) -> None:
    answer = await client.get(f"{base}/manage/tables?{mark}={value}")

    assert answer.status_code == 400
    assert answer.json()["errorCode"] == "ParameterInvalid"
    assert "expected true or false" in answer.json()["message"]


@pytest.mark.parametrize("name", ["Nope", "customer", "🥐", "a%2Fb", "N" * 1000])
async def test_an_unknown_table_is_not_found(client: httpx.AsyncClient, base: str, name: str) -> None:
    answer = await client.get(f"{base}/manage/tables/{name}")

    problem = answer.json()
    assert answer.status_code == 404
    assert problem["httpStatusCode"] == "404"
    assert problem["errorCode"] in {"TableNotFound", "AddressNotFound"}
    assert problem["exceptionCulprit"] == "user"


INSTANCE_INFO = [
    "instanceId",
    "name",
    "instanceType",
    "expiryTimeUtc",
    "maxTrialExtensionsAllowed",
    "trialExtensionHistory",
    "scaleUnitId",
    "azureRegion",
    "platformType",
]


async def test_instances_are_listed(client: httpx.AsyncClient, base: str) -> None:
    instances = (await client.get("/v1/instances")).json()

    assert [instance["name"] for instance in instances] == ["Contoso Coffee"]
    assert instances[0]["instanceId"] == base.rpartition("/")[2]
    assert list(instances[0]) == INSTANCE_INFO


async def test_an_instance_is_described(client: httpx.AsyncClient, base: str) -> None:
    instance = (await client.get(base)).json()

    assert sorted(instance) == sorted(INSTANCE_METADATA)
    assert instance["name"] == "Contoso Coffee"
    assert instance["provisioningState"] == "active"
    assert instance["createdUtc"].endswith("Z")


async def test_an_instance_is_found_whatever_the_case_of_its_id(client: httpx.AsyncClient, base: str) -> None:
    answer = await client.get(base.replace("c0ffee00", "C0FFEE00"))

    assert answer.json()["instanceId"] == base.rpartition("/")[2]


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("viewer", ["Viewer"]),
        ("contributor", ["Contributor"]),
        ("administrator", ["Admin"]),
        ("owner", ["Admin", "Owner"]),
    ],
)
async def test_the_role_of_the_caller_is_told(
    client: httpx.AsyncClient, base: str, as_role: Any, role: str, names: list[str]
) -> None:
    assignment = (await client.get(f"{base}/rbac/myrole", headers=as_role(role))).json()

    assert assignment == {
        "principalId": f"topcoat-{role}",
        "principalType": "app",
        "roles": names,
        "instanceId": base.rpartition("/")[2],
    }
