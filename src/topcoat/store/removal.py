"""Sweeping behind removed instances: their rows and indexes, a bounded number in each transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.store import schema, search_index
from topcoat.store.engine import ReadConnection, Session

ROWS_PER_COMMIT_MAX: Final = 10_000
ROWS_PER_COMMIT_MAX_ON_SQLITE: Final = 1_000  # SQLite has one writer at a time, and real-time writes wait for it


@dataclass(frozen=True, slots=True)
class RemovedInstance:
    instance_id: int
    removed_at: datetime


async def list_unswept(connection: ReadConnection) -> list[RemovedInstance]:
    rows = await connection.fetch_all(
        text("SELECT instance_id, removed_at FROM removed_instance WHERE swept_at IS NULL ORDER BY instance_id")
    )
    return [RemovedInstance(row.instance_id, from_microseconds(row.removed_at)) for row in rows]


async def sweep(session: Session, instance_id: int) -> int:
    """Delete whatever is under a removed instance's number; return how many rows that were."""
    async with search_index.owned(session, instance_id):
        await search_index.drop_indexes(session, instance_id)
        return sum([await _sweep_table(session, name, instance_id) for name in _swept_tables()])


async def mark_swept(session: Session, instance_id: int, now: datetime) -> None:
    """Nothing can come under its number any more."""
    async with session.transaction() as connection:
        await connection.run(
            text("UPDATE removed_instance SET swept_at = :now WHERE instance_id = :instance_id"),
            {"instance_id": instance_id, "now": to_microseconds(now)},
        )


def _swept_tables() -> list[str]:
    return [
        name
        for name, table in schema.metadata.tables.items()
        if "instance_id" in table.columns and name not in ("instance", "removed_instance")
    ]


async def _sweep_table(session: Session, table: str, instance_id: int) -> int:
    limit = ROWS_PER_COMMIT_MAX if session.is_postgresql else ROWS_PER_COMMIT_MAX_ON_SQLITE
    statement = text((_DELETE_ON_POSTGRESQL if session.is_postgresql else _DELETE_ON_SQLITE).format(table=table))
    deleted = 0
    while True:
        async with session.transaction() as connection:
            count = await connection.run(statement, {"instance_id": instance_id, "limit": limit})
        deleted += count
        if count < limit:
            return deleted


_CHOSEN: Final = "FROM {table} WHERE instance_id = :instance_id LIMIT :limit"
_DELETE_ON_POSTGRESQL: Final = f"DELETE FROM {{table}} WHERE ctid = ANY(ARRAY(SELECT ctid {_CHOSEN}))"
_DELETE_ON_SQLITE: Final = f"DELETE FROM {{table}} WHERE rowid IN (SELECT rowid {_CHOSEN})"
