"""Rows that were made and compared elsewhere, loaded into the snapshot tables and read back (S20, S21)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import exc, text

from topcoat.core.catalog import PREVIOUS_CUSTOMER_ID
from topcoat.store import engine, staging
from topcoat.store.engine import Session
from topcoat.store.schema import GENERATION_OPEN
from topcoat.store.staging import KEY_RING, PROFILES, Difference, SnapshotTable

GENERATION_COLUMNS: Final = ("instance_id", "generation_from", "generation_to")


async def copy_rows(session: Session, table: SnapshotTable, file: Path, rows: int) -> None:
    """Into PostgreSQL, as one transaction, from a CSV file (see `Session.copy`) with the generation's columns first.

    Raise `ValueTooLong` for what an index cannot hold.
    """
    try:
        await session.copy(table.name, (*GENERATION_COLUMNS, *table.columns), file)
    except exc.DBAPIError as error:
        too_long = engine.find_too_long(error)
        if too_long is None or table is not PROFILES:
            raise too_long or error from None
        await _insert_one_by_one(session, table, file, rows)


async def insert_rows(session: Session, table: SnapshotTable, rows: Sequence[dict[str, Any]]) -> None:
    """Into SQLite, as one transaction."""
    columns = (*GENERATION_COLUMNS, *table.columns)
    named = ", ".join(f":{column}" for column in columns)
    async with session.transaction() as connection:
        await connection.run(text(f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({named})"), rows)


async def close_keys(
    session: Session, table: SnapshotTable, keys: Sequence[tuple[str, ...]], *, instance_id: int, generation: int
) -> None:
    """End the intervals of the open rows that have the keys, in one transaction."""
    closing = f"closing_{table.name}"
    await _create_scratch(session, closing, "place integer", table, table.key)
    await session.load(closing, ("place", *table.key), [(place, *key) for place, key in enumerate(keys, 1)])
    if session.is_postgresql:
        await _run(session, f"ANALYZE {closing}")
        await staging.analyze_unknown(session, table)
    await staging.close_rows(
        session,
        Difference(table, closing=len(keys), opening=0),
        instance_id=instance_id,
        generation=generation,
        first=1,
        last=len(keys),
    )
    await _run(session, f"DROP TABLE {closing}")


async def export_open(session: Session, table: SnapshotTable, instance_id: int, file: Path) -> None:
    """Write the open rows' keys, and digests in hexadecimal digits where the table has them, as CSV."""
    digest = "encode(digest, 'hex')" if session.is_postgresql else "lower(hex(digest))"
    columns = [*table.key, *([digest] if "digest" in table.columns else [])]
    await session.export(
        f"SELECT {', '.join(columns)} FROM {table.name}"
        f" WHERE instance_id = {instance_id} AND generation_to = {GENERATION_OPEN}",
        file,
    )


async def export_ended_keys(session: Session, instance_id: int, file: Path) -> None:
    """Write the last key ring rows of records that the open ones do not have, as far as they are kept, as CSV."""
    await session.export(
        f"SELECT {', '.join(KEY_RING.key)} FROM {KEY_RING.name} k"
        f" WHERE instance_id = {instance_id} AND generation_to < {GENERATION_OPEN} AND NOT EXISTS"
        f" (SELECT 1 FROM {KEY_RING.name} l WHERE l.instance_id = k.instance_id AND l.source_table = k.source_table"
        " AND l.source_key = k.source_key AND l.generation_to > k.generation_to)",
        file,
    )


async def export_previous(session: Session, instance_id: int, file: Path) -> None:
    """Write CustomerId and PreviousCustomerId of the open profiles that have any, as CSV."""
    await session.export(
        f"SELECT customer_id, document ->> '{PREVIOUS_CUSTOMER_ID}' FROM {PROFILES.name}"
        f" WHERE instance_id = {instance_id} AND generation_to = {GENERATION_OPEN}"
        f" AND document ->> '{PREVIOUS_CUSTOMER_ID}' IS NOT NULL",
        file,
    )


async def _insert_one_by_one(session: Session, table: SnapshotTable, file: Path, rows: int) -> None:
    """Where a value is too long for an index, halves lead to its row."""
    await _create_scratch(
        session,
        f"opening_{table.name}",
        "place bigserial, instance_id bigint, generation_from bigint, generation_to bigint",
        table,
        tuple(table.columns),
    )
    await session.copy(f"opening_{table.name}", (*GENERATION_COLUMNS, *table.columns), file)
    async with session.scratch() as connection:
        first = await connection.fetch_one(
            text(f"SELECT instance_id, generation_from FROM opening_{table.name} LIMIT 1")
        )
    assert first is not None  # a file without rows has no value that is too long
    difference = Difference(table, closing=0, opening=rows)
    await staging.open_rows(
        session, difference, instance_id=first.instance_id, generation=first.generation_from, first=1, last=rows
    )


async def _create_scratch(
    session: Session, name: str, first: str, table: SnapshotTable, columns: Sequence[str]
) -> None:
    types = staging.column_types(session)
    typed = ", ".join(f"{column} {types[table.columns[column]]}" for column in columns)
    await _run(session, f"CREATE TEMPORARY TABLE {name} ({first}, {typed})")


async def _run(session: Session, sql: str) -> None:
    async with session.scratch() as connection:
        await connection.run(text(sql))
