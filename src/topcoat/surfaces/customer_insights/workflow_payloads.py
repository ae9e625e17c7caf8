"""Jobs, tasks, the nodes of the workflow and its schedules in wire spelling."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import Field

from topcoat.core.schedules import Schedule, ZoneName
from topcoat.core.workflow import EVERYTHING, Fault, Job, Origin, Status, Task
from topcoat.flows.jobs import JobReport, NodeReport
from topcoat.flows.refresh.stages import STAGES
from topcoat.surfaces.customer_insights.payloads import Wire

NO_SUB_TYPE: Final = "noSubType"
JobType = Literal["full", "incremental"]
SubmissionKind = Literal["onDemand", "scheduled"]
SubType = Literal[
    "noSubType",
    "templatedMeasures",
    "createAnalysisModel",
    "linkAnalysisModel",
    "singleActivityMapping",
    "powerPlatform",
]
InputRefreshMode = Literal["FailedOrModifiedRecursive", "FailedRecursive", "FailedOrModified", "Failed", "None"]

_FRIENDLY_NAMES: Final = {
    "ingestion": "Data sources",
    "map": "Map",
    "match": "Match",
    "merge": "Merge",
    "enrichment": "Enrichment",
    "profileStore": "Customer profiles",
    "search": "Search",
    "activity": "Activities",
    "measures": "Measures",
    "segmentation": "Segments",
}
_KINDS: Final = ("merge", "measures", "segmentation")
_AFTER: Final = {stage.name: stage.after for stage in STAGES}


class CIResult(Wire):
    exception_culprit: Literal["system", "user", "external"]
    error_code: str
    result_severity: Literal["error", "warning", "recommendation"]
    message: str
    name: str | None = None
    params: dict[str, Any] = Field({})
    ci_results: list[dict[str, Any]] = Field([])


class CustomTaskInformation(Wire):
    kind: str


class GraphTaskInfo(Wire):
    task_id: str
    task_status: str
    operation_type: str
    sub_type: str = NO_SUB_TYPE
    job_ids: list[str]
    friendly_name: str
    submitted_timestamp: datetime
    end_timestamp: datetime | None
    ci_error: CIResult | None
    ci_errors: list[CIResult]
    waiting_task_ids: list[str]
    additional_info: CustomTaskInformation | None


class GraphJobOptions(Wire):
    run_downstream_after_merge: bool | None = None


class GraphJobInfo(Wire):
    """`reconciliation` is an extension: outcomes by kind, counted."""

    job_id: str
    job_type: str
    job_submission_kind: SubmissionKind
    job_status: str
    operation_type: str
    sub_type: str = NO_SUB_TYPE
    submitted_timestamp: datetime
    end_timestamp: datetime | None
    should_force_run_requested_nodes: bool
    tasks: list[GraphTaskInfo] | None
    id_list: list[str]
    options: GraphJobOptions = GraphJobOptions(run_downstream_after_merge=True)
    reconciliation: Mapping[str, Mapping[str, int]] | None


class TableFigures(Wire):
    rows: int
    quarantined: int
    is_unchanged: bool


class TaskFigures(Wire):
    seconds: float
    peak_memory_bytes: int


class Quality(Wire):
    precision: float
    recall: float
    f1: float


class RunReport(Wire):
    """An extension to the contract; docs/refresh.md says what each field is."""

    generation: int
    profiles: int
    activities: int
    measures: int
    segments: int
    tables: dict[str, TableFigures]
    deduplicated: dict[str, int]
    matched: dict[str, int]
    singletons: int
    clusters: dict[str, int]
    columns: dict[str, dict[str, int]]
    ambiguous: dict[str, int]
    without_customer: dict[str, int]
    opened: dict[str, int]
    closed: dict[str, int]
    reconciliation: dict[str, dict[str, int]]
    confirmed: int
    attached: int
    pruned: int
    tasks: dict[str, TaskFigures]
    quality: Quality | None


class SelectionReason(Wire):
    code: str
    details: str | None = None


class GraphNodeInfo(Wire):
    operation_type: str
    sub_type: str = NO_SUB_TYPE
    identifier: str | None = None
    friendly_name: str
    job_ids: list[str]
    task_status: str
    last_success_job_ids: list[str]
    end_timestamp: datetime | None
    last_successful_timestamp: datetime | None
    ci_error: CIResult | None
    ci_errors: list[CIResult]
    additional_info: CustomTaskInformation | None
    selection_reason: SelectionReason | None


class OnDemandJobRequest(Wire):
    """What a caller may send along; the query says the same and wins."""

    graph_name: str | None = None
    operation_type: str | None = None
    submission_kind: SubmissionKind | None = None
    job_type: JobType | None = None
    identifiers: list[str] | None = None
    force_run_requested: bool | None = None
    input_refresh_mode: InputRefreshMode | None = None
    options: GraphJobOptions | None = None


class WorkflowRefreshSchedule(Wire):
    operation_type: str | None = None
    sub_type: SubType | None = None
    identifiers: list[str] | None = None
    job_type: JobType | None = None
    is_active: bool | None = None
    timezone_id: str | None = None
    cron_schedules: list[str] | None = None
    schedule_id: str | None = None
    instance_id: str | None = None


class TimezoneDetail(Wire):
    id: str
    name: str


def job_info(report: JobReport, *, has_tasks: bool) -> GraphJobInfo:
    job = report.job
    return GraphJobInfo(
        job_id=job.job_id,
        job_type=job.job_type,
        job_submission_kind=_submission_kind(job),
        job_status=job.status.value,
        operation_type=job.operation_type,
        submitted_timestamp=job.submitted_at,
        end_timestamp=job.ended_at,
        should_force_run_requested_nodes=job.is_forced,
        tasks=[task_info(task, report.tasks) for task in report.tasks] if has_tasks else None,
        id_list=list(job.identifiers),
        reconciliation=job.outcomes or None,
    )


def task_info(task: Task, among: Sequence[Task] = ()) -> GraphTaskInfo:
    """A task that has not begun waits for those `among` its job's that it needs and that have not ended."""
    result = _result(task)
    return GraphTaskInfo(
        task_id=task.task_id,
        task_status=task.status.value,
        operation_type=task.operation_type,
        job_ids=[task.job_id],
        friendly_name=_FRIENDLY_NAMES[task.operation_type],
        submitted_timestamp=task.started_at or task.submitted_at,
        end_timestamp=task.ended_at,
        ci_error=result,
        ci_errors=[] if result is None else [result],
        waiting_task_ids=_list_awaited(task, among),
        additional_info=_kind(task.operation_type),
    )


