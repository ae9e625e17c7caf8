"""Functions of the backend that Ibis has no word for; their names are the backend's."""

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any, Final

import ibis
from ibis.expr import datatypes
from ibis.expr import types as ir

_STRING: Final = datatypes.string
_STRINGS: Final = datatypes.Array(_STRING)
_INTEGER: Final = datatypes.int64
_BOOLEAN: Final = datatypes.boolean
_INSTANT: Final = datatypes.Timestamp("UTC", 6)
_WALL: Final = datatypes.Timestamp(None, 6)
_ANY: Final = None


def _declared(backend_name: str, *takes: Any, gives: Any) -> Callable[..., Any]:
    """Ibis asks a function for the names of what it takes."""

    def declared() -> None: ...

    parameters = [Parameter(f"argument_{place}", Parameter.POSITIONAL_OR_KEYWORD) for place in range(len(takes))]
    setattr(declared, "__signature__", Signature(parameters))  # noqa: B010  # mypy does not know the attribute
    function: Callable[..., Any] = ibis.udf.scalar.builtin(declared, name=backend_name, signature=(takes, gives))
    return function


code_point = _declared("chr", _INTEGER, gives=_STRING)
regexp_extract = _declared("regexp_extract", _STRING, _STRING, _INTEGER, gives=_STRING)
regexp_full_match = _declared("regexp_full_match", _STRING, _STRING, gives=_BOOLEAN)
regexp_matches = _declared("regexp_matches", _STRING, _STRING, gives=_BOOLEAN)
regexp_replace = _declared("regexp_replace", _STRING, _STRING, _STRING, _STRING, gives=_STRING)

json_extract_string = _declared("json_extract_string", _STRING, _STRING, gives=_STRING)
json_keys = _declared("json_keys", _STRING, gives=_STRINGS)
json_merge_patch = _declared("json_merge_patch", _STRING, _STRING, gives=_STRING)  # a null takes its key away
to_json = _declared("to_json", _ANY, gives=_STRING)

list_has_all = _declared("list_has_all", _STRINGS, _STRINGS, gives=_BOOLEAN)
list_unique = _declared("list_unique", _STRINGS, gives=_INTEGER)  # how many of them differ

_at_zone = _declared("timezone", _STRING, _WALL, gives=_INSTANT)
_in_zone = _declared("timezone", _STRING, _INSTANT, gives=_WALL)


def utc_of(wall: ir.TimestampValue, zone: str) -> ir.TimestampValue:
    return _at_zone(zone, wall).cast(_WALL)


def wall_of(utc: ir.TimestampValue, zone: str) -> ir.TimestampValue:
    return _in_zone(zone, utc.cast(_INSTANT))
