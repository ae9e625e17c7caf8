"""A column of a JSON document as SQL: in one form only, because an index serves just the form it was made of."""

from decimal import Decimal
from typing import Any

from topcoat.core.catalog import Column, ColumnType


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
    """A canonical JSON value as the parameter that `value_sql` yields for it; null for one that does not fit."""
    match column.type:
        case ColumnType.INTEGER | ColumnType.DECIMAL:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return _bound_number(value, is_postgresql=is_postgresql) if is_number else None
        case ColumnType.BOOLEAN:
            if not isinstance(value, bool):
                return None
            return ("true" if value else "false") if is_postgresql else int(value)
        case ColumnType.DATE_TIME:
            return value.rstrip("Z") if isinstance(value, str) else None
        case ColumnType.STRING | ColumnType.DATE:
            return value


def _bound_number(value: float, *, is_postgresql: bool) -> Any:
    """PostgreSQL keeps the digits that were written, which are those of the shortest text of a float."""
    return Decimal(repr(value)) if is_postgresql else value
