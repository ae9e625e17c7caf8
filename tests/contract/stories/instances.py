"""Instances: what there is, and how one is made, copied, changed, reset and deleted."""

from typing import Any

from tests.contract.installation import INSTANCE_ID
from tests.contract.stage import Answer, Stage
from tests.contract.telling import story

UNSEEN = "99999999-9999-4999-8999-999999999999"


@story("Get-all-instances", uncaused={404: "no instance is addressed"})
def list_instances(stage: Stage) -> None:
    listed = stage.call("Get-all-instances", role="viewer")

    names = {instance["instanceId"]: instance["name"] for instance in listed.body}
    assert names[INSTANCE_ID] == "Contoso Coffee"


@story("Get-instance-metadata")
def describe_an_instance(stage: Stage) -> None:
    described = stage.call("Get-instance-metadata", role="viewer")

    assert (described.body["instanceId"], described.body["name"]) == (INSTANCE_ID, "Contoso Coffee")
    assert described.body["provisioningState"] == "active"


@story("Create-an-instance", differs="nothing is provisioned beside it")
def create_an_instance(stage: Stage) -> None:
    created = create(stage, "Made", instance_type="pov", region="westeurope")
    assert (created["instanceType"], created["region"], created["createdBy"]) == (
        "pov",
        "westeurope",
        "topcoat-administrator",
    )
    assert stage.call("Get-instance-metadata", instance_id=created["instanceId"]).body == created
    assert tables(stage, created["instanceId"]) == []

    assert stage.call("Create-an-instance", body=request("Made")).status == 409
    assert stage.call("Create-an-instance", body=request("")).status == 400
    attached = stage.call("Create-an-instance", body=request("Attached") | {"bapProvisioningType": "attach"})
    assert attached.status == 400
    assert "bapProvisioningType" in attached.body["message"]
    assert stage.call("Create-an-instance", role="contributor", body=request("Refused")).status == 403
    assert {"Attached", "Refused"}.isdisjoint(names(stage))

    delete(stage, created["instanceId"])


@story("Copy-an-instance", differs="nothing is provisioned beside it")
def copy_an_instance(stage: Stage) -> None:
    copied = stage.call("Copy-an-instance", body=request("Copied") | {"instanceIdToCopy": INSTANCE_ID})
    copy = copied.body["instanceId"]
    assert tables(stage, copy) == tables(stage, INSTANCE_ID) != []
    assert records(stage, copy) == []
    assert stage.call("Get-search-configuration", instance_id=copy).body["entityConfig"] != []

    assert stage.call("Copy-an-instance", body=request("Copied") | {"instanceIdToCopy": INSTANCE_ID}).status == 409
    unseen = stage.call("Copy-an-instance", body=request("Unseen") | {"instanceIdToCopy": UNSEEN})
    assert unseen.status == 400
    assert UNSEEN in unseen.body["message"]
    refused = request("Refused") | {"instanceIdToCopy": INSTANCE_ID}
    assert stage.call("Copy-an-instance", role="contributor", body=refused).status == 403
    assert {"Unseen", "Refused"}.isdisjoint(names(stage))

    delete(stage, copy)


@story("Update-an-instance", differs="name and type alone")
def change_an_instance(stage: Stage) -> None:
    created = create(stage, "Old name")["instanceId"]

    updated = stage.call("Update-an-instance", instance_id=created, body=request("New name", instanceType="trial"))
    assert (updated.body["name"], updated.body["instanceType"], updated.body["version"]) == ("New name", "trial", 2)
    assert stage.call("Get-instance-metadata", instance_id=created).body == updated.body

    for body in (request("Contoso Coffee"), request("New name", region="elsewhere")):
        assert stage.call("Update-an-instance", instance_id=created, body=body).status == 400
    stage.call("Update-an-instance", role="contributor", instance_id=created, body=request("X"), undeclared=403)
    assert "New name" in names(stage)

    delete(stage, created)


@story("Delete-an-instance", uncaused={400: "only while it is being refreshed; the tests of its flow cause it"})
def delete_an_instance(stage: Stage) -> None:
    created = create(stage, "Deleted")["instanceId"]

    assert stage.call("Delete-an-instance", role="administrator", instance_id=created).status == 403
    assert stage.call("Delete-an-instance", role="owner", instance_id=created).body is True
    assert "Deleted" not in names(stage)
    assert stage.call("Get-instance-metadata", instance_id=created).status == 404


@story("Reset-an-instance")
def reset_an_instance(stage: Stage) -> None:
    copy = stage.call("Copy-an-instance", body=request("Reset") | {"instanceIdToCopy": INSTANCE_ID}).body["instanceId"]
    before = tables(stage, copy)

    assert reset(stage, copy, "data").body is True
    assert tables(stage, copy) == before
    assert reset(stage, copy, "configuration").body is True
    assert stage.call("Get-search-configuration", instance_id=copy).body["isSystemGenerated"] is True
    assert reset(stage, copy, "some").status == 400
    refused = stage.call("Reset-an-instance", role="administrator", instance_id=copy)
    assert refused.status == 403
    assert tables(stage, copy) == before
    assert stage.call("Reset-an-instance", role="owner", instance_id=copy).body is True
    assert tables(stage, copy) == []

    delete(stage, copy)


def request(name: str, **metadata: Any) -> dict[str, Any]:
    return {"instanceMetadata": {"name": name, **metadata}, "bapProvisioningType": "skip"}


def create(stage: Stage, name: str, *, instance_type: str = "sandbox", **metadata: Any) -> dict[str, Any]:
    body = request(name, instanceType=instance_type, **metadata)
    created: dict[str, Any] = stage.call("Create-an-instance", body=body).body
    return created


def delete(stage: Stage, instance_id: str) -> None:
    assert stage.call("Delete-an-instance", role="owner", instance_id=instance_id).status == 200


def reset(stage: Stage, instance_id: str, scope: str) -> Answer:
    return stage.call(
        "Reset-an-instance", role="owner", instance_id=instance_id, instance_management_operation_scope=scope
    )


def names(stage: Stage) -> set[str]:
    return {instance["name"] for instance in stage.call("Get-all-instances").body}


def tables(stage: Stage, instance_id: str) -> list[str]:
    entities = stage.call("Get-all-entity-metadata", instance_id=instance_id).body["entities"]
    return [entity["qualifiedEntityName"] for entity in entities]


def records(stage: Stage, instance_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.call(
        "Get-entities-with-OData-path", instance_id=instance_id, relative_path="Customer"
    ).body["value"]
    return found
