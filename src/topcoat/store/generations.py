"""The life of a generation: begun, activated in one step, closed, undone, cleaned away (S20, S21)."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, text

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core import errors
from topcoat.core.catalog import Catalog
from topcoat.store import instances, ownership
from topcoat.store.changes import Change
from topcoat.store.engine import ReadConnection, Session, WriteConnection, dump_json, load_json
from topcoat.store.instances import Stand
from topcoat.store.ownership import Work
from topcoat.store.schema import GENERATION_OPEN
from topcoat.store.staging import PROFILES, SNAPSHOT_TABLES, SOURCE_RECORDS, SnapshotTable

ROWS_PER_COMMIT_MAX = 10_000


@asynccontextmanager
async def owned(session: Session, instance_id: int) -> AsyncIterator[None]:
    """Own the instance's refresh by a lock that dies with its process; raise `RefreshRunning` if another has it."""
    async with ownership.tried(session, Work.REFRESH, instance_id) as is_owned:
        if not is_owned:
            raise errors.RefreshRunning
        yield


async def begin_generation(session: Session, instance_id: int, catalog: Catalog, now: datetime) -> int:
    """Take the next number, which is never used again, for a generation that nobody reads yet."""
    async with session.transaction() as connection:
        await connection.run(
            text("UPDATE instance_counter SET last_generation = last_generation + 1 WHERE instance_id = :instance_id"),
            {"instance_id": instance_id},
        )
        row = await connection.fetch_one(
            text("SELECT last_generation FROM instance_counter WHERE instance_id = :instance_id"),
            {"instance_id": instance_id},
        )
        assert row is not None
        values = {
            "instance_id": instance_id,
            "generation": row.last_generation,
            "catalog": instances.dump_catalog(catalog),
            "now": to_microseconds(now),
        }
        await connection.run(instances.json_parameter(_BEGIN, connection, "catalog"), values)
        return int(row.last_generation)


_BEGIN = """
INSERT INTO generation (instance_id, generation, state, catalog, profile_count, activity_count, started_at)
VALUES (:instance_id, :generation, 'building', :catalog, 0, 0, :now)
"""


async def replace_catalog(connection: WriteConnection, instance_id: int, generation: int, catalog: Catalog) -> None:
    """That of a generation which nobody reads yet."""
    values = {"instance_id": instance_id, "generation": generation, "catalog": instances.dump_catalog(catalog)}
    await connection.run(instances.json_parameter(_REPLACE_CATALOG, connection, "catalog"), values)


_REPLACE_CATALOG = """
UPDATE generation SET catalog = :catalog
WHERE instance_id = :instance_id AND generation = :generation AND state = 'building'
"""


@dataclass(frozen=True, slots=True)
class Counts:
    profiles: int
    activities: int
    measures: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """When a refresh was held against the overlay (S9), and the outcomes of changes and of activities, counted."""

    at: datetime
    outcomes: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh left: `at` is when its generation became active; `judged` is None of the first."""

    at: datetime
    counts: Counts
    judged: Judged | None


async def get_refreshed(connection: ReadConnection, instance_id: int) -> Refreshed:
    """Of the generation that is active."""
    row = await connection.fetch_one(text(f"{_REFRESHED} AND state = 'active'"), {"instance_id": instance_id})
    assert row is not None  # asked of an instance that has one
    return _refreshed(row)


async def find_refreshed(connection: ReadConnection, instance_id: int, generation: int) -> Refreshed | None:
    """Of a generation that is kept."""
    kept = "generation = :generation AND state IN ('active', 'closed')"
    row = await connection.fetch_one(
        text(f"{_REFRESHED} AND {kept}"), {"instance_id": instance_id, "generation": generation}
    )
    return None if row is None else _refreshed(row)


def _refreshed(row: Row[Any]) -> Refreshed:
    judged = None if row.outcomes is None else Judged(from_microseconds(row.judged_at), load_json(row.outcomes))
    return Refreshed(from_microseconds(row.at), Counts(row.profile_count, row.activity_count), judged)


_REFRESHED = """
SELECT COALESCE(refreshed_at, activated_at) AS at, profile_count, activity_count, judged_at,
       CAST(outcomes AS text) AS outcomes