def node_info(node: NodeReport) -> GraphNodeInfo:
    last, successful = node.last, node.last_successful
    result = None if last is None else _result(last)
    return GraphNodeInfo(
        operation_type=node.operation_type,
        friendly_name=_FRIENDLY_NAMES[node.operation_type],
        job_ids=[] if last is None else [last.job_id],
        task_status="needsUpdate" if last is None else last.status.value,
        last_success_job_ids=[] if successful is None else [successful.job_id],
        end_timestamp=None if last is None else last.ended_at,
        last_successful_timestamp=None if successful is None else successful.ended_at,
        ci_error=result,
        ci_errors=[] if result is None else [result],
        additional_info=_kind(node.operation_type),
        selection_reason=None if last is None else _selection_reason(last),
    )


def schedule_info(schedule: Schedule) -> WorkflowRefreshSchedule:
    return WorkflowRefreshSchedule(
        operation_type=schedule.operation_type,
        sub_type=schedule.sub_type,
        identifiers=list(schedule.identifiers),
        job_type=schedule.job_type,
        is_active=schedule.is_active,
        timezone_id=schedule.time_zone,
        cron_schedules=list(schedule.lines),
        schedule_id=schedule.schedule_id,
        instance_id=schedule.instance,
    )


def zone_detail(zone: ZoneName, offset_minutes: int) -> TimezoneDetail:
    """As the vendor's own lists have them: the offset, then the place."""
    sign, minutes = "-" if offset_minutes < 0 else "+", abs(offset_minutes)
    return TimezoneDetail(id=zone.name, name=f"(UTC{sign}{minutes // 60:02}:{minutes % 60:02}) {zone.iana}")


def _submission_kind(job: Job) -> SubmissionKind:
    return "scheduled" if job.origin is Origin.SCHEDULE else "onDemand"


def _result(task: Task) -> CIResult | None:
    fault: Fault | None = task.fault
    if fault is None:
        return None
    return CIResult(
        exception_culprit="user" if fault.is_callers else "system",
        error_code=fault.code,
        result_severity="warning" if task.status is Status.SKIPPED else "error",
        message=fault.message,
        name=fault.code,
    )


def _list_awaited(task: Task, among: Sequence[Task]) -> list[str]:
    if task.status is not Status.QUEUED:
        return []
    needed = _AFTER[task.operation_type]
    return [other.task_id for other in among if other.operation_type in needed and not other.status.is_final]


def _kind(operation_type: str) -> CustomTaskInformation | None:
    return CustomTaskInformation(kind=operation_type) if operation_type in _KINDS else None


def _selection_reason(task: Task) -> SelectionReason:
    details = f"The job was submitted for {task.asked_for}."
    if task.asked_for in (EVERYTHING, task.operation_type):
        return SelectionReason(code="requested", details=details)
    return SelectionReason(code="upstreamRerunning", details=details)
