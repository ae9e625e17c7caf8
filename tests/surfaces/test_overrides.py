"""PATCH data/Customer/{id}: a profile changes for a while."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.surfaces.state import activity, read_changes, read_everything, read_profile


async def test_a_change_answers_204_and_is_read_at_once(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    """S8, S23."""
    before = await read_profile(client, base, abbie)

    answer = await client.patch(f"{base}/data/Customer/{abbie}", json={"City": "Paris"})

    assert answer.status_code == 204
    assert answer.content == b""
    assert await read_profile(client, base, abbie) == before | {"City": "Paris"}


@pytest.mark.parametrize("form", ["Customer/{}", "Customer('{}')", "Customer%28%27{}%27%29"])
async def test_a_profile_is_addressed_by_segment_or_by_key(
    client: httpx.AsyncClient, base: str, abbie: str, form: str
) -> None:
    answer = await client.patch(f"{base}/data/{form.format(abbie)}", json={"City": "Paris"})

    assert answer.status_code == 204
    assert (await read_profile(client, base, abbie))["City"] == "Paris"


async def test_a_change_lapses_after_four_hours(
    client: httpx.AsyncClient, base: str, abbie: str, admin: dict[str, str]
) -> None:
    """S2, S3."""
    before = await read_profile(client, base, abbie)
    await client.patch(f"{base}/data/Customer/{abbie}", json={"City": "Paris"})

    await client.post("/_topcoat/clock", headers=admin, json={"advance": "PT3H59M59.999999S"})
    last = await read_profile(client, base, abbie)
    await client.post("/_topcoat/clock", headers=admin, json={"set": "2026-11-24T16:00:00Z"})

    assert last["City"] == "Paris"
    assert await read_profile(client, base, abbie) == before


async def test_an_earlier_change_shows_again_when_a_later_shorter_one_lapses(
    client: httpx.AsyncClient, base: str, abbie: str, admin: dict[str, str]
) -> None:
    """S7."""
    address = f"{base}/data/Customer/{abbie}"
    await client.patch(f"{address}?validUntil=2026-11-24T15:00:00Z", json={"City": "Paris"})
    await client.patch(f"{address}?validUntil=2026-11-24T13:00:00Z", json={"City": "Lyon"})

    await client.post("/_topcoat/clock", headers=admin, json={"advance": "PT1H"})

    assert (await read_profile(client, base, abbie))["City"] == "Paris"


async def test_null_is_a_value(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    """S7."""
    await client.patch(f"{base}/data/Customer/{abbie}", json={"City": None})

    assert (await read_profile(client, base, abbie))["City"] is None


async def test_values_of_every_type_are_read_back(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    change = {
        "FullName": "Abbie 'A' Moss / 🥐",
        "RewardsPoints": 9_007_199_254_740_993,
        "TotalSpend": 12.75,
        "EmailOptIn": False,
        "DateOfBirth": "1990-02-28",
        "CustomerSince": "2026-11-24T13:00:00+01:00",
    }

    await client.patch(f"{base}/data/Customer/{abbie}", json=change)

    profile = await read_profile(client, base, abbie)
    assert {name: profile[name] for name in change} == change | {"CustomerSince": "2026-11-24T12:00:00Z"}


@pytest.mark.parametrize(
    ("columns", "code", "message"),
    [
        ({}, "EmptyChange", "must name at least one column"),
        ({"Town": "Paris"}, "UnknownColumn", "has no column 'Town'"),
        ({"city": "Paris"}, "UnknownColumn", "did you mean 'City'?"),
        ({"City": 5}, "WrongType", "Column City of table Customer got the number 5; expected a string"),
        ({"RewardsPoints": "12"}, "WrongType", "got the string '12'; expected an integer"),
        ({"RewardsPoints": 2.5}, "WrongType", "got the number 2.5; expected an integer"),
        ({"RewardsPoints": True}, "WrongType", "got the boolean true"),
        ({"RewardsPoints": 2**63}, "WrongType", "an integer of at most 64 bits"),
        ({"RewardsPoints": 10**30}, "WrongType", "an integer of at most 64 bits"),
        ({"TotalSpend": "12"}, "WrongType", "expected a finite number"),
        ({"EmailOptIn": "yes"}, "WrongType", "expected true or false"),
        ({"DateOfBirth": "1990-02-30"}, "WrongType", "expected a date"),
        ({"DateOfBirth": "10000-01-01"}, "WrongType", "expected a date"),
        ({"CustomerSince": "0000-01-01T00:00:00Z"}, "WrongType", "expected a date-time"),
        ({"City": ["Paris"]}, "WrongType", "got an array"),
        ({"CustomerId": "other"}, "ReadOnlyColumn", "CustomerId"),
        ({"CustomerId": None}, "ReadOnlyColumn", "CustomerId"),
        ({"PreviousCustomerId": "x"}, "ReadOnlyColumn", "PreviousCustomerId"),
        ({"LoyaltyScheme_loyCustomers_LoyaltyID": "x"}, "ReadOnlyColumn", "is a key"),
        ({"City": "Paris", "Town": "Paris"}, "UnknownColumn", "'Town'"),
    ],
)
async def test_one_bad_column_refuses_the_whole_change(
    client: httpx.AsyncClient, base: str, abbie: str, columns: dict[str, Any], code: str, message: str
) -> None:
    """S5."""
    before = await read_everything(client, base, abbie)

    answer = await client.patch(f"{base}/data/Customer/{abbie}", json=columns)

    assert answer.status_code == 400
    assert answer.json()["errorCode"] == code
    assert message in answer.json()["message"]
    assert await read_everything(client, base, abbie) == before


@pytest.mark.parametrize(
    ("valid_until", "status"),
    [
        ("2026-11-24T11:59:59Z", 400),
        ("2026-11-24T12:00:00Z", 400),
        ("2026-11-24T12:00:01Z", 204),
        ("2026-11-24 12:00:01+00:00", 204),
        ("2026-12-24T12:00:00Z", 204),
        ("2026-12-24T12:00:01Z", 400),
        ("9999-12-31T23:59:59Z", 400),
        ("garbage", 400),
        ("2026-11-31T12:00:00Z", 400),
    ],
)
async def test_a_change_may_last_thirty_days(
    client: httpx.AsyncClient, base: str, abbie: str, valid_until: str, status: int
) -> None:
    """S3."""
    address = f"{base}/data/Customer/{abbie}"

    answer = await client.patch(address, params={"validUntil": valid_until}, json={"City": "Paris"})

    assert answer.status_code == status
    assert len(await read_changes(client, base, abbie)) == (1 if status == 204 else 0)


@pytest.mark.parametrize(
    "record_id", ["nobody", "it's", "a/b", "a%b", "🥐", "x" * 1000, "a\nb", "' or '1'='1", "..", "%2e"]
)
async def test_an_unknown_profile_is_not_created(
    client: httpx.AsyncClient, base: str, abbie: str, record_id: str
) -> None:
    """S5."""
    before = await read_everything(client, base, abbie)

    answer = await client.patch(f"{base}/data/Customer/{quote(record_id, safe='')}", json={"City": "Paris"})

    assert answer.status_code == 404
    assert answer.json()["errorCode"] in {"RecordNotFound", "AddressNotFound"}
    assert await read_everything(client, base, abbie) == before


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("UnifiedActivity/A-1", 400, "TableNotWritable"),
        ("Customer_Measure/{abbie}", 400, "TableNotWritable"),
        ("PoS_posPurchases/P-1", 400, "TableNotWritable"),
        ("Nope/1", 404, "TableNotFound"),
        ("Customer", 404, "AddressNotFound"),
        ("Customer/", 404, "AddressNotFound"),
        ("Customer/{abbie}/City", 404, "AddressNotFound"),
        ("Customer('{abbie}')%2FUnifiedActivity", 404, "AddressNotFound"),
        ("Customer/%FF", 404, "AddressNotFound"),
    ],
)
async def test_only_profiles_change(
    client: httpx.AsyncClient, base: str, abbie: str, path: str, status: int, code: str
) -> None:
    """S5, S13."""
    await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie))
    before = await read_everything(client, base, abbie)

    answer = await client.patch(f"{base}/data/{path.format(abbie=abbie)}", json={"City": "Paris"})

    assert answer.status_code == status
    assert answer.json()["errorCode"] == code
    assert await read_everything(client, base, abbie) == before