FROM generation
WHERE instance_id = :instance_id"""


async def activate_generation(
    connection: WriteConnection,
    stand: Stand,
    *,
    generation: int,
    counts: Counts,
    now: datetime,
    judged: Judged | None,
    refreshed_at: datetime | None = None,
) -> None:
    """Under the instance's lock: from the commit on, every read and write sees this generation.

    `refreshed_at` is given where it goes on with the rows of an earlier refresh.
    """
    values: dict[str, Any] = {"instance_id": stand.instance_id, "now": to_microseconds(now)}
    await connection.run(
        text(
            "UPDATE generation SET state = 'closed', closed_at = :now"
            " WHERE instance_id = :instance_id AND state = 'active'"
        ),
        values,
    )
    await connection.run(
        instances.json_parameter(_ACTIVATE, connection, "outcomes"),
        values
        | {
            "generation": generation,
            "refreshed_at": None if refreshed_at is None else to_microseconds(refreshed_at),
            "profiles": counts.profiles,
            "activities": counts.activities,
            "judged_at": None if judged is None else to_microseconds(judged.at),
            "outcomes": None if judged is None else dump_json(judged.outcomes),
        },
    )
    await _set_active(connection, stand.instance_id, generation, now)


_ACTIVATE = """
UPDATE generation SET state = 'active', activated_at = :now, refreshed_at = :refreshed_at,
                      profile_count = :profiles, activity_count = :activities,
                      judged_at = :judged_at, outcomes = :outcomes
WHERE instance_id = :instance_id AND generation = :generation
"""


@dataclass(frozen=True, slots=True)
class ActiveGeneration:
    activated_at: datetime
    profiles: int
    activities: int


@dataclass(frozen=True, slots=True)
class GenerationState:
    """`is_building` stays true behind a refresh that was killed, until the next one begins."""

    active: ActiveGeneration | None
    is_building: bool


async def find_state(connection: ReadConnection, instance_id: int) -> GenerationState:
    rows = await connection.fetch_all(
        text(
            "SELECT state, activated_at, profile_count, activity_count FROM generation"
            " WHERE instance_id = :instance_id AND state IN ('active', 'building')"
        ),
        {"instance_id": instance_id},
    )
    active = [
        ActiveGeneration(from_microseconds(row.activated_at), row.profile_count, row.activity_count)
        for row in rows
        if row.state == "active"
    ]
    return GenerationState(active[0] if active else None, any(row.state == "building" for row in rows))


async def find_activated_at(connection: ReadConnection, instance_id: int, generation: int) -> datetime | None:
    """None unless that generation is the active one."""
    row = await connection.fetch_one(
        text(
            "SELECT activated_at FROM generation"
            " WHERE instance_id = :instance_id AND generation = :generation AND state = 'active'"
        ),
        {"instance_id": instance_id, "generation": generation},
    )
    return None if row is None else from_microseconds(row.activated_at)


async def undo_generation(connection: WriteConnection, stand: Stand, now: datetime) -> int:
    """Go back to the generation before, for good; return its number (S21)."""
    found = await connection.fetch_one(
        text(
            "SELECT max(generation) AS previous FROM generation WHERE instance_id = :instance_id AND state = 'closed'"
        ),
        {"instance_id": stand.instance_id},
    )
    if found is None or found.previous is None:
        raise errors.NothingToUndo
    values = {"instance_id": stand.instance_id, "now": to_microseconds(now)}
    await connection.run(
        text(
            "UPDATE generation SET state = 'undone', closed_at = :now"
            " WHERE instance_id = :instance_id AND state = 'active'"
        ),
        values,
    )
    await connection.run(
        text(
            "UPDATE generation SET state = 'active', closed_at = NULL"
            " WHERE instance_id = :instance_id AND generation = :generation"
        ),
        {"instance_id": stand.instance_id, "generation": found.previous},
    )
    await _set_active(connection, stand.instance_id, found.previous, now)
    return int(found.previous)


async def _set_active(connection: WriteConnection, instance_id: int, generation: int, now: datetime) -> None:
    await connection.run(
        text("UPDATE instance SET active_generation = :generation, updated_at = :now WHERE instance_id = :instance_id"),
        {"instance_id": instance_id, "generation": generation, "now": to_microseconds(now)},
    )
    await connection.announce(Change(instance_id))


async def discard_unfinished(session: Session, instance_id: int, active: int) -> bool:
    """Take away what a killed or undone refresh left beyond the active generation; return whether there was any."""
    values = {"instance_id": instance_id, "active": active}
    async with session.scratch() as connection:
        left = await connection.fetch_one(
            text(
                "SELECT 1 FROM generation WHERE instance_id = :instance_id AND generation > :active"
                " AND state IN ('building', 'undone')"
            ),
            values,
        )
    if left is None:
        return False
    for table in SNAPSHOT_TABLES:
        beyond = f"generation_from > {active}"
        await _in_batches(session, table, instance_id, beyond, *_deletions(table))
        closed = f"generation_to > {active} AND generation_to < {GENERATION_OPEN}"
        reopened = f"UPDATE {table.name} SET generation_to = {GENERATION_OPEN}"
        await _in_batches(session, table, instance_id, closed, reopened)
    async with session.transaction() as connection:
        await connection.run(
            text("DELETE FROM override_release WHERE instance_id = :instance_id AND generation > :active"), values
        )
        await connection.run(
            text(
                "UPDATE generation SET state = CASE state WHEN 'undone' THEN 'discarded' ELSE 'failed' END"
                " WHERE instance_id = :instance_id AND generation > :active AND state IN ('building', 'undone')"
            ),
            values,
        )
    return True


async def end_source_table(session: Session, instance_id: int, table: str, *, generation: int) -> None:
    """From that generation on the records of a source table are gone."""
    ended = f"generation_to = {GENERATION_OPEN} AND source_table = :source_table"
    end = f"UPDATE source_record SET generation_to = {generation}"
    await _in_batches(session, SOURCE_RECORDS, instance_id, ended, end, values={"source_table": table})


async def prune_generations(session: Session, instance_id: int, *, now: datetime, horizon: timedelta) -> int:
    """Delete the rows of generations closed longer ago than the horizon, but keep the one that an undo goes back to.

    Return the number of rows deleted.
    """
    values = {"instance_id": instance_id, "before": to_microseconds(now - horizon)}
    async with session.scratch() as connection:
        row = await connection.fetch_one(_OLDEST_KEPT, values)
    if row is None or row.oldest_kept is None or not row.prunable:
        return 0
    deleted = 0
    for table in SNAPSHOT_TABLES:
        ended = f"generation_to <= {row.oldest_kept}"
        deleted += await _in_batches(session, table, instance_id, ended, *_deletions(table))
    async with session.transaction() as connection:
        await connection.run(
            text(
                "UPDATE generation SET state = 'pruned'"
                " WHERE instance_id = :instance_id AND state = 'closed' AND generation < :oldest_kept"
            ),
            {"instance_id": instance_id, "oldest_kept": row.oldest_kept},
        )
    return deleted


_OLDEST_KEPT = text("""
WITH kept AS (
    SELECT min(generation) AS oldest_kept FROM (
        SELECT generation FROM generation
        WHERE instance_id = :instance_id AND (state = 'active' OR (state = 'closed' AND closed_at > :before))
        UNION ALL
        SELECT max(generation) FROM generation WHERE instance_id = :instance_id AND state = 'closed'
    ) AS candidates
)
SELECT kept.oldest_kept,
       (SELECT count(*) FROM generation g
        WHERE g.instance_id = :instance_id AND g.state = 'closed' AND g.generation < kept.oldest_kept) AS prunable
