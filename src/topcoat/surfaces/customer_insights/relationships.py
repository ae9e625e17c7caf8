"""Relationships between tables, made by people and by the service."""

from typing import Final

from starlette.responses import Response

from topcoat.core import errors
from topcoat.core.catalog import Document
from topcoat.core.relationships import Cardinality, Relationship, RelationshipType
from topcoat.flows.relationships import DefinedRelationship
from topcoat.surfaces import bodies
from topcoat.surfaces.customer_insights import payloads, shapes
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with, reference, request_body
from topcoat.surfaces.customer_insights.payloads.definitions import RelationshipDefinition, RelationshipMetadata

_NAME: Final = "relationshipName"


async def list_defined(call: Call) -> Response:
    found = await call.flows.relationships.list_defined(call.instance)
    return payloads.wire_list([_payload(call.instance, one) for one in found])


async def list_system_made(call: Call) -> Response:
    found = await call.flows.relationships.list_system_made(call.instance)
    return payloads.wire_list([_payload(call.instance, one) for one in found])


async def get_relationship(call: Call) -> Response:
    found = await call.flows.relationships.get(call.instance, call.request.path_params[_NAME])
    return payloads.wire_answer(_payload(call.instance, found))


async def create_relationship(call: Call) -> Response:
    said = _said(await bodies.read_object(call.request))
    if said.name is None:
        raise errors.ParameterInvalid(parameter="name", found="missing", expected="a name")
    relationship = _relationship(said.name, said)
    created = await call.flows.relationships.create(call.instance, relationship, call.principal.name)
    return payloads.wire_answer(_payload(call.instance, created))


async def replace_relationship(call: Call) -> Response:
    name = call.request.path_params[_NAME]
    said = _said(await bodies.read_object(call.request))
    shapes.check_same("name", said.name, name)
    replaced = await call.flows.relationships.replace(call.instance, _relationship(name, said), call.principal.name)
    return payloads.wire_answer(_payload(call.instance, replaced))


async def delete_relationship(call: Call) -> Response:
    await call.flows.relationships.delete(call.instance, call.request.path_params[_NAME])
    return payloads.wire_answer(payloads.OkResult())


def _said(body: Document) -> RelationshipDefinition:
    return shapes.read_shape(RelationshipDefinition, shapes.without_keys(body, payloads.AUDIT))


def _relationship(name: str, said: RelationshipDefinition) -> Relationship:
    return Relationship(
        name=name,
        from_table=said.from_entity_name,
        from_column=said.from_attribute_name,
        to_table=said.to_entity_name,
        to_column=said.to_attribute_name,
        cardinality=Cardinality(said.cardinality or Cardinality.MANY_TO_ONE.value),
        type=RelationshipType(said.relationship_type or RelationshipType.ORIGIN.value),
        friendly_name=said.friendly_name,
        description=said.description,
    )


def _payload(instance: str, defined: DefinedRelationship) -> RelationshipMetadata:
    relationship = defined.relationship
    return RelationshipMetadata(
        friendly_name=relationship.friendly_name or relationship.name,
        name=relationship.name,
        description=relationship.description,
        relationship_type=relationship.type.value,
        from_attribute_name=relationship.from_column,
        from_entity_name=relationship.from_table,
        to_attribute_name=relationship.to_column,
        to_entity_name=relationship.to_table,
        cardinality=relationship.cardinality.value,
        source="system" if relationship.is_system_made else "user",
        **payloads.audit_of(instance, defined.authorship),
    )


_ALL: Final = ("/{instanceId}/manage/relationships",)
_ONE: Final = ("/{instanceId}/manage/relationships/{relationshipName:path}",)
_SHOWN: Final = "/{instanceId}/manage/relationships/{relationshipName}"
_LIST: Final = list[RelationshipMetadata]
_MISSING: Final = answers_with(404, payloads.ApiErrorResult, "There is no such relationship.")
_INVALID: Final = answers_with(400, payloads.ApiErrorResult, "The name, a table or a column cannot be.")
_BODY: Final = request_body(reference(RelationshipMetadata))

OPERATIONS: Final = (
    Operation(
        id="Get-all-relationships",
        method="GET",
        paths=_ALL,
        answer=list_defined,
        summary="List the relationships that people made",
        responses=answers_with(200, _LIST, "By name."),
    ),
    Operation(
        id="Create-a-relationship",
        method="POST",
        paths=_ALL,
        answer=create_relationship,
        summary="Create a relationship",
        responses=answers_with(200, RelationshipMetadata, "The relationship as it is stored.") | _INVALID,
        documentation=_BODY,
    ),
    Operation(
        id="Get-a-relationship",
        method="GET",
        paths=_ONE,
        shown_path=_SHOWN,
        answer=get_relationship,
        summary="Describe a relationship, whoever made it",
        responses=answers_with(200, RelationshipMetadata, "The relationship.") | _MISSING,
    ),
    Operation(
        id="Update-a-relationship",
        method="PUT",
        paths=_ONE,
        shown_path=_SHOWN,
        answer=replace_relationship,
        summary="Replace a relationship",
        responses=answers_with(200, RelationshipMetadata, "The relationship as it is stored.") | _INVALID | _MISSING,
        documentation=_BODY,
    ),
    Operation(
        id="Delete-a-relationship",
        method="DELETE",
        paths=_ONE,
        shown_path=_SHOWN,
        answer=delete_relationship,
        summary="Delete a relationship",
        responses=answers_with(200, payloads.OkResult, "It is gone.")
        | answers_with(400, payloads.ApiErrorResult, "The service made it.")
        | _MISSING,
    ),
    Operation(
        id="Get-all-system-created-relationships",
        method="GET",
        paths=("/{instanceId}/manage/systemrelationships",),
        answer=list_system_made,
        summary="List the relationships that the tables have by what they are",
        responses=answers_with(200, _LIST, "In the order of the tables."),
    ),
)
