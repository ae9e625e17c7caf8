"""What is done with the same rows without unification: read and join them, and load what comes out of it."""

import time
from pathlib import Path
from typing import Final

import asyncpg
import duckdb

LOADED: Final = {
    "snapshot_profile": "customer_id, digest, document",
    "snapshot_activity": "activity_id, customer_id, activity_time, activity_type, source_table, digest, document",
    "key_ring": "source_table, source_key, customer_id",
}


def read_and_join(folder: Path, threads: int, memory_max: str) -> float:
    """Seconds in which DuckDB has customers joined by mail, and every activity beside its customer."""
    with duckdb.connect(folder / "floor.duckdb") as connection:
        connection.execute(f"SET threads = {threads}")
        connection.execute(f"SET memory_limit = '{memory_max}'")
        connection.execute("SET preserve_insertion_order = false")
        began = time.perf_counter()
        for statement in _STATEMENTS:
            connection.execute(statement.format(folder=folder))
        return time.perf_counter() - began


_STATEMENTS: Final = (
    """CREATE TABLE people AS
    SELECT coalesce(c.ContactId, m.LoyaltyID) AS person, c.*, m.* FROM '{folder}/contacts.parquet' c
    FULL JOIN '{folder}/members.parquet' m ON lower(c.EMail) = lower(m.EMail)""",
    """CREATE TABLE bought AS
    SELECT p.person, o.* FROM '{folder}/orders/*.parquet' o JOIN people p ON p.ContactId = o.ContactId""",
    """CREATE TABLE paid AS
    SELECT p.person, o.* FROM '{folder}/purchases/*.parquet' o JOIN people p ON p.LoyaltyID = o.LoyaltyID""",
)


async def unload(url: str, folder: Path) -> None:
    """Write what a refresh made to files."""
    connection = await asyncpg.connect(url)
    try:
        for table, columns in LOADED.items():
            await connection.copy_from_query(f"SELECT {columns} FROM {table}", output=folder / f"{table}.copy")
    finally:
        await connection.close()


async def load(url: str, folder: Path) -> float:
    """Seconds in which plain COPY brings those rows into empty tables with the same indexes."""
    connection = await asyncpg.connect(url)
    try:
        began = time.perf_counter()
        for table, columns in LOADED.items():
            for column, value in (("instance_id", 1), ("generation_from", 1), ("generation_to", 2**62)):
                await connection.execute(f"ALTER TABLE {table} ALTER {column} SET DEFAULT {value}")
            await connection.copy_to_table(
                table, source=folder / f"{table}.copy", columns=[name.strip() for name in columns.split(",")]
            )
        return time.perf_counter() - began
    finally:
        await connection.close()
