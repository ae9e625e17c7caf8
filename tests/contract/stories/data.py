"""Records: activities and changes in, merged records out."""

import json
from datetime import datetime, timedelta
from typing import Any

from tests.contract.installation import headers
from tests.contract.stage import Answer, Stage
from tests.contract.telling import story
from topcoat.sample import ABBIE_MOSS_ID


@story("Create-an-entity")
def publish_activities(stage: Stage) -> None:
    bought = activity("told-1", Title='Bought "Café crème"')
    created = create(stage, "UnifiedActivity", bought, valid_until=in_an_hour(stage), caller="till 4")
    assert created.status == 201
    assert "told-1" in created.body["location"]
    assert [shown["Title"] for shown in timeline(stage, "told-1")] == [bought["Title"]]

    assert create(stage, "UnifiedActivity", bought | {"Title": "Another"}).status == 409
    assert [shown["Title"] for shown in timeline(stage, "told-1")] == [bought["Title"]]

    waiting = create(stage, "PoS_posPurchases", purchase("told-2", loyalty_id="nobody-yet"))
    assert (waiting.status, waiting.body["value"]["CustomerId"]) == (202, None)

    assert create(stage, "UnifiedActivity", bought | {"ActivityId": "told-3", "ActivityTime": "noon"}).status == 400
    create(stage, "UnifiedActivity", activity("told-4"), role="viewer", undeclared=403)
    assert create(stage.exhausted("contributor"), "UnifiedActivity", activity("told-5")).status == 429
    assert timeline(stage, "told-3") == timeline(stage, "told-4") == timeline(stage, "told-5") == []


@story("Update-an-entity")
def change_a_profile(stage: Stage) -> None:
    before = profile(stage)

    changed = change(stage, {"City": "Paris"}, valid_until=in_an_hour(stage), caller="crm")
    assert (changed.status, changed.body) == (204, None)
    assert profile(stage) == before | {"City": "Paris"}

    refused = change(stage, {"City": "Oslo", "RewardsPoints": "many"})
    assert (refused.status, refused.body["target"]) == (400, "RewardsPoints")
    assert change(stage, {"City": "Oslo"}, entity_id="f" * 32).status == 404
    change(stage, {"City": "Oslo"}, role="viewer", undeclared=403)
    assert change(stage.exhausted("contributor"), {"City": "Oslo"}).status == 429
    assert profile(stage) == before | {"City": "Paris"}


@story("Get-entities-with-OData-path")
def read_merged_records(stage: Stage) -> None:
    everybody = read(stage, "Customer").body["value"]
    assert [profile["CustomerId"] for profile in read(stage, "Customer", skip=2, top=5).body["value"]] == [
        profile["CustomerId"] for profile in everybody[2:7]
    ]

    change(stage, {"LastName": "Mossington"})
    married = "LastName eq 'Mossington'"
    options = {"select": "CustomerId,LastName", "orderby": "LastName desc", "force_search": True, "proxy": False}
    found = read(stage, "Customer", filter=married, **options).body["value"]
    assert found == [{"CustomerId": ABBIE_MOSS_ID, "LastName": "Mossington"}]
    [expanded] = read(stage, "Customer", filter=married, expand="UnifiedActivity($top=1)").body["value"]
    assert [shown["CustomerId"] for shown in expanded["UnifiedActivity"]] == [ABBIE_MOSS_ID]
    searched = read(stage, "Customer", search="Abbie").body["value"]
    assert ABBIE_MOSS_ID in [profile["CustomerId"] for profile in searched]
    paged = read(stage, "Customer?$count=true&$top=2")
    assert (paged.body["@odata.count"], len(paged.body["value"])) == (len(everybody), 2)

    assert read(stage, "Customer", filter="CustomerId eq").status == 400
    assert read(stage, "Customer", skiptoken="forged").status == 400
    assert read(stage, "Custmer").status == 404
    assert read(stage, "Customer", sent=headers("viewer") | {"Accept": "text/html"}).status == 406


def activity(activity_id: str, **columns: Any) -> dict[str, Any]:
    return {
        "ActivityId": activity_id,
        "CustomerId": ABBIE_MOSS_ID,
        "ActivityTime": "2026-11-01T09:30:00Z",
        "ActivityType": "SalesOrder",
    } | columns


def purchase(purchase_id: str, *, loyalty_id: str) -> dict[str, Any]:
    return {"PurchaseId": purchase_id, "LoyaltyID": loyalty_id, "PurchasedOn": "2026-11-02T16:45:00"}


def create(stage: Stage, table: str, record: dict[str, Any], *, role: str = "contributor", **options: Any) -> Answer:
    return stage.call("Create-an-entity", role=role, entity_name=table, body=json.dumps(record), **options)


def change(stage: Stage, values: dict[str, Any], *, role: str = "contributor", **options: Any) -> Answer:
    options = {"entity_name": "Customer", "entity_id": ABBIE_MOSS_ID} | options
    return stage.call("Update-an-entity", role=role, body=json.dumps(values), **options)


def read(stage: Stage, relative_path: str, **options: Any) -> Answer:
    return stage.call("Get-entities-with-OData-path", role="viewer", relative_path=relative_path, **options)


def profile(stage: Stage) -> dict[str, Any]:
    found: list[dict[str, Any]] = read(stage, "Customer", filter=f"CustomerId eq '{ABBIE_MOSS_ID}'").body["value"]
    return found[0]


def timeline(stage: Stage, activity_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(stage, "UnifiedActivity", filter=f"ActivityId eq '{activity_id}'").body["value"]
    return found


def in_an_hour(stage: Stage) -> str:
    with stage.server.client("administrator") as client:
        now = datetime.fromisoformat(client.get(f"{stage.server.url}/_topcoat/clock").json()["now"])
    return (now + timedelta(hours=1)).isoformat()
