"""Live changes of a profile and their withdrawal (S9): an extension to the vendor's API."""

from typing import Final

from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.flows.ingest import Write
from topcoat.flows.query import LiveChange
from topcoat.surfaces.customer_insights import parameters, payloads
from topcoat.surfaces.customer_insights.operation import Call, Operation, answers_with, parameter

_SEQUENCE_DIGITS_MAX: Final = 18


async def list_changes(call: Call) -> Response:
    items = parameters.list_items(call.request.scope)
    customer_id = parameters.get_id(items, "customerId", "the CustomerId of a profile")
    changes = await call.flows.query.list_changes(call.instance, customer_id)
    return payloads.wire_answer(payloads.ChangeList(value=[_change(change) for change in changes]))


async def withdraw_change(call: Call) -> Response:
    caller = parameters.read_caller(parameters.list_items(call.request.scope))
    write = Write(valid_until=None, caller=caller, principal=call.principal.name)
    await call.flows.ingest.withdraw_change(call.instance, _sequence(call), write)
    return Response(status_code=204)


def _sequence(call: Call) -> int:
    text = call.request.path_params["sequence"]
    if not text.isascii() or not text.isdigit() or len(text) > _SEQUENCE_DIGITS_MAX:
        raise errors.ChangeNotFound(sequence=f"'{catalog.shown(text)}'")
    return int(text)


def _change(live: LiveChange) -> payloads.Change:
    change = live.change
    return payloads.Change(
        sequence=change.sequence,
        customer_id=change.customer_id,
        columns=change.columns,
        not_shown=live.not_shown,
        caller=change.caller,
        principal=change.principal,
        recorded_at=change.recorded_at,
        valid_until=change.valid_until,
    )


OPERATIONS: Final = (
    Operation(
        id="List-changes",
        method="GET",
        paths=("/{instanceId}/changes",),
        answer=list_changes,
        summary="List the live changes of a profile (extension)",
        responses=answers_with(200, payloads.ChangeList, "Live changes, oldest first."),
        documentation={"parameters": [parameter("customerId", "The profile.") | {"required": True}]},
    ),
    Operation(
        id="Withdraw-a-change",
        method="DELETE",
        paths=("/{instanceId}/changes/{sequence}",),
        answer=withdraw_change,
        summary="End a live change for good (extension)",
        responses=answers_with(204, None, "From now on the change does not count.")
        | answers_with(404, payloads.ApiErrorResult, "There is no such change, or it no longer counts."),
    ),
)
