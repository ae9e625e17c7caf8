"""Segments: defining them, switching them on and off, and what became of them."""

from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.core.catalog import Document
from topcoat.core.insights.definition import Kind
from topcoat.core.insights.evaluated import Evaluated
from topcoat.flows.insights import Insight
from topcoat.surfaces import answers, bodies
from topcoat.surfaces.customer_insights import parameters, payloads, shapes
from topcoat.surfaces.customer_insights.insight_payloads import SegmentDefinition, SegmentMetadata
from topcoat.surfaces.customer_insights.operation import (
    Call,
    Operation,
    answers_with,
    parameter,
    reference,
    request_body,
)

HISTORY_DAYS_MAX: Final = 365
SEGMENTS_MAX: Final = 10_000
_HISTORY_DAYS: Final = 10
_NAME: Final = "segmentName"
_TOLD: Final = {
    field.alias for name, field in SegmentMetadata.model_fields.items() if name not in SegmentDefinition.model_fields
}
_STATES_TOLD: Final = ("validating", "validated", "invalid", "validationError")


async def list_segments(call: Call) -> Response:
    items = parameters.list_items(call.request.scope)
    is_asked = parameters.read_boolean(items, "includeHistoricStats")
    days = parameters.find_integer(items, "historicStatsDays", most=HISTORY_DAYS_MAX) or _HISTORY_DAYS
    limit = parameters.find_integer(items, "numberOfSegments", most=SEGMENTS_MAX)
    history = timedelta(days=days) if is_asked else None
    found = await call.flows.insights.list_insights(call.instance, Kind.SEGMENT, history)
    told = [_metadata(call.instance, segment, is_asked=is_asked) for segment in found[:limit]]
    return payloads.wire_list(told)


async def create_segment(call: Call) -> Response:
    name, document = _said(await bodies.read_object(call.request))
    if name is None:
        raise errors.ParameterInvalid(parameter="name", found="missing", expected="a name")
    flow, principal = call.flows.insights, call.principal.name
    created = await flow.create(call.instance, Kind.SEGMENT, name, {"state": "active"} | document, principal)
    return payloads.wire_answer(_metadata(call.instance, created), 201)


async def replace_segment(call: Call) -> Response:
    addressed = call.request.path_params[_NAME]
    name, document = _said(await bodies.read_object(call.request))
    shapes.check_same("name", name, addressed)
    flow, principal = call.flows.insights, call.principal.name
    replaced = await flow.replace(call.instance, Kind.SEGMENT, addressed, document, principal)
    return payloads.wire_answer(_metadata(call.instance, replaced))


async def delete_segment(call: Call) -> Response:
    """The contract has 400 for an unknown one."""
    try:
        await call.flows.insights.delete(call.instance, Kind.SEGMENT, call.request.path_params[_NAME])
    except errors.DefinitionNotFound as error:
        segment, hint = error.parts["name"], error.parts["suggestion"]
        raise errors.UnknownSegment(segment=segment, suggestion=hint) from None
    return payloads.wire_answer(payloads.OkResult())


async def activate_segment(call: Call) -> Response:
    return await _switched(call, "active")


async def deactivate_segment(call: Call) -> Response:
    return await _switched(call, "inactive")


async def _switched(call: Call, state: str) -> Response:
    name, principal = call.request.path_params[_NAME], call.principal.name
    await call.flows.insights.set_state(call.instance, name, state, principal)
    return answers.json_answer(content=True)


def _said(body: Document) -> tuple[str | None, Document]:
    """The name and the rest, as it was given; a state that only the service tells counts for nothing."""
    document = shapes.without_keys(body, _TOLD)
    if document.get("state") in _STATES_TOLD:
        del document["state"]
    said = shapes.read_shape(SegmentDefinition, document)
    return said.name, shapes.without_keys(document, {"name"})


def _metadata(instance: str, segment: Insight, *, is_asked: bool = False) -> SegmentMetadata:
    """The definition as it was given, under what the service knows better."""
    state = "active" if segment.is_active else "inactive"
    told: dict[str, Any] = {
        "kind": "default",
        "friendlyName": segment.name,
        **{name: value for name, value in segment.document.items() if value is not None},
        "name": segment.name,
        "state": state if segment.fault is None else "invalid",
        "errorDescription": segment.fault,
        "evaluationStatus": _status(segment),
        "evaluationStatusHistory": [_historical(one) for one in segment.history] if is_asked else None,
    }
    return SegmentMetadata(**told, **payloads.audit_of(instance, segment.authorship))


