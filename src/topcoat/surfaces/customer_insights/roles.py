"""Who may what in an instance: the roles there are, who has which, and the caller's own."""

from collections.abc import Iterable
from typing import Final

from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.core.roles import Assignment, PrincipalKind, Role, principal_id_of
from topcoat.surfaces import answers, bodies
from topcoat.surfaces.customer_insights import payloads, shapes
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with, request_body

# The vendor names no values; its administrators and owners both show as Admin.
ROLES_BY_NAME: Final = {
    "Viewer": Role.VIEWER,
    "Contributor": Role.CONTRIBUTOR,
    "Admin": Role.ADMINISTRATOR,
    "Owner": Role.OWNER,
}
_NAMES: Final = {role: name for name, role in ROLES_BY_NAME.items()}
_DESCRIPTIONS: Final = {
    Role.VIEWER: "Reads customers, activities, tables and what is configured.",
    Role.CONTRIBUTOR: "May what a Viewer may; writes in real time, unifies, and defines segments and measures.",
    Role.ADMINISTRATOR: "May what a Contributor may; sets schedules, the search index, roles and keys.",
    Role.OWNER: "May what an Admin may; resets and deletes the instance.",
}


async def list_definitions(call: Call) -> Response:
    await call.flows.instances.get_instance(call.instance)
    return _list_answer(
        payloads.RoleDefinition(role_name=name, description=_DESCRIPTIONS[role]) for name, role in ROLES_BY_NAME.items()
    )


async def get_my_role(call: Call) -> Response:
    instance = await call.flows.instances.get_instance(call.instance)
    assert call.principal.role is not None  # nobody without a role gets here
    held = (Role.ADMINISTRATOR, Role.OWNER) if call.principal.role is Role.OWNER else (call.principal.role,)
    mine = Assignment(call.principal.name, call.principal.kind, held)
    return payloads.wire_answer(_payload(instance.guid, mine))


async def list_assignments(call: Call) -> Response:
    return _assignments_answer(call, await call.flows.permissions.list_assignments(call.instance))


async def replace_assignment(call: Call) -> Response:
    sent = shapes.read_shape(payloads.RoleAssignmentChange, await bodies.read_object(call.request))
    principal_id = _principal_id(call)
    _check_same("principalId", principal_id_of(sent.principal_id or principal_id), principal_id)
    _check_same("instanceId", (sent.instance_id or call.instance).lower(), call.instance)
    kind = None if sent.principal_type is None else PrincipalKind(sent.principal_type)
    assigned = await call.flows.permissions.assign(call.instance, principal_id, _roles(sent.roles), kind)
    return _assignments_answer(call, assigned)


async def delete_assignment(call: Call) -> Response:
    await call.flows.permissions.withdraw(call.instance, principal_id_of(call.request.path_params["principalId"]))
    return Response(status_code=200)


def _principal_id(call: Call) -> str:
    text: str = call.request.path_params["principalId"]
    if not catalog.check_id(text):
        raise errors.ParameterInvalid(
            parameter="principalId",
            found=f"'{catalog.shown(text)}'",
            expected=f"at most {catalog.ID_LENGTH_MAX} characters without control characters",
        )
    return principal_id_of(text)


def _check_same(parameter: str, sent: str, addressed: str) -> None:
    if sent != addressed:
        raise errors.ParameterInvalid(
            parameter=parameter, found=f"'{catalog.shown(sent)}'", expected=f"'{addressed}', as in the address"
        )


def _roles(names: list[str]) -> tuple[Role, ...]:
    """In the order given, each once; raise `UnknownRole`."""
    for name in names:
        if name not in ROLES_BY_NAME:
            suggestion = catalog.suggestion(name, ROLES_BY_NAME)
            known = ", ".join(ROLES_BY_NAME)
            raise errors.UnknownRole(role=catalog.shown(name), suggestion=suggestion, known=known)
    if not names:
        raise errors.ParameterInvalid(parameter="roles", found="empty", expected="a role; DELETE takes them away")
    return tuple(dict.fromkeys(ROLES_BY_NAME[name] for name in names))


def _assignments_answer(call: Call, assignments: list[Assignment]) -> Response:
    return _list_answer(_payload(call.instance, assignment) for assignment in assignments)


def _payload(instance: str, assignment: Assignment) -> payloads.RoleAssignment:
    return payloads.RoleAssignment(
        principal_id=assignment.principal_id,
        principal_type=assignment.kind.value,
        roles=[_NAMES[role] for role in assignment.roles],
        instance_id=instance,
    )


def _list_answer(items: Iterable[payloads.Wire]) -> Response:
    return answers.json_answer([item.model_dump(mode="json", by_alias=True) for item in items])


_ASSIGNMENT: Final = ("/{instanceId}/rbac/principals/{principalId}/assignment",)
_NO_INSTANCE: Final = answers_with(404, payloads.ApiErrorResult, "There is no such instance.")
_LAST_OWNER: Final = answers_with(409, payloads.ApiErrorResult, "It would leave the instance without an owner.")

OPERATIONS: Final = (
    Operation(
        id="Get-all-role-definitions",
        method="GET",
        paths=("/{instanceId}/rbac/roles",),
        answer=list_definitions,
        summary="List the roles there are",
        responses=answers_with(200, list[payloads.RoleDefinition], "Each may what those before it may.") | _NO_INSTANCE,
    ),
    Operation(
        id="Get-current-user-role",
        method="GET",
        paths=("/{instanceId}/rbac/myrole",),
        answer=get_my_role,
        summary="Tell the caller's role",
        responses=answers_with(200, payloads.RoleAssignment, "The caller's role.") | _NO_INSTANCE,
    ),
    Operation(
        id="Get-all-role-assignments",
        method="GET",
        paths=("/{instanceId}/rbac/assignments",),
        answer=list_assignments,
        summary="List who has which role",
        responses=answers_with(200, list[payloads.RoleAssignment], "All assignments.") | _NO_INSTANCE,
    ),
    Operation(
        id="Update-a-role-assignment",
        method="PUT",
        paths=_ASSIGNMENT,
        answer=replace_assignment,
        summary="Give a user, a group or an application roles, in place of those it had",
        responses=answers_with(200, list[payloads.RoleAssignment], "All assignments.")
        | answers_with(400, payloads.ApiErrorResult, "There is no such role, or the body is not an assignment.")
        | _NO_INSTANCE
        | _LAST_OWNER,
        documentation=request_body(payloads.RoleAssignmentChange.model_json_schema()),
    ),
    Operation(
        id="Deletes-a-role-assignment",
        method="DELETE",
        paths=_ASSIGNMENT,
        answer=delete_assignment,
        summary="Take away whatever role a principal has",
        responses=answers_with(200, None, "The principal has no role any more.")
        | answers_with(404, payloads.ApiErrorResult, "There is no such instance, or the principal has no role in it.")
        | _LAST_OWNER,
    ),
)
