"""What an aggregate makes of the values of many rows; nulls count for nothing.

Numbers are added exactly, as `core.odata.arithmetic` adds them; what is too large for a column is null.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Protocol

from topcoat.core import catalog
from topcoat.core.catalog import ColumnType
from topcoat.core.odata import arithmetic
from topcoat.core.odata.syntax import ArithmeticOperator
from topcoat.core.odata.value_types import Value

_NUMBERS: Final = frozenset({ColumnType.INTEGER, ColumnType.DECIMAL})
_EVERY_TYPE: Final = frozenset(ColumnType)


class Aggregate(Protocol):
    """Takes values that are not null, one by one, those of a customer's activities oldest first."""

    def add(self, value: Any) -> None: ...

    def result(self) -> Value: ...


@dataclass(slots=True)
class _Count:
    _number: int = 0

    def add(self, _: Any) -> None:
        self._number += 1

    def result(self) -> Value:
        return self._number


@dataclass(slots=True)
class _CountDistinct:
    _values: set[Any] = field(default_factory=set)

    def add(self, value: Any) -> None:
        self._values.add(value)

    def result(self) -> Value:
        return len(self._values)


@dataclass(slots=True)
class _Sum:
    """Null where nothing was added."""

    _sum: arithmetic.Number | None = None
    _is_too_large: bool = False

    def add(self, value: Any) -> None:
        if self._sum is None:
            self._sum = value
            return
        added = arithmetic.calculate(ArithmeticOperator.ADD, self._sum, value)
        self._is_too_large |= added is None
        self._sum = 0 if added is None else added

    def result(self) -> Value:
        return None if self._is_too_large else self._sum


@dataclass(slots=True)
class _Average:
    _sum: _Sum = field(default_factory=_Sum)
    _number: int = 0

    def add(self, value: Any) -> None:
        self._sum.add(Decimal(value))
        self._number += 1

    def result(self) -> Value:
        total = self._sum.result()
        if not isinstance(total, Decimal):
            return None
        return arithmetic.calculate(ArithmeticOperator.DIV, total, Decimal(self._number))


@dataclass(slots=True)
class _Chosen:
    """Keeps one of the values."""

    _is_better: Callable[[Any, Any], bool]
    _value: Any = None

    def add(self, value: Any) -> None:
        if self._value is None or self._is_better(value, self._value):
            self._value = value

    def result(self) -> Value:
        chosen: Value = self._value
        return chosen


@dataclass(frozen=True, slots=True)
class Operation:
    """`type` is that of the result, the column's own where it is None; `is_mergeable` over all customers at once."""

    name: str
    make: Callable[[], Aggregate]
    takes: frozenset[ColumnType] = _EVERY_TYPE
    type: ColumnType | None = None
    is_mergeable: bool = True

    def type_of(self, column: ColumnType | None) -> ColumnType:
        """What the operation gives for a column of that type; without a column only rows are counted."""
        return self.type or column or ColumnType.INTEGER


_ORDERED: Final = _EVERY_TYPE - {ColumnType.BOOLEAN}

SUM: Final = Operation("sum", _Sum, _NUMBERS)
AVERAGE: Final = Operation("avg", _Average, _NUMBERS, ColumnType.DECIMAL)
COUNT: Final = Operation("count", _Count, type=ColumnType.INTEGER)
COUNT_DISTINCT: Final = Operation("countDistinct", _CountDistinct, type=ColumnType.INTEGER, is_mergeable=False)
MIN: Final = Operation("min", lambda: _Chosen(lambda new, old: bool(new < old)), _ORDERED)
MAX: Final = Operation("max", lambda: _Chosen(lambda new, old: bool(new > old)), _ORDERED)
FIRST: Final = Operation("first", lambda: _Chosen(lambda _new, _old: False), is_mergeable=False)
LAST: Final = Operation("last", lambda: _Chosen(lambda _new, _old: True), is_mergeable=False)

OPERATIONS: Final[Mapping[str, Operation]] = {
    operation.name: operation for operation in (SUM, AVERAGE, COUNT, COUNT_DISTINCT, MIN, MAX, FIRST, LAST)
}


def stored(value: Value) -> Any:
    """The canonical JSON value; a zero has no sign."""
    match value:
        case Decimal():
            return float(value) or 0.0
        case datetime():
            return catalog.format_instant(value)
        case date():
            return value.isoformat()
        case _:
            return value
