"""Fills a database with a million profiles and what goes with them, inside PostgreSQL."""

import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import asyncpg
from rich.console import Console
from rich.progress import track

from benchmarks.queries import indexes, profiles, writes
from benchmarks.queries.scale import GENERATION, GUID, NOW, NOW_SQL, Scale
from topcoat.clock import ServiceTime
from topcoat.core.catalog import UNIFIED_ACTIVITY_TABLE, Catalog
from topcoat.store import clock, instances
from topcoat.store.engine import Store

ROWS_PER_STATEMENT: Final = 100_000
CATALOG: Final = Catalog((profiles.TABLE, UNIFIED_ACTIVITY_TABLE))

_FILLED: Final = ("snapshot_profile", "snapshot_activity", "realtime_activity", "override")


async def fill(url: str, scale: Scale, console: Console) -> int:
    """Fill a migrated, empty database, build the indexes, and return the instance's number."""
    instance_id = await _make_instance(url)
    connection = await asyncpg.connect(url, server_settings={"synchronous_commit": "off", "jit": "off"})
    try:
        await connection.execute("SET maintenance_work_mem = '1GB'")
        async with _without_indexes(connection, console):
            await _fill_tables(connection, instance_id, scale, console)
        await connection.execute(_STAND, instance_id, GENERATION)
        await _make_generation(connection, instance_id, scale)
        await _timed(console, "the search and filter index", indexes.build_indexes(url, GUID))
        for table in _FILLED:
            await connection.execute(f"VACUUM (ANALYZE) {table}")
    finally:
        await connection.close()
    return instance_id


async def _fill_tables(connection: asyncpg.Connection, instance_id: int, scale: Scale, console: Console) -> None:
    series = (
        ("profiles", scale.profiles, profiles.insert_profiles(instance_id)),
        ("activities", scale.activities, writes.insert_snapshot_activities(instance_id, scale)),
        ("real-time activities", scale.realtime_activities, writes.insert_realtime_activities(instance_id, scale)),
    )
    for name, count, statement in series:
        starts = range(1, count + 1, ROWS_PER_STATEMENT)
        for first in track(starts, f"{count:,} {name}", console=console):
            await connection.execute(statement, first, min(first + ROWS_PER_STATEMENT - 1, count))
    await _timed(console, "changes", connection.execute(writes.insert_overrides(instance_id, scale)))


async def _make_instance(url: str) -> int:
    store = Store(url)
    try:
        async with store.writing() as connection:
            await instances.save_instance(
                connection,
                guid=GUID,
                name="Benchmark",
                instance_type="Sandbox",
                profile_lifetime=timedelta(hours=1),
                activity_lifetime=timedelta(hours=1),
                now=NOW,
            )
            await clock.save_service_time(connection, ServiceTime(frozen_at=NOW))
            stand = await instances.find_stand(connection, GUID)
            assert stand is not None  # it was just made
            return stand.instance_id
    finally:
        await store.close()


async def _make_generation(connection: asyncpg.Connection, instance_id: int, scale: Scale) -> None:
    await connection.execute(
        "INSERT INTO generation (instance_id, generation, state, catalog, profile_count, activity_count,"
        f" started_at, activated_at) VALUES ($1, $2, 'active', $3, $4, $5, {NOW_SQL}, {NOW_SQL})",
        instance_id,
        GENERATION,
        instances.dump_catalog(CATALOG),
        scale.profiles,
        scale.activities,
    )
    await connection.execute(
        "UPDATE instance SET active_generation = $2 WHERE instance_id = $1", instance_id, GENERATION
    )


_STAND: Final = f"""
UPDATE instance_counter
SET last_generation = $2, last_sequence = (SELECT max(sequence) FROM override), last_recorded_at = {NOW_SQL}
WHERE instance_id = $1
"""


@asynccontextmanager
async def _without_indexes(connection: asyncpg.Connection, console: Console) -> AsyncIterator[None]:
    """Make the tables' indexes when all rows are there, which takes far less time than row by row."""
    rows = await connection.fetch(_KEYS, list(_FILLED)) + await connection.fetch(_INDEXES, list(_FILLED))
    for row in rows:
        await connection.execute(row["dropping"])
    yield
    for row in rows:
        await _timed(console, row["name"], connection.execute(row["making"]))


_KEYS: Final = """
SELECT conname AS name, format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS dropping,
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS making
FROM pg_constraint WHERE contype = 'p' AND conrelid = ANY($1::text[]::regclass[]) ORDER BY conname
"""

_INDEXES: Final = """
SELECT indexrelid::regclass::text AS name, format('DROP INDEX %s', indexrelid::regclass) AS dropping,
       pg_get_indexdef(indexrelid) AS making
FROM pg_index WHERE NOT indisprimary AND indrelid = ANY($1::text[]::regclass[]) ORDER BY 1
"""


async def _timed(console: Console, name: str, work: Awaitable[object]) -> None:
    started = time.perf_counter()
    await work
    console.print(f"{name}: {time.perf_counter() - started:.0f} s")
