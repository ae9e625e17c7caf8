"""Something to begin with: a change, or a record of a table, that would be taken as it is."""

import uuid
from datetime import datetime
from typing import Any, Final, assert_never

from topcoat.core.catalog import (
    CUSTOMER_ID,
    Column,
    ColumnType,
    Document,
    Table,
    TableKind,
    format_instant,
)
from topcoat.surfaces.pages import column_roles

_ACTIVITY: Final = {"ActivityType": "Call", "ActivityTypeDisplay": "Call", "Title": "Called about an order"}


def sample_change(table: Table) -> Document:
    """The city, or the first text that is no key."""
    column = column_roles.find_city(table)
    others = (c for c in table.columns if c.type is ColumnType.STRING and not c.is_key)
    column = column or next(others, None)
    return {} if column is None else {column.name: "Paris"}


def sample_record(table: Table, *, customer_id: str, key: str | None, now: datetime) -> Document:
    """`key` is the customer's in the table that records of this one refer to."""
    if table.activity is None:
        return {CUSTOMER_ID: customer_id, "ActivityTime": format_instant(now), **_ACTIVITY}
    used = table.activity
    named = (used.timestamp, used.event, used.title, used.detail)
    columns = (column for column in table.columns if column.is_key or column.is_mandatory or column.name in named)
    return {c.name: _sample_value(c, now) for c in columns} | {used.customer_column: key or ""}


def takes_posts(table: Table) -> bool:
    return table.kind is TableKind.UNIFIED_ACTIVITY or table.activity is not None


def _sample_value(column: Column, now: datetime) -> Any:
    match column.type:
        case ColumnType.STRING:
            return f"try-{uuid.uuid4().hex[:12]}" if column.is_key else "Tried out"
        case ColumnType.INTEGER:
            return 1
        case ColumnType.DECIMAL:
            return 12.5
        case ColumnType.BOOLEAN:
            return True
        case ColumnType.DATE:
            return f"{now:%Y-%m-%d}"
        case ColumnType.DATE_TIME:
            return format_instant(now)
        case _:
            assert_never(column.type)
