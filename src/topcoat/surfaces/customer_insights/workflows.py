"""The workflow of an instance: its jobs and what became of them, and the schedules by which they run."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from topcoat.core import catalog, errors, schedules, workflow
from topcoat.core.catalog import Document
from topcoat.flows.jobs.scheduling import Draft
from topcoat.surfaces import answers, bodies
from topcoat.surfaces.customer_insights import parameters, payloads, shapes
from topcoat.surfaces.customer_insights import workflow_payloads as wire
from topcoat.surfaces.customer_insights.operation import (
    Call,
    Operation,
    answers_with,
    parameter,
    reference,
    request_body,
)

TOP_DEFAULT: Final = 10
TOP_MAX: Final = 500
BATCH_MAX: Final = 100


async def submit_job(call: Call) -> Response:
    """What the query says wins over the body, of which the vendor's client sends nothing."""
    _check_workflow(call)
    items = parameters.list_items(call.request.scope)
    body = await bodies.find_object(call.request)
    sent = shapes.read_shape(wire.OnDemandJobRequest, body)
    _check_request(sent)
    identifiers = parameters.find_text(items, "identifiers")
    report = await call.flows.jobs.submit(
        call.instance,
        parameters.find_text(items, "operationType") or sent.operation_type or workflow.EVERYTHING,
        _unquoted(sent.identifiers or [] if identifiers is None else identifiers.split(",")),
        principal=call.principal.name,
        job_type=sent.job_type or "full",
        is_forced=parameters.read_boolean(items, "forceRunRequested") or bool(sent.force_run_requested),
    )
    return payloads.wire_answer(wire.job_info(report, has_tasks=False))


async def list_jobs(call: Call) -> Response:
    _check_workflow(call)
    items = parameters.list_items(call.request.scope)
    has_tasks = parameters.read_boolean(items, "includeTasks")
    reports = await call.flows.jobs.list_jobs(call.instance, limit=_read_top(items))
    return _list_answer([wire.job_info(report, has_tasks=has_tasks) for report in reports])


async def get_job(call: Call) -> Response:
    _check_workflow(call)
    has_tasks = parameters.read_boolean(parameters.list_items(call.request.scope), "includeTasks")
    report = await call.flows.jobs.get_job(call.instance, call.request.path_params["jobId"].lower())
    return payloads.wire_answer(wire.job_info(report, has_tasks=has_tasks))


async def read_report(call: Call) -> Response:
    """As it was kept."""
    _check_workflow(call)
    return answers.json_answer(
        await call.flows.jobs.get_report(call.instance, call.request.path_params["jobId"].lower())
    )


async def cancel_job(call: Call) -> Response:
    _check_workflow(call)
    report = await call.flows.jobs.cancel_job(call.instance, call.request.path_params["jobId"].lower())
    return payloads.wire_answer(wire.job_info(report, has_tasks=False))


async def read_status(call: Call) -> Response:
    _check_workflow(call)
    return _list_answer([wire.node_info(node) for node in await call.flows.jobs.read_status(call.instance)])


async def list_history(call: Call) -> Response:
    _check_workflow(call)
    top = _read_top(parameters.list_items(call.request.scope))
    return _list_answer([wire.task_info(task) for task in await call.flows.jobs.list_history(call.instance, limit=top)])


async def list_schedules(call: Call) -> Response:
    found = await call.flows.schedules.list_schedules(call.instance)
    return _list_answer([wire.schedule_info(schedule) for schedule in found])


async def save_schedule(call: Call) -> Response:
    [saved] = await _save(call, [await bodies.read_object(call.request)])
    return payloads.wire_answer(saved)


async def save_schedules(call: Call) -> Response:
    return _list_answer(await _save(call, await bodies.read_objects(call.request, limit=BATCH_MAX)))


async def list_zones(call: Call) -> Response:
    """With the offsets that hold now; they change at quarters of an hour."""
    await call.flows.instances.get_instance(call.instance)
    now = (await call.flows.service_clock.read()).now
    quarter = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    return _list_answer(await asyncio.to_thread(_list_zone_details, quarter))


@lru_cache(maxsize=1)
def _list_zone_details(now: datetime) -> list[wire.TimezoneDetail]:
    return [wire.zone_detail(zone, _offset_minutes(zone.iana, now)) for zone in schedules.list_zones()]


def _offset_minutes(iana: str, now: datetime) -> int:
    offset = now.astimezone(ZoneInfo(iana)).utcoffset()
    assert offset is not None  # every zone has one
    return round(offset.total_seconds() / 60)


