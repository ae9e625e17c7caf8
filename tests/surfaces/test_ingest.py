"""POST data/{table}: activities in both formats."""

import re
from typing import Any

import httpx
import pytest

from tests.surfaces.state import activity, purchase, read_activity_ids, read_everything, read_profile, read_timeline

CREATED_RESULT = ["location", "value", "formatters", "contentTypes", "declaredType", "statusCode"]
LOYALTY_ID = "LoyaltyScheme_loyCustomers_LoyaltyID"


async def test_a_created_activity_is_answered_as_stored(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    answer = await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie))

    result = answer.json()
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert list(result) == CREATED_RESULT
    assert result["statusCode"] == 201
    assert result["formatters"] == []
    assert result["contentTypes"] == ["application/json"]
    assert result["declaredType"] is None
    assert result["value"]["Title"] == "Two bags of beans"
    assert result["value"]["Description"] is None
    assert list(result["value"])[:3] == ["ActivityId", "CustomerId", "ActivityTime"]


async def test_a_created_activity_is_read_at_once(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    """S23."""
    created = await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie))

    assert (await read_timeline(client, base, abbie))[0] == created.json()["value"]


@pytest.mark.parametrize("prefix", ["/api", "/v1"])
async def test_the_location_leads_to_the_activity_by_the_prefix_of_the_call(
    client: httpx.AsyncClient, base: str, abbie: str, prefix: str
) -> None:
    base = base.replace("/api", prefix)

    answer = await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie))

    location = answer.json()["location"]
    found = await client.get(location)
    assert location == f"http://testserver{base}/data/UnifiedActivity('A-1')"
    assert answer.headers["location"] == location
    assert found.json()["Title"] == "Two bags of beans"


@pytest.mark.parametrize("activity_id", ["it's", "a/b", "100%", "a?b&c=d", "🥐 croissant", "A" * 100])
async def test_an_id_may_hold_anything_printable(
    client: httpx.AsyncClient, base: str, abbie: str, activity_id: str
) -> None:
    answer = await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie, ActivityId=activity_id))

    found = await client.get(answer.headers["location"])
    assert answer.status_code == 201
    assert answer.headers["location"].isascii()
    assert found.json()["ActivityId"] == activity_id


async def test_an_activity_without_an_id_gets_one(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    """S12."""
    record = activity(abbie)
    del record["ActivityId"]

    answer = await client.post(f"{base}/data/UnifiedActivity", json=record)

    assert re.fullmatch(r"[0-9a-f-]{36}", answer.json()["value"]["ActivityId"])


async def test_an_id_that_is_taken_is_refused_and_the_stored_activity_stays(
    client: httpx.AsyncClient, base: str, abbie: str
) -> None:
    """S13."""
    await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie))
    before = await read_everything(client, base, abbie)

    answer = await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie, Title="Another"))

    assert answer.status_code == 409
    assert answer.json()["errorCode"] == "ActivityExists"
    assert await read_everything(client, base, abbie) == before


async def test_an_id_of_the_snapshot_is_taken(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    """S13."""
    (first, *_) = await read_activity_ids(client, base, abbie)

    answer = await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie, ActivityId=first))

    assert answer.status_code == 409


async def test_a_source_record_becomes_an_activity_of_its_customer(
    client: httpx.AsyncClient, base: str, abbie: str
) -> None:
    """S11."""
    loyalty_id = (await read_profile(client, base, abbie))[LOYALTY_ID]

    answer = await client.post(f"{base}/data/PoS_posPurchases", json=purchase(loyalty_id))

    value = answer.json()["value"]
    assert answer.status_code == 201
    assert value["CustomerId"] == abbie
    assert value["ActivityTime"] == "2026-11-24T11:30:00Z"
    assert value["ActivityType"] == "SalesOrder"
    assert value["EntityName"] == "PoS_posPurchases"
    assert value["ActualActivityId"] == "P-1"
    assert (await read_timeline(client, base, abbie))[0] == value


