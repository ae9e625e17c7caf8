"""Measures: defining them, and what a refresh computes."""

from typing import Any

from tests.contract.stage import Stage
from tests.contract.stories.segments import refresh
from tests.contract.telling import story

PURCHASES = "PoS_posPurchases"


@story("Get-a-list-of-measures-metadata")
def list_measures(stage: Stage) -> None:
    create(stage, "ShopSpend", "sum", "TotalAmount")

    told = stage.call("Get-a-list-of-measures-metadata", role="viewer", template_summary_included=True)

    assert [measure["name"] for measure in told.body] == [
        "ShopSpend",
        "LifetimeSpend",
        "PurchaseCount",
        "LastPurchaseOn",
    ]
    assert told.body[0] == get(stage, "ShopSpend")
    delete(stage, "ShopSpend")


@story("Create-a-measure")
def create_a_measure(stage: Stage) -> None:
    created = create(stage, "ShopSpend", "sum", "TotalAmount")

    assert (created["version"], created["latestEvaluation"]["state"]) == (1, "none")
    assert get(stage, "ShopSpend") == created
    stage.call("Create-a-measure", role="viewer", body=measure("Other", "count"), undeclared=403)
    for refused, code in (
        (measure("Other", "sum", "Total"), "attributeNotFound"),
        (measure("Other", "sum", "StoreName"), "invalidOperation"),
        (measure("Other", "count", entity="PoS"), "entityNotFound"),
        (measure("Other Measure", "count"), "parsingFailed"),
        (measure("Other", "median"), "parsingFailed"),
        (measure("ShopSpend", "count"), "invalidArgument"),
    ):
        answer = stage.call("Create-a-measure", body=refused)
        assert (answer.status, answer.body["code"]) == (400, code)
        assert answer.body["messages"][0]["message"]
    kept = create(stage, "Best", "argMax", "TotalAmount")
    assert "argMax" in kept["errorDescription"]["value"]
    delete(stage, "ShopSpend", "Best")


@story("Get-metadata-for-a-measure")
def describe_a_measure(stage: Stage) -> None:
    create(stage, "Receipts", "count", kind="entity", isScalar=True)
    refresh(stage)

    told = stage.call(
        "Get-metadata-for-a-measure",
        role="viewer",
        measure_name="Receipts",
        include_historic_stats=True,
        historic_stats_days=7,
    ).body

    receipts = "UnifiedActivity/$count?$filter=EntityName eq 'PoS_posPurchases'"
    [count] = told["output"]["values"].values()
    assert int(count) == activities(stage, receipts)
    assert [told["output"]] == told["outputHistory"]
    assert [one["state"] for one in told["evaluationHistory"]] == ["completed"]
    assert told["evaluationStats"]["consecutiveFailureCount"] == 0
    assert stage.call("Get-metadata-for-a-measure", measure_name="Nothing").status == 404
    delete(stage, "Receipts")


@story("Update-a-measure")
def update_a_measure(stage: Stage) -> None:
    create(stage, "ShopSpend", "sum", "TotalAmount")
    dearest = measure("ShopSpend", "max", "TotalAmount")

    updated = stage.call("Update-a-measure", role="contributor", measure_name="ShopSpend", body=dearest)

    assert updated.body["version"] == 2
    assert get(stage, "ShopSpend")["definition"]["aggregates"][0]["operation"] == "max"
    refused = stage.call("Update-a-measure", measure_name="ShopSpend", body=measure("ShopSpend", "sum", "Total"))
    assert (refused.status, refused.body["code"]) == (400, "attributeNotFound")
    missing = stage.call("Update-a-measure", measure_name="Nothing", body=measure("Nothing", "count"))
    assert missing.status == 404
    delete(stage, "ShopSpend")


@story("Delete-a-measure")
def delete_a_measure(stage: Stage) -> None:
    create(stage, "ShopSpend", "sum", "TotalAmount")
    refresh(stage)
    assert "ShopSpend" in measured(stage)

    stage.call("Delete-a-measure", role="viewer", measure_name="ShopSpend", undeclared=403)
    delete(stage, "ShopSpend")

    assert stage.call("Get-metadata-for-a-measure", measure_name="ShopSpend").status == 404
    refresh(stage)
    assert "ShopSpend" not in measured(stage)
    assert stage.call("Delete-a-measure", measure_name="ShopSpend").status == 404


def measure(
    name: str, operation: str, field: str | None = None, entity: str = PURCHASES, **more: Any
) -> dict[str, Any]:
    definition = {
        "kind": "attribute",
        "type": "structured",
        "linkedEntities": [{"kind": "base", "entity": entity}],
        "aggregates": [{"operation": operation, "field": field}],
    }
    return {"name": name, "displayName": f"The {name}", "description": "Of a story", "definition": definition | more}


def create(stage: Stage, name: str, operation: str, field: str | None = None, **more: Any) -> dict[str, Any]:
    body = measure(name, operation, field, **more)
    created: dict[str, Any] = stage.call("Create-a-measure", role="contributor", body=body).body
    return created


def get(stage: Stage, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stage.call("Get-metadata-for-a-measure", measure_name=name).body
    return found


def delete(stage: Stage, *names: str) -> None:
    for name in names:
        assert stage.call("Delete-a-measure", role="contributor", measure_name=name).body == {"statusCode": 200}


def activities(stage: Stage, question: str) -> int:
    with stage.server.client() as client:
        return int(client.get(f"{stage.server.api}/data/{question}").text)


def measured(stage: Stage) -> dict[str, Any]:
    """The measures of some customer."""
    [record] = stage.call("Get-entities-with-OData-path", relative_path="Customer_Measure?$top=1").body["value"]
    return dict(record)
