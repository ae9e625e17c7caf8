"""Live changes and their withdrawal."""

import httpx
import pytest

from tests.surfaces.state import NOW_TEXT, activity, read_changes, read_everything, read_profile


async def change_city(client: httpx.AsyncClient, base: str, customer_id: str, city: str, query: str = "") -> int:
    """The sequence of the change."""
    answer = await client.patch(f"{base}/data/Customer/{customer_id}{query}", json={"City": city})
    assert answer.status_code == 204, answer.text
    sequence: int = (await read_changes(client, base, customer_id))[-1]["sequence"]
    return sequence


async def test_a_change_tells_who_what_when_and_until_when(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    """S6."""
    await change_city(client, base, abbie, "Paris", "?caller=crm&validUntil=2026-11-24T13:00:00Z")

    (change,) = await read_changes(client, base, abbie)
    assert change.pop("sequence") > 0
    assert change == {
        "customerId": abbie,
        "columns": {"City": "Paris"},
        "notShown": [],
        "caller": "crm",
        "principal": "topcoat-contributor",
        "recordedAt": NOW_TEXT,
        "validUntil": "2026-11-24T13:00:00Z",
    }


async def test_changes_are_listed_while_they_live(
    client: httpx.AsyncClient, base: str, abbie: str, admin: dict[str, str]
) -> None:
    """S2."""
    await change_city(client, base, abbie, "Paris", "?validUntil=2026-11-24T13:00:00Z")
    await change_city(client, base, abbie, "Lyon")

    both = await read_changes(client, base, abbie)
    await client.post("/_topcoat/clock", headers=admin, json={"advance": "PT1H"})
    left = await read_changes(client, base, abbie)

    assert [change["columns"]["City"] for change in both] == ["Paris", "Lyon"]
    assert [change["columns"]["City"] for change in left] == ["Lyon"]


async def test_a_withdrawn_change_no_longer_counts(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    """S9."""
    await change_city(client, base, abbie, "Paris")
    sequence = await change_city(client, base, abbie, "Lyon")

    answer = await client.delete(f"{base}/changes/{sequence}")

    assert answer.status_code == 204
    assert answer.content == b""
    assert (await read_profile(client, base, abbie))["City"] == "Paris"
    assert [change["columns"]["City"] for change in await read_changes(client, base, abbie)] == ["Paris"]


async def test_a_withdrawn_change_cannot_be_withdrawn_again(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    sequence = await change_city(client, base, abbie, "Paris")
    await client.delete(f"{base}/changes/{sequence}")

    answer = await client.delete(f"{base}/changes/{sequence}")

    assert answer.status_code == 404
    assert answer.json()["errorCode"] == "ChangeNotFound"


async def test_a_lapsed_change_cannot_be_withdrawn(
    client: httpx.AsyncClient, base: str, abbie: str, admin: dict[str, str]
) -> None:
    sequence = await change_city(client, base, abbie, "Paris")
    await client.post("/_topcoat/clock", headers=admin, json={"advance": "PT4H"})

    answer = await client.delete(f"{base}/changes/{sequence}")

    assert answer.status_code == 404


async def test_an_activity_is_no_change(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    """Its sequence comes from the same row of numbers (S6); activities never end before their lapse."""
    before = await change_city(client, base, abbie, "Paris")
    await client.post(f"{base}/data/UnifiedActivity", json=activity(abbie))
    after = await change_city(client, base, abbie, "Lyon")
    state = await read_everything(client, base, abbie)

    answers = [await client.delete(f"{base}/changes/{sequence}") for sequence in range(before + 1, after)]

    assert answers
    assert {answer.status_code for answer in answers} == {404}
    assert await read_everything(client, base, abbie) == state


@pytest.mark.parametrize(
    "sequence", ["0", "999999", "-1", "1.0", "one", "٣", "9" * 18, "9" * 19, "9" * 1000, "%F0%9F%A5%90", "1'"]
)
async def test_an_unknown_change_is_not_found(client: httpx.AsyncClient, base: str, abbie: str, sequence: str) -> None:
    await change_city(client, base, abbie, "Paris")
    before = await read_everything(client, base, abbie)

    answer = await client.delete(f"{base}/changes/{sequence}")

    assert answer.status_code == 404
    assert answer.json()["errorCode"] == "ChangeNotFound"
    assert await read_everything(client, base, abbie) == before


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "ParameterInvalid"),
        ("?customerId=", 400, "ParameterInvalid"),
        ("?customerId=a&customerId=b", 400, "ParameterInvalid"),
        ("?customerId=%00", 400, "ParameterInvalid"),
        ("?customerId=" + "a" * 101, 400, "ParameterInvalid"),
        ("?customerId=nobody", 404, "RecordNotFound"),
        ("?customerId=it%27s%20%2F%20%F0%9F%A5%90", 404, "RecordNotFound"),
    ],
)
async def test_changes_are_listed_for_one_known_profile(
    client: httpx.AsyncClient, base: str, query: str, status: int, code: str
) -> None:
    answer = await client.get(f"{base}/changes{query}")

    assert answer.status_code == status
    assert answer.json()["errorCode"] == code
