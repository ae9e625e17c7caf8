"""Account hierarchies; the id in an address is the name."""

from typing import Final

from starlette.responses import Response

from topcoat.core.hierarchies import Hierarchy
from topcoat.flows.hierarchies import DefinedHierarchy
from topcoat.surfaces import bodies
from topcoat.surfaces.customer_insights import payloads, shapes
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with, reference, request_body
from topcoat.surfaces.customer_insights.payloads.definitions import (
    HierarchyChange,
    HierarchyDefinition,
    HierarchyDependency,
    HierarchyDependencyChange,
    HierarchyMetadata,
)

_ID: Final = "hierarchyId"


async def list_hierarchies(call: Call) -> Response:
    found = await call.flows.hierarchies.list_all(call.instance)
    return payloads.wire_list([_payload(call.instance, one) for one in found])


async def get_hierarchy(call: Call) -> Response:
    found = await call.flows.hierarchies.get(call.instance, call.request.path_params[_ID])
    return payloads.wire_answer(_payload(call.instance, found))


async def create_hierarchy(call: Call) -> Response:
    body = await bodies.read_object(call.request)
    said = shapes.read_shape(HierarchyDefinition, shapes.without_keys(body, payloads.AUDIT))
    hierarchy = Hierarchy(
        name=said.name,
        table=said.dependency.source_entity,
        account_column=said.dependency.account_id_attribute,
        parent_column=said.dependency.parent_account_id_attribute,
        display_name=said.display_name,
    )
    created = await call.flows.hierarchies.create(call.instance, hierarchy, call.principal.name)
    return payloads.wire_answer(_payload(call.instance, created))


async def update_hierarchy(call: Call) -> Response:
    name = call.request.path_params[_ID]
    body = await bodies.read_object(call.request)
    said = shapes.read_shape(HierarchyChange, shapes.without_keys(body, payloads.AUDIT))
    shapes.check_same("name", said.name, name)
    updated = await call.flows.hierarchies.update(call.instance, name, _changes(said), call.principal.name)
    return payloads.wire_answer(_payload(call.instance, updated))


async def delete_hierarchy(call: Call) -> Response:
    name = call.request.path_params[_ID]
    await call.flows.hierarchies.delete(call.instance, name)
    return payloads.wire_answer(payloads.OkObjectResult(value={"name": name}))


def _changes(said: HierarchyChange) -> dict[str, str]:
    dependency = said.dependency or HierarchyDependencyChange()
    changes = {
        "display_name": said.display_name,
        "table": dependency.source_entity,
        "account_column": dependency.account_id_attribute,
        "parent_column": dependency.parent_account_id_attribute,
    }
    return {part: value for part, value in changes.items() if value is not None}


def _payload(instance: str, defined: DefinedHierarchy) -> HierarchyMetadata:
    hierarchy = defined.hierarchy
    return HierarchyMetadata(
        name=hierarchy.name,
        display_name=hierarchy.display_name or hierarchy.name,
        dependency=HierarchyDependency(
            source_entity=hierarchy.table,
            account_id_attribute=hierarchy.account_column,
            parent_account_id_attribute=hierarchy.parent_column,
        ),
        **payloads.audit_of(instance, defined.authorship),
    )


_ALL: Final = ("/{instanceId}/hierarchies",)
_ONE: Final = ("/{instanceId}/hierarchies/{hierarchyId}",)
_MISSING: Final = answers_with(404, payloads.ApiErrorResult, "There is no such hierarchy.")
_STORED: Final = answers_with(200, HierarchyMetadata, "The hierarchy as it is stored.")
_INVALID: Final = answers_with(400, payloads.ApiErrorResult, "The name, the table or a column cannot be.")
_BODY: Final = request_body(reference(HierarchyMetadata))

OPERATIONS: Final = (
    Operation(
        id="Get-all-hierarchies",
        method="GET",
        paths=_ALL,
        answer=list_hierarchies,
        summary="List account hierarchies",
        responses=answers_with(200, list[HierarchyMetadata], "By name."),
    ),
    Operation(
        id="Create-a-hierarchy",
        method="POST",
        paths=_ALL,
        answer=create_hierarchy,
        summary="Create a hierarchy",
        responses=_STORED | _INVALID,
        documentation=_BODY,
    ),
    Operation(
        id="Get-a-hierarchy",
        method="GET",
        paths=_ONE,
        answer=get_hierarchy,
        summary="Describe a hierarchy",
        responses=answers_with(200, HierarchyMetadata, "The hierarchy.") | _MISSING,
    ),
    Operation(
        id="Update-a-hierarchy",
        method="PATCH",
        paths=_ONE,
        answer=update_hierarchy,
        summary="Change parts of a hierarchy",
        responses=_STORED | _INVALID | _MISSING,
        documentation=_BODY,
    ),
    Operation(
        id="Delete-a-hierarchy",
        method="DELETE",
        paths=_ONE,
        answer=delete_hierarchy,
        summary="Delete a hierarchy",
        responses=answers_with(200, payloads.OkObjectResult, "It is gone.") | _MISSING,
    ),
)
