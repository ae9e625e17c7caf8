"""Values as a database's driver gives them, typed as the environment declares their columns."""

import math
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from topcoat.core import catalog, errors, mapping
from topcoat.core.catalog import Column, ColumnType, Table

ARROW_TYPES: Final = {
    ColumnType.STRING: pa.string(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.DECIMAL: pa.float64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.DATE: pa.date32(),
    ColumnType.DATE_TIME: pa.timestamp("us"),
}
# What needs no look at each value; date-times do, unless they bring their offset or have none to be given.
_PLAIN: Final = {
    ColumnType.STRING: frozenset({str}),
    ColumnType.INTEGER: frozenset({int}),
    ColumnType.DECIMAL: frozenset({int, float, Decimal}),
    ColumnType.BOOLEAN: frozenset({bool}),
    ColumnType.DATE: frozenset({date}),
    ColumnType.DATE_TIME: frozenset({datetime}),
}

Faults = dict[int, str]


def typed_values(table: Table, column: Column, values: Sequence[Any]) -> tuple[pa.Array, Faults]:
    """The values, nulls for those that are not of the column's type, and why they are not, by their places."""
    try:
        return _typed_at_once(table, column, values), {}
    except (ValueError, TypeError, OverflowError):
        return _typed_one_by_one(table, column, values)


def _typed_at_once(table: Table, column: Column, values: Sequence[Any]) -> pa.Array:
    """Raise `ValueError`, `TypeError` or `OverflowError` where a value wants a look of its own."""
    kinds = set(map(type, values)) - {type(None)}
    if not kinds <= _PLAIN[column.type]:
        raise TypeError
    match column.type:
        case ColumnType.DECIMAL if Decimal in kinds:
            values = [None if value is None else float(value) for value in values]
        case ColumnType.DATE_TIME if table.activity is not None and table.activity.time_zone != "UTC":
            raise ValueError
        case _:
            pass
    array = pa.array(values, ARROW_TYPES[column.type])
    _check(column.type, array)
    return array


def _check(type_: ColumnType, array: pa.Array) -> None:
    """Raise `ValueError` or `OverflowError` for what Arrow holds and a document does not."""
    if type_ is ColumnType.STRING and pc.any(pc.match_substring(array, "\0")).as_py():
        raise ValueError
    if type_ is ColumnType.DECIMAL and pc.all(pc.is_finite(array)).as_py() is False:
        raise ValueError
    if type_ is ColumnType.DATE_TIME:
        pc.min_max(array).as_py()  # which Python cannot say where an offset led out of its years


def _typed_one_by_one(table: Table, column: Column, values: Sequence[Any]) -> tuple[pa.Array, Faults]:
    typed: list[Any] = []
    faults: Faults = {}
    for place, value in enumerate(values):
        try:
            typed.append(_typed(table, column, value))
        except errors.WrongType as error:
            faults[place] = "found {found}, expected {expected}".format(**error.parts)
            typed.append(None)
    return pa.array(typed, ARROW_TYPES[column.type]), faults


def _typed(table: Table, column: Column, value: Any) -> Any:
    """A text in a column of another type is read as a CSV field is."""
    readable = mapping.localised(table, column.name, _as_json(column.type, value))
    is_text = isinstance(readable, str) and column.type is not ColumnType.STRING
    found = (catalog.parse_text if is_text else catalog.validate_value)(table, column, readable)
    if found is None:
        return None
    match column.type:
        case ColumnType.DATE:
            return date.fromisoformat(found)
        case ColumnType.DATE_TIME:
            return catalog.parse_instant(found).replace(tzinfo=None)
        case _:
            return found


def _as_json(type_: ColumnType, value: Any) -> Any:
    """The nearest value that JSON has; what has none stays, and is refused."""
    match value:
        case bool():
            return value
        case datetime() if type_ is ColumnType.DATE and value.time() == time.min:  # databases without dates
            return value.date().isoformat()
        case date():  # date-times too
            return value.isoformat()
        case UUID():
            return str(value)
        case int() | float() | Decimal():
            return _number_as_json(type_, value)
        case _:
            return value


def _number_as_json(type_: ColumnType, number: float | Decimal) -> Any:
    match type_:
        case ColumnType.STRING if not isinstance(number, float):
            return f"{number:f}" if isinstance(number, Decimal) else str(number)
        case ColumnType.BOOLEAN if isinstance(number, int) and number in (0, 1):  # databases without booleans
            return bool(number)
        case ColumnType.INTEGER if not isinstance(number, int) and math.isfinite(number) and number == int(number):
            return int(number)
        case _:
            return float(number) if isinstance(number, Decimal) else number
