"""Instances: what there is, and what it is like."""

from tests.contract.installation import INSTANCE_ID
from tests.contract.stage import Stage
from tests.contract.telling import story


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
