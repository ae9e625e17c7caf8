"""Tables and columns under the names and types that Dataverse has for them."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from topcoat.core import customer_rows
from topcoat.core.catalog import (
    CUSTOMER,
    CUSTOMER_ID,
    UNIFIED_ACTIVITY_TABLE,
    Catalog,
    Column,
    ColumnType,
    Table,
)

PREFIX: Final = "msdynci_"
NAMESPACE: Final = "Microsoft.Dynamics.CRM"
LOOKUP: Final = f"{PREFIX}lookupfield_customer"
LOOKUP_VALUE: Final = f"_{LOOKUP}_value"
STRING_LENGTH: Final = 100
LONG_STRING_LENGTH: Final = 4000
MEMO_LENGTH: Final = 1_048_576


class AttributeType(enum.Enum):
    """As metadata call them."""

    UNIQUEIDENTIFIER = "Uniqueidentifier"
    STRING = "String"
    MEMO = "Memo"
    INTEGER = "Integer"
    BIGINT = "BigInt"
    DECIMAL = "Decimal"
    BOOLEAN = "Boolean"
    DATE_TIME = "DateTime"
    LOOKUP = "Lookup"


class Role(enum.Enum):
    """What a column shows: a column of ours, or what follows from the record it is in."""

    VALUE = "value"
    ROW_ID = "row_id"
    LOOKUP = "lookup"
    LOOKUP_PARTITION = "lookup_partition"
    PARTITION = "partition"
    TTL = "ttl"
    CREATED = "created"
    MODIFIED = "modified"
    VERSION = "version"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class DataverseColumn:
    """`name` is the logical one; `source` the column of ours that it shows, or is made from.

    `is_date_only` says of a DateTime that it has no time.
    """

    name: str
    type: AttributeType
    role: Role = Role.VALUE
    source: str | None = None
    length: int | None = None
    is_date_only: bool = False

    @property
    def shown_name(self) -> str:
        """The member of a row: lookups are read by another name than they are known by."""
        return f"_{self.name}_value" if self.role is Role.LOOKUP else self.name

    @property
    def is_filterable(self) -> bool:
        """Whether conditions may name it."""
        return self.role not in (Role.TTL, Role.CREATED, Role.MODIFIED, Role.VERSION)


@dataclass(frozen=True, slots=True)
class DataverseTable:
    """`logical` is also the name of its schema and its entity type; `source` the table of ours, or of customers' rows.

    `key_column` is the column of ours whose value identifies a record; `row_id` made from it is the primary id.
    """

    logical: str
    entity_set: str
    collection: str
    title: str
    titles: str
    source: Table
    primary_name: str
    columns: tuple[DataverseColumn, ...]
    by_name: Mapping[str, DataverseColumn] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = {name: column for column in self.columns for name in (column.name, column.shown_name)}
        object.__setattr__(self, "by_name", names)

    @property
    def primary_id(self) -> str:
        return f"{self.logical}id"

    @property
    def is_profiles(self) -> bool:
        return self.source.name == CUSTOMER

    @property
    def key_column(self) -> str:
        return self.source.primary_key

    @property
    def alternate_keys(self) -> tuple[DataverseColumn, ...]:
        """Columns that identify a record, beside its id."""
        keys = {column.name for column in self.source.columns if column.is_key and column.name != customer_rows.ROW_ID}
        return tuple(c for c in self.columns if c.role is Role.VALUE and c.source in keys)

    @property
    def relationship(self) -> str:
        """The one that profiles have to it: the name of the navigation from a profile to its rows."""
        return f"{PREFIX}customer_{self.logical.removeprefix(PREFIX)}"


@dataclass(frozen=True, slots=True)
class DataverseTables:
    """Those of one instance, at one generation; without unified customers there are none."""

    tables: tuple[DataverseTable, ...]
    by_set: Mapping[str, DataverseTable] = field(init=False, repr=False, compare=False)
    by_logical: Mapping[str, DataverseTable] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_set", {table.entity_set: table for table in self.tables})
        object.__setattr__(self, "by_logical", {table.logical: table for table in self.tables})

    @property
    def profiles(self) -> DataverseTable:
        return self.tables[0]

    @property
    def of_profiles(self) -> tuple[DataverseTable, ...]:
        """The tables whose rows belong to profiles."""
        return self.tables[1:]


def list_tables(known: Catalog) -> DataverseTables:
    customers = known.tables_by_name.get(CUSTOMER)
    if customers is None:
        return DataverseTables(())
    rows = (_ALTERNATE_KEYS, _SEGMENT_MEMBERSHIPS, _MEASURES, _ENRICHMENTS, _PREDICTIONS)
    return DataverseTables((_profiles(customers), _ACTIVITIES, *rows))


_TYPES: Final[Mapping[ColumnType, AttributeType]] = {
    ColumnType.STRING: AttributeType.STRING,
    ColumnType.INTEGER: AttributeType.BIGINT,
    ColumnType.DECIMAL: AttributeType.DECIMAL,
    ColumnType.BOOLEAN: AttributeType.BOOLEAN,
    ColumnType.DATE: AttributeType.DATE_TIME,
    ColumnType.DATE_TIME: AttributeType.DATE_TIME,
}


def _shown(column: Column, name: str | None = None, *, length: int = STRING_LENGTH) -> DataverseColumn:
    type_ = AttributeType.MEMO if length == MEMO_LENGTH else _TYPES[column.type]
    return DataverseColumn(
        name or PREFIX + column.name.lower(),
        type_,
        source=column.name,
        length=length if column.type is ColumnType.STRING else None,
        is_date_only=column.type is ColumnType.DATE,
    )


def _table(
    word: str, title: str, source: Table, primary_name: str, columns: Iterable[DataverseColumn], *, plural: str = ""
) -> DataverseTable:
    logical = PREFIX + word
    row_id = DataverseColumn(f"{logical}id", AttributeType.UNIQUEIDENTIFIER, Role.ROW_ID, source=source.primary_key)
    lookup = () if source.name == CUSTOMER else _LOOKUP
    distinct = {column.name: column for column in (*_SYSTEM, *lookup, *reversed(list(columns)), row_id)}
    ordered = (row_id, *(column for column in reversed(distinct.values()) if column is not row_id))
    entity_set = PREFIX + (plural or f"{word}s")
    collection = f"{logical[:-1]}ies" if word == "alternatekey" else entity_set
    return DataverseTable(logical, entity_set, collection, title, f"{title}s", source, PREFIX + primary_name, ordered)


_SYSTEM: Final = (
    DataverseColumn("versionnumber", AttributeType.BIGINT, Role.VERSION),
    DataverseColumn("ttlinseconds", AttributeType.INTEGER, Role.TTL),
    DataverseColumn("partitionid", AttributeType.STRING, Role.PARTITION, source=CUSTOMER_ID, length=STRING_LENGTH),
    DataverseColumn("modifiedon", AttributeType.DATE_TIME, Role.MODIFIED),
    DataverseColumn("createdon", AttributeType.DATE_TIME, Role.CREATED),
)
_LOOKUP: Final = (
    DataverseColumn(
        f"{PREFIX}lookupfield_customerpid",
        AttributeType.STRING,
        Role.LOOKUP_PARTITION,
        source=CUSTOMER_ID,
        length=STRING_LENGTH,
    ),
    DataverseColumn(LOOKUP, AttributeType.LOOKUP, Role.LOOKUP, source=CUSTOMER_ID),
)


def _profiles(customers: Table) -> DataverseTable:
    names = {column.name for column in customers.columns}
    primary_name = "FullName" if "FullName" in names else CUSTOMER_ID
    columns = map(_shown, customers.columns)
    return _table("customerprofile", "Customer Profile", customers, primary_name.lower(), columns)


_LONG_OF_ACTIVITIES: Final = frozenset(
    {"ActivityType", "ActivityTypeDisplay", "ActivityName", "Title", "ExternalUrl", "EntityName", "ActualActivityId"}
)
_MEMOS: Final = frozenset({"SemanticData", "Description", "KeyRing", "Segments", "Measures", "Values"})


def _length(name: str) -> int:
    if name in _MEMOS:
        return MEMO_LENGTH
    return LONG_STRING_LENGTH if name in _LONG_OF_ACTIVITIES or name in _LONG_OF_ROWS else STRING_LENGTH


_LONG_OF_ROWS: Final = frozenset({"Identifier", "AlternateValue", "DataSourceName"})


def _columns_of(source: Table) -> list[DataverseColumn]:
    columns = (column for column in source.columns if column.name != customer_rows.ROW_ID)
    return [_shown(column, length=_length(column.name)) for column in columns]


_ACTIVITIES: Final = _table(
    "unifiedactivity",
    "Unified Activity",
    UNIFIED_ACTIVITY_TABLE,
    "activityid",
    [
        *_columns_of(UNIFIED_ACTIVITY_TABLE),
        DataverseColumn(f"{PREFIX}rangeindex", AttributeType.STRING, Role.NEVER, length=LONG_STRING_LENGTH),
        DataverseColumn(f"{PREFIX}activityforeignkey", AttributeType.STRING, Role.NEVER, length=STRING_LENGTH),
    ],
    plural="unifiedactivities",
)


def _rows(word: str, title: str, source: Table) -> DataverseTable:
    return _table(word, title, source, "identifier", _columns_of(source))


_ALTERNATE_KEYS: Final = _rows("alternatekey", "Alternate Key", customer_rows.ALTERNATE_KEYS)
_SEGMENT_MEMBERSHIPS: Final = _rows("segmentmembership", "Segment Membership", customer_rows.SEGMENT_MEMBERSHIPS)
_MEASURES: Final = _rows("customermeasure", "Customer Measure", customer_rows.MEASURES)
_ENRICHMENTS: Final = _rows("enrichment", "Enrichment", customer_rows.ENRICHMENTS)
_PREDICTIONS: Final = _rows("prediction", "Prediction", customer_rows.PREDICTIONS)
