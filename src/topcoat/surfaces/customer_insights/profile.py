"""Facts about one profile: its keys in the data sources, and what activities it has."""

from typing import Any, Final

from starlette.responses import Response

from topcoat.flows.inventory import ActivityCounts, KeyRing, TableKeys
from topcoat.surfaces.customer_insights import parameters, payloads
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with, parameter


async def get_key_ring(call: Call) -> Response:
    items = parameters.list_items(call.request.scope)
    found = await call.flows.inventory.get_key_ring(
        call.instance,
        data_source=parameters.get_text(items, "dataSourceName", "the name of a data source"),
        table=parameters.get_text(items, "entityName", "the name of a table of the data source"),
        key=parameters.get_text(items, "key", "the primary key of a record of the table"),
    )
    return _answer(call, found.customer_id, _key_ring(found))


async def count_activities(call: Call) -> Response:
    items = parameters.list_items(call.request.scope)
    customer_id = parameters.get_text(items, "customerId", "the CustomerId of a profile")
    counts = await call.flows.inventory.count_activities(call.instance, customer_id)
    return _answer(call, counts.customer_id, _activity_counts(counts))


def _answer(call: Call, customer_id: str, key_ring: dict[str, Any]) -> Response:
    return payloads.wire_answer(
        payloads.KeyRingResponse(instance_id=call.instance, customer_id=customer_id, key_ring=key_ring)
    )


def _key_ring(found: KeyRing) -> dict[str, Any]:
    """By qualified table name what a Dataverse key ring lists."""
    return {keys.table.name: _table_keys(keys) for keys in found.tables}


def _table_keys(keys: TableKeys) -> dict[str, Any]:
    return {
        "dataSourceName": keys.table.data_source,
        "tableName": keys.table.plain_name,
        "preferredKey": keys.preferred,
        "keys": list(keys.keys),
    }


def _activity_counts(counts: ActivityCounts) -> dict[str, Any]:
    types = [
        {"activityType": count.activity_type, "activityTypeDisplay": count.display, "count": count.count}
        for count in counts.types
    ]
    return {"activityCount": counts.total, "activityTypes": types}


OPERATIONS: Final = (
    Operation(
        id="Get-KeyRing",
        method="GET",
        paths=("/{instanceId}/profile/keyring",),
        answer=get_key_ring,
        summary="Find the profile that a source record belongs to, and all its keys",
        responses=answers_with(200, payloads.KeyRingResponse, "The profile and its keys by source table.")
        | answers_with(400, payloads.ApiErrorResult, "A parameter is missing.")
        | answers_with(404, payloads.ApiErrorResult, "There is no such table, or no profile has the key."),
        documentation={
            "parameters": [
                parameter("dataSourceName", "The data source, such as PoS.") | {"required": True},
                parameter("entityName", "The table, as its data source calls it.") | {"required": True},
                parameter("key", "The record's primary key.") | {"required": True},
            ]
        },
    ),
    Operation(
        id="Get-Activity-Types-and-Counts",
        method="GET",
        paths=("/{instanceId}/profile/activityresponsemetadata",),
        answer=count_activities,
        summary="Count the activities of a profile by type",
        responses=answers_with(200, payloads.KeyRingResponse, "The total and the types, in `keyRing`.")
        | answers_with(400, payloads.ApiErrorResult, "The parameter is missing.")
        | answers_with(404, payloads.ApiErrorResult, "There is no such profile."),
        documentation={"parameters": [parameter("customerId", "The profile.") | {"required": True}]},
    ),
)
