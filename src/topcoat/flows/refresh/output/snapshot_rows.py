"""Frames as rows of the next generation, told apart by digests, their documents made only where they are written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import ibis
from ibis.expr import types as ir

from topcoat.core.catalog import CUSTOMER_ID, Column, Table
from topcoat.flows.refresh.output import documents
from topcoat.store.staging import SnapshotTable

SPELLING: Final = "1"
"""Raised where documents come to be spelled otherwise: every row is then another."""


@dataclass(frozen=True, slots=True)
class SnapshotRows:
    """`frame` has a `digest` over all that a row is made of, its key included, and whatever `finish` needs.

    `finish` gives such rows the columns of their snapshot table. Those that are `order` are written together.
    """

    frame: ir.Table
    finish: Callable[[ir.Table], ir.Table]
    order: tuple[str, ...]


def profile_rows(profiles: ir.Table, table: Table) -> SnapshotRows:
    raw = Raw.of(table)
    key = raw.names[table.columns_by_name[CUSTOMER_ID]]
    return SnapshotRows(
        frame=profiles.select(**raw.columns(profiles), digest=raw.digest(profiles)),
        finish=lambda rows: rows.select(
            customer_id=rows[key], digest=rows.digest, document=documents.document_of(raw.values(rows))
        ),
        order=(key,),
    )


def source_rows(pulled: ir.Table, table: Table) -> SnapshotRows:
    """The records of a source table, kept to be read as they came."""
    raw = Raw.of(table)
    column = table.columns_by_name[table.primary_key]
    key = raw.names[column]
    return SnapshotRows(
        frame=pulled.select(**raw.columns(pulled), digest=raw.digest(pulled)),
        finish=lambda rows: rows.select(
            source_table=ibis.literal(table.name),
            source_key=documents.text_of(rows[key], column.type),
            digest=rows.digest,
            document=documents.document_of(raw.values(rows)),
        ),
        order=(key,),
    )


def key_rows(frame: ir.Table, table: SnapshotTable) -> SnapshotRows:
    """Rows that are nothing but their key."""
    return SnapshotRows(
        frame=frame.select(*table.key, digest=key_digest(frame, table)),
        finish=lambda rows: rows.select(*table.key, "digest"),
        order=table.key,
    )


def key_digest(frame: ir.Table, table: SnapshotTable) -> ir.UUIDValue:
    return documents.digest_of(frame[name] for name in table.key)


@dataclass(frozen=True, slots=True)
class Raw:
    """The columns of a table under names that none of ours can be, in whatever case."""

    table: Table
    names: Mapping[Column, str]

    @classmethod
    def of(cls, table: Table) -> "Raw":
        return cls(table, {column: f"c{place}" for place, column in enumerate(table.columns)})

    def columns(self, frame: ir.Table) -> dict[str, ir.Value]:
        """From a frame that has the table's own names."""
        return {name: frame[column.name] for column, name in self.names.items()}

    def values(self, rows: ir.Table) -> documents.Values:
        return {column: rows[name] for column, name in self.names.items()}

    def digest(self, frame: ir.Table, *others: ir.Value, made_by: str = "") -> ir.UUIDValue:
        made_of = repr((self.table.primary_key, [(column.name, column.type.value) for column in self.names]))
        values = [*(frame[column.name] for column in self.names), *others]
        return documents.digest_of(values, SPELLING, self.table.name, made_of, made_by)
