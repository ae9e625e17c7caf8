"""Brings the indexes and tokens of an instance in line with its search configuration, beside reads and writes."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from sqlalchemy import exc, text

from topcoat.core.catalog import Table
from topcoat.core.search_configuration import SearchConfiguration, customer_table, system_generated
from topcoat.store import engine, instances, ownership, search_configurations, search_definitions, search_tokens
from topcoat.store.engine import ReadConnection, Session, Store
from topcoat.store.ownership import Work
from topcoat.store.search_definitions import OVERRIDE, SNAPSHOT, IndexDefinition, IndexKind

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class IndexPair:
    """The names of a column's indexes: SQLite's planner, which has no statistics, takes them with INDEXED BY."""

    profiles: str
    changes: str


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """What a query can rely on; a column is there where both its indexes, of profiles and of changes, are valid."""

    configuration: SearchConfiguration
    ordered: Mapping[str, IndexPair]
    trigrams: Mapping[str, IndexPair]
    is_token_complete: bool


@asynccontextmanager
async def owned(session: Session, instance_id: int) -> AsyncIterator[None]:
    """Wait until nobody else changes the instance's index or the rows that it is made of."""
    async with ownership.waited_for(session, Work.SEARCH, instance_id):
        yield


async def build(store: Store, instance_id: int) -> None:
    """Build what is missing, and only then drop what is obsolete, for the configuration and the catalog that hold
    once nobody else is building."""
    async with store.session() as session, owned(session, instance_id):
        async with session.scratch() as connection:
            stored = await search_configurations.find_stored(connection, instance_id)
            table = await _find_table(connection, instance_id)
        if table is None:
            return
        if stored is None:
            await settle_indexes(session, instance_id, table, system_generated(table))
            return
        if not stored.is_built:
            await settle_tokens(session, instance_id, stored.configuration.searched_names())
        await settle_indexes(session, instance_id, table, stored.configuration)
        async with session.transaction() as connection:
            await search_configurations.mark_built(connection, instance_id, stored.configuration.version)
        log.info("search_index_built", version=stored.configuration.version)


async def settle_tokens(session: Session, instance_id: int, names: Collection[str]) -> None:
    """The part of a build that depends on the searched columns alone; the caller owns the index."""
    if not names:
        await search_tokens.clear(session, instance_id)
        return
    await search_tokens.fill(session, instance_id, names)
    await search_tokens.fill_changes(session, instance_id)
    await _analyze(session, ["profile_search"])


async def settle_indexes(session: Session, instance_id: int, table: Table, configuration: SearchConfiguration) -> None:
    """The part of a build that depends on the table's columns, and so on every refresh; the caller owns the index."""
    wanted = _wanted(session, instance_id, table, configuration)
    async with session.scratch() as connection:
        found = await _list_found(connection, instance_id)
    valid = {name for name, is_valid in found.items() if is_valid}
    names = {definition.name for definition in wanted}
    if names != found.keys() or names != valid:
        async with _defining(session):
            await _drop(session, sorted(found.keys() - valid))
            await _create_all(session, [definition for definition in wanted if definition.name not in valid])
            await _drop(session, sorted(valid - names))
    await _merge_pending(session, instance_id)


async def drop_indexes(session: Session, instance_id: int) -> None:
    """All that the instance has; the caller owns the index."""
    async with session.scratch() as connection:
        found = await _list_found(connection, instance_id)
    if found:
        async with _defining(session):
            await _drop(session, sorted(found))


async def find_built(connection: ReadConnection, instance_id: int) -> BuiltIndex:
    """For the configuration that holds and the catalog of the active generation."""
    stored = await search_configurations.find_stored(connection, instance_id)
    table = await _find_table(connection, instance_id)
    configuration = system_generated(table) if stored is None else stored.configuration
    found = await _list_found(connection, instance_id)
    wanted = _wanted(connection, instance_id, table, configuration)
    return BuiltIndex(
        configuration=configuration,
        ordered=_valid(wanted, IndexKind.ORDER, found),
        trigrams=_valid(wanted, IndexKind.TRIGRAM, found),
        is_token_complete=stored is None or stored.is_built,
    )


def _wanted(
    connection: ReadConnection | Session, instance_id: int, table: Table | None, configuration: SearchConfiguration
) -> list[IndexDefinition]:
    if table is None:
        return []
    return search_definitions.list_definitions(
        instance_id, table, configuration, is_postgresql=connection.is_postgresql
    )


