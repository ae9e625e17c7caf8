"""Segments: defining them, switching them on and off, and the members that a refresh finds."""

from typing import Any

from tests.contract.stage import Stage
from tests.contract.telling import story


@story("Get-all-segments")
def list_segments(stage: Stage) -> None:
    create(stage, "Locals", "Seattle")
    refresh(stage)

    told = stage.call("Get-all-segments", role="viewer", include_historic_stats=True, historic_stats_days=30)
    first = stage.call("Get-all-segments", role="viewer", number_of_segments=1)

    [local, *ready] = told.body
    assert [segment["name"] for segment in told.body] == ["Locals", "HighValue", "LoyaltyGold", "NewCustomers"]
    assert [segment["name"] for segment in first.body] == ["Locals"]
    assert local["evaluationStatus"]["jobStatus"] == "CompletedSuccess"
    assert local["evaluationStatus"]["entityCount"] == len(members(stage, "Locals"))
    assert [one["entityCount"] for one in local["evaluationStatusHistory"]] == [len(members(stage, "Locals"))]
    assert first.body[0]["evaluationStatusHistory"] is None
    assert [segment["evaluationStatus"]["entityCount"] for segment in ready] == [
        len(members(stage, segment["name"])) for segment in ready
    ]
    delete(stage, "Locals")


@story("Create-a-segment")
def create_a_segment(stage: Stage) -> None:
    created = create(stage, "Locals", "Seattle")

    assert (created["state"], created["version"], created["createdBy"]) == ("active", 1, "topcoat-contributor")
    assert created["evaluationStatus"]["jobStatus"] == "None"
    assert find(stage, "Locals") == created
    stage.call("Create-a-segment", role="viewer", body=segment("Other", "Paris"), undeclared=403)
    for refused, code in (
        (segment("Locals", "Paris"), "NameTaken"),
        (segment("New-Comers", "Paris"), "ParameterInvalid"),
        (segment("Other", "Paris", attribute="Customer.Town"), "DefinitionInvalid"),
        (segment("Other", "Other", attribute="IsMemberOfSegment"), "DefinitionsCyclic"),
    ):
        assert stage.call("Create-a-segment", body=refused, undeclared=400).body["errorCode"] == code
    kept = create(stage, "Plain", "x", segmentationQuerySql="SELECT CustomerId FROM Customer", type="manual")
    assert kept["state"] == "invalid"
    assert "SQL" in kept["errorDescription"]
    delete(stage, "Locals", "Plain")


@story("Update-a-segment")
def update_a_segment(stage: Stage) -> None:
    create(stage, "Locals", "Seattle")

    updated = stage.call("Update-a-segment", role="contributor", segment_name="Locals", body=segment("Locals", "Paris"))
    assert (updated.body["version"], find(stage, "Locals")) == (2, updated.body)
    again = stage.call("Update-a-segment", segment_name="Locals", body=updated.body)
    assert again.body["segmentQueryExpression"] == updated.body["segmentQueryExpression"]

    other = segment("Other", "Paris")
    assert stage.call("Update-a-segment", segment_name="Other", body=other).status == 404
    stage.call("Update-a-segment", segment_name="Locals", body=other, undeclared=400)
    ready_made = segment("HighValue", "Paris")
    refused = stage.call("Update-a-segment", segment_name="HighValue", body=ready_made, undeclared=400)
    assert refused.body["errorCode"] == "ReadyMade"
    delete(stage, "Locals")


@story("Activate-segment")
def activate_a_segment(stage: Stage) -> None:
    create(stage, "Locals", "Seattle", state="inactive")
    refresh(stage)
    assert find(stage, "Locals")["state"] == "inactive"
    assert not members(stage, "Locals")

    assert stage.call("Activate-segment", role="contributor", segment_name="Locals").body is True

    assert find(stage, "Locals")["state"] == "active"
    refresh(stage)
    assert members(stage, "Locals")
    assert stage.call("Activate-segment", segment_name="Nobody").status == 404
    delete(stage, "Locals")


@story("Deactivate-segment")
def deactivate_a_segment(stage: Stage) -> None:
    create(stage, "Locals", "Seattle")

    assert stage.call("Deactivate-segment", role="contributor", segment_name="Locals").body is True

    assert find(stage, "Locals")["state"] == "inactive"
    stage.call("Deactivate-segment", role="viewer", segment_name="Locals", undeclared=403)
    assert stage.call("Deactivate-segment", segment_name="Nobody").status == 404
    delete(stage, "Locals")


@story("Delete-segment")
def delete_a_segment(stage: Stage) -> None:
    create(stage, "Locals", "Seattle")
    create(stage, "Others", "Locals", attribute="IsMemberOfSegment")

    in_use = stage.call("Delete-segment", segment_name="Locals")
    assert (in_use.status, in_use.body["errorCode"]) == (400, "DefinitionInUse")
    assert "segment 'Others'" in in_use.body["message"]
    delete(stage, "Others", "Locals")

    assert not {"Locals", "Others"} & {told["name"] for told in stage.call("Get-all-segments").body}
    unknown = stage.call("Delete-segment", segment_name="Locals/North")
    assert (unknown.status, unknown.body["errorCode"]) == (400, "UnknownSegment")


def segment(name: str, value: str, *, attribute: str = "Customer.City", **more: Any) -> dict[str, Any]:
    """Of those for whom the attribute equals the value."""
    state = {"state": more.pop("state")} if "state" in more else {}
    criteria = {"attribute": attribute, "comparisonOperator": "equals", "value": value}
    query = {"type": "structured", "rowsets": [{"rowsetOperation": "none", "criteria": criteria}]}
    return {
        "name": name,
        "friendlyName": f"The {name}",
        "description": "Of a story",
        "segmentQueryExpression": query | more,
    } | state


def create(stage: Stage, name: str, value: str, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = stage.call("Create-a-segment", role="contributor", body=segment(name, value, **more)).body
    return body


def delete(stage: Stage, *names: str) -> None:
    for name in names:
        assert stage.call("Delete-segment", role="contributor", segment_name=name).body == {"statusCode": 200}


def find(stage: Stage, name: str) -> dict[str, Any]:
    return next(told for told in stage.call("Get-all-segments").body if told["name"] == name)


def members(stage: Stage, name: str) -> list[dict[str, Any]]:
    question = f"Customer?$filter=IsMemberOfSegment('{name}')&$top=1000"
    found: list[dict[str, Any]] = stage.call("Get-entities-with-OData-path", relative_path=question).body["value"]
    return found


def refresh(stage: Stage) -> None:
    stage.installation.do("refresh", str(stage.installation.home / "contoso" / "contoso.yaml"))
