"""How many records a table of the snapshot has, and how many bytes their documents take, without indexes."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, LargeBinary, cast, func, select

from topcoat.store import schema
from topcoat.store.engine import ReadConnection


@dataclass(frozen=True, slots=True)
class Size:
    records: int
    size_bytes: int


async def get_profiles_size(connection: ReadConnection, *, instance_id: int, generation: int) -> Size:
    return await get_size(connection, _documents(schema.snapshot_profile, instance_id, generation))


async def get_measures_size(connection: ReadConnection, *, instance_id: int, generation: int) -> Size:
    return await get_size(connection, _documents(schema.measure_record, instance_id, generation))


async def get_size(connection: ReadConnection, rows: sqlalchemy.Select[Any]) -> Size:
    """Count rows that have a `document`, and add up what the database keeps of each, compressed where it compresses."""
    measured = rows.subquery()
    size = _stored_bytes(measured.c.document, is_postgresql=connection.is_postgresql)
    total = func.coalesce(func.sum(size), 0)
    row = await connection.fetch_one(
        select(func.count().label("records"), total.label("size_bytes")).select_from(measured)
    )
    assert row is not None  # an aggregate always answers
    return Size(row.records, int(row.size_bytes))


def _documents(table: sqlalchemy.Table, instance_id: int, generation: int) -> sqlalchemy.Select[Any]:
    columns = table.c
    return select(columns.document).where(
        columns.instance_id == instance_id,
        columns.generation_from <= generation,
        columns.generation_to > generation,
    )


def _stored_bytes(document: ColumnElement[Any], *, is_postgresql: bool) -> ColumnElement[int]:
    return func.pg_column_size(document) if is_postgresql else func.length(cast(document, LargeBinary))
