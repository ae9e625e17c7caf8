"""The instances a key opens."""

from typing import Final

from starlette.responses import Response

from topcoat.flows.instances import Instance
from topcoat.surfaces import answers
from topcoat.surfaces.customer_insights import payloads
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with


async def list_instances(call: Call) -> Response:
    return answers.json_answer([_info(instance).model_dump(mode="json", by_alias=True) for instance in call.opened])


async def get_instance(call: Call) -> Response:
    return payloads.wire_answer(_metadata(await call.flows.instances.get_instance(call.instance)))


def _info(instance: Instance) -> payloads.InstanceInfo:
    return payloads.InstanceInfo(instance_id=instance.guid, name=instance.name, instance_type=instance.instance_type)


def _metadata(instance: Instance) -> payloads.InstanceMetadata:
    return payloads.InstanceMetadata(
        instance_id=instance.guid,
        name=instance.name,
        instance_type=instance.instance_type,
        created_utc=instance.created_at,
        updated_utc=instance.updated_at,
    )


OPERATIONS: Final = (
    Operation(
        id="Get-all-instances",
        method="GET",
        paths=("",),
        answer=list_instances,
        summary="List instances",
        responses=answers_with(200, list[payloads.InstanceInfo], "The instances that the subscription key opens."),
    ),
    Operation(
        id="Get-instance-metadata",
        method="GET",
        paths=("/{instanceId}",),
        answer=get_instance,
        summary="Describe one instance",
        responses=answers_with(200, payloads.InstanceMetadata, "The instance.")
        | answers_with(404, payloads.ApiErrorResult, "There is no such instance."),
    ),
)
