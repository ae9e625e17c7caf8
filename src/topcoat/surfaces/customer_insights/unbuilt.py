"""Operations of the contract that are not built yet: refused by name, never answered with something plausible (S32)."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.responses import Response

from topcoat.core import errors
from topcoat.surfaces.customer_insights.operation import Call, Operation


def _operation(operation_id: str, method: str, path: str) -> Operation:
    return Operation(
        id=operation_id,
        method=method,
        paths=_spellings(path),
        answer=_refusing(operation_id),
        is_documented=False,
    )


def _refusing(operation_id: str) -> Callable[[Call], Awaitable[Response]]:
    async def refuse(_: Call) -> Response:
        raise errors.NotSupported(what=f"Operation {operation_id}", hint=" yet")

    return refuse


def _spellings(path: str) -> tuple[str, ...]:
    """The published client's path, and those that only the documentation has."""
    if "/workflows/" in path:
        return (path, path.replace("/workflows/", "/manage/workflows/"))
    return (path,)


_UNBUILT: Final = (
    ("Create-an-instance", "POST", "/V2"),
    ("Copy-an-instance", "POST", "/copy"),
    ("Delete-an-instance", "DELETE", "/{instanceId}"),
    ("Update-an-instance", "PATCH", "/{instanceId}/V2"),
    ("Get-a-list-of-measures-metadata", "GET", "/{instanceId}/manage/measures"),
    ("Create-a-measure", "POST", "/{instanceId}/manage/measures"),
    ("Delete-a-measure", "DELETE", "/{instanceId}/manage/measures/{measureName:path}"),
    ("Get-metadata-for-a-measure", "GET", "/{instanceId}/manage/measures/{measureName:path}"),
    ("Update-a-measure", "PUT", "/{instanceId}/manage/measures/{measureName:path}"),
    ("Reset-an-instance", "DELETE", "/{instanceId}/manage/reset"),
    ("Get-all-segments", "GET", "/{instanceId}/manage/segments"),
    ("Create-a-segment", "POST", "/{instanceId}/manage/segments"),
    ("Delete-segment", "DELETE", "/{instanceId}/manage/segments/{segmentName:path}"),
    ("Activate-segment", "PUT", "/{instanceId}/manage/segments/{segmentName}/activate"),
    ("Deactivate-segment", "PUT", "/{instanceId}/manage/segments/{segmentName}/deactivate"),
    ("Update-a-segment", "PUT", "/{instanceId}/manage/segments/{segmentName:path}"),
    ("Get-list-of-workflow-task-information-history", "GET", "/{instanceId}/workflows/{workflowName}/history"),
    ("Get-list-of-recent-workflow-jobs", "GET", "/{instanceId}/workflows/{workflowName}/jobs"),
    ("Submit-a-workflow-job", "POST", "/{instanceId}/workflows/{workflowName}/jobs"),
    ("Get-a-workflow-job-information", "GET", "/{instanceId}/workflows/{workflowName}/jobs/{jobId}"),
    ("Cancel-a-workflow-job", "POST", "/{instanceId}/workflows/{workflowName}/jobs/{jobId}/cancel"),
    ("Get-workflow-schedules", "GET", "/{instanceId}/workflows/{workflowName}/schedules"),
    ("Create-workflow-refresh-schedule", "POST", "/{instanceId}/workflows/{workflowName}/schedules"),
    ("Create-a-batch-of-workflow-refresh-schedules", "POST", "/{instanceId}/workflows/{workflowName}/schedules/batch"),
    ("Get-supported-timezones", "GET", "/{instanceId}/workflows/{workflowName}/schedules/supportedTimezones"),
    ("Get-workflow-status", "GET", "/{instanceId}/workflows/{workflowName}/status"),
)

OPERATIONS: Final = tuple(_operation(*unbuilt) for unbuilt in _UNBUILT)
