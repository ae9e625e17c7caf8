"""Roles: who may what."""

from tests.contract.installation import INSTANCE_ID
from tests.contract.stage import Stage
from tests.contract.telling import story


@story("Get-current-user-role")
def learn_ones_role(stage: Stage) -> None:
    told = {role: stage.call("Get-current-user-role", role=role).body for role in ("viewer", "contributor")}

    assert {role: assignment["roles"] for role, assignment in told.items()} == {
        "viewer": ["Viewer"],
        "contributor": ["Contributor"],
    }
    assert {assignment["instanceId"] for assignment in told.values()} == {INSTANCE_ID}
