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


_UNBUILT: Final[tuple[tuple[str, str, str], ...]] = ()

OPERATIONS: Final = tuple(_operation(*unbuilt) for unbuilt in _UNBUILT)
