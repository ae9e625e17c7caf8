"""The environment files of Contoso Coffee, written from its tables."""

from collections.abc import Iterator, Mapping
from typing import Final

from topcoat.core.catalog import ActivityConfiguration, ColumnType, Table
from topcoat.sample import tables, unification_text

INSTANCE_ID: Final = "c0ffee00-0000-4000-8000-000000000001"
INSTANCE_NAME: Final = "Contoso Coffee"
CUSTOMERS_FILE: Final = "customers.csv"
KEY_RING_FILE: Final = "keys.csv"
ACTIVITIES_FILE: Final = "activities.jsonl"
MEASURES_FILE: Final = "measures.csv"
SEGMENTS_FILE: Final = "segments.csv"


def environment_text(*, keeps_sources: bool = True) -> str:
    """YAML; `topcoat schema environment` describes what can be in it."""
    return "\n".join(_lines(keeps_sources=keeps_sources)) + "\n"


def raw_environment_text() -> str:
    """The same instance, whose profiles are made of its raw tables."""
    return "\n".join(_raw_lines()) + "\n"


def source_file(table: Table) -> str:
    return f"{table.name}.csv"


def _lines(*, keeps_sources: bool) -> Iterator[str]:
    yield "# The environment file of the sample; `topcoat refresh` publishes what it names."
    yield from _instance_lines()
    yield "tables:"
    for table in tables.SOURCES:
        yield from _table_lines(table)
        if keeps_sources:
            yield f"    file: {source_file(table)}"
    yield from _activities_lines()
    yield "unified:"
    yield "  customer:"
    yield f"    file: {CUSTOMERS_FILE}"
    yield from _column_lines(tables.CUSTOMER_COLUMNS)
    yield f"  key_ring: {{file: {KEY_RING_FILE}}}"
    yield f"  activities: [{{file: {ACTIVITIES_FILE}}}]"
    yield "  measures:"
    yield f"    file: {MEASURES_FILE}"
    yield from _column_lines(tables.MEASURE_COLUMNS)
    yield f"  segments: {{file: {SEGMENTS_FILE}}}"
    yield from _search_lines()


def _raw_lines() -> Iterator[str]:
    yield "# The same instance from its raw tables: `topcoat refresh` unifies their customers."
    yield from _instance_lines()
    yield "tables:"
    for table in (*tables.SOURCES, tables.ACCOUNTS):
        yield from _table_lines(table)
        yield f"    file: {source_file(table)}"
    yield from _activities_lines()
    yield from unification_text.LINES
    yield from _search_lines()


def _instance_lines() -> Iterator[str]:
    yield f"instance: {{id: {INSTANCE_ID}, name: {INSTANCE_NAME}, type: sandbox}}"
    yield "lifetimes: {profile: PT4H, activity: P30D}"


def _activities_lines() -> Iterator[str]:
    yield "activities:"
    for table in tables.SOURCES:
        if table.activity is not None:
            yield f"  {table.name}:"
            yield from _activity_lines(table.activity)


def _search_lines() -> Iterator[str]:
    yield "search:"
    for key, names in tables.SEARCH.items():
        yield f"  {key}: [{', '.join(names)}]"


def _table_lines(table: Table) -> Iterator[str]:
    yield f"  {table.name}:"
    yield f"    primary_key: {table.primary_key}"
    yield from _column_lines({column.name: column.type for column in table.columns})


def _column_lines(columns: Mapping[str, ColumnType]) -> Iterator[str]:
    yield "    columns:"
    for name, type_ in columns.items():
        yield f"      {name}: {type_.value}"


def _activity_lines(activity: ActivityConfiguration) -> Iterator[str]:
    columns = {"event": activity.event, "title": activity.title, "detail": activity.detail, "url": activity.url}
    yield f"    name: {activity.name}"
    yield f"    type: {activity.type}"
    yield f"    timestamp: {activity.timestamp}"
    for key, column in columns.items():
        if column is not None:
            yield f"    {key}: {column}"
    yield f"    customer: {{column: {activity.customer_column}, table: {activity.customer_table}}}"
    yield f"    timeline: {str(activity.is_shown).lower()}"
