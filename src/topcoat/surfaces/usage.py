"""What a call turns out to be, noted by whoever finds out, and recorded at its end."""

import re
from typing import Final

from starlette.types import Scope

from topcoat.core.usage import Kind
from topcoat.flows import Flows

CALLER_LEFT: Final = 499
_NOTES: Final = "topcoat.notes"
_NAMES: Final = ("rest", "tableName", "entityName", "qualifiedEntityName")
_TABLE: Final = re.compile(r"\w{1,200}")


class Notes:
    __slots__ = ("caller", "error")

    def __init__(self) -> None:
        self.caller = ""
        self.error = ""


def notes_of(scope: Scope) -> Notes:
    """Those of a call, begun by whoever asks first."""
    notes: Notes | None = scope.get(_NOTES)
    if notes is None:
        notes = scope[_NOTES] = Notes()
    return notes


def record(scope: Scope, status: int | None, *, received_bytes: int, sent_bytes: int, seconds: float) -> None:
    """Nobody counts the calls of what is not the service."""
    if "app" not in scope:
        return
    flows: Flows = scope["app"].state.flows
    notes = notes_of(scope)
    parameters = scope.get("path_params") or {}
    kind = Kind(
        parameters.get("instanceId", "").lower(),
        getattr(scope.get("route"), "operation_id", None) or "",
        _table(parameters) if notes.caller else "",
        notes.caller,
        status or CALLER_LEFT,
        notes.error,
    )
    flows.usage.record(kind, received_bytes=received_bytes, sent_bytes=sent_bytes, seconds=seconds)


def _table(parameters: dict[str, str]) -> str:
    for name in _NAMES:
        if name in parameters:
            found = _TABLE.match(parameters[name])
            return found[0] if found else ""
    return ""
