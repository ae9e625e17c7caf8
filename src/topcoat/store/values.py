"""A column of a JSON document as SQL: in one form only, because an index serves just the form it was made of."""

from decimal import Decimal
from typing import Any, Final, assert_never

from topcoat.core.catalog import DECIMAL_INTEGER_MAX, Column, ColumnType


def value_sql(column: Column, document: str, *, is_postgresql: bool) -> str:
    """An expression that compares and sorts as the core does; null where the document has no such value.

    `document` is SQL for the document. PostgreSQL's booleans are the texts true and false, SQLite's 1 and 0;
    date-times lose their Z, so that those with and without a fraction sort right.
    """
    return _postgresql_value(column, document) if is_postgresql else _sqlite_value(column, document)


def names_sql(column: Column, document: str, *, is_postgresql: bool) -> str:
    """Whether a document names the column at all, be it with null (S7)."""
    if is_postgresql:
        return f"{document} ? '{column.name}'"
    return f"json_type({document}, '{_path(column)}') IS NOT NULL"


def accepts_sql(column: Column, element: str, *, is_postgresql: bool) -> str:
    """`catalog.accepts` of a row of PostgreSQL's `jsonb_each` or SQLite's `json_each`."""
    return _postgresql_accepts(column.type, f"{element}.value") if is_postgresql else _sqlite_accepts(column, element)


_DAY: Final = (
    "(([0-9]{4}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31))"
    "|(([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29))"
)
_DATE: Final = f"^(?!0000){_DAY}$"
_DATE_TIME: Final = f"^(?!0000){_DAY}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.](?!000000)[0-9]{{6}})?Z$"


def _postgresql_accepts(type_: ColumnType, value: str) -> str:
    kind = f"jsonb_typeof({value})"
    match type_:
        case ColumnType.STRING:
            return f"{kind} IN ('string', 'null')"
        case ColumnType.BOOLEAN:
            return f"{kind} IN ('boolean', 'null')"
        case ColumnType.INTEGER:
            return f"{kind} = 'null' OR ({kind} = 'number' AND strpos(CAST({value} AS text), '.') = 0)"
        case ColumnType.DECIMAL:
            is_exact = f"abs(CAST({value} AS numeric)) <= {DECIMAL_INTEGER_MAX}"
            is_decimal = f"strpos(CAST({value} AS text), '.') > 0 OR {is_exact}"
            return f"CASE WHEN {kind} = 'number' THEN {is_decimal} ELSE {kind} = 'null' END"
        case ColumnType.DATE | ColumnType.DATE_TIME:
            form = _DATE if type_ is ColumnType.DATE else _DATE_TIME
            return f"{kind} = 'null' OR ({kind} = 'string' AND {value} #>> '{{}}' ~ '{form}')"
        case _:
            assert_never(type_)


def _sqlite_accepts(column: Column, element: str) -> str:
    kind, value = f"{element}.type", f"{element}.value"
    match column.type:
        case ColumnType.STRING:
            return f"{kind} IN ('text', 'null')"
        case ColumnType.BOOLEAN:
            return f"{kind} IN ('true', 'false', 'null')"
        case ColumnType.INTEGER:
            return f"{kind} IN ('integer', 'null')"
        case ColumnType.DECIMAL:
            is_exact = f"{value} BETWEEN -{DECIMAL_INTEGER_MAX} AND {DECIMAL_INTEGER_MAX}"
            return f"{kind} IN ('real', 'null') OR ({kind} = 'integer' AND {is_exact})"
        case ColumnType.DATE:
            return f"{kind} = 'null' OR ({kind} = 'text' AND {_sqlite_is_day(value)})"
        case ColumnType.DATE_TIME:
            return f"{kind} = 'null' OR ({kind} = 'text' AND {_sqlite_is_instant(value)})"
        case _:
            assert_never(column.type)


def _sqlite_is_day(text: str) -> str:
    """Days that are none come back as others."""
    return f"{text} GLOB '{_digits('dddd-dd-dd')}' AND {text} >= '0001' AND date({text}, '+0 days') = {text}"


def _sqlite_is_instant(text: str) -> str:
    whole, fraction = _digits("dddd-dd-ddTdd:dd:ddZ"), _digits("dddd-dd-ddTdd:dd:dd.ddddddZ")
    day, time = f"substr({text}, 1, 10)", f"substr({text}, 12, 8)"
    is_written_so = f"{text} GLOB '{whole}' OR ({text} GLOB '{fraction}' AND {text} NOT GLOB '*.000000Z')"
    return f"({is_written_so}) AND {_sqlite_is_day(day)} AND {time} < '24' AND time({time}) = {time}"


def _digits(form: str) -> str:
    return form.replace("d", "[0-9]")


def _postgresql_value(column: Column, document: str) -> str:
    name = _checked(column)
    match column.type:
        case ColumnType.INTEGER | ColumnType.DECIMAL:
            value = f"{document} -> '{name}'"
            return f"(CASE WHEN jsonb_typeof({value}) = 'number' THEN ({value})::numeric END)"
        case ColumnType.DATE_TIME:
            return f"(rtrim({document} ->> '{name}', 'Z') COLLATE \"C\")"
        case ColumnType.STRING | ColumnType.DATE | ColumnType.BOOLEAN:
            return f"(({document} ->> '{name}') COLLATE \"C\")"


def _sqlite_value(column: Column, document: str) -> str:
    value = f"json_extract({document}, '{_path(column)}')"
    return f"rtrim({value}, 'Z')" if column.type is ColumnType.DATE_TIME else value


def _path(column: Column) -> str:
    return f'$."{_checked(column)}"'


def _checked(column: Column) -> str:
    """Names go into the statement's text; the environment file lets none through that would be more than a name."""
    assert column.name.isidentifier()
    return column.name


def parameter_type(column: Column) -> str:
    """PostgreSQL's type of what `bound` gives."""
    return "numeric" if column.type in (ColumnType.INTEGER, ColumnType.DECIMAL) else "text"


def bound(column: Column, value: Any, *, is_postgresql: bool) -> Any:
    """A canonical JSON value as the parameter that `value_sql` yields for it."""
    match column.type:
        case _ if value is None:
            return None
        case ColumnType.INTEGER | ColumnType.DECIMAL:
            return _bound_number(value, is_postgresql=is_postgresql)
        case ColumnType.BOOLEAN:
            return ("true" if value else "false") if is_postgresql else int(value)
        case ColumnType.DATE_TIME:
            return value.rstrip("Z")
        case ColumnType.STRING | ColumnType.DATE:
            return value


def _bound_number(value: float, *, is_postgresql: bool) -> Any:
    """PostgreSQL keeps the digits that were written, which are those of the shortest text of a float."""
    return Decimal(repr(value)) if is_postgresql else value
