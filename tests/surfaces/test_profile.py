"""The key ring of a profile, the kinds of its activities, and the sizes of tables."""

from typing import Any

import httpx
import pytest

from tests.surfaces.state import activity, purchase, read_timeline

CONTACT = {"dataSourceName": "eCommerce", "entityName": "eCommerceContacts", "key": "CNTID_1001"}
STRANGER = "c0ffee00-0000-4000-8000-000000000002"


async def get_key_ring(client: httpx.AsyncClient, base: str, **parameters: str) -> httpx.Response:
    return await client.get(f"{base}/profile/keyring", params=CONTACT | parameters)


async def get_types(client: httpx.AsyncClient, base: str, customer_id: str) -> dict[str, Any]:
    answer = await client.get(f"{base}/profile/activityresponsemetadata", params={"customerId": customer_id})
    assert answer.status_code == 200, answer.text
    counts: dict[str, Any] = answer.json()["keyRing"]
    return counts


async def get_size(client: httpx.AsyncClient, base: str, table: str) -> dict[str, Any]:
    answer = await client.get(f"{base}/manage/tables/{table}/entitysize")
    assert answer.status_code == 200, answer.text
    size: dict[str, Any] = answer.json()
    return size


@pytest.mark.parametrize("prefix", ["/api", "/v1"])
async def test_a_source_key_leads_to_its_profile_and_all_its_keys(
    client: httpx.AsyncClient, base: str, abbie: str, prefix: str
) -> None:
    """S19."""
    answer = await get_key_ring(client, base.replace("/api", prefix))

    assert answer.status_code == 200
    assert answer.json() == {
        "instanceId": base.rpartition("/")[2],
        "customerId": abbie,
        "keyRing": {
            "LoyaltyScheme_loyCustomers": {
                "dataSourceName": "LoyaltyScheme",
                "tableName": "loyCustomers",
                "preferredKey": "LOYID_1001",
                "keys": ["LOYID_1001"],
            },
            "eCommerce_eCommerceContacts": {
                "dataSourceName": "eCommerce",
                "tableName": "eCommerceContacts",
                "preferredKey": "CNTID_1001",
                "keys": ["CNTID_1001"],
            },
        },
    }


async def test_every_key_of_a_ring_leads_to_the_same_ring(client: httpx.AsyncClient, base: str) -> None:
    ring = await get_key_ring(client, base)
    other = await get_key_ring(
        client, base, dataSourceName="LoyaltyScheme", entityName="loyCustomers", key="LOYID_1001"
    )

    assert other.json() == ring.json()


@pytest.mark.parametrize("name", ["dataSourceName", "entityName", "key"])
@pytest.mark.parametrize("value", [None, ""])
async def test_a_key_ring_needs_its_three_parameters(
    client: httpx.AsyncClient, base: str, name: str, value: str | None
) -> None:
    parameters = {key: text for key, text in (CONTACT | {name: value}).items() if text is not None}

    answer = await client.get(f"{base}/profile/keyring", params=parameters)

    assert answer.status_code == 400
    assert answer.json()["errorCode"] == "ParameterInvalid"
    assert answer.json()["message"].startswith(f"{name} is missing; expected the ")


@pytest.mark.parametrize("key", ["CNT/1 2", "cntid_1001", "LOYID_1001", "🥐", "\0", "x" * 1000, "'"])
async def test_an_unknown_key_is_not_found(client: httpx.AsyncClient, base: str, key: str) -> None:
    answer = await get_key_ring(client, base, key=key)

    problem = answer.json()
    assert answer.status_code == 404
    assert problem["httpStatusCode"] == "404"
    assert problem["errorCode"] == "RecordNotFound"
    assert problem["message"].startswith("The key ring of eCommerce_eCommerceContacts has no record with the id '")


@pytest.mark.parametrize(
    ("data_source", "table", "said"),
    [
        ("PoS", "posContacts", "'PoS_posContacts' does not exist"),
        ("eCommerce", "eCommerceContact", "did you mean 'eCommerce_eCommerceContacts'?"),
        ("Customer", "Measure", "'Customer_Measure' does not exist in this instance as 'Measure' of a data source"),
        ("eCommerce_eCommerceContacts", "x", "does not exist"),
        ("\0", "🥐" * 100, "does not exist"),
    ],
)
async def test_a_key_ring_is_asked_of_a_table_of_a_data_source(
    client: httpx.AsyncClient, base: str, data_source: str, table: str, said: str
) -> None:
    answer = await get_key_ring(client, base, dataSourceName=data_source, entityName=table)

    assert answer.status_code == 404
    assert answer.json()["errorCode"] == "TableNotFound"
    assert said in answer.json()["message"]


@pytest.mark.parametrize(
    "address",
    [
        "profile/keyring?dataSourceName=eCommerce&entityName=eCommerceContacts&key=CNTID_1001",
        "profile/activityresponsemetadata?customerId=0",
        "manage/tables/Customer/entitysize",
    ],
)
async def test_an_unknown_instance_has_no_keys_no_activities_and_no_sizes(
    client: httpx.AsyncClient, base: str, address: str
) -> None:
    """S33."""
    answer = await client.get(f"{base.rpartition('/')[0]}/{STRANGER}/{address}")

    assert answer.status_code == 404
    assert answer.json()["errorCode"] == "InstanceNotFound"


