"""Which columns of the customers are searched, filtered and sorted by index: one configuration an instance."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from topcoat.core import errors
from topcoat.core.catalog import CUSTOMER, Catalog, Column, ColumnType, Table


@dataclass(frozen=True, slots=True)
class IndexedColumn:
    """What the index does for one column; `facet_specification` is kept as it was given."""

    name: str
    is_searchable: bool = False
    is_filterable: bool = False
    is_facetable: bool = False
    is_sortable: bool = False
    facet_specification: str | None = None


@dataclass(frozen=True, slots=True)
class SearchConfiguration:
    """`version` counts the replacements; a system-generated one, version 0, was never replaced."""

    columns: tuple[IndexedColumn, ...] = ()
    is_system_generated: bool = True
    version: int = 0
    created_by: str | None = None
    created_at: datetime | None = None
    updated_by: str | None = None
    updated_at: datetime | None = None

    def searched(self, table: Table) -> tuple[Column, ...]:
        """The string columns that `$search` looks into."""
        names = {column.name for column in self.columns if column.is_searchable}
        return tuple(c for c in table.columns if c.name in names and c.type is ColumnType.STRING)

    def ordered(self, table: Table) -> tuple[Column, ...]:
        """The columns whose values are kept in order, for filters and sorting: those configured, and every key."""
        names = {c.name for c in self.columns if c.is_filterable or c.is_facetable or c.is_sortable}
        return tuple(c for c in table.columns if c.name in names or (c.is_key and c.name != table.primary_key))

    def searched_names(self) -> tuple[str, ...]:
        """Without asking a table, whose columns may change with every refresh."""
        return tuple(column.name for column in self.columns if column.is_searchable)

    def find_column(self, name: str) -> IndexedColumn | None:
        return next((column for column in self.columns if column.name == name), None)


def customer_table(catalog: Catalog) -> Table | None:
    """The one table with a search index; None before the first refresh."""
    return catalog.tables_by_name.get(CUSTOMER)


def system_generated(table: Table | None) -> SearchConfiguration:
    """What holds until somebody says otherwise: keys are filtered by index, nothing is searched."""
    columns = () if table is None else table.columns
    return SearchConfiguration(tuple(IndexedColumn(c.name, is_filterable=True) for c in columns if c.is_key))


def checked_columns(table: Table, columns: Iterable[IndexedColumn]) -> tuple[IndexedColumn, ...]:
    """In the table's order; raise `UnknownColumn`, `ColumnNotSearchable` or `ColumnTwice`."""
    named: dict[str, IndexedColumn] = {}
    for indexed in columns:
        column = table.get_column(indexed.name)
        if indexed.is_searchable and column.type is not ColumnType.STRING:
            raise errors.ColumnNotSearchable(table=table.name, column=column.name, type=column.type.value)
        if column.name in named:
            raise errors.ColumnTwice(table=table.name, column=column.name)
        named[column.name] = indexed
    return tuple(named[column.name] for column in table.columns if column.name in named)
