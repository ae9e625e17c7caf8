"""Trees of every kind; and conditions over a table of every column type, with records of it, fitting or not."""

import datetime
import decimal
import uuid

from hypothesis import strategies as st

from tests import make
from topcoat.core import canonical, catalog
from topcoat.core.catalog import Column, ColumnType
from topcoat.core.odata import evaluate, expressions, syntax
from topcoat.core.odata.syntax import ArithmeticOperator, Function, Operator

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
names = st.text("adinort_É9", min_size=1, max_size=6).filter(
    lambda name: name.isidentifier() and name.lower() not in expressions.RESERVED
)
large_integers = st.integers(2**63, 10**40) | st.integers(-(10**40), -(2**63) - 1)
decimals = (
    st.decimals(allow_nan=False, allow_infinity=False, places=4)
    | st.floats(allow_nan=False, allow_infinity=False).map(lambda number: decimal.Decimal(str(number)))
    | large_integers.map(decimal.Decimal)
)
instants = st.datetimes(timezones=st.just(datetime.UTC))

literals = st.one_of(
    st.builds(syntax.Null),
    st.builds(syntax.String, texts),
    st.builds(syntax.Integer, st.integers(-(2**63), 2**63 - 1)),
    st.builds(syntax.Decimal, decimals),
    st.builds(syntax.Boolean, st.booleans()),
    st.builds(syntax.DateTime, instants),
    st.builds(syntax.Date, st.dates()),
    st.builds(syntax.Guid, st.uuids()),
)


def _larger(trees):
    terms = st.lists(trees, min_size=2, max_size=4).map(tuple)
    return st.one_of(
        st.builds(syntax.And, terms),
        st.builds(syntax.Or, terms),
        st.builds(syntax.Not, trees),
        st.builds(syntax.Negate, trees),
        st.builds(syntax.Comparison, trees, st.sampled_from(Operator), trees),
        st.builds(syntax.Arithmetic, trees, st.sampled_from(ArithmeticOperator), trees),
        st.builds(syntax.In, trees, st.lists(literals, min_size=1, max_size=3).map(tuple)),
        st.sampled_from(Function).flatmap(lambda function: _calls(function, trees)),
    )


def _calls(function, trees):
    least, most = expressions.ARGUMENTS[function]
    arguments = st.lists(trees, min_size=least, max_size=most).map(tuple)
    return st.builds(syntax.Call, st.just(function), arguments)


leaves = literals | st.builds(syntax.Column, names) | st.builds(syntax.IsMemberOfSegment, texts)
trees = st.recursive(leaves, _larger, max_leaves=12)


TABLE = make.table(
    columns=(
        Column("CustomerId", is_key=True),
        Column("Text"),
        Column("Whole", ColumnType.INTEGER),
        Column("Number", ColumnType.DECIMAL),
        Column("Flag", ColumnType.BOOLEAN),
        Column("Day", ColumnType.DATE),
        Column("Instant", ColumnType.DATE_TIME),
    )
)
SEGMENTS = ("Gold", "Silver")

_short = st.text("aAbß .1'", max_size=4)
whole_numbers = st.integers(-3, 3) | st.integers(canonical.INTEGER_MIN, canonical.INTEGER_MAX)
_tenths = st.integers(-30, 30).map(lambda number: decimal.Decimal(number) / 10)
_days = st.dates(datetime.date(2026, 2, 27), datetime.date(2026, 3, 2)) | st.dates()
_instants = st.datetimes(
    datetime.datetime(2026, 2, 28), datetime.datetime(2026, 3, 1), timezones=st.just(datetime.UTC)
) | _days.map(lambda day: datetime.datetime.combine(day, datetime.time(), datetime.UTC))
_null = st.just(syntax.Null())


def _column(name):
    return st.just(syntax.Column(name))


def _function(function, *arguments):
    return st.builds(syntax.Call, st.just(function), st.tuples(*arguments))