async def _save(call: Call, documents: Sequence[Document]) -> list[wire.WorkflowRefreshSchedule]:
    drafts = [_draft(document) for document in documents]
    ids = [draft.schedule_id for draft in drafts if draft.schedule_id is not None]
    if len(ids) > len(set(ids)):
        raise errors.ParameterInvalid(parameter="scheduleId", found="the same twice", expected="different ones")
    saved = await call.flows.schedules.save_schedules(call.instance, drafts, call.principal.name)
    return [wire.schedule_info(schedule) for schedule in saved]


def _draft(document: Document) -> Draft:
    sent = shapes.read_shape(wire.WorkflowRefreshSchedule, document)
    return Draft(
        lines=tuple(sent.cron_schedules or ()),
        time_zone=sent.timezone_id or "UTC",
        operation_type=sent.operation_type or workflow.EVERYTHING,
        sub_type=sent.sub_type or wire.NO_SUB_TYPE,
        identifiers=tuple(_unquoted(sent.identifiers or ())),
        job_type=sent.job_type or "full",
        is_active=True if sent.is_active is None else sent.is_active,
        schedule_id=None if sent.schedule_id is None else _checked_id(sent.schedule_id),
    )


def _checked_id(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        found = f"'{catalog.shown(text)}'"
        raise errors.ParameterInvalid(parameter="scheduleId", found=found, expected="a UUID") from None


def _check_workflow(call: Call) -> None:
    name = call.request.path_params["workflowName"]
    if name.casefold() != workflow.NAME:
        raise errors.WorkflowNotFound(workflow=catalog.shown(name))


def _check_request(sent: wire.OnDemandJobRequest) -> None:
    """Every refresh runs what is downstream and reads what failed or was modified, so other wishes are refused."""
    if sent.graph_name is not None and sent.graph_name.casefold() != workflow.NAME:
        raise errors.WorkflowNotFound(workflow=catalog.shown(sent.graph_name))
    if sent.options is not None and sent.options.run_downstream_after_merge is False:
        raise errors.NotSupported(what="runDownstreamAfterMerge false", hint="; what needs the profiles always runs")
    if sent.submission_kind == "scheduled":
        raise errors.ParameterInvalid(
            parameter="submissionKind", found="scheduled", expected="onDemand; schedules submit their jobs themselves"
        )


def _read_top(items: list[tuple[str, str]]) -> int:
    text = parameters.find_text(items, "top")
    if text is None:
        return TOP_DEFAULT
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(TOP_MAX)) and 1 <= int(text) <= TOP_MAX):
        found = f"'{catalog.shown(text)}'"
        raise errors.ParameterInvalid(parameter="top", found=found, expected=f"an integer from 1 to {TOP_MAX}")
    return int(text)


def _unquoted(identifiers: Sequence[str]) -> list[str]:
    """The vendor's documentation puts them in quotes, its client does not."""
    stripped = (identifier.strip().strip("'\"").strip() for identifier in identifiers)
    return [identifier for identifier in stripped if identifier]


def _list_answer(items: Sequence[payloads.Wire]) -> Response:
    return answers.json_answer([item.model_dump(mode="json", by_alias=True) for item in items])


def _paths(path: str) -> tuple[str, ...]:
    """The client's spelling, and that of the documentation."""
    return (
        f"/{{instanceId}}/workflows/{{workflowName}}/{path}",
        f"/{{instanceId}}/manage/workflows/{{workflowName}}/{path}",
    )


_TOP: Final = parameter(
    "top", f"How many at most; {TOP_DEFAULT} by default.", type="integer", minimum=1, maximum=TOP_MAX
)
_INCLUDE_TASKS: Final = parameter("includeTasks", "Whether each job tells of its tasks.", type="boolean")
_UNKNOWN: Final = answers_with(404, payloads.ApiErrorResult, "There is no such instance, workflow or job.")
_REFUSED: Final = answers_with(400, payloads.ApiErrorResult, "What is asked for is unknown or cannot be.")
_TOO_MANY: Final = {
    429: answers.described(429, "Too many jobs of this instance wait.", reference(payloads.ApiErrorResult))
}
_NOT_BUILT: Final = answers_with(501, payloads.ApiErrorResult, "The vendor has this operation type, Topcoat has not.")

