"""Conditions of definitions as expressions of the engine, nulls included as `core/odata/evaluate.py` has them.

They are those that `core/insights/criteria.py` makes: a column, its lower case, or a part of its date, beside values.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import ibis
import pyarrow
from ibis.expr import types as ir

from topcoat.core.catalog import Table
from topcoat.core.odata import syntax, value_types
from topcoat.core.odata.functions import FUNCTIONS
from topcoat.core.odata.syntax import Expression, Function, Literal, Operator
from topcoat.core.odata.value_types import ValueType
from topcoat.flows.refresh.compute import bounds
from topcoat.flows.refresh.compute.bounds import INSTANT


@dataclass(frozen=True, slots=True)
class Row:
    """`values` are those of the columns of `shape`; `members` says of segments whether the customer is in them."""

    shape: Table
    values: Mapping[str, ir.Value]
    members: Mapping[str, ir.BooleanValue]


def condition(tree: Expression, row: Row) -> ir.BooleanValue:  # noqa: PLR0911 - one for each kind
    match tree:
        case syntax.And(terms):
            return _joined(operator.and_, [condition(term, row) for term in terms])
        case syntax.Or(terms):
            return _joined(operator.or_, [condition(term, row) for term in terms])
        case syntax.Not(operand):
            return ~condition(operand, row)
        case syntax.Comparison(left, sign, syntax.Null()):
            is_null = _value(left, row).isnull()
            return is_null if sign is Operator.EQ else ~is_null
        case syntax.Comparison(left, sign, right):
            value, type_ = _beside(left, [right], row)
            return bounds.holds(value, sign, bounds.nearest(right, type_))
        case syntax.In(left, items):
            return _is_in(left, items, row)
        case syntax.Call(function, (text, syntax.String(part))):
            return _PARTS_OF_TEXT[function](_value(text, row), ibis.literal(part, type="string"))
        case syntax.IsMemberOfSegment(name):
            return row.members[name]
        case _:
            raise TypeError(tree)


def _joined(join: Callable[[Any, Any], Any], terms: Sequence[ir.BooleanValue]) -> ir.BooleanValue:
    """As a tree that is as low as it can be, because Ibis calls itself for every storey."""
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return join(_joined(join, terms[:middle]), _joined(join, terms[middle:]))


def _is_in(left: Expression, items: Sequence[Literal], row: Row) -> ir.BooleanValue:
    value, type_ = _beside(left, items, row)
    found = [bound.value for bound in (bounds.nearest(item, type_) for item in items) if bound.side == 0]
    return value.notnull() & value.isin(found) if found else ibis.literal(False)  # noqa: FBT003 - a constant


def _beside(left: Expression, items: Sequence[Expression], row: Row) -> tuple[ir.Value, ValueType]:
    """What is compared with literals, and its type: beside a date-time a date is its midnight."""
    value, type_ = _value(left, row), value_types.type_of(left, row.shape)
    if type_ is ValueType.DATE and any(isinstance(item, syntax.DateTime) for item in items):
        return value.cast(INSTANT), ValueType.DATE_TIME
    return value, type_


def _value(side: Expression, row: Row) -> Any:
    match side:
        case syntax.Column(name):
            return row.values[name]
        case syntax.Call(Function.TOLOWER, (operand,)):
            text = _value(operand, row)
            return ibis.ifelse(text.re_search(_BEYOND_ASCII), _lower(text), text.lower())
        case syntax.Call(function, (operand,)):
            return _PARTS_OF_DATE[function](_value(operand, row)).cast("int64")
        case _:
            raise TypeError(side)


_PARTS_OF_TEXT: Final[Mapping[Function, Callable[[Any, Any], ir.BooleanValue]]] = {
    Function.CONTAINS: lambda text, part: text.contains(part),
    Function.STARTSWITH: lambda text, part: text.startswith(part),
    Function.ENDSWITH: lambda text, part: text.endswith(part),
}
_PARTS_OF_DATE: Final[Mapping[Function, Callable[[Any], ir.IntegerValue]]] = {
    Function.YEAR: lambda date: date.year(),
    Function.MONTH: lambda date: date.month(),
    Function.DAY: lambda date: date.day(),
}

# Beyond ASCII every library has its own letters, and only the core's count.
_BEYOND_ASCII: Final = r"[^\x00-\x7F]"


def _lower_all(texts: Any) -> Any:
    return pyarrow.array(map(FUNCTIONS[Function.TOLOWER], texts.to_pylist()), pyarrow.string())


_lower: Final[Callable[..., Any]] = ibis.udf.scalar.pyarrow(
    _lower_all, name="lower_of_any_script", signature=(("string",), "string")
)
