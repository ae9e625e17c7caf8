"""Which columns of the customers are searched, filtered and sorted by index: one configuration an instance."""

from dataclasses import dataclass
from datetime import datetime

from topcoat.core.catalog import Column, ColumnType, Table


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
