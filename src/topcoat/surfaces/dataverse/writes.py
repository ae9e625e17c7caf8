"""Writes: what there is to write is a change of a profile and a new activity, and only where the service takes them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.responses import Response

from topcoat.core import errors
from topcoat.core.catalog import UNIFIED_ACTIVITY, shown
from topcoat.surfaces import permissions
from topcoat.surfaces.access import check_role
from topcoat.surfaces.dataverse import metadata, questions, realtime
from topcoat.surfaces.dataverse.call import Call
from topcoat.surfaces.dataverse.names import NAMESPACE, DataverseTable
from topcoat.surfaces.dataverse.resource import Segment, not_found

IMPERSONATION: Final = ("mscrmcallerid", "callerobjectid")

_FUNCTIONS: Final = ("WhoAmI", "RetrieveMetadataChanges")
_ACTIONS: Final = {"BulkDelete": "prvBulkDelete", "CreateEntities": "prvCreateEntity"}
_CREATE_MULTIPLE: Final = f"{NAMESPACE}.CreateMultiple"
_UPDATE_MULTIPLE: Final = f"{NAMESPACE}.UpdateMultiple"
_MULTIPLES: Final = {
    _CREATE_MULTIPLE: "Create",
    _UPDATE_MULTIPLE: "Write",
    f"{NAMESPACE}.UpsertMultiple": "Write",
    f"{NAMESPACE}.DeleteMultiple": "Delete",
}
_PRIVILEGES: Final = {"POST": "Create", "PATCH": "Write", "PUT": "Write", "DELETE": "Delete"}

_OPTION: Final = "--dataverse-writes (TOPCOAT_DATAVERSE_WRITES=true)"
_TAKEN: Final = (
    "what can be written is columns of msdynci_customerprofiles, by PATCH of a row or UpdateMultiple, and new rows of "
    "msdynci_unifiedactivities, by POST or CreateMultiple"
)

Write = Callable[[Call, DataverseTable, Segment], Awaitable[Response]]
_Shape = tuple[str, bool, tuple[str, ...]]
# By method, whether it is of one row, and what follows in the address.
_OF_PROFILES: Final[dict[_Shape, Write]] = {
    ("PATCH", True, ()): realtime.change_profile,
    ("POST", False, (_UPDATE_MULTIPLE,)): realtime.change_profiles,
}
_OF_ACTIVITIES: Final[dict[_Shape, Write]] = {
    ("POST", False, ()): realtime.create_activity,
    ("POST", False, (_CREATE_MULTIPLE,)): realtime.create_activities,
}


async def answer(call: Call, segments: Sequence[Segment]) -> Response:
    """`segments` are those of the address; raise why not."""
    if segments and segments[0].name in _FUNCTIONS:
        raise errors.FunctionNotFound(method=call.method, address=f"{call.address}/{shown(call.path)}")
    if metadata.is_about(segments):
        raise errors.MethodNotSupported(method=call.method, allowed="GET")
    first, *rest = segments
    if first.name in _ACTIONS:
        raise _denied(call, _ACTIONS[first.name])
    table = call.tables.by_set.get(first.name)
    if table is None or (first.has_parentheses and not first.has_key):
        raise not_found(first.name)
    _check_names(call, table, rest)
    shape = (call.method, first.has_key, tuple(segment.name for segment in rest))
    write = _find_write(table, shape)
    if write is None:
        raise _refused(call, table, shape)
    _check_allowed(call, table, shape)
    return await write(call, table, first)


def _find_write(table: DataverseTable, shape: _Shape) -> Write | None:
    if table.is_profiles:
        return _OF_PROFILES.get(shape)
    return _OF_ACTIVITIES.get(shape) if table.source.name == UNIFIED_ACTIVITY else None


def _check_names(call: Call, table: DataverseTable, rest: Sequence[Segment]) -> None:
    """What follows a set or a row has to exist, for its refusal to make sense."""
    for name in [segment.name for segment in rest[:1]]:
        is_known = name in table.by_name or questions.find_navigation(call.tables, table, name) is not None
        if not is_known and name not in (*_MULTIPLES, "$count", "$ref"):
            raise not_found(name)


def _check_allowed(call: Call, table: DataverseTable, shape: _Shape) -> None:
    privilege = _privilege(shape)
    if not call.takes_writes:
        reason = f"this service takes writes only where it was started with {_OPTION}"
        raise errors.WriteDenied(privilege=f"prv{privilege}{table.logical}", reason=reason)
    if any(name in call.headers for name in IMPERSONATION):
        reason = "callers write as themselves here, without MSCRMCallerID and CallerObjectId"
        raise errors.WriteDenied(privilege="prvActOnBehalfOfAnotherUser", reason=reason)
    operation = "Create-an-entity" if privilege == "Create" else "Update-an-entity"
    check_role(call.principal, permissions.needed_role(operation))


def _refused(call: Call, table: DataverseTable, shape: _Shape) -> errors.TopcoatError:
    """A write that is never taken: as one that the caller lacks the privilege for, where there could be one at all."""
    method, is_row, rest = shape
    if rest[:1] == ("$count",):
        return errors.MethodNotSupported(method=method, allowed="GET")
    if not rest and not is_row and method != "POST":
        return errors.MethodNotSupported(method=method, allowed="GET, POST")
    if not rest and is_row and method == "POST":
        return errors.MethodNotSupported(method=method, allowed="GET, PATCH, PUT, DELETE")
    return _denied(call, f"prv{_privilege(shape)}{table.logical}")


def _privilege(shape: _Shape) -> str:
    """By the vendor's names for what may be done to rows of a table; columns and files are of their row."""
    method, _, rest = shape
    if "$ref" in rest:
        return "Append"
    if not rest or method == "POST":
        return _MULTIPLES.get(rest[0], "Create") if rest else _PRIVILEGES[method]
    return "Write"


def _denied(call: Call, privilege: str) -> errors.WriteDenied:
    where = "" if call.takes_writes else f", where the service was started with {_OPTION}"
    return errors.WriteDenied(privilege=privilege, reason=f"{_TAKEN}{where}")
