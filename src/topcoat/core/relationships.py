"""Which column of one table names records of another: as people say it, and as the catalog shows by itself."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from topcoat.core import definitions
from topcoat.core.catalog import CUSTOMER, CUSTOMER_ID, Catalog, Table, TableKind, alternate_key


class Cardinality(enum.Enum):
    ONE_TO_MANY = "oneToMany"
    ONE_TO_ONE = "oneToOne"
    MANY_TO_ONE = "manyToOne"


class RelationshipType(enum.Enum):
    ORIGIN = "singleKeyRelationshipOrigin"
    DESTINATION = "singleKeyRelationshipDestination"
    LINEAGE_ORIGIN = "dataSourceLineageOrigin"
    LINEAGE_DESTINATION = "dataSourceLineageDestination"


@dataclass(frozen=True, slots=True)
class Relationship:
    name: str
    from_table: str
    from_column: str
    to_table: str
    to_column: str
    cardinality: Cardinality = Cardinality.MANY_TO_ONE
    type: RelationshipType = RelationshipType.ORIGIN
    friendly_name: str | None = None
    description: str | None = None
    is_system_made: bool = False


def check_relationship(catalog: Catalog, relationship: Relationship) -> None:
    """Raise what is wrong with its name, its texts, or the tables and columns that it names."""
    definitions.check_name(relationship.name)
    if relationship.friendly_name is not None:
        definitions.check_text("friendlyName", relationship.friendly_name)
    if relationship.description is not None:
        definitions.check_description(relationship.description)
    definitions.get_table(catalog, relationship.from_table).get_column(relationship.from_column)
    definitions.get_table(catalog, relationship.to_table).get_column(relationship.to_column)


def list_system_made(catalog: Catalog) -> list[Relationship]:
    """Those that the catalog's tables have by what they are."""
    return [relationship for table in catalog.tables for relationship in _system_made(catalog, table)]


def list_visible(catalog: Catalog, relationships: list[Relationship]) -> list[Relationship]:
    """Those whose tables and columns are there; a refresh may have taken them away."""
    return [
        r
        for r in relationships
        if _has(catalog, r.from_table, r.from_column) and _has(catalog, r.to_table, r.to_column)
    ]


def _has(catalog: Catalog, table: str, column: str) -> bool:
    found = catalog.tables_by_name.get(table)
    return found is not None and column in found.columns_by_name


def _system_made(catalog: Catalog, table: Table) -> Iterator[Relationship]:
    customer = catalog.tables_by_name.get(CUSTOMER)
    if table.activity is not None:
        yield from _of_activity(catalog, table)
    if customer is None or table is customer:
        return
    if table.kind is TableKind.UNIFIED_ACTIVITY:
        yield _named(table, CUSTOMER_ID, customer, CUSTOMER_ID, Cardinality.MANY_TO_ONE)
    elif table.kind is TableKind.CUSTOMER_MEASURE:
        yield _named(table, CUSTOMER_ID, customer, CUSTOMER_ID, Cardinality.ONE_TO_ONE)
    elif (key := alternate_key(table.name, table.primary_key)) in customer.columns_by_name:
        yield _named(table, table.primary_key, customer, key, Cardinality.ONE_TO_ONE)


def _of_activity(catalog: Catalog, table: Table) -> Iterator[Relationship]:
    """The source table of customers that the records of an activity point to."""
    assert table.activity is not None  # see _system_made
    owner = catalog.tables_by_name.get(table.activity.customer_table)
    if owner is not None:
        yield _named(table, table.activity.customer_column, owner, owner.primary_key, Cardinality.MANY_TO_ONE)


def _named(table: Table, column: str, other: Table, other_column: str, cardinality: Cardinality) -> Relationship:
    return Relationship(
        name=f"{table.name}_{other.name}",
        from_table=table.name,
        from_column=column,
        to_table=other.name,
        to_column=other_column,
        cardinality=cardinality,
        is_system_made=True,
    )
