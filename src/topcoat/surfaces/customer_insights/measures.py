"""Measures: defining them, and what became of them."""

from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from topcoat.core import catalog, errors
from topcoat.core.catalog import Document
from topcoat.core.insights.definition import Kind
from topcoat.core.insights.evaluated import Evaluated
from topcoat.flows.insights import Insight
from topcoat.surfaces import bodies
from topcoat.surfaces.customer_insights import parameters, payloads, shapes
from topcoat.surfaces.customer_insights.insight_payloads import MeasureDefinition, MeasureMetadata, ParsingError
from topcoat.surfaces.customer_insights.operation import (
    Call,
    Operation,
    answers_with,
    parameter,
    reference,
    request_body,
)

HISTORY_DAYS_MAX: Final = 365
_HISTORY_DAYS: Final = 30
_NAME: Final = "measureName"
_TOLD: Final = {
    field.alias for name, field in MeasureMetadata.model_fields.items() if name not in MeasureDefinition.model_fields
}


async def list_measures(call: Call) -> Response:
    """There are no templates, so their summary is empty either way."""
    parameters.read_boolean(parameters.list_items(call.request.scope), "templateSummaryIncluded")
    found = await call.flows.insights.list_insights(call.instance, Kind.MEASURE)
    return payloads.wire_list([_metadata(call.instance, measure) for measure in found])


async def get_measure(call: Call) -> Response:
    items = parameters.list_items(call.request.scope)
    is_asked = parameters.read_boolean(items, "includeHistoricStats")
    days = parameters.find_integer(items, "historicStatsDays", most=HISTORY_DAYS_MAX) or _HISTORY_DAYS
    history = timedelta(days=days) if is_asked else None
    name = call.request.path_params[_NAME]
    found = await call.flows.insights.get_insight(call.instance, Kind.MEASURE, name, history)
    return payloads.wire_answer(_metadata(call.instance, found, is_asked=is_asked))


async def create_measure(call: Call) -> Response:
    name, document = _said(await bodies.read_object(call.request))
    if name is None:
        raise errors.ParameterInvalid(parameter="name", found="missing", expected="a name")
    created = await call.flows.insights.create(call.instance, Kind.MEASURE, name, document, call.principal.name)
    return payloads.wire_answer(_metadata(call.instance, created))


async def replace_measure(call: Call) -> Response:
    addressed = call.request.path_params[_NAME]
    name, document = _said(await bodies.read_object(call.request))
    shapes.check_same("name", name, addressed)
    flow, principal = call.flows.insights, call.principal.name
    replaced = await flow.replace(call.instance, Kind.MEASURE, addressed, document, principal)
    return payloads.wire_answer(_metadata(call.instance, replaced))


async def delete_measure(call: Call) -> Response:
    await call.flows.insights.delete(call.instance, Kind.MEASURE, call.request.path_params[_NAME])
    return payloads.wire_answer(payloads.OkResult())


def _said(body: Document) -> tuple[str | None, Document]:
    """The name and the rest, as it was given."""
    document = shapes.without_keys(body, _TOLD)
    said = shapes.read_shape(MeasureDefinition, document)
    return said.name, shapes.without_keys(document, {"name"})


def _metadata(instance: str, measure: Insight, *, is_asked: bool = False) -> MeasureMetadata:
    """The definition as it was given, under what the service knows better."""
    succeeded = [one for one in measure.evaluations if one.error is None]
    outputs = [one for one in measure.history if one.output is not None]
    told: dict[str, Any] = {
        "displayName": measure.name,
        "isTemplate": False,
        "isCreatedFromTemplate": False,
        **{name: value for name, value in measure.document.items() if value is not None},
        "name": measure.name,
        "latestEvaluation": _latest(measure),
        "output": _output(succeeded[0]) if succeeded and succeeded[0].output is not None else None,
        "evaluationStats": _stats(measure),
        "errorDescription": _error(measure.fault),
        "evaluationHistory": [_evaluation(one) for one in measure.history] if is_asked else None,
        "outputHistory": [_output(one) for one in outputs] if is_asked else None,
    }
    return MeasureMetadata(**told, **payloads.audit_of(instance, measure.authorship))


