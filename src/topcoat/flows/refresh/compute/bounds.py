"""Values of a column beside one that a definition gives, compared exactly, whatever digits it was written with."""

import math
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import ibis
from ibis.expr import types as ir

from topcoat.core.canonical import INTEGER_MAX, INTEGER_MIN
from topcoat.core.odata import syntax
from topcoat.core.odata.syntax import Expression, Operator
from topcoat.core.odata.value_types import ValueType

INSTANT: Final = "timestamp(6)"


@dataclass(frozen=True, slots=True)
class Bound:
    """The value nearest to a literal that a column can have, which lies `side` of it: below, at (0) or above."""

    value: ir.Scalar
    side: int = 0


def nearest(literal: Expression, type_: ValueType) -> Bound:
    """To a literal that is comparable with columns of the type; a date beside date-times is its midnight."""
    match literal:
        case syntax.Integer(number) | syntax.Decimal(number):
            return _nearest_integer(number) if type_ is ValueType.INTEGER else _nearest_decimal(number)
        case syntax.String(text):
            return Bound(ibis.literal(text, type="string"))
        case syntax.Boolean(value):
            return Bound(ibis.literal(value))
        case syntax.Date(day):
            text = day.isoformat()
            return Bound(ibis.literal(text).cast(INSTANT if type_ is ValueType.DATE_TIME else "date"))
        case syntax.DateTime(instant):
            return Bound(_instant(instant))
        case _:
            raise TypeError(literal)  # criteria compare with nothing else


def holds(value: ir.Value, operator: Operator, bound: Bound) -> ir.BooleanValue:
    """As `core/odata/evaluate.py` compares: null with nothing but null, and never null itself."""
    if operator in (Operator.EQ, Operator.NE):
        is_equal = ibis.literal(False) if bound.side else value.identical_to(bound.value)  # noqa: FBT003 - a constant
        return is_equal if operator is Operator.EQ else ~is_equal
    return ibis.coalesce(_is_ordered(value, operator, bound), False)


def _is_ordered(value: ir.Value, operator: Operator, bound: Bound) -> ir.BooleanValue:
    """No value of the column lies between the bound and the literal, so one beside the literal is as one beyond it."""
    match operator:
        case Operator.GT:
            return value >= bound.value if bound.side > 0 else value > bound.value
        case Operator.GE:
            return value > bound.value if bound.side < 0 else value >= bound.value
        case Operator.LT:
            return value <= bound.value if bound.side < 0 else value < bound.value
        case Operator.LE:
            return value < bound.value if bound.side > 0 else value <= bound.value
        case _:
            raise TypeError(operator)


def _nearest_integer(number: int | Decimal) -> Bound:
    value = min(max(math.floor(number), INTEGER_MIN), INTEGER_MAX)
    return Bound(ibis.literal(value, type="int64"), _side(value, number))


def _nearest_decimal(number: int | Decimal) -> Bound:
    """A double counts as its shortest text; the engine reads that exactly, and numbers in SQL perhaps not."""
    text = repr(float(number) or 0.0)
    return Bound(ibis.literal(text).cast("float64"), _side(Decimal(text), number))


def _side(value: int | Decimal, number: int | Decimal) -> int:
    return (value > number) - (value < number)


def _instant(instant: datetime) -> ir.TimestampScalar:
    return ibis.literal(instant.replace(tzinfo=None).isoformat(" ")).cast(INSTANT)
