"""GET and POST /_topcoat/clock: the service clock under the hand of a test."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.surfaces.state import NOW_TEXT, activity, read_profile

CLOCK = "/_topcoat/clock"


async def test_the_clock_tells_its_time(client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    answer = await client.get(CLOCK, headers=admin)

    assert answer.status_code == 200
    assert answer.json() == {"now": NOW_TEXT, "frozen": True}


@pytest.mark.parametrize(
    ("body", "now"),
    [
        ({"set": "2026-11-24T18:30:00Z"}, "2026-11-24T18:30:00Z"),
        ({"set": "2026-11-24T18:30:00+01:00"}, "2026-11-24T17:30:00Z"),
        ({"set": NOW_TEXT}, NOW_TEXT),
        ({"advance": "PT4H"}, "2026-11-24T16:00:00Z"),
        ({"advance": "P1DT2H3M4.5S"}, "2026-11-25T14:03:04.500000Z"),
        ({"advance": "P2W"}, "2026-12-08T12:00:00Z"),
        ({"advance": "PT0,25S"}, "2026-11-24T12:00:00.250000Z"),
        ({"advance": "PT0S"}, NOW_TEXT),
        ({"freeze": True}, NOW_TEXT),
    ],
)
async def test_a_frozen_clock_stands_where_it_is_put(
    client: httpx.AsyncClient, admin: dict[str, str], body: dict[str, Any], now: str
) -> None:
    """S4."""
    answer = await client.post(CLOCK, headers=admin, json=body)

    assert answer.status_code == 200, answer.text
    nothing = {"lapsed": {"total": 0, "changes": []}, "jobs": {"total": 0, "runs": []}}
    assert answer.json() == {"now": now, "frozen": True} | nothing
    assert (await client.get(CLOCK, headers=admin)).json() == {"now": now, "frozen": True}


async def test_a_resumed_clock_goes_on_from_the_frozen_instant(
    client: httpx.AsyncClient, admin: dict[str, str]
) -> None:
    """S4."""
    resumed = (await client.post(CLOCK, headers=admin, json={"resume": True})).json()
    later = (await client.get(CLOCK, headers=admin)).json()

    assert resumed["frozen"] is False
    assert NOW_TEXT[:-1] <= resumed["now"] < later["now"] < "2026-11-24T12:05"


async def test_what_lapsed_on_the_way_is_listed(
    client: httpx.AsyncClient, base: str, abbie: str, admin: dict[str, str]
) -> None:
    """S4."""
    await client.patch(f"{base}/data/Customer/{abbie}", json={"City": "Paris"})
    await client.post(
        f"{base}/data/UnifiedActivity?validUntil=2026-11-24T13:00:00Z", json=activity(abbie, ActivityId="A-9")
    )

    answer = await client.post(CLOCK, headers=admin, json={"advance": "PT4H"})

    lapsed = answer.json()["lapsed"]
    first, second = lapsed["changes"]
    assert lapsed["total"] == 2
    assert first["kind"] == "activity"
    assert first["activityId"] == "A-9"
    assert first["validUntil"] == "2026-11-24T13:00:00Z"
    assert second["kind"] == "change"
    assert second["activityId"] is None
    assert second["customerId"] == abbie
    assert second["instance"] == base.rpartition("/")[2]
    assert second["validUntil"] == "2026-11-24T16:00:00Z"
    assert (await read_profile(client, base, abbie))["City"] == "Seattle"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "it has nothing"),
        ({"freeze": True, "advance": "PT1H"}, "it has freeze, advance"),
        ({"freeze": False}, "freeze is the boolean false"),
        ({"freeze": 1}, "freeze is the number 1"),
        ({"resume": "true"}, "resume is the string 'true'"),
        ({"stop": True}, "stop is the boolean true"),
        ({"set": "tomorrow"}, "set is 'tomorrow'"),
        ({"set": None}, "set is null"),
        ({"set": 5}, "set is the number 5"),
        ({"set": "2026-11-24T11:59:59Z"}, "only moves forward"),
        ({"set": "9999-12-31T23:59:59Z"}, "year 9000"),
        ({"advance": "-PT1H"}, "advance is '-PT1H'"),
        ({"advance": "PT-1H"}, "advance is 'PT-1H'"),
        ({"advance": "1 hour"}, "advance is '1 hour'"),
        ({"advance": "P"}, "advance is 'P'"),
        ({"advance": "PT"}, "advance is 'PT'"),
        ({"advance": "P1DT"}, "advance is 'P1DT'"),
        ({"advance": "P1M"}, "advance is 'P1M'"),
        ({"advance": "P1Y"}, "advance is 'P1Y'"),
        ({"advance": "PT1H30"}, "advance is 'PT1H30'"),
        ({"advance": "P९D"}, "advance is"),
        ({"advance": "P99999999999D"}, "too long"),
        ({"advance": "P" + "9" * 5000 + "D"}, "too long"),
        ({"advance": "P9000000D"}, "year 9000"),
        ({"advance": 3600}, "advance is the number 3600"),
    ],
)
async def test_a_move_that_makes_no_sense_is_refused_and_the_clock_stays(
    client: httpx.AsyncClient, admin: dict[str, str], body: dict[str, Any], message: str
) -> None:
    """S4."""
    answer = await client.post(CLOCK, headers=admin, json=body)

    assert answer.status_code == 400
    assert answer.json()["errorCode"] == "ClockRequestInvalid"
    assert message in answer.json()["message"]
    assert (await client.get(CLOCK, headers=admin)).json()["now"] == NOW_TEXT


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"", "application/json", 400, "BodyUnreadable"),
        (b"[]", "application/json", 400, "BodyUnreadable"),
        (b"freeze", "application/json", 400, "BodyUnreadable"),
        (b"freeze=true", "application/x-www-form-urlencoded", 415, "ContentTypeNotSupported"),
        (b" " * 1024 * 1024 + b"{}", "application/json", 413, "BodyTooLarge"),
    ],
)
async def test_a_body_that_is_no_object_is_refused(
    client: httpx.AsyncClient, admin: dict[str, str], content: bytes, content_type: str, status: int, code: str
) -> None:
    answer = await client.post(CLOCK, headers=admin | {"Content-Type": content_type}, content=content)

    assert answer.status_code == status
    assert answer.json()["errorCode"] == code


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Authorization": ""}, 401), ({"Authorization": "Bearer nope"}, 401), ({}, 403)],
)
async def test_the_clock_is_for_administrators(
    client: httpx.AsyncClient, admin: dict[str, str], method: str, headers: dict[str, str], status: int
) -> None:
    answer = await client.request(method, CLOCK, headers=headers, json={"advance": "PT1H"})

    assert answer.status_code == status
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert "Ocp-Apim-Subscription-Key" not in answer.text
    assert (await client.get(CLOCK, headers=admin)).json()["now"] == NOW_TEXT


async def test_an_owner_moves_the_clock_without_a_key(
    client: httpx.AsyncClient, as_role: Callable[[str], dict[str, str]]
) -> None:
    headers = {"Authorization": as_role("owner")["Authorization"]}
    client.headers.pop("Ocp-Apim-Subscription-Key")

    answer = await client.post(CLOCK, headers=headers, json={"advance": "PT1H"})

    assert answer.status_code == 200


async def test_the_clock_answers_json_only(client: httpx.AsyncClient, admin: dict[str, str]) -> None:
    answer = await client.get(CLOCK, headers=admin | {"Accept": "text/plain"})

    assert answer.status_code == 406