OPERATIONS: Final = (
    Operation(
        id="Submit-a-workflow-job",
        method="POST",
        paths=_paths("jobs"),
        answer=submit_job,
        summary="Submit a job, which runs behind those that wait",
        responses=answers_with(200, wire.GraphJobInfo, "The job.") | _UNKNOWN | _REFUSED | _TOO_MANY | _NOT_BUILT,
        documentation={
            "parameters": [
                parameter("operationType", "What to run, whatever the case; `all` by default."),
                parameter("identifiers", "Data sources, separated by commas; not with `all`."),
                parameter("forceRunRequested", "Noted; a job always runs what it is asked for.", type="boolean"),
            ],
        }
        | request_body(wire.OnDemandJobRequest.model_json_schema(), is_required=False),
    ),
    Operation(
        id="Get-list-of-recent-workflow-jobs",
        method="GET",
        paths=_paths("jobs"),
        answer=list_jobs,
        summary="List jobs, the newest first",
        responses=answers_with(200, list[wire.GraphJobInfo], "The jobs.") | _UNKNOWN,
        documentation={"parameters": [_TOP, _INCLUDE_TASKS]},
    ),
    Operation(
        id="Get-a-workflow-job-information",
        method="GET",
        paths=_paths("jobs/{jobId}"),
        answer=get_job,
        summary="Tell of one job",
        responses=answers_with(200, wire.GraphJobInfo, "The job.") | _UNKNOWN,
        documentation={"parameters": [_INCLUDE_TASKS]},
    ),
    Operation(
        id="Get-a-workflow-job-report",
        method="GET",
        paths=_paths("jobs/{jobId}/report"),
        answer=read_report,
        summary="Tell what a job's run did and what it took (extension)",
        responses=answers_with(200, wire.RunReport, "The report; counts alone.") | _UNKNOWN,
    ),
    Operation(
        id="Cancel-a-workflow-job",
        method="POST",
        paths=_paths("jobs/{jobId}/cancel"),
        answer=cancel_job,
        summary="Cancel a job that waits or runs; what is published stays as it is",
        responses=answers_with(200, wire.GraphJobInfo, "The job, aborted.") | _UNKNOWN | _REFUSED,
    ),
    Operation(
        id="Get-workflow-status",
        method="GET",
        paths=_paths("status"),
        answer=read_status,
        summary="Tell what became of every stage the last time",
        responses=answers_with(200, list[wire.GraphNodeInfo], "The stages, in the order of running.") | _UNKNOWN,
    ),
    Operation(
        id="Get-list-of-workflow-task-information-history",
        method="GET",
        paths=_paths("history"),
        answer=list_history,
        summary="List tasks of all jobs, the last to end first",
        responses=answers_with(200, list[wire.GraphTaskInfo], "The tasks.") | _UNKNOWN,
        documentation={"parameters": [_TOP]},
    ),
    Operation(
        id="Get-workflow-schedules",
        method="GET",
        paths=_paths("schedules"),
        answer=list_schedules,
        summary="List schedules",
        responses=answers_with(200, list[wire.WorkflowRefreshSchedule], "The schedules.") | _UNKNOWN,
    ),
    Operation(
        id="Create-workflow-refresh-schedule",
        method="POST",
        paths=_paths("schedules"),
        answer=save_schedule,
        summary="Add a schedule, or replace the one with the same id",
        responses=answers_with(200, wire.WorkflowRefreshSchedule, "The schedule.") | _UNKNOWN | _REFUSED | _NOT_BUILT,
        documentation=request_body(reference(wire.WorkflowRefreshSchedule)),
    ),
    Operation(
        id="Create-a-batch-of-workflow-refresh-schedules",
        method="POST",
        paths=_paths("schedules/batch"),
        answer=save_schedules,
        summary="Add or replace several schedules, all or none",
        responses=answers_with(200, list[wire.WorkflowRefreshSchedule], "The schedules.")
        | _UNKNOWN
        | _REFUSED
        | _NOT_BUILT,
        documentation=request_body(
            {"type": "array", "items": reference(wire.WorkflowRefreshSchedule), "maxItems": BATCH_MAX}
        ),
    ),
    Operation(
        id="Get-supported-timezones",
        method="GET",
        paths=_paths("schedules/supportedTimezones"),
        answer=list_zones,
        summary="List the time zones that a schedule may name: IANA's and Windows'",
        responses=answers_with(200, list[wire.TimezoneDetail], "The time zones.") | _UNKNOWN,
    ),
)
