"""The indexes under the questions, and what the same expressions look like in plain SQL."""

from typing import Final

from topcoat.core.catalog import Table
from topcoat.core.search_configuration import IndexedColumn, SearchConfiguration
from topcoat.store import instances, search_configurations, search_index, values
from topcoat.store.engine import Store

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


async def build_indexes(url: str, guid: str) -> None:
    """As the service builds them."""
    store = Store(url)
    try:
        async with store.writing() as connection:
            stand = await instances.find_stand(connection, guid)
            assert stand is not None  # its rows are there
            await search_configurations.save_configuration(
                connection, stand.instance_id, CONFIGURATION.columns, principal="benchmark", now=stand.recorded_at
            )
        await search_index.build(store, stand.instance_id)
    finally:
        await store.close()


def value(table: Table, name: str, document: str = "document") -> str:
    return values.value_sql(table.get_column(name), document, is_postgresql=True)


def words(table: Table, document: str = "document") -> str:
    """The words of the columns that are searched."""
    texts = " || ' ' || ".join(f"coalesce({document} ->> '{c.name}', '')" for c in CONFIGURATION.searched(table))
    return f"to_tsvector('simple'::regconfig, {texts})"