def _one_function(functions, *arguments):
    return st.one_of(*(_function(function, *arguments) for function in functions))


def _compared(sides, operators=tuple(Operator)):
    return st.builds(syntax.Comparison, sides, st.sampled_from(operators), sides)


def listed(side, items):
    return st.builds(syntax.In, side, st.lists(items | _null, min_size=1, max_size=3).map(tuple))


def _calculated(sides):
    return st.builds(syntax.Arithmetic, sides, st.sampled_from(ArithmeticOperator), sides)


string_literals = st.builds(syntax.String, _short) | st.builds(syntax.Guid, st.just(uuid.UUID(int=10)))
integer_literals = st.builds(syntax.Integer, whole_numbers)
number_literals = integer_literals | st.builds(syntax.Decimal, _tenths | decimals)
date_literals = st.builds(syntax.Date, _days) | st.builds(syntax.DateTime, _instants)

strings = st.deferred(
    lambda: st.one_of(
        _column("Text"),
        string_literals,
        _null,
        _one_function((Function.TOLOWER, Function.TOUPPER, Function.TRIM), strings),
        _function(Function.CONCAT, strings, strings),
        _function(Function.SUBSTRING, strings, integers),
        _function(Function.SUBSTRING, strings, integers, integers),
    )
)
integers = st.deferred(
    lambda: st.one_of(
        _column("Whole"),
        integer_literals,
        _null,
        _function(Function.LENGTH, strings),
        _function(Function.INDEXOF, strings, strings),
        _one_function((Function.YEAR, Function.MONTH, Function.DAY), dates),
        _one_function((Function.HOUR, Function.MINUTE, Function.SECOND), date_times),
        _calculated(integers),
        st.builds(syntax.Negate, integers),
    )
)
numbers = st.deferred(
    lambda: st.one_of(
        _column("Number"), number_literals, integers, _calculated(numbers), st.builds(syntax.Negate, numbers)
    )
)
date_times = _column("Instant") | st.builds(syntax.DateTime, _instants) | _null | _function(Function.NOW)
dates = st.one_of(_column("Day"), date_literals, date_times, _function(Function.DATE, date_times))
conditions = st.deferred(
    lambda: st.one_of(
        _column("Flag"),
        st.builds(syntax.Boolean, st.booleans()),
        _compared(strings),
        _compared(numbers),
        _compared(dates),
        _compared(conditions, (Operator.EQ, Operator.NE)),
        listed(strings, string_literals),
        listed(numbers, number_literals),
        listed(dates, date_literals),
        listed(conditions, st.builds(syntax.Boolean, st.booleans())),
        st.builds(syntax.IsMemberOfSegment, st.sampled_from(SEGMENTS)),
        st.builds(syntax.Not, conditions),
        st.builds(syntax.And, st.lists(conditions | _null, min_size=2, max_size=3).map(tuple)),
        st.builds(syntax.Or, st.lists(conditions | _null, min_size=2, max_size=3).map(tuple)),
        _one_function((Function.CONTAINS, Function.STARTSWITH, Function.ENDSWITH), strings, strings),
    )
)
"""All of them fit `TABLE`."""

values = st.one_of(strings, numbers, dates, conditions)

_any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=3,
)
fitting = {
    "Text": _short,
    "Whole": whole_numbers,
    "Number": _tenths.map(float) | st.floats(allow_nan=False, allow_infinity=False),
    "Flag": st.booleans(),
    "Day": _days.map(datetime.date.isoformat),
    "Instant": _instants.map(catalog.format_instant),
}
records = st.fixed_dictionaries({}, optional={name: st.none() | values for name, values in fitting.items()})
odd_records = st.fixed_dictionaries({}, optional={name: values | _any_json for name, values in fitting.items()})


def subjects_of(records):
    segments = st.frozensets(st.sampled_from(SEGMENTS))
    return st.builds(evaluate.Subject, records, st.just(make.NOW), segments)


subjects = subjects_of(records)
odd_subjects = subjects_of(odd_records)
