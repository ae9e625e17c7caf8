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
        paths=(path,),
        answer=_refusing(operation_id),
        is_documented=False,
    )


def _refusing(operation_id: str) -> Callable[[Call], Awaitable[Response]]:
    async def refuse(_: Call) -> Response:
        raise errors.NotSupported(what=f"Operation {operation_id}", hint=" yet")

    return refuse


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
)

OPERATIONS: Final = tuple(_operation(*unbuilt) for unbuilt in _UNBUILT)
