"""Instances: what a key opens, and how one is made, changed, copied, reset and deleted."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.core.catalog import Document
from topcoat.core.roles import Role
from topcoat.flows import lifecycle
from topcoat.flows.instances import Instance
from topcoat.flows.lifecycle import Author, Description, Scope
from topcoat.surfaces import access, answers, bodies
from topcoat.surfaces.customer_insights import parameters, payloads, shapes
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with, parameter, request_body
from topcoat.surfaces.customer_insights.payloads.instances import InstanceInfo, InstanceMetadata, InstanceSaid

SCOPE: Final = "instanceManagementOperationScope"
_DEFAULT_TYPE: Final = "sandbox"
# What the vendor provisions beside an instance, and Topcoat has not.
_NOT_PROVISIONED: Final[Mapping[str, tuple[Any, str]]] = {
    "byosaResourceMetadata": (None, "null; data are kept in Topcoat's own database"),
    "cdsResourceMetadata": (None, "null; there is no Dataverse organisation to attach"),
    "isCdsMdlStorageEnabled": (False, "false; there is no managed data lake"),
    "isCiToByosaMigrationEnabled": (False, "false; there is no storage account to move to"),
    "bapProvisioningType": ("skip", "skip; there is nothing to provision"),
    "isPbiProvisioningRequired": (False, "false; there is no Power BI to provision"),
    "isDataverseUpdateRequested": (False, "false; there is no Dataverse organisation to update"),
}
_REQUEST: Final = ("instanceMetadata", *_NOT_PROVISIONED)
_TOLD: Final = payloads.AUDIT - {"instanceId"} | {"provisioningState"}


async def list_instances(call: Call) -> Response:
    return answers.json_answer([_info(instance).model_dump(mode="json", by_alias=True) for instance in call.opened])


async def get_instance(call: Call) -> Response:
    return payloads.wire_answer(_metadata(await call.flows.instances.get_instance(call.instance)))


async def create_instance(call: Call) -> Response:
    said = _said(await bodies.read_object(call.request), _REQUEST, _blank())
    created = await call.flows.lifecycle.create(_description(said), _author(call))
    return payloads.wire_answer(_metadata(created))


async def copy_instance(call: Call) -> Response:
    body = await bodies.read_object(call.request)
    source = await _source(call, body)
    said = _said(body, (*_REQUEST, "instanceIdToCopy"), _blank())
    copied = await call.flows.lifecycle.copy(source, _description(said), _author(call))
    return payloads.wire_answer(_metadata(copied))


async def update_instance(call: Call) -> Response:
    known = _metadata(await call.flows.instances.get_instance(call.instance))
    said = _said(await bodies.read_object(call.request), _REQUEST, known)
    shapes.check_same("instanceMetadata.instanceId", said.instance_id and said.instance_id.lower(), call.instance)
    if said.region not in (None, known.region):
        raise _unexpected("region", said.region, f"{_shown(known.region)}, which is fixed once an instance is made")
    updated = await call.flows.lifecycle.rename(
        call.instance, _author(call), name=said.name, instance_type=said.instance_type
    )
    return payloads.wire_answer(_metadata(updated))


async def delete_instance(call: Call) -> Response:
    await call.flows.lifecycle.delete(call.instance)
    return answers.json_answer(content=True)


async def reset_instance(call: Call) -> Response:
    await call.flows.lifecycle.reset(call.instance, _scope(call), _author(call))
    return answers.json_answer(content=True)


def _author(call: Call) -> Author:
    return Author(call.principal.name, call.principal.kind)


def _description(said: InstanceSaid) -> Description:
    if said.name is None:
        raise errors.ParameterInvalid(parameter="instanceMetadata.name", found="missing", expected="a name")
    if said.region is not None and len(said.region) > catalog.ID_LENGTH_MAX:
        raise _unexpected("region", said.region, f"at most {catalog.ID_LENGTH_MAX} characters")
    return Description(
        guid=lifecycle.new_guid()
        if said.instance_id is None
        else _guid("instanceMetadata.instanceId", said.instance_id),
        name=said.name,
        instance_type=said.instance_type or _DEFAULT_TYPE,
        region=said.region,
    )


async def _source(call: Call, body: Document) -> str:
    """One that the caller's key opens, and whose Administrator the caller is."""
    named = body.get("instanceIdToCopy")
    guid = _guid("instanceIdToCopy", named)
    if guid not in {instance.guid for instance in call.opened}:
        raise errors.ParameterInvalid(
            parameter="instanceIdToCopy", found=catalog.described(named), expected="the id of an instance that you see"
        )
    assert call.access is not None  # no instance is addressed
    principal = await call.access.authenticate_for(call.request.headers, guid, call.flows.permissions)
    access.check_role(principal, Role.ADMINISTRATOR)
    return guid


def _guid(name: str, value: Any) -> str:
    try:
        number = uuid.UUID(value)
    except (ValueError, AttributeError, TypeError):
        number = None
    if number is None or str(number) != value.lower():
        raise errors.ParameterInvalid(parameter=name, found=catalog.described(value), expected="a GUID")
    return str(number)


