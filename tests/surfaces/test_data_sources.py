"""manage/datasources and manage/datasources/v2."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.surfaces.state import NOW_TEXT, purchase

Headers = Callable[[str], dict[str, str]]


@pytest.fixture
def address(base: str) -> str:
    return f"{base}/manage/datasources"


async def find(client: httpx.AsyncClient, address: str, name: str) -> dict[str, Any]:
    listed = (await client.get(address)).json()
    return next(info for info in listed if info["dataSourceMetadata"]["name"] == name)


async def test_sources_are_listed_by_name_without_their_models(client: httpx.AsyncClient, address: str) -> None:
    listed = (await client.get(address)).json()

    assert [info["dataSourceMetadata"]["name"] for info in listed] == ["LoyaltyScheme", "PoS", "Website", "eCommerce"]
    assert [info["dataSourceMetadata"]["entitiesCount"] for info in listed] == [1, 1, 1, 2]
    assert {info["model"] for info in listed} == {None}


async def test_both_spellings_are_one_resource(client: httpx.AsyncClient, address: str) -> None:
    listed = (await client.get(address)).json()
    source_id = listed[1]["dataSourceMetadata"]["dataSourceId"]

    assert (await client.get(f"{address}/v2")).json() == listed
    described = (await client.get(f"{address}/{source_id}")).json()
    assert (await client.get(f"{address}/v2/{source_id}")).json() == described
    assert (await client.delete(f"{address}/v2/{source_id}")).status_code == 200
    assert (await client.get(f"{address}/{source_id}")).status_code == 404


async def test_a_source_tells_its_tables_and_their_refresh(client: httpx.AsyncClient, address: str, base: str) -> None:
    metadata = (await find(client, address, "PoS"))["dataSourceMetadata"]
    table = (await client.get(f"{base}/manage/tables/PoS_posPurchases")).json()

    assert metadata["dataSourceId"] == table["datasourceId"]
    assert metadata["entityNames"] == ["posPurchases"]
    assert (metadata["lastRefresh"], metadata["refreshState"]) == (NOW_TEXT, "updated")
    [information] = metadata["entityInformation"]
    assert (information["entityName"], information["primaryKey"]) == ("posPurchases", "PurchaseId")
    assert (information["entityType"], information["timestampFieldName"]) == ("activity", "PurchasedOn")


@pytest.mark.parametrize(
    ("query", "has_model"), [("", True), ("?includeModel=True", True), ("?includemodel=false", False)]
)
async def test_one_source_comes_with_its_model_unless_it_is_not_wanted(
    client: httpx.AsyncClient, address: str, query: str, has_model: bool
) -> None:
    listed = await find(client, address, "eCommerce")

    info = (await client.get(f"{address}/{listed['dataSourceMetadata']['dataSourceId']}{query}")).json()

    assert info["dataSourceMetadata"] == listed["dataSourceMetadata"]
    assert (info["model"] is not None) is has_model
    if has_model:
        assert [entity["name"] for entity in info["model"]["entities"]] == ["eCommerceContacts", "eCommercePurchases"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("source_id", ["c0ffee00-0000-4000-8000-000000000001", "PoS"])
async def test_an_unknown_source_is_not_found(
    client: httpx.AsyncClient, address: str, method: str, source_id: str
) -> None:
    answer = await client.request(method, f"{address}/{source_id}")

    assert answer.status_code == 404
    assert answer.json()["errorCode"] == "DataSourceNotFound"


async def test_a_deleted_source_takes_its_table_and_activities_along(
    client: httpx.AsyncClient, address: str, base: str, abbie: str
) -> None:
    source = (await find(client, address, "PoS"))["dataSourceMetadata"]["dataSourceId"]
    timeline = f"{base}/data/Customer('{abbie}')/UnifiedActivity"
    before = (await client.get(timeline)).json()["value"]

    answer = await client.delete(f"{address}/{source.upper()}")

    assert (answer.status_code, answer.json()) == (200, {"statusCode": 200})
    assert (await client.get(f"{address}/{source}")).status_code == 404
    assert (await client.get(f"{base}/manage/tables/PoS_posPurchases")).status_code == 404
    assert (await client.get(f"{base}/data/PoS_posPurchases")).status_code == 404
    posted = await client.post(f"{base}/data/PoS_posPurchases", json=purchase("LOYID_1001"))
    assert (posted.status_code, posted.json()["errorCode"]) == (400, "TableNotFoundForWriting")
    after = (await client.get(timeline)).json()["value"]
    assert after == [activity for activity in before if activity["EntityName"] != "PoS_posPurchases"] != before
    assert (await find(client, address, "Website"))["dataSourceMetadata"]["lastRefresh"] == NOW_TEXT


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("contributor", 400)])
async def test_a_source_of_customers_is_not_deleted(
    client: httpx.AsyncClient, address: str, as_role: Headers, role: str, status: int
) -> None:
    source = (await find(client, address, "eCommerce"))["dataSourceMetadata"]["dataSourceId"]

    answer = await client.delete(f"{address}/{source}", headers=as_role(role))

    assert answer.status_code == status
    if status == 400:
        assert "its table eCommerce_eCommerceContacts" in answer.json()["message"]
    assert len((await client.get(address)).json()) == 4


async def test_whether_a_model_is_wanted_is_true_or_false(client: httpx.AsyncClient, base: str) -> None:
    answer = await client.get(f"{base}/manage/datasources/x?includeModel=perhaps")

    assert answer.status_code == 400
    assert answer.json()["message"] == "includeModel is 'perhaps'; expected true or false."
