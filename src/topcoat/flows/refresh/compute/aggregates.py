"""Aggregates of `core/insights/aggregates.py` over whole tables, exactly.

What the engine may not add up as the core does, because the numbers are too large or have too many digits, it tells:
that is left to the core, value by value in the order that it is used to.
"""

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import ibis
import pyarrow
from ibis.expr import types as ir

from topcoat.core.canonical import INTEGER_MAX
from topcoat.core.catalog import Document
from topcoat.core.insights import aggregates
from topcoat.core.insights.aggregates import stored
from topcoat.core.insights.rules import Calculation
from topcoat.core.odata import arithmetic
from topcoat.core.odata.syntax import ArithmeticOperator
from topcoat.flows.refresh.compute.records import CUSTOMER, NAME, TIME, VALUE, Kept
from topcoat.flows.refresh.output import activities

# A double below this bound, and not so small that its text has an exponent, has at most 20 digits behind the point.
# A billion of them still add up to less than a decimal of 38 digits holds.
_PLAIN_MAX: Final = 1e9
_PLAIN: Final = "decimal(38, 20)"
_WHOLE: Final = "decimal(38, 0)"


@dataclass(frozen=True, slots=True)
class Aggregated:
    """Of a group of rows; where `is_doubtful`, which is None where there is no doubt, the value is not there yet."""

    value: ir.Value
    is_doubtful: ir.BooleanValue | None = None


def aggregated(calculation: Calculation, kept: Kept) -> Aggregated:
    """Of `ORDERED` rows those `at_the_end`; in rows without activities there is one for each customer."""
    if calculation.column is None:
        return Aggregated(kept.frame.count())
    value = kept.value(calculation.column)
    match calculation.operation:
        case aggregates.SUM:
            return _sum(value)
        case aggregates.AVERAGE:
            return _average(value)
        case aggregates.FIRST:
            return Aggregated(_unsigned(value.first(order_by=_order(kept))))
        case aggregates.LAST:
            return Aggregated(_unsigned(value.last(order_by=_order(kept))))
        case operation:
            return Aggregated(_unsigned(_PLAIN_AGGREGATES[operation.name](value)))


_PLAIN_AGGREGATES: Final[Mapping[str, Callable[[Any], Any]]] = {
    aggregates.COUNT.name: lambda value: value.count(),
    aggregates.COUNT_DISTINCT.name: lambda value: value.nunique(),
    aggregates.MIN.name: lambda value: value.min(),
    aggregates.MAX.name: lambda value: value.max(),
}


def at_the_end(calculation: Calculation, kept: Kept) -> Kept:
    """Of each customer's rows with a value only those of the first or last time."""
    assert calculation.column is not None  # rows are counted, or a column is named
    if TIME not in kept.frame.columns:
        return kept
    rows = kept.frame.filter(kept.value(calculation.column).notnull())
    time = rows[TIME].min() if calculation.operation is aggregates.FIRST else rows[TIME].max()
    ends = rows.group_by(CUSTOMER).aggregate(**{TIME: time})
    return Kept(rows.semi_join(ends, [CUSTOMER, TIME]), kept.names)


def values_in_order(calculation: Calculation, kept: Kept) -> ir.Table:
    """(customer, value) of ordered rows, as the core takes them."""
    assert calculation.column is not None  # rows are counted without doubt
    order = [kept.frame[CUSTOMER], *([kept.frame[TIME]] if TIME in kept.frame.columns else []), *_order(kept)]
    return kept.frame.order_by(order).select(CUSTOMER, **{VALUE: kept.value(calculation.column)})


def added_by_core(calculation: Calculation, rows: Iterable[Document]) -> Iterator[tuple[str, Any]]:
    """What the core makes of each customer's values, which are neighbours."""
    for customer, of_customer in itertools.groupby(rows, operator.itemgetter(CUSTOMER)):
        yield customer, total_by_core(calculation, of_customer)


def total_by_core(calculation: Calculation, rows: Iterable[Document]) -> Any:
    aggregate = calculation.operation.make()
    for row in rows:
        value = calculation.read(row[VALUE])
        if value is not None:
            aggregate.add(value)
    return stored(aggregate.result())


def _sum(value: ir.NumericValue) -> Aggregated:
    """A sum of integers counts only where none on the way to it, in whatever order, is longer than 64 bits."""
    if value.type().is_integer():
        whole = value.cast(_WHOLE)
        is_doubtful = whole.abs().sum() > INTEGER_MAX
        return Aggregated(ibis.ifelse(is_doubtful, None, whole.sum()).cast("string").cast("int64"), is_doubtful)
    plain, is_doubtful = _plain(value)
    return Aggregated(_unsigned(ibis.ifelse(is_doubtful, None, _text(plain.sum())).cast("float64")), is_doubtful)


def _average(value: ir.NumericValue) -> Aggregated:
    if value.type().is_integer():
        return Aggregated(_divided(_text(value.cast(_WHOLE).sum()), value.count()))
    plain, is_doubtful = _plain(value)
    return Aggregated(ibis.ifelse(is_doubtful, None, _divided(_text(plain.sum()), value.count())), is_doubtful)


def _plain(value: ir.FloatingValue) -> tuple[ir.DecimalValue, ir.BooleanValue]:
    """Doubles as the decimals that their texts are, and whether some of a group are none that can be added so."""
    text = value.cast("string")
    is_plain = (value.abs() < _PLAIN_MAX) & ~text.contains("e")
    is_doubtful = ibis.coalesce((~is_plain).any(), False)
    return ibis.ifelse(is_plain, text, None).cast(_PLAIN), is_doubtful


def _text(number: ir.Value) -> ir.StringValue:
    """With all digits: Ibis thinks that a sum of decimals has two behind the point."""
    return number.cast("string")


def _unsigned(value: ir.Value) -> Any:
    """As `stored`: a zero has no sign."""
    return ibis.ifelse(value == 0, 0.0, value) if value.type().is_floating() else value


def _order(kept: Kept) -> list[ir.StringValue]:
    """That of activities of one time."""
    return [activities.id_of(kept.frame[NAME])] if NAME in kept.frame.columns else []


def _divide_all(totals: Any, numbers: Any) -> Any:
    pairs = zip(totals.to_pylist(), numbers.to_pylist(), strict=True)
    quotients = (
        arithmetic.calculate(ArithmeticOperator.DIV, Decimal(total), Decimal(number)) for total, number in pairs
    )
    return pyarrow.array(map(stored, quotients), pyarrow.float64())


_divided: Final[Callable[..., Any]] = ibis.udf.scalar.pyarrow(
    _divide_all, name="average_of_total", signature=(("string", "int64"), "float64")
)