def _said(body: Document, keys: tuple[str, ...], known: InstanceMetadata) -> InstanceSaid:
    """What the service itself says may be sent along as it says it, and nothing that it cannot do."""
    for key, value in body.items():
        if key not in keys:
            expected = f"one of {', '.join(keys)}{catalog.suggestion(key, keys)}"
            raise errors.ParameterInvalid(
                parameter=catalog.shown(key), found="not a key of the contract", expected=expected
            )
        if key in _NOT_PROVISIONED and value not in (None, _NOT_PROVISIONED[key][0]):
            raise errors.ParameterInvalid(
                parameter=key, found=catalog.described(value), expected=_NOT_PROVISIONED[key][1]
            )
    metadata = body.get("instanceMetadata")
    if not isinstance(metadata, dict):
        raise errors.ParameterInvalid(
            parameter="instanceMetadata", found=catalog.described(metadata), expected="an object"
        )
    return shapes.read_shape(InstanceSaid, _settable(metadata, known))


def _settable(metadata: Document, known: InstanceMetadata) -> Document:
    told = known.model_dump(mode="json", by_alias=True)
    settable = {str(field.alias) for field in InstanceSaid.model_fields.values()}
    kept: Document = {}
    for key, value in metadata.items():
        if key in settable or key not in told:
            kept[key] = value
        elif key not in _TOLD and value is not None and value != told[key]:
            raise _unexpected(key, value, f"{_shown(told[key])}, which cannot be changed")
    return kept


def _unexpected(key: str, value: Any, expected: str) -> errors.ParameterInvalid:
    return errors.ParameterInvalid(
        parameter=f"instanceMetadata.{key}", found=catalog.described(value), expected=expected
    )


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else catalog.described(value)


def _scope(call: Call) -> Scope:
    text = parameters.find_text(parameters.list_items(call.request.scope), SCOPE)
    scopes = {scope.value: scope for scope in Scope}
    if not text:
        return Scope.ALL
    if text.lower() not in scopes:
        expected = f"one of {', '.join(scopes)}"
        raise errors.ParameterInvalid(parameter=SCOPE, found=f"'{catalog.shown(text)}'", expected=expected)
    return scopes[text.lower()]


def _info(instance: Instance) -> InstanceInfo:
    return InstanceInfo(instance_id=instance.guid, name=instance.name, instance_type=instance.instance_type)


def _metadata(instance: Instance) -> InstanceMetadata:
    return InstanceMetadata(
        name=instance.name,
        instance_type=instance.instance_type,
        region=instance.region,
        **payloads.audit_of(instance.guid, instance.authorship),
    )


def _blank() -> InstanceMetadata:
    """What the service says of any instance before anybody else says anything."""
    return InstanceMetadata(name="", instance_type="")


_METADATA: Final = answers_with(200, InstanceMetadata, "The instance.")
_DONE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Done.", "content": {answers.JSON: {"schema": {"type": "boolean"}}}}
}
_INVALID: Final = answers_with(400, payloads.ApiErrorResult, "Something that was said cannot be.")
_REFRESHING: Final = answers_with(400, payloads.ApiErrorResult, "The instance is being refreshed.")
_TAKEN: Final = answers_with(409, payloads.ApiErrorResult, "There is an instance of that name or id.")
_REQUEST_SCHEMA: Final = {
    "type": "object",
    "properties": {"instanceMetadata": {"$ref": "#/components/schemas/InstanceMetadata"}}
    | {key: {"description": f"At most {expected}."} for key, (_, expected) in _NOT_PROVISIONED.items()},
    "required": ["instanceMetadata"],
}
_COPY_SCHEMA: Final = {
    "type": "object",
    "properties": {"instanceIdToCopy": {"type": "string", "format": "uuid"}} | _REQUEST_SCHEMA["properties"],  # type: ignore[operator]  # a dict
    "required": ["instanceIdToCopy", "instanceMetadata"],
}


OPERATIONS: Final = (
    Operation(
        id="Get-all-instances",
        method="GET",
        paths=("",),
        answer=list_instances,
        summary="List instances",
        responses=answers_with(200, list[InstanceInfo], "The instances that the subscription key opens."),
    ),
    Operation(
        id="Create-an-instance",
        method="POST",
        paths=("/V2",),
        answer=create_instance,
        summary="Make an empty instance",
        responses=_METADATA | _INVALID | _TAKEN,
        documentation=request_body(_REQUEST_SCHEMA),
    ),
    Operation(
        id="Copy-an-instance",
        method="POST",
        paths=("/copy",),
        answer=copy_instance,
        summary="Make an instance with the tables and the configuration of another, and none of its records",
        responses=_METADATA | _INVALID | _TAKEN,
        documentation=request_body(_COPY_SCHEMA),
    ),
    Operation(
        id="Get-instance-metadata",
        method="GET",
        paths=("/{instanceId}",),
        answer=get_instance,
        summary="Describe one instance",
        responses=_METADATA | answers_with(404, payloads.ApiErrorResult, "There is no such instance."),
    ),
    Operation(
        id="Update-an-instance",
        method="PATCH",
        paths=("/{instanceId}/V2",),
        answer=update_instance,
        summary="Change the name or the type of an instance",
        responses=_METADATA | _INVALID,
        documentation=request_body(_REQUEST_SCHEMA),
    ),
    Operation(
        id="Delete-an-instance",
        method="DELETE",
        paths=("/{instanceId}",),
        answer=delete_instance,
        summary="Delete an instance and everything in it",
        responses=_DONE | _REFRESHING,
    ),
    Operation(
        id="Reset-an-instance",
        method="DELETE",
        paths=("/{instanceId}/manage/reset",),
        answer=reset_instance,
        summary="Take data, configuration or both away; who may do what stays",
        responses=_DONE | _REFRESHING,
        documentation={"parameters": [parameter(SCOPE, "All where it is left out.", enum=[s.value for s in Scope])]},
    ),
)
