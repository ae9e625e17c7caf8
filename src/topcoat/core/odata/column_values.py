"""A column's value in a record, as the kind of value that its type says; what does not fit is null."""

import datetime
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from topcoat.core.catalog import ColumnType
from topcoat.core.odata.value_types import Value

_DATE: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_TIME: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]{6})?Z")


def read_string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _read_integer(value: Any) -> int | Decimal | None:
    return value if type(value) is int else _read_decimal(value)


def _read_decimal(value: Any) -> Decimal | None:
    """A float counts as the shortest text that it is the nearest to, which is how it was sent and is shown."""
    if type(value) is float:
        return Decimal(repr(value)) if math.isfinite(value) else None
    return Decimal(value) if type(value) is int else None


def _read_boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _read_date(value: Any) -> datetime.date | None:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return None
    try:
        return datetime.date.fromisoformat(value)
    except ValueError:
        return None


def _read_date_time(value: Any) -> datetime.datetime | None:
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        return None
    try:
        return datetime.datetime.fromisoformat(value)
    except ValueError:
        return None


READERS: Final[dict[ColumnType, Callable[[Any], Value]]] = {
    ColumnType.STRING: read_string,
    ColumnType.INTEGER: _read_integer,
    ColumnType.DECIMAL: _read_decimal,
    ColumnType.BOOLEAN: _read_boolean,
    ColumnType.DATE: _read_date,
    ColumnType.DATE_TIME: _read_date_time,
}
