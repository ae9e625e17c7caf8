"""Instances over HTTP: made, copied, changed, reset, deleted; what cannot be is refused and changes nothing."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.conftest import INSTANCE
from tests.surfaces.state import INSTANCE_METADATA, read_profile
from topcoat.flows.query import plan

Headers = Callable[[str], dict[str, str]]
OTHER = "11111111-1111-4111-8111-111111111111"


def request(name: str = "Another", **metadata: Any) -> dict[str, Any]:
    return {"instanceMetadata": {"name": name, **metadata}}


@pytest.fixture
def owner(as_role: Headers) -> dict[str, str]:
    return as_role("owner")


async def create(client: httpx.AsyncClient, owner: dict[str, str], **metadata: Any) -> dict[str, Any]:
    answer = await client.post("/api/instances/V2", json=request(**metadata), headers=owner)
    assert answer.status_code == 200, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def list_names(client: httpx.AsyncClient) -> list[str]:
    return sorted(instance["name"] for instance in (await client.get("/api/instances")).json())


async def test_an_instance_is_made_with_everything_the_contract_has(
    client: httpx.AsyncClient, owner: dict[str, str]
) -> None:
    created = await create(client, owner, instanceType="production", region="northeurope")

    base = f"/api/instances/{created['instanceId']}"
    assert sorted(created) == sorted(INSTANCE_METADATA)
    assert (created["name"], created["instanceType"], created["region"]) == ("Another", "production", "northeurope")
    assert (created["version"], created["createdBy"], created["provisioningState"]) == (1, "topcoat-owner", "active")
    assert (await client.get(base)).json() == created
    assert (await client.get(f"{base}/manage/tables")).json()["entities"] == []
    assert (await client.get(f"{base}/data/Customer")).status_code == 404
    state = (await client.get(f"{base}/profilestore/stateinfo")).json()
    assert state["primaryInfo"] == state["secondaryInfo"]
    assert (state["ingestionTime"], state["primaryInfo"]["currentState"]) == (None, "empty")
    assert await list_names(client) == ["Another", "Contoso Coffee"]


async def test_an_instance_may_bring_its_own_id_and_what_the_service_says_anyway(
    client: httpx.AsyncClient, base: str, owner: dict[str, str]
) -> None:
    told = (await client.get(base)).json()

    created = await create(client, owner, **told | {"name": "Again", "instanceId": OTHER.upper()})

    assert (created["instanceId"], created["version"]) == (OTHER, 1)
    taken = await client.post("/v1/instances/V2", json=request("Third", instanceId=OTHER), headers=owner)
    assert (taken.status_code, taken.json()["errorCode"]) == (409, "InstanceExists")


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({}, "instanceMetadata is null; expected an object"),
    ({"instanceMetadata": "Another"}, "instanceMetadata is the string 'Another'"),
    (request(""), "instanceMetadata.name"),
    (request("a\nb"), "instanceMetadata.name"),
    (request("x" * 201), "instanceMetadata.name"),
    (request(instanceType="small"), "expected one of 'trial', 'sandbox'"),
    (request(region="x" * 101), "instanceMetadata.region"),
    (request(isB2B=True), "instanceMetadata.isB2B is the boolean true; expected false"),
    (request(isB2C=False), "expected true, which cannot be changed"),
    (request(refreshSchedule={"isActive": True}), "instanceMetadata.refreshSchedule"),
    (request(owner="me"), "owner is not a key of the contract"),
    (request() | {"bapProvisioningType": "create"}, "bapProvisioningType is the string 'create'; expected skip"),
    (request() | {"isCdsMdlStorageEnabled": True}, "isCdsMdlStorageEnabled"),
    (request() | {"byosaResourceMetadata": {"name": "lake"}}, "expected null; data are kept in Topcoat"),
    (request() | {"isPbiProvisioningReqired": False}, "did you mean 'isPbiProvisioningRequired'?"),
]


@pytest.mark.parametrize(("body", "said"), FAULTS)
async def test_what_an_instance_cannot_be_is_refused(
    client: httpx.AsyncClient, base: str, owner: dict[str, str], body: dict[str, Any], said: str
) -> None:
    before = (await client.get(base)).json()
    copy = body | {"instanceIdToCopy": INSTANCE}

    answers = [
        await client.post("/api/instances/V2", json=body, headers=owner),
        await client.post("/api/instances/copy", json=copy, headers=owner),
        await client.patch(f"{base}/V2", json=body, headers=owner),
    ]

    for answer in answers[:2]:
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "ParameterInvalid")
        assert said in answer.json()["message"]
    assert answers[2].status_code == 400
    assert (await client.get(base)).json() == before
    assert await list_names(client) == ["Contoso Coffee"]


@pytest.mark.parametrize("path", ["V2", "copy"])
@pytest.mark.parametrize(
    ("metadata", "said"),
    [({}, "name is missing"), ({"name": "X", "instanceId": "7"}, "instanceId is the string '7'; expected a GUID")],
)
async def test_a_new_instance_needs_a_name_and_an_id_is_a_guid(
    client: httpx.AsyncClient, owner: dict[str, str], path: str, metadata: dict[str, Any], said: str
) -> None:
    body = {"instanceMetadata": metadata} | ({"instanceIdToCopy": INSTANCE} if path == "copy" else {})

    answer = await client.post(f"/api/instances/{path}", json=body, headers=owner)

    assert answer.status_code == 400
    assert said in answer.json()["message"]


async def test_a_taken_name_is_a_conflict_for_a_new_instance_and_refused_for_an_old_one(
    client: httpx.AsyncClient, owner: dict[str, str]
) -> None:
    created = await create(client, owner)

    again = await client.post("/api/instances/V2", json=request(), headers=owner)
    copy = await client.post("/api/instances/copy", json=request() | {"instanceIdToCopy": INSTANCE}, headers=owner)
    path = f"/api/instances/{created['instanceId']}/V2"
    renamed = await client.patch(path, json=request("Contoso Coffee"), headers=owner)

    assert (again.status_code, copy.status_code, renamed.status_code) == (409, 409, 400)
    assert renamed.json()["errorCode"] == "NameTaken"
    assert await list_names(client) == ["Another", "Contoso Coffee"]


async def test_what_was_read_can_be_sent_back_changed(
    client: httpx.AsyncClient, base: str, owner: dict[str, str]
) -> None:
    told = (await client.get(base)).json()

    answer = await client.patch(
        f"{base}/V2", json={"instanceMetadata": told | {"name": "Fabrikam", "instanceType": "trial"}}, headers=owner
    )

    changed = answer.json()
    assert (changed["name"], changed["instanceType"]) == ("Fabrikam", "trial")
    assert changed["version"] == told["version"] + 1
    assert (await client.get(base)).json() == changed


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"instanceId": OTHER}, "instanceMetadata.instanceId"),
        ({"region": "westeurope"}, "expected null, which is fixed once an instance is made"),
    ],
)
async def test_id_and_region_of_an_instance_are_fixed(
    client: httpx.AsyncClient, base: str, owner: dict[str, str], metadata: dict[str, Any], said: str
) -> None:
    answer = await client.patch(f"{base}/V2", json={"instanceMetadata": metadata}, headers=owner)

    assert answer.status_code == 400
    assert said in answer.json()["message"]


async def test_a_copy_has_the_tables_of_its_source(
    client: httpx.AsyncClient, base: str, owner: dict[str, str], abbie: str
) -> None:
    body = request("Copy") | {"instanceIdToCopy": INSTANCE.upper()}

    answer = await client.post("/v1/instances/copy", json=body, headers=owner)

    copy = f"/api/instances/{answer.json()['instanceId']}"
    assert answer.status_code == 200
    names = [e["qualifiedEntityName"] for e in (await client.get(f"{base}/manage/tables")).json()["entities"]]
    copied = [e["qualifiedEntityName"] for e in (await client.get(f"{copy}/manage/tables")).json()["entities"]]
    assert copied == names
    assert (await client.get(f"{copy}/data/Customer")).json()["value"] == []
    assert (await client.get(f"{copy}/data/Customer('{abbie}')")).status_code == 404
    assert (await client.get(f"{copy}/profilestore/stateinfo")).json()["primaryInfo"]["rowCount"] == 0


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (OTHER, "expected the id of an instance that you see"),
        ("nobody", "is the string 'nobody'; expected a GUID"),
        (None, "is null; expected a GUID"),
        (7, "is the number 7"),
    ],
)
async def test_what_is_copied_has_to_be_an_instance(
    client: httpx.AsyncClient, owner: dict[str, str], named: Any, said: str
) -> None:
    answer = await client.post("/api/instances/copy", json=request() | {"instanceIdToCopy": named}, headers=owner)

    assert answer.status_code == 400
    assert answer.json()["message"].startswith("instanceIdToCopy")
    assert said in answer.json()["message"]
    assert await list_names(client) == ["Contoso Coffee"]


async def test_only_an_administrator_of_the_source_copies_it(
    client: httpx.AsyncClient, base: str, as_role: Headers, owner: dict[str, str]
) -> None:
    await create(client, owner)
    demotion = {"principalId": "topcoat-administrator", "principalType": "app", "roles": ["Viewer"]}
    path = f"{base}/rbac/principals/topcoat-administrator/assignment"
    demoted = await client.put(path, json=demotion, headers=owner)
    assert demoted.status_code == 200, demoted.text

    body = request("Copy") | {"instanceIdToCopy": INSTANCE}
    answer = await client.post("/api/instances/copy", json=body, headers=as_role("administrator"))

    assert (answer.status_code, answer.json()["errorCode"]) == (403, "NotPermitted")


async def test_a_deleted_instance_is_gone(client: httpx.AsyncClient, base: str, owner: dict[str, str]) -> None:
    created = await create(client, owner)
    path = f"/api/instances/{created['instanceId']}"

    deleted = await client.delete(path, headers=owner)

    assert (deleted.status_code, deleted.json()) == (200, True)
    assert (await client.get(path)).status_code == 404
    assert (await client.delete(path, headers=owner)).status_code == 404
    assert await list_names(client) == ["Contoso Coffee"]
    assert (await client.get(f"{base}/manage/tables")).status_code == 200


@pytest.mark.parametrize("path", ["", "/manage/reset"])
async def test_only_the_owner_deletes_and_resets(
    client: httpx.AsyncClient, base: str, as_role: Headers, path: str
) -> None:
    answer = await client.delete(f"{base}{path}", headers=as_role("administrator"))

    assert (answer.status_code, answer.json()["errorCode"]) == (403, "NotPermitted")
    assert (await client.get(f"{base}/data/Customer/$count")).text == "20"


@pytest.mark.parametrize(("scope", "profiles", "configured"), [("Data", "0", 1), ("configuration", "20", 0)])
async def test_a_reset_takes_away_what_its_scope_says(
    client: httpx.AsyncClient, base: str, owner: dict[str, str], scope: str, profiles: str, configured: int
) -> None:
    shops = {
        "name": "Shops",
        "fromEntityName": "PoS_posPurchases",
        "fromAttributeName": "StoreName",
        "toEntityName": "Customer",
        "toAttributeName": "City",
    }
    await client.post(f"{base}/manage/relationships", json=shops)

    answer = await client.delete(f"{base}/manage/reset?instanceManagementOperationScope={scope}", headers=owner)

    assert (answer.status_code, answer.json()) == (200, True)
    assert (await client.get(f"{base}/data/Customer/$count")).text == profiles
    assert len((await client.get(f"{base}/manage/relationships")).json()) == configured


async def test_a_reset_without_scope_takes_away_everything(
    client: httpx.AsyncClient, base: str, owner: dict[str, str]
) -> None:
    answer = await client.delete(f"{base}/manage/reset", headers=owner)

    assert (answer.status_code, answer.json()) == (200, True)
    assert (await client.get(f"{base}/manage/tables")).json()["entities"] == []
    assert (await client.get(f"{base}/data/Customer")).status_code == 404
    assert await list_names(client) == ["Contoso Coffee"]


async def test_an_unknown_scope_is_refused(
    client: httpx.AsyncClient, base: str, owner: dict[str, str], abbie: str
) -> None:
    answer = await client.delete(f"{base}/manage/reset?instanceManagementOperationScope=some", headers=owner)

    assert answer.status_code == 400
    assert "'some'; expected one of all, data, configuration" in answer.json()["message"]
    assert (await read_profile(client, base, abbie))["CustomerId"] == abbie


async def test_a_token_of_a_reset_instance_does_not_fit_what_comes_after(
    client: httpx.AsyncClient, base: str, owner: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """S25."""
    monkeypatch.setattr(plan, "PAGE_DEFAULT", 5)
    first = (await client.get(f"{base}/data/UnifiedActivity")).json()
    [token] = parse_qs(urlsplit(first["@odata.nextLink"]).query)["$skiptoken"]

    await client.delete(f"{base}/manage/reset?instanceManagementOperationScope=data", headers=owner)

    answer = await client.get(f"{base}/data/UnifiedActivity", params={"$skiptoken": token})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "ContinuationInvalid")
