"""The indexes under the questions, and what the same expressions look like in plain SQL."""

from collections.abc import Iterator
from typing import Final

import asyncpg

from topcoat.core.catalog import Column, ColumnType, Table
from topcoat.core.search_configuration import IndexedColumn, SearchConfiguration
from topcoat.store import values

CONFIGURATION: Final = SearchConfiguration(
    columns=(
        IndexedColumn("City", is_filterable=True, is_sortable=True),
        IndexedColumn("LastName", is_searchable=True, is_filterable=True, is_sortable=True),
        IndexedColumn("RewardsPoints", is_filterable=True, is_sortable=True),
        IndexedColumn("FullName", is_searchable=True),
        IndexedColumn("EMail", is_searchable=True),
    ),
    is_system_generated=False,
    version=1,
)

_PLACES: Final = (("snapshot_profile", "document"), ("override", "column_values"))


async def build_indexes(url: str, table: Table) -> None:
    """Both layers get the same indexes."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        for statement in _statements(table):
            await connection.execute(statement)
    finally:
        await connection.close()


def value(table: Table, name: str, document: str = "document") -> str:
    return values.value_sql(table.get_column(name), document, is_postgresql=True)


def words(table: Table, document: str = "document") -> str:
    """The words of the columns that are searched."""
    texts = " || ' ' || ".join(f"coalesce({document} ->> '{c.name}', '')" for c in CONFIGURATION.searched(table))
    return f"to_tsvector('simple'::regconfig, {texts})"


def _statements(table: Table) -> Iterator[str]:
    for place, document in _PLACES:
        for column in CONFIGURATION.ordered(table):
            yield from _of_column(place, document, column)
        yield f"CREATE INDEX ON {place} USING gin (({words(table, document)}))"


def _of_column(place: str, document: str, column: Column) -> Iterator[str]:
    expression = values.value_sql(column, document, is_postgresql=True)
    only = ""
    if place == "override":
        only = f" WHERE {values.names_sql(column, document, is_postgresql=True)}"
    yield f"CREATE INDEX ON {place} ({expression} NULLS FIRST, customer_id){only}"
    if column.type is ColumnType.STRING and not column.is_key:
        yield f"CREATE INDEX ON {place} USING gin ({expression} gin_trgm_ops){only}"