def _latest(measure: Insight) -> dict[str, Any]:
    if not measure.evaluations:
        return {"lastSuccessfulRunId": None, "state": "none", "endTime": None, "error": None}
    succeeded = next((one for one in measure.evaluations if one.error is None), None)
    run_id = None if succeeded is None else succeeded.run_id
    return _evaluation(measure.evaluations[0]) | {"lastSuccessfulRunId": run_id}


def _evaluation(one: Evaluated) -> dict[str, Any]:
    return {
        "lastSuccessfulRunId": one.run_id if one.error is None else None,
        "state": "completed" if one.error is None else "failed",
        "endTime": catalog.format_instant(one.evaluated_at),
        "error": one.error,
    }


def _output(one: Evaluated) -> dict[str, Any]:
    """The contract's values are texts."""
    values = {name: None if value is None else str(value) for name, value in (one.output or {}).items()}
    return {"values": values, "measureName": one.name, "evaluationTime": catalog.format_instant(one.evaluated_at)}


def _stats(measure: Insight) -> dict[str, Any]:
    """Evaluations go back to the last success, so those before it are the failures since."""
    places = [place for place, one in enumerate(measure.evaluations) if one.error is None]
    last = measure.evaluations[places[0]].evaluated_at if places else None
    return {
        "lastSuccessful": None if last is None else catalog.format_instant(last),
        "consecutiveFailureCount": places[0] if places else len(measure.evaluations),
    }


def _error(message: str | None) -> dict[str, Any] | None:
    """The contract's StringInfo."""
    if message is None:
        return None
    return {"key": "measuresProcessingOrchestrationFailed", "value": message, "args": []}


_ALL: Final = ("/{instanceId}/manage/measures",)
_ONE: Final = ("/{instanceId}/manage/measures/{measureName:path}",)
_SHOWN: Final = "/{instanceId}/manage/measures/{measureName}"
_STORED: Final = answers_with(200, MeasureMetadata, "The measure as it is stored.")
_MISSING: Final = answers_with(404, payloads.ApiErrorResult, "There is no such measure.")
_INVALID: Final = answers_with(400, ParsingError, "The name or the definition cannot be.")
_BODY: Final = request_body(reference(MeasureMetadata))

OPERATIONS: Final = (
    Operation(
        id="Get-a-list-of-measures-metadata",
        method="GET",
        paths=_ALL,
        answer=list_measures,
        summary="List measures, with what became of them",
        responses=answers_with(200, list[MeasureMetadata], "By name, the ready-made ones last."),
        documentation={"parameters": [parameter("templateSummaryIncluded", "Accepted.", type="boolean")]},
    ),
    Operation(
        id="Create-a-measure",
        method="POST",
        paths=_ALL,
        answer=create_measure,
        is_parsed=True,
        summary="Define a measure; the next evaluation computes it",
        responses=_STORED | _INVALID,
        documentation=_BODY,
    ),
    Operation(
        id="Get-metadata-for-a-measure",
        method="GET",
        paths=_ONE,
        shown_path=_SHOWN,
        answer=get_measure,
        summary="Describe a measure, with what became of it",
        responses=answers_with(200, MeasureMetadata, "The measure.") | _MISSING,
        documentation={
            "parameters": [
                parameter("includeHistoricStats", "With the history of evaluations.", type="boolean", default=False),
                parameter("historicStatsDays", "How far back.", type="integer", default=_HISTORY_DAYS),
            ]
        },
    ),
    Operation(
        id="Update-a-measure",
        method="PUT",
        paths=_ONE,
        shown_path=_SHOWN,
        answer=replace_measure,
        is_parsed=True,
        summary="Replace a measure's definition",
        responses=_STORED | _INVALID | _MISSING,
        documentation=_BODY,
    ),
    Operation(
        id="Delete-a-measure",
        method="DELETE",
        paths=_ONE,
        shown_path=_SHOWN,
        answer=delete_measure,
        summary="Delete a measure that no other definition leans on",
        responses=answers_with(200, payloads.OkResult, "It is gone; its column goes with the next evaluation.")
        | answers_with(400, payloads.ApiErrorResult, "Others lean on it.")
        | _MISSING,
    ),
)