@pytest.mark.parametrize("prefix", ["/api", "/v1"])
async def test_the_counts_are_those_of_the_timeline(
    client: httpx.AsyncClient, base: str, abbie: str, prefix: str
) -> None:
    """S17, S23."""
    await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie, ActivityTypeDisplay="Online purchase"))
    await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie, ActivityId="A-2", ActivityType="Note"))
    await client.post(f"{base}/data/PoS_posPurchases", json=purchase("LOYID_1001"))

    counts = await get_types(client, base.replace("/api", prefix), abbie)

    assert counts == {
        "activityCount": len(await read_timeline(client, base, abbie)),
        "activityTypes": [
            {"activityType": "Feedback", "activityTypeDisplay": "Web review", "count": 3},
            {"activityType": "Loyalty", "activityTypeDisplay": "Loyalty enrolment", "count": 1},
            {"activityType": "Note", "activityTypeDisplay": None, "count": 1},
            {"activityType": "SalesOrder", "activityTypeDisplay": "Online purchase", "count": 4},
            {"activityType": "SalesOrder", "activityTypeDisplay": "Store purchase", "count": 4},
        ],
    }


async def test_a_lapsed_activity_is_counted_no_more(
    client: httpx.AsyncClient, base: str, abbie: str, admin: dict[str, str]
) -> None:
    """S2."""
    before = await get_types(client, base, abbie)
    await client.post(f"{base}/data/UnifiedActivity?validUntil=2026-11-24T13:00:00Z", json=activity(abbie))
    meanwhile = await get_types(client, base, abbie)
    await client.post("/_topcoat/clock", headers=admin, json={"advance": "PT1H"})

    assert meanwhile["activityCount"] == before["activityCount"] + 1
    assert await get_types(client, base, abbie) == before


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "ParameterInvalid"),
        ("?customerId=", 400, "ParameterInvalid"),
        ("?customerId=a&customerId=b", 400, "ParameterInvalid"),
        ("?customerId=nobody", 404, "RecordNotFound"),
        ("?customerId=%00", 404, "RecordNotFound"),
        ("?customerId=it%27s%20%2F%20%F0%9F%A5%90", 404, "RecordNotFound"),
    ],
)
async def test_activities_are_counted_for_one_known_profile(
    client: httpx.AsyncClient, base: str, query: str, status: int, code: str
) -> None:
    answer = await client.get(f"{base}/profile/activityresponsemetadata{query}")

    assert answer.status_code == status
    assert answer.json()["errorCode"] == code
    assert answer.json()["httpStatusCode"] == str(status)


@pytest.mark.parametrize("prefix", ["/api", "/v1"])
@pytest.mark.parametrize("spelling", ["tables", "entities"])
async def test_the_size_of_the_customer_table_is_that_of_its_profiles(
    client: httpx.AsyncClient, base: str, prefix: str, spelling: str
) -> None:
    profiles = (await client.get(f"{base}/data/Customer")).json()["value"]

    size = (await client.get(f"{base.replace('/api', prefix)}/manage/{spelling}/Customer/entitysize")).json()

    assert list(size) == ["qualifiedEntityName", "size", "rowCount"]
    assert (size["qualifiedEntityName"], size["rowCount"]) == ("Customer", len(profiles))
    assert 100 * len(profiles) < size["size"] < 1000 * len(profiles)


async def test_a_new_activity_makes_its_table_larger_until_it_lapses(
    client: httpx.AsyncClient, base: str, abbie: str, admin: dict[str, str]
) -> None:
    """S2, S23."""
    before = await get_size(client, base, "UnifiedActivity")
    await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie, Description="x" * 500))
    larger = await get_size(client, base, "UnifiedActivity")
    await client.post("/_topcoat/clock", headers=admin, json={"advance": "P30D"})

    assert before["rowCount"] == len((await client.get(f"{base}/data/UnifiedActivity?$top=1000")).json()["value"])
    assert larger["rowCount"] == before["rowCount"] + 1
    assert larger["size"] > before["size"] + 500
    assert await get_size(client, base, "UnifiedActivity") == before


async def test_the_size_of_an_unknown_table_is_not_found(client: httpx.AsyncClient, base: str) -> None:
    answer = await client.get(f"{base}/manage/entities/Custmer/entitysize")

    assert answer.status_code == 404
    assert "did you mean 'Customer'?" in answer.json()["message"]


async def test_the_size_of_a_source_table_is_that_of_its_records(client: httpx.AsyncClient, base: str) -> None:
    size = await get_size(client, base, "PoS_posPurchases")

    assert size["rowCount"] == int((await client.get(f"{base}/data/PoS_posPurchases/$count")).text)
    assert size["size"] > 100 * size["rowCount"] > 0