async def test_the_same_source_record_again_is_refused(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    """S12, S13."""
    loyalty_id = (await read_profile(client, base, abbie))[LOYALTY_ID]
    await client.post(f"{base}/data/PoS_posPurchases", json=purchase(loyalty_id))

    answer = await client.post(f"{base}/data/PoS_posPurchases", json=purchase(loyalty_id))

    assert answer.status_code == 409


async def test_a_source_record_of_nobody_known_is_accepted_and_waits(
    client: httpx.AsyncClient, base: str, abbie: str
) -> None:
    """S14."""
    before = await read_everything(client, base, abbie)

    answer = await client.post(f"{base}/data/PoS_posPurchases", json=purchase("NOBODY-YET"))
    again = await client.post(f"{base}/data/PoS_posPurchases", json=purchase("NOBODY-YET"))

    assert [answer.status_code, again.status_code] == [202, 202]
    assert list(answer.json()) == CREATED_RESULT
    assert answer.json()["statusCode"] == 202
    assert answer.json()["value"]["CustomerId"] is None
    assert await read_everything(client, base, abbie) == before


@pytest.mark.parametrize(
    ("valid_until", "is_there_at"),
    [
        (None, {"P29DT23H59M59S": True, "P30D": False}),
        ("2026-11-24T13:00:00Z", {"PT59M59S": True, "PT1H": False}),
        ("2026-11-24 13:00:00+00:00", {"PT59M59S": True, "PT1H": False}),
        ("2026-11-24T14:00:00+01:00", {"PT59M59S": True, "PT1H": False}),
        ("2026-11-24T13:00:00", {"PT59M59S": True, "PT1H": False}),
        ("2026-12-24T12:00:00Z", {"P29DT23H59M59S": True, "P30D": False}),
    ],
)
async def test_an_activity_is_gone_at_the_instant_it_lapses(
    client: httpx.AsyncClient,
    base: str,
    abbie: str,
    admin: dict[str, str],
    valid_until: str | None,
    is_there_at: dict[str, bool],
) -> None:
    """S2, S3."""
    parameters = {} if valid_until is None else {"validUntil": valid_until}
    answer = await client.post(f"{base}/data/UnifiedActivity", params=parameters, json=activity(abbie))

    seen: dict[str, bool] = {}
    for duration in is_there_at:
        instant = {"advance": duration} if not seen else {"advance": "PT1S"}
        await client.post("/_topcoat/clock", headers=admin, json=instant)
        seen[duration] = "A-1" in await read_activity_ids(client, base, abbie)
    assert answer.status_code == 201, answer.text
    assert seen == is_there_at


async def test_a_lapsed_id_may_be_used_again(
    client: httpx.AsyncClient, base: str, abbie: str, admin: dict[str, str]
) -> None:
    """S13."""
    await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie))
    await client.post("/_topcoat/clock", headers=admin, json={"advance": "P30D"})

    answer = await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie, Title="Again"))

    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("validUntil=2026-11-24T11:59:59Z", "ValidUntilOutOfRange", "must be after"),
        ("validUntil=2026-11-24T12:00:00Z", "ValidUntilOutOfRange", "must be after"),
        ("validUntil=2026-12-24T12:00:01Z", "ValidUntilOutOfRange", "at most 30 days ahead"),
        ("validUntil=tomorrow", "ValidUntilUnreadable", "'tomorrow' is not an RFC 3339 date-time"),
        ("validUntil=", "ValidUntilUnreadable", "RFC 3339"),
        ("VALIDUNTIL=tomorrow", "ValidUntilUnreadable", "RFC 3339"),
        ("validUntil=2026-11-25T12:00:00Z&validUntil=2026-11-26T12:00:00Z", "ParameterInvalid", "2 times"),
        ("caller=a&caller=b", "ParameterInvalid", "caller is given 2 times"),
        ("caller=" + "a" * 201, "ParameterInvalid", "at most 200 characters"),
        ("caller=a%0Ab", "ParameterInvalid", "without control characters"),
        ("caller=%FF", "", "UTF-8"),
    ],
)
async def test_an_unfit_parameter_is_refused_and_nothing_is_stored(
    client: httpx.AsyncClient, base: str, abbie: str, query: str, code: str, message: str
) -> None:
    """S3."""
    before = await read_everything(client, base, abbie)

    answer = await client.post(f"{base}/data/UnifiedActivity?{query}", json=activity(abbie))

    assert answer.status_code == 400
    assert code in answer.json()["errorCode"]
    assert message in answer.json()["message"]
    assert await read_everything(client, base, abbie) == before


@pytest.mark.parametrize("query", ["caller=unit%20test", "caller=" + "a" * 200, "caller=", "colour=blue&colour=red"])
async def test_a_caller_and_unknown_parameters_change_nothing(
    client: httpx.AsyncClient, base: str, abbie: str, query: str
) -> None:
    answer = await client.post(f"{base}/data/UnifiedActivity?{query}", json=activity(abbie))

    assert answer.status_code == 201