FROM kept
""")


def _deletions(table: SnapshotTable) -> tuple[str, ...]:
    """The tokens of a profile's row go with it; they have its key."""
    own = f"DELETE FROM {table.name}"
    return (own, "DELETE FROM profile_search") if table is PROFILES else (own,)


async def _in_batches(
    session: Session,
    table: SnapshotTable,
    instance_id: int,
    condition: str,
    *actions: str,
    values: Mapping[str, Any] = MappingProxyType({}),
) -> int:
    """Run UPDATEs or DELETEs on the rows of a condition, a bounded number in each transaction."""
    keys = ", ".join((*table.key, "generation_from"))
    async with session.scratch() as connection:
        await connection.run(text("DROP TABLE IF EXISTS chosen"))
        await connection.run(
            text(
                f"CREATE TEMPORARY TABLE chosen AS SELECT row_number() OVER (ORDER BY {keys}) AS place, {keys}"
                f" FROM {table.name} WHERE instance_id = {instance_id} AND {condition}"
            ),
            values,
        )
        await connection.run(text("CREATE INDEX ix_chosen ON chosen (place)"))
        row = await connection.fetch_one(text("SELECT count(*) FROM chosen"))
    count = 0 if row is None else int(row[0])
    those = f"({keys}) IN (SELECT {keys} FROM chosen WHERE place BETWEEN :first AND :last)"
    statements = [text(f"{action} WHERE instance_id = :instance_id AND {those}") for action in actions]
    for first in range(1, count + 1, ROWS_PER_COMMIT_MAX):
        async with session.transaction() as connection:
            last = first + ROWS_PER_COMMIT_MAX - 1
            for statement in statements:
                await connection.run(statement, {"instance_id": instance_id, "first": first, "last": last})
    return count