def _status(segment: Insight) -> dict[str, Any]:
    latest = segment.evaluations[0] if segment.evaluations else None
    success = next((one for one in segment.evaluations if one.error is None), None)
    run_id = None if success is None else success.run_id
    if latest is None:
        idle = "None" if segment.fault is None else "NotQualified"
        told = {"jobStatus": idle, "evaluationDate": None, "entityCount": None, "error": _error(segment.fault)}
    else:
        told = _historical(latest)
    return told | {"lastSuccessfulRunId": run_id}


def _historical(one: Evaluated) -> dict[str, Any]:
    return {
        "jobStatus": "CompletedSuccess" if one.error is None else "CompletedFailure",
        "evaluationDate": catalog.format_instant(one.evaluated_at),
        "entityCount": one.record_count,
        "error": _error(one.error),
    }


def _error(message: str | None) -> dict[str, Any] | None:
    """The contract's StringInfo."""
    if message is None:
        return None
    return {"key": "invalidSegmentDefinitionErrorMessage", "value": message, "args": []}


_ALL: Final = ("/{instanceId}/manage/segments",)
_ONE: Final = "/{instanceId}/manage/segments/{segmentName:path}"
_SHOWN: Final = "/{instanceId}/manage/segments/{segmentName}"
_STORED: Final = "The segment as it is stored."
_MISSING: Final = answers_with(404, payloads.ApiErrorResult, "There is no such segment.")
_INVALID: Final = answers_with(400, payloads.ApiErrorResult, "The name or the definition cannot be.")
_BODY: Final = request_body(reference(SegmentMetadata))

OPERATIONS: Final = (
    Operation(
        id="Get-all-segments",
        method="GET",
        paths=_ALL,
        answer=list_segments,
        summary="List segments, with what became of them",
        responses=answers_with(200, list[SegmentMetadata], "By name, the ready-made ones last."),
        documentation={
            "parameters": [
                parameter("includeHistoricStats", "With the history of evaluations.", type="boolean", default=False),
                parameter("historicStatsDays", "How far back.", type="integer", default=_HISTORY_DAYS),
                parameter("numberOfSegments", "At most so many.", type="integer"),
            ]
        },
    ),
    Operation(
        id="Create-a-segment",
        method="POST",
        paths=_ALL,
        answer=create_segment,
        summary="Define a segment; the next evaluation finds its members",
        responses=answers_with(201, SegmentMetadata, _STORED) | _INVALID,
        documentation=_BODY,
    ),
    Operation(
        id="Activate-segment",
        method="PUT",
        paths=(f"{_ONE}/activate",),
        shown_path=f"{_SHOWN}/activate",
        answer=activate_segment,
        summary="Switch a segment on",
        responses=answers_with(200, bool, "It has members from the next evaluation on.") | _MISSING,
    ),
    Operation(
        id="Deactivate-segment",
        method="PUT",
        paths=(f"{_ONE}/deactivate",),
        shown_path=f"{_SHOWN}/deactivate",
        answer=deactivate_segment,
        summary="Switch a segment off",
        responses=answers_with(200, bool, "It has no members from the next evaluation on.") | _MISSING,
    ),
    Operation(
        id="Update-a-segment",
        method="PUT",
        paths=(_ONE,),
        shown_path=_SHOWN,
        answer=replace_segment,
        summary="Replace a segment's definition",
        responses=answers_with(200, SegmentMetadata, _STORED) | _INVALID | _MISSING,
        documentation=_BODY,
    ),
    Operation(
        id="Delete-segment",
        method="DELETE",
        paths=(_ONE,),
        shown_path=_SHOWN,
        answer=delete_segment,
        summary="Delete a segment that no other definition leans on",
        responses=answers_with(200, payloads.OkResult, "It is gone; its members go with the next evaluation.")
        | answers_with(400, payloads.ApiErrorResult, "There is no such segment, or others lean on it."),
    ),
)