UNIFIED_FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"Colour": "blue"}, "UnknownColumn", "has no column 'Colour'"),
    ({"title": "x"}, "UnknownColumn", "did you mean 'Title'?"),
    ({"Title": 5}, "WrongType", "Column Title of table UnifiedActivity got the number 5; expected a string"),
    ({"Title": {"a": 1}}, "WrongType", "got an object"),
    ({"ActivityTime": "yesterday"}, "WrongType", "got the string 'yesterday'; expected a date-time"),
    ({"ActivityTime": "10000-01-01T00:00:00Z"}, "WrongType", "expected a date-time"),
    ({"ActivityTime": "2026-02-30T00:00:00Z"}, "WrongType", "expected a date-time"),
    ({"ActivityTime": None}, "MissingColumn", "ActivityTime"),
    ({"ActivityType": None}, "MissingColumn", "ActivityType"),
    ({"CustomerId": None}, "MissingColumn", "CustomerId"),
    ({"CustomerId": "nobody"}, "UnknownCustomer", "'nobody' names no unified profile"),
    ({"CustomerId": "it's / 🥐"}, "UnknownCustomer", "names no unified profile"),
    ({"CustomerId": "c" * 1000}, "", "CustomerId"),
    ({"ActivityId": None}, "WrongType", "ActivityId"),
    ({"ActivityId": ""}, "WrongType", "ActivityId"),
    ({"ActivityId": "a" * 1000}, "WrongType", "1 to 100 characters"),
    ({"ActivityId": "a\nb"}, "WrongType", "without control characters"),
    ({"Title": "a\0b"}, "WrongType", "control characters"),
]


@pytest.mark.parametrize(("columns", "code", "message"), UNIFIED_FAULTS)
async def test_a_record_that_its_table_does_not_take_is_refused(
    client: httpx.AsyncClient, base: str, abbie: str, columns: dict[str, Any], code: str, message: str
) -> None:
    """S11."""
    before = await read_everything(client, base, abbie)

    answer = await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie) | columns)

    assert answer.status_code == 400
    assert code in answer.json()["errorCode"]
    assert message in answer.json()["message"]
    assert await read_everything(client, base, abbie) == before


@pytest.mark.parametrize("missing", ["CustomerId", "ActivityTime", "ActivityType"])
async def test_a_mandatory_column_must_be_there(client: httpx.AsyncClient, base: str, abbie: str, missing: str) -> None:
    record = activity(abbie)
    del record[missing]

    answer = await client.post(f"{base}/data/UnifiedActivity", json=record)

    assert answer.status_code == 400
    assert answer.json()["errorCode"] == "MissingColumn"
    assert answer.json()["target"] == missing


@pytest.mark.parametrize(
    ("columns", "code", "target"),
    [
        ({"PurchaseId": None}, "MissingColumn", "PurchaseId"),
        ({"PurchaseId": ""}, "MissingColumn", "PurchaseId"),
        ({"LoyaltyID": None}, "MissingColumn", "LoyaltyID"),
        ({"PurchasedOn": None}, "MissingColumn", "PurchasedOn"),
        ({"PurchasedOn": "2026-13-01T00:00:00Z"}, "WrongType", "PurchasedOn"),
        ({"TotalAmount": "12.50"}, "WrongType", "TotalAmount"),
        ({"TotalAmount": True}, "WrongType", "TotalAmount"),
        ({"Total": 12.5}, "UnknownColumn", "Total"),
    ],
)
async def test_a_source_record_that_its_table_does_not_take_is_refused(
    client: httpx.AsyncClient, base: str, abbie: str, columns: dict[str, Any], code: str, target: str
) -> None:
    loyalty_id = (await read_profile(client, base, abbie))[LOYALTY_ID]
    before = await read_everything(client, base, abbie)

    answer = await client.post(f"{base}/data/PoS_posPurchases", json=purchase(loyalty_id) | columns)

    assert answer.status_code == 400
    assert answer.json()["errorCode"] == code
    assert answer.json()["target"] == target
    assert await read_everything(client, base, abbie) == before


async def test_a_source_table_without_activity_configuration_is_refused(
    client: httpx.AsyncClient, base: str, abbie: str
) -> None:
    """S11."""
    before = await read_everything(client, base, abbie)

    answer = await client.post(f"{base}/data/eCommerce_eCommerceContacts", json={"ContactId": "CNTID_9999"})

    assert answer.status_code == 400
    assert answer.json()["errorCode"] == "ActivityNotConfigured"
    assert "no activity configuration" in answer.json()["message"]
    assert await read_everything(client, base, abbie) == before


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ("Customer", "TableNotWritable"),
        ("Customer_Measure", "TableNotWritable"),
        ("Nope", "TableNotFoundForWriting"),
        ("unifiedactivity", "TableNotFoundForWriting"),
        ("PoS_pos%20Purchases%2Fx", "TableNotFoundForWriting"),
        ("%F0%9F%A5%90", "TableNotFoundForWriting"),
        ("N" * 1000, "TableNotFoundForWriting"),
    ],
)
async def test_a_table_that_takes_no_activities_is_refused(
    client: httpx.AsyncClient, base: str, abbie: str, table: str, code: str
) -> None:
    """S5, S11; the contract has no 404 here."""
    before = await read_everything(client, base, abbie)

    answer = await client.post(f"{base}/data/{table}", json=activity(abbie))

    assert answer.status_code == 400
    assert answer.json()["errorCode"] == code
    assert await read_everything(client, base, abbie) == before
