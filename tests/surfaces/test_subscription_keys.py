"""Subscription keys: regenerated one at a time, switched off and on again."""

import httpx
import pytest

from tests.conftest import INSTANCE, headers_of

PATH = f"/api/instances/{INSTANCE}/manage/subscriptionkeys"
TOKEN = {"Authorization": "Bearer topcoat-administrator"}
WELL_KNOWN = ("topcoat-primary-key", "topcoat-secondary-key")


@pytest.fixture
def keyless(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """An administrator by token alone."""
    client.headers.clear()
    client.headers.update(TOKEN)
    return client


async def opening(client: httpx.AsyncClient, *keys: str) -> list[bool]:
    """Which keys open the instance, and list it."""
    headers = [{"Ocp-Apim-Subscription-Key": key} for key in keys]
    opened = [(await client.get(f"/api/instances/{INSTANCE}", headers=h)).status_code == 200 for h in headers]
    assert [(await client.get("/api/instances", headers=h)).status_code == 200 for h in headers] == opened
    return opened


async def test_a_new_key_opens_at_once_in_place_of_the_old(keyless: httpx.AsyncClient) -> None:
    answer = await keyless.post(f"{PATH}/primary/regenerate")
    primary = answer.json()["key"]
    first = await opening(keyless, *WELL_KNOWN, primary)
    newer = (await keyless.post(f"{PATH}/primary/regenerate")).json()["key"]
    second = await opening(keyless, *WELL_KNOWN, primary, newer)
    secondary = (await keyless.post(f"{PATH}/secondary/regenerate")).json()["key"]

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert list(answer.json()) == ["instanceId", "name", "key", "changedUtc"]
    assert first == [False, True, True]
    assert second == [False, True, False, True]
    assert await opening(keyless, *WELL_KNOWN, newer, secondary) == [False, False, True, True]


async def test_the_state_of_the_keys_has_no_keys(keyless: httpx.AsyncClient) -> None:
    before = (await keyless.get(PATH)).json()
    key = (await keyless.post(f"{PATH}/secondary/regenerate")).json()["key"]
    after = await keyless.get(PATH)

    assert before == {
        "instanceId": INSTANCE,
        "isEnabled": True,
        "keys": [
            {"name": "primary", "state": "wellKnown", "changedUtc": None},
            {"name": "secondary", "state": "wellKnown", "changedUtc": None},
        ],
    }
    assert [state["state"] for state in after.json()["keys"]] == ["wellKnown", "own"]
    assert after.json()["keys"][1]["changedUtc"]
    assert key not in after.text


async def test_api_access_is_switched_off_and_on(keyless: httpx.AsyncClient) -> None:
    off = await keyless.put(PATH, json={"isEnabled": False})
    closed = await keyless.get(f"/api/instances/{INSTANCE}", headers=headers_of("owner"))
    still = await opening(keyless, *WELL_KNOWN)
    on = await keyless.put(PATH, json={"isEnabled": True})

    assert (off.status_code, off.json()["isEnabled"]) == (200, False)
    assert closed.status_code == 401
    assert "API access is disabled" in closed.json()["message"]
    assert still == [False, False]
    assert on.json()["isEnabled"] is True
    assert await opening(keyless, *WELL_KNOWN) == [True, True]


async def test_what_is_no_change_of_keys_is_refused(keyless: httpx.AsyncClient) -> None:
    unknown = await keyless.post(f"{PATH}/tertiary/regenerate")
    faulty = await keyless.put(PATH, json={"isEnabled": "yes"})
    empty = await keyless.put(PATH, json={})

    assert [answer.status_code for answer in (unknown, faulty, empty)] == [400, 400, 400]
    assert "keyName is 'tertiary'; expected primary or secondary" in unknown.json()["message"]
    assert "isEnabled is the string 'yes'; expected true or false" in faulty.json()["message"]
    assert "isEnabled is missing" in empty.json()["message"]
    assert await opening(keyless, *WELL_KNOWN) == [True, True]


@pytest.mark.parametrize("role", ["viewer", "contributor"])
async def test_keys_are_for_administrators(keyless: httpx.AsyncClient, role: str) -> None:
    headers = headers_of(role)

    answers = [
        await keyless.get(PATH, headers=headers),
        await keyless.put(PATH, json={"isEnabled": False}, headers=headers),
        await keyless.post(f"{PATH}/primary/regenerate", headers=headers),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert await opening(keyless, *WELL_KNOWN) == [True, True]