async def _find_table(connection: ReadConnection, instance_id: int) -> Table | None:
    row = await connection.fetch_one(
        text("SELECT active_generation FROM instance WHERE instance_id = :instance_id"), {"instance_id": instance_id}
    )
    if row is None or row.active_generation is None:
        return None
    catalog = await instances.find_catalog(connection, instance_id, row.active_generation)
    return None if catalog is None else customer_table(catalog)


def _valid(wanted: Iterable[IndexDefinition], kind: IndexKind, found: Mapping[str, bool]) -> dict[str, IndexPair]:
    valid = {(d.column, d.table): d.name for d in wanted if d.kind is kind and found.get(d.name)}
    columns = [column for column, table in valid if table == SNAPSHOT and (column, OVERRIDE) in valid]
    return {column: IndexPair(valid[column, SNAPSHOT], valid[column, OVERRIDE]) for column in columns}


async def _list_found(connection: ReadConnection, instance_id: int) -> dict[str, bool]:
    """The instance's indexes by name, and whether each is valid: a build that was killed leaves one that is not."""
    statement = _FOUND_ON_POSTGRESQL if connection.is_postgresql else _FOUND_ON_SQLITE
    rows = await connection.fetch_all(statement, {"prefix": search_definitions.prefix_of(instance_id)})
    return {row.name: bool(row.is_valid) for row in rows}


_FOUND_ON_POSTGRESQL = text("""
SELECT c.relname AS name, i.indisvalid AS is_valid
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid IN (CAST('snapshot_profile' AS regclass), CAST('override' AS regclass))
  AND starts_with(CAST(c.relname AS text), :prefix)
""")
_FOUND_ON_SQLITE = text("""
SELECT name, 1 AS is_valid FROM sqlite_master WHERE type = 'index' AND substr(name, 1, length(:prefix)) = :prefix
""")


@asynccontextmanager
async def _defining(session: Session) -> AsyncIterator[None]:
    """One builder at a time in all the database: two CREATE INDEX CONCURRENTLY on a table wait for each other."""
    if not session.is_postgresql:
        yield
        return
    async with ownership.waited_for(session, Work.INDEXES, 0):
        yield


async def _create_all(session: Session, missing: list[IndexDefinition]) -> None:
    if any(d.kind is IndexKind.TRIGRAM for d in missing) and not await _has_trigrams(session):
        missing = [d for d in missing if d.kind is not IndexKind.TRIGRAM]
    for definition in missing:
        await _create(session, definition)
    await _analyze(session, sorted({definition.table for definition in missing}))


async def _has_trigrams(session: Session) -> bool:
    """Whether the extension is there, or can be had; without it the index goes on, slower for parts of words."""
    try:
        await session.run_alone("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except exc.DBAPIError as error:
        log.warning("trigrams_missing", reason=type(error.orig).__name__)
        return False
    return True


async def _create(session: Session, definition: IndexDefinition) -> None:
    """A column with values too long to be ordered is left without index."""
    concurrently = "CONCURRENTLY " if session.is_postgresql else ""
    try:
        await session.run_alone(f'CREATE INDEX {concurrently}"{definition.name}" {definition.body}')
    except exc.DBAPIError as error:
        if engine.find_too_long(error) is None:
            raise
        log.warning("column_not_indexed", column=definition.column, reason="a value is too long")
        await _drop(session, [definition.name])


async def _drop(session: Session, names: Iterable[str]) -> None:
    concurrently = "CONCURRENTLY " if session.is_postgresql else ""
    for name in names:
        await session.run_alone(f'DROP INDEX {concurrently}IF EXISTS "{name}"')


async def _analyze(session: Session, tables: Iterable[str]) -> None:
    """PostgreSQL knows nothing of an expression's values before."""
    if session.is_postgresql:
        for table in tables:
            await session.run_alone(f"ANALYZE {table}")


async def _merge_pending(session: Session, instance_id: int) -> None:
    """PostgreSQL first lists what comes into a GIN index, and every search reads that list through."""
    if session.is_postgresql:
        async with session.transaction() as connection:
            await connection.fetch_all(_MERGE_PENDING, {"prefix": search_definitions.prefix_of(instance_id)})


_MERGE_PENDING = text("""
SELECT gin_clean_pending_list(c.oid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
WHERE a.amname = 'gin' AND i.indisvalid
  AND ((i.indrelid = CAST('profile_search' AS regclass))
       OR (i.indrelid = CAST('snapshot_profile' AS regclass) AND starts_with(CAST(c.relname AS text), :prefix)))
""")
