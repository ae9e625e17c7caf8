"""What the caller may."""

from typing import Final

from starlette.responses import Response

from topcoat.core.roles import Role
from topcoat.surfaces.customer_insights import payloads
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with

# The vendor names no values; its administrators and owners both show as Admin.
ROLE_NAMES: Final = {
    Role.VIEWER: ["Viewer"],
    Role.CONTRIBUTOR: ["Contributor"],
    Role.ADMINISTRATOR: ["Admin"],
    Role.OWNER: ["Admin", "Owner"],
}


async def get_my_role(call: Call) -> Response:
    instance = await call.flows.instances.get_instance(call.instance)
    assignment = payloads.RoleAssignment(
        principal_id=call.principal.name, roles=ROLE_NAMES[call.principal.role], instance_id=instance.guid
    )
    return payloads.wire_answer(assignment)


OPERATIONS: Final = (
    Operation(
        id="Get-current-user-role",
        method="GET",
        paths=("/{instanceId}/rbac/myrole",),
        answer=get_my_role,
        summary="Tell the caller's role",
        responses=answers_with(200, payloads.RoleAssignment, "The caller's role."),
    ),
)
