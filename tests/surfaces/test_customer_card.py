"""What a customer card reads: a profile with its provenance, and a timeline."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import INSTANCE, open_client
from tests.surfaces.state import activity
from topcoat.settings import Settings

CARD = f"/card/api/{INSTANCE}"
PAGE = "https://crm.example"


async def read(client: httpx.AsyncClient, part: str, customer_id: str, **parameters: str) -> dict[str, Any]:
    answer = await client.get(f"{CARD}/{part}", params={"customer": customer_id, **parameters})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def column(profile: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in profile["columns"] if each["name"] == name)
    return found


async def test_a_profile_is_there_with_its_keys_measures_and_segments(client: httpx.AsyncClient, abbie: str) -> None:
    profile = await read(client, "profile", abbie)

    assert (profile["customerId"], profile["title"], profile["isFrozen"]) == (abbie, "Abbie Moss", True)
    assert profile["now"] == "2026-11-24T12:00:00Z"
    assert column(profile, "City") == {
        "name": "City",
        "type": "string",
        "value": "Seattle",
        "isIndexed": True,
        "isKey": False,
        "role": "address",
        "source": {"source": "snapshot"},
    }
    roles = {each["name"]: each["role"] for each in profile["columns"] if each["role"]}
    assert roles == {
        "FullName": "name",
        "EMail": "email",
        "Telephone": "phone",
        "AddressLine1": "address",
        "City": "address",
        "PostalCode": "address",
        "Country": "address",
    }
    assert {"table": "eCommerce_eCommerceContacts", "dataSource": "eCommerce", "keys": ["CNTID_1001"]} in profile[
        "keys"
    ]
    assert profile["segments"] == sorted(profile["segments"])
    assert {measure["name"] for measure in profile["measures"]} >= {"PurchaseCount"}
    assert profile["nextLapse"] is None


async def test_a_changed_value_says_where_it_comes_from_and_what_the_refresh_says(
    client: httpx.AsyncClient, base: str, abbie: str
) -> None:
    await client.patch(f"{base}/data/Customer/{abbie}?caller=Till 7", json={"City": "Paris"})

    profile = await read(client, "profile", abbie)
    as_of = await read(client, "profile", abbie, asOf="2026-11-24T17:00:00Z")

    assert column(profile, "City")["value"] == "Paris"
    assert column(profile, "City")["source"] == {
        "source": "change",
        "caller": "Till 7",
        "principal": "topcoat-contributor",
        "recordedAt": "2026-11-24T12:00:00Z",
        "validUntil": "2026-11-24T16:00:00Z",
        "refreshValue": "Seattle",
    }
    assert profile["nextLapse"] == "2026-11-24T16:00:00Z"
    assert (column(as_of, "City")["value"], as_of["nextLapse"]) == ("Seattle", None)


async def test_what_did_not_change_is_not_sent_again(
    client: httpx.AsyncClient, base: str, abbie: str, admin: dict[str, str]
) -> None:
    where = f"{CARD}/profile?customer={abbie}"
    tag = (await client.get(where)).headers["etag"]
    await client.post("/_topcoat/clock", json={"advance": "PT1M"}, headers=admin)
    same = await client.get(where, headers={"If-None-Match": tag})
    time = (same.headers["topcoat-now"], same.headers["topcoat-clock"])
    await client.patch(f"{base}/data/Customer/{abbie}", json={"City": "Paris"})
    other = await client.get(where, headers={"If-None-Match": tag})

    assert (same.status_code, other.status_code) == (304, 200)
    assert time == ("2026-11-24T12:01:00Z", "frozen")


async def test_a_timeline_goes_on_to_its_end(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    for n in range(5):
        record = activity(abbie, ActivityId=f"A-{n}", ActivityTime=f"2026-11-24T1{n}:00:00Z", Title=f"Call {n}")
        await client.post(f"{base}/data/UnifiedActivity", json=record)
    first = await read(client, "timeline", abbie, top="3")
    second = await read(client, "timeline", abbie, top="3", skiptoken=first["next"])

    assert [each["id"] for each in first["activities"] + second["activities"]][:5] == [
        f"A-{n}" for n in (4, 3, 2, 1, 0)
    ]
    assert first["activities"][0]["source"]["source"] == "activity"
    assert second["activities"][-1]["source"] == {"source": "snapshot"}
    assert "types" not in second
    assert sum(each["count"] for each in first["types"]) > 5


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"search": "CALL 2"}, ["A-2"]),
        ({"search": "call nothing"}, []),
        ({"type": "Call"}, ["A-2", "A-1"]),
        ({"type": "Call", "from": "2026-11-24T11:30:00Z"}, ["A-2"]),
        ({"type": "Call", "to": "2026-11-24T11:30:00Z"}, ["A-1"]),
    ],
)
async def test_a_timeline_is_narrowed(
    client: httpx.AsyncClient, base: str, abbie: str, parameters: dict[str, str], expected: list[str]
) -> None:
    for n in (1, 2):
        columns = {"ActivityTime": f"2026-11-24T1{n}:00:00Z", "Title": f"Call {n}", "ActivityType": "Call"}
        await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie, ActivityId=f"A-{n}", **columns))

    found = await read(client, "timeline", abbie, **parameters)

    assert [each["id"] for each in found["activities"]] == expected


@pytest.mark.parametrize(
    ("question", "status", "said"),
    [
        ("profile", 400, "customer is missing"),
        ("profile?customer=%00", 400, "customer is '�'"),
        ("profile?customer=nobody", 404, "Customer has no record with the id 'nobody'"),
        ("timeline?customer=nobody", 404, "Customer has no record with the id 'nobody'"),
        ("timeline?customer={abbie}&top=0", 400, "top is '0'; expected a whole number from 1 to 100"),
        ("timeline?customer={abbie}&search=%00", 400, "In search, at position 0: found the character U+0000"),
        ("timeline?customer={abbie}&type=%00", 400, "In type, at position 0: found the character U+0000"),
        ("timeline?customer={abbie}&from=soon", 400, "from is 'soon'"),
        ("timeline?customer={abbie}&skiptoken=x", 400, "$skiptoken is not usable"),
        ("profile?customer={abbie}&asOf=then", 400, "asOf is 'then'"),
        ("profile?customer={abbie}&asOf=2001-01-01T00:00:00Z", 404, "There is no answer as of"),
    ],
)
async def test_what_is_wrong_is_told(
    client: httpx.AsyncClient, abbie: str, question: str, status: int, said: str
) -> None:
    answer = await client.get(f"{CARD}/{question.replace('{abbie}', abbie)}")

    assert (answer.status_code, said in answer.json()["message"]) == (status, True), answer.text


async def test_strangers_are_told_nothing(client: httpx.AsyncClient, abbie: str) -> None:
    answer = await client.get(f"{CARD}/profile?customer={abbie}", headers={"Authorization": "Bearer stranger"})

    assert answer.status_code == 401


@pytest.fixture
async def embedding(sqlite_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(home=tmp_path, database_url=sqlite_url, card_origins=f"https://other.example {PAGE}")
    async with open_client(settings) as opened:
        yield opened


async def test_other_origins_read_cards_where_they_are_named(embedding: httpx.AsyncClient, abbie: str) -> None:
    where = f"{CARD}/profile?customer={abbie}"
    allowed = await embedding.get(where, headers={"Origin": PAGE})
    refused = await embedding.get(where, headers={"Origin": "https://evil.example"})
    asked = await embedding.options(where, headers={"Origin": PAGE, "Access-Control-Request-Method": "GET"})

    assert (allowed.headers["access-control-allow-origin"], allowed.headers["vary"]) == (PAGE, "Origin")
    assert "access-control-allow-origin" not in refused.headers
    assert "Authorization" in asked.headers["access-control-allow-headers"]


async def test_in_emulator_mode_any_page_may_read_cards(client: httpx.AsyncClient, abbie: str) -> None:
    answer = await client.get(f"{CARD}/profile?customer={abbie}", headers={"Origin": PAGE})

    assert answer.headers["access-control-allow-origin"] == "*"
