"""Which indexes a search configuration asks for: partial, one set an instance, named after what they are made of."""

import enum
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from topcoat.core.catalog import Column, Table
from topcoat.core.search_configuration import SearchConfiguration
from topcoat.store import values

_COLUMN_LENGTH_MAX: Final = 16  # in a name, which PostgreSQL cuts at 63 bytes
_HASH_LENGTH: Final = 10

SNAPSHOT: Final = "snapshot_profile"
OVERRIDE: Final = "override"
_DOCUMENTS: Final = {SNAPSHOT: "document", OVERRIDE: "column_values"}
_SHORT_NAMES: Final = {SNAPSHOT: "profile", OVERRIDE: "change"}


class IndexKind(enum.Enum):
    ORDER = "order"
    TRIGRAM = "trigram"


@dataclass(frozen=True, slots=True)
class IndexDefinition:
    """`body` is what follows CREATE INDEX and the name; another body makes another name."""

    name: str
    table: str
    column: str
    kind: IndexKind
    body: str


def prefix_of(instance_id: int) -> str:
    """How the names of an instance's indexes begin, and no other."""
    return f"search_{instance_id:d}_"


def list_definitions(
    instance_id: int, table: Table, configuration: SearchConfiguration, *, is_postgresql: bool
) -> list[IndexDefinition]:
    """SQLite has no trigrams; the table's primary key is `customer_id`, which needs no index of its own."""
    wanted = [(IndexKind.ORDER, column) for column in configuration.ordered(table)]
    if is_postgresql:
        wanted += [(IndexKind.TRIGRAM, column) for column in configuration.searched(table)]
    return [
        _definition(instance_id, indexed, column, kind, is_postgresql=is_postgresql)
        for kind, column in wanted
        if column.name != table.primary_key
        for indexed in (SNAPSHOT, OVERRIDE)
    ]


def _definition(
    instance_id: int, indexed: str, column: Column, kind: IndexKind, *, is_postgresql: bool
) -> IndexDefinition:
    value = values.value_sql(column, _DOCUMENTS[indexed], is_postgresql=is_postgresql)
    keys = f"gin ({value} gin_trgm_ops)" if kind is IndexKind.TRIGRAM else _order(indexed, value, is_postgresql)
    using = "USING " if kind is IndexKind.TRIGRAM else ""
    where = " AND ".join(_conditions(instance_id, indexed, column, is_postgresql=is_postgresql))
    body = f"ON {indexed} {using}{keys} WHERE {where}"
    return IndexDefinition(_name(instance_id, indexed, column, kind, body), indexed, column.name, kind, body)


def _order(indexed: str, value: str, is_postgresql: bool) -> str:  # noqa: FBT001
    first = f"{value} NULLS FIRST" if is_postgresql else value  # SQLite has nulls first anyway
    rest = "customer_id" if indexed == SNAPSHOT else "customer_id, sequence, valid_until"
    return f"({first}, {rest})"


def _conditions(instance_id: int, indexed: str, column: Column, *, is_postgresql: bool) -> Iterator[str]:
    yield f"instance_id = {instance_id:d}"
    if indexed == OVERRIDE:
        yield values.names_sql(column, _DOCUMENTS[indexed], is_postgresql=is_postgresql)


def _name(instance_id: int, indexed: str, column: Column, kind: IndexKind, body: str) -> str:
    shown = "".join(c for c in column.name if c.isascii())[:_COLUMN_LENGTH_MAX]
    digest = hashlib.sha256(body.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{prefix_of(instance_id)}{_SHORT_NAMES[indexed]}_{kind.value}_{shown}_{digest}"
