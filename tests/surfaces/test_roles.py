"""Role definitions, assignments, and the caller's own role, over HTTP."""

from typing import Any

import httpx
import pytest

from tests.conftest import INSTANCE, headers_of

PRINCIPALS = f"/api/instances/{INSTANCE}/rbac/principals"


@pytest.fixture
def administrator(client: httpx.AsyncClient) -> httpx.AsyncClient:
    client.headers.update(headers_of("administrator"))
    return client


async def assign(client: httpx.AsyncClient, principal: str, **body: Any) -> httpx.Response:
    return await client.put(f"{PRINCIPALS}/{principal}/assignment", json=body)


async def list_roles(client: httpx.AsyncClient, base: str) -> dict[str, list[str]]:
    answer = await client.get(f"{base}/rbac/assignments")
    return {assignment["principalId"]: assignment["roles"] for assignment in answer.json()}


async def test_the_four_roles_are_described(client: httpx.AsyncClient, base: str) -> None:
    answer = await client.get(f"{base}/rbac/roles", headers=headers_of("viewer"))

    assert [role["roleName"] for role in answer.json()] == ["Viewer", "Contributor", "Admin", "Owner"]
    assert all(role["description"] for role in answer.json())


async def test_an_assignment_is_listed_and_taken_away(administrator: httpx.AsyncClient, base: str) -> None:
    given = await assign(administrator, "ada", principalType="group", roles=["Contributor", "Viewer", "Contributor"])
    again = await assign(administrator, "ada", principalType="group", roles=["Admin"])
    gone = await administrator.delete(f"{PRINCIPALS}/ada/assignment")
    twice = await administrator.delete(f"{PRINCIPALS}/ada/assignment")

    assert given.json()[0] == {
        "principalId": "ada",
        "principalType": "group",
        "roles": ["Contributor", "Viewer"],
        "instanceId": INSTANCE,
    }
    assert again.json()[0]["roles"] == ["Admin"]
    assert (gone.status_code, gone.content) == (200, b"")
    assert (twice.status_code, twice.json()["errorCode"]) == (404, "AssignmentNotFound")
    assert await list_roles(administrator, base) == {
        "topcoat-administrator": ["Admin"],
        "topcoat-contributor": ["Contributor"],
        "topcoat-owner": ["Owner"],
        "topcoat-viewer": ["Viewer"],
    }


async def test_an_assignment_holds_at_once_in_its_instance_alone(
    administrator: httpx.AsyncClient, base: str, abbie: str
) -> None:
    viewer = headers_of("viewer")

    async def change() -> int:
        path = f"{base}/data/Customer/{abbie}"
        return (await administrator.patch(path, json={"City": "Paris"}, headers=viewer)).status_code

    before = await change()
    await assign(administrator, "topcoat-viewer", roles=["Contributor"])
    raised = await change()
    mine = await administrator.get(f"{base}/rbac/myrole", headers=viewer)
    clock = await administrator.get("/_topcoat/clock", headers=viewer)
    await administrator.delete(f"{PRINCIPALS}/topcoat-viewer/assignment")
    nobody = await administrator.get(f"{base}/rbac/myrole", headers=viewer)
    listed = await administrator.get("/api/instances", headers=viewer)

    assert (before, raised, clock.status_code) == (403, 204, 403)
    assert mine.json() == {
        "principalId": "topcoat-viewer",
        "principalType": "app",
        "roles": ["Contributor"],
        "instanceId": INSTANCE,
    }
    assert (nobody.status_code, nobody.json()["errorCode"]) == (403, "NoRole")
    assert (listed.status_code, listed.json()) == (200, [])


async def test_an_administrator_may_make_owners_and_the_last_one_stays(
    administrator: httpx.AsyncClient, base: str
) -> None:
    refused = await assign(administrator, "topcoat-owner", roles=["Viewer"])
    kept = await administrator.delete(f"{PRINCIPALS}/topcoat-owner/assignment")
    await assign(administrator, "ada", roles=["Owner"])
    demoted = await assign(administrator, "topcoat-owner", roles=["Viewer"])
    last = await administrator.delete(f"{PRINCIPALS}/ada/assignment")

    assert [refused.status_code, kept.status_code, last.status_code] == [409, 409, 409]
    assert refused.json()["errorCode"] == kept.json()["errorCode"] == last.json()["errorCode"] == "LastOwner"
    assert demoted.status_code == 200
    assert (await list_roles(administrator, base))["topcoat-owner"] == ["Viewer"]


FAULTY: list[tuple[str, dict[str, Any], str, str]] = [
    ("ada", {"roles": ["Boss"]}, "UnknownRole", "There is no role 'Boss'; expected one of Viewer, Contributor"),
    ("ada", {"roles": ["Viewer", "viewer"]}, "UnknownRole", "no role 'viewer' (did you mean 'Viewer'?)"),
    ("ada", {"roles": []}, "ParameterInvalid", "roles is empty"),
    ("ada", {"roles": "Viewer"}, "ParameterInvalid", "roles is the string 'Viewer'; expected an array"),
    ("ada", {}, "ParameterInvalid", "roles is missing"),
    ("ada", {"roles": ["Viewer"], "principalType": "dog"}, "ParameterInvalid", "'user', 'group' or 'app'"),
    ("ada", {"roles": ["Viewer"], "principalId": "bob"}, "ParameterInvalid", "principalId is 'bob'"),
    ("ada", {"roles": ["Viewer"], "instanceId": "other"}, "ParameterInvalid", "instanceId is 'other'"),
    ("ada", {"roles": ["Viewer"], "role": "x"}, "ParameterInvalid", "role is not a key of the contract"),
    ("a%00a", {"roles": ["Viewer"]}, "ParameterInvalid", "without control characters"),
    ("a" * 101, {"roles": ["Viewer"]}, "ParameterInvalid", "at most 100 characters"),
]


async def test_a_faulty_assignment_is_refused_and_nothing_is_stored(
    administrator: httpx.AsyncClient, base: str
) -> None:
    before = await list_roles(administrator, base)

    for principal, body, code, part in FAULTY:
        answer = await assign(administrator, principal, **body)

        assert (answer.status_code, answer.json()["errorCode"]) == (400, code), part
        assert part in answer.json()["message"]
    assert await list_roles(administrator, base) == before


async def test_a_guid_is_the_same_principal_in_capitals(administrator: httpx.AsyncClient, base: str) -> None:
    guid = "C0FFEE00-0000-4000-8000-00000000000A"

    given = await assign(administrator, guid, roles=["Viewer"], principalId=guid.lower(), instanceId=INSTANCE.upper())
    gone = await administrator.delete(f"{PRINCIPALS}/{guid.lower()}/assignment")

    assert given.json()[0]["principalId"] == guid.lower()
    assert gone.status_code == 200
