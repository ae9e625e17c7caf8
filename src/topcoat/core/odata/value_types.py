"""What an expression gives: its type, known before any record is seen."""

import datetime
import decimal
import enum
from collections.abc import Mapping
from typing import Final, assert_never

from topcoat.core.catalog import ColumnType, Table
from topcoat.core.odata import syntax
from topcoat.core.odata.syntax import Expression, Function

Value = str | int | decimal.Decimal | bool | datetime.date | datetime.datetime | None


class ValueType(enum.Enum):
    NULL = "null"
    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATE_TIME = "date-time"


NUMBERS: Final = frozenset({ValueType.INTEGER, ValueType.DECIMAL})
DATES: Final = frozenset({ValueType.DATE, ValueType.DATE_TIME})

_COLUMNS: Final[Mapping[ColumnType, ValueType]] = {type_: ValueType(type_.value) for type_ in ColumnType}

RESULTS: Final[Mapping[Function, ValueType]] = {
    Function.CONTAINS: ValueType.BOOLEAN,
    Function.STARTSWITH: ValueType.BOOLEAN,
    Function.ENDSWITH: ValueType.BOOLEAN,
    Function.TOLOWER: ValueType.STRING,
    Function.TOUPPER: ValueType.STRING,
    Function.TRIM: ValueType.STRING,
    Function.LENGTH: ValueType.INTEGER,
    Function.CONCAT: ValueType.STRING,
    Function.INDEXOF: ValueType.INTEGER,
    Function.SUBSTRING: ValueType.STRING,
    Function.YEAR: ValueType.INTEGER,
    Function.MONTH: ValueType.INTEGER,
    Function.DAY: ValueType.INTEGER,
    Function.HOUR: ValueType.INTEGER,
    Function.MINUTE: ValueType.INTEGER,
    Function.SECOND: ValueType.INTEGER,
    Function.DATE: ValueType.DATE,
    Function.NOW: ValueType.DATE_TIME,
}


def type_of(tree: Expression, table: Table) -> ValueType:  # noqa: PLR0911 - one for each kind
    """Columns have the table's spelling; a guid is a string, because no column holds guids otherwise."""
    match tree:
        case syntax.Null():
            return ValueType.NULL
        case syntax.String() | syntax.Guid():
            return ValueType.STRING
        case syntax.Integer():
            return ValueType.INTEGER
        case syntax.Decimal():
            return ValueType.DECIMAL
        case syntax.DateTime():
            return ValueType.DATE_TIME
        case syntax.Date():
            return ValueType.DATE
        case syntax.Column(name):
            return _COLUMNS[table.get_column(name).type]
        case syntax.Negate() | syntax.Arithmetic():
            return _type_of_number(tree, table)
        case syntax.Call(function):
            return RESULTS[function]
        case (
            syntax.Boolean()
            | syntax.Comparison()
            | syntax.In()
            | syntax.And()
            | syntax.Or()
            | syntax.Not()
            | syntax.Like()
            | syntax.IsMemberOfSegment()
        ):
            return ValueType.BOOLEAN
        case _:
            assert_never(tree)


def are_comparable(left: ValueType, right: ValueType) -> bool:
    """Null with anything, numbers with numbers, dates with date-times, else like with like."""
    types = {left, right} - {ValueType.NULL}
    return len(types) < 2 or types <= NUMBERS or types <= DATES


def _type_of_number(tree: syntax.Negate | syntax.Arithmetic, table: Table) -> ValueType:
    types = {type_of(operand, table) for operand in syntax.operands_of(tree)}
    return ValueType.DECIMAL if ValueType.DECIMAL in types else ValueType.INTEGER
