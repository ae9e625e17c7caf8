"""Roles: who may what."""

from typing import Any

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


@story("Get-all-role-definitions")
def list_the_roles(stage: Stage) -> None:
    told = stage.call("Get-all-role-definitions", role="viewer")

    assert [role["roleName"] for role in told.body] == ["Viewer", "Contributor", "Admin", "Owner"]


@story("Get-all-role-assignments")
def list_who_has_which_role(stage: Stage) -> None:
    told = stage.call("Get-all-role-assignments")
    stage.call("Get-all-role-assignments", role="contributor", undeclared=403)

    assert held(told.body)["topcoat-contributor"] == ["Contributor"]


@story("Update-a-role-assignment")
def assign_a_role(stage: Stage) -> None:
    body = {"principalId": "topcoat-viewer", "principalType": "app", "roles": ["Contributor"]}
    viewer = {"principal_id": "topcoat-viewer", "body": body}

    told = stage.call("Update-a-role-assignment", **viewer)
    assert held(told.body)["topcoat-viewer"] == ["Contributor"]
    assert stage.call("Get-current-user-role", role="viewer").body["roles"] == ["Contributor"]

    stage.call("Update-a-role-assignment", undeclared=400, principal_id="ada", body={"roles": ["Boss"]})
    stage.call("Update-a-role-assignment", role="contributor", undeclared=403, **viewer)
    owner = {"principal_id": "topcoat-owner", "body": {"roles": ["Viewer"]}}
    stage.call("Update-a-role-assignment", undeclared=409, **owner)

    stage.call("Update-a-role-assignment", principal_id="topcoat-viewer", body=body | {"roles": ["Viewer"]})


@story("Deletes-a-role-assignment")
def take_a_role_away(stage: Stage) -> None:
    stage.call("Update-a-role-assignment", principal_id="ada", body={"principalType": "user", "roles": ["Owner"]})
    assert held(stage.call("Get-all-role-assignments").body)["ada"] == ["Owner"]

    stage.call("Deletes-a-role-assignment", principal_id="ada")
    assert "ada" not in held(stage.call("Get-all-role-assignments").body)

    stage.call("Deletes-a-role-assignment", principal_id="ada", undeclared=404)
    stage.call("Deletes-a-role-assignment", principal_id="topcoat-owner", undeclared=409)


def held(assignments: list[dict[str, Any]]) -> dict[str, list[str]]:
    return {assignment["principalId"]: assignment["roles"] for assignment in assignments}
