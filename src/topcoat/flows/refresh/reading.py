"""Reading the environment's files into staging tables, where nothing of them shows yet."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from topcoat.clock import to_microseconds
from topcoat.core.catalog import Table
from topcoat.flows.refresh import source_tables, unified_files
from topcoat.flows.refresh.publication import Publication
from topcoat.flows.refresh.source_places import FileSource
from topcoat.store import staging
from topcoat.store.staging import (
    ACTIVITIES,
    ALIASES,
    KEY_RING,
    MEASURES,
    MEMBERSHIPS,
    PROFILES,
    SOURCE_RECORDS,
    SnapshotTable,
)

STAGED_ROWS_MAX: Final = 10_000


async def read_files(publication: Publication) -> None:
    """Raise `SourceInvalid` for a faulty line."""
    environment, report = publication.environment, publication.report
    await _read_profiles(publication)
    if environment.unified_files.key_ring is not None:
        await _read_key_ring(publication, environment.unified_files.key_ring)
    for path in environment.unified_files.activities:
        report.activities += await _read_activities(publication, path)
    if environment.unified_files.measures is not None:
        report.measures = await _read_measures(publication, environment.unified_files.measures)
    if environment.unified_files.segments is not None:
        await _read_memberships(publication, environment.unified_files.segments)
    for name, source in environment.sources.items():
        assert isinstance(source, FileSource)  # databases are for unification
        await _read_source_table(publication, environment.catalog.get_table(name), source.path)
    await staging.index_staging(publication.session)


async def _read_profiles(publication: Publication) -> None:
    """Stage profiles and the aliases that they name."""
    file = _start(publication, publication.environment.unified_files.customers, "profiles")
    rows = unified_files.read_profiles(publication.environment, publication.progress.advance)
    for chunk in _chunks(rows):
        await staging.stage(publication.session, PROFILES, [_profile_row(file, row) for row in chunk])
        aliases = [(file, row.line, old, row.customer_id) for row in chunk for old in row.previous_ids]
        if aliases:
            await staging.stage(publication.session, ALIASES, aliases)
        publication.report.profiles += len(chunk)


async def _read_key_ring(publication: Publication, path: Path) -> None:
    file = _start(publication, path, "key ring")
    rows = unified_files.read_key_ring(publication.environment, publication.progress.advance)
    await _stage(publication, KEY_RING, ((file, r.line, r.table, r.key, r.customer_id) for r in rows))


async def _read_activities(publication: Publication, path: Path) -> int:
    file = _start(publication, path, "activities")
    rows = unified_files.read_activities(publication.environment, path, publication.progress.advance)
    return await _stage(publication, ACTIVITIES, (_activity_row(file, row) for row in rows))


async def _read_measures(publication: Publication, path: Path) -> int:
    file = _start(publication, path, "measures")
    rows = unified_files.read_measures(publication.environment, publication.progress.advance)
    return await _stage(
        publication, MEASURES, ((file, r.line, r.customer_id, *staging.digested(r.document)) for r in rows)
    )


async def _read_memberships(publication: Publication, path: Path) -> None:
    file = _start(publication, path, "segments")
    rows = unified_files.read_memberships(publication.environment, publication.progress.advance)
    await _stage(publication, MEMBERSHIPS, ((file, r.line, r.segment, r.customer_id or "") for r in rows))


async def _read_source_table(publication: Publication, table: Table, path: Path) -> None:
    file = _start(publication, path, table.name)
    rows = source_tables.read_source_table(table, path, publication.progress.advance)
    await _stage(
        publication, SOURCE_RECORDS, ((file, r.line, table.name, r.key, *staging.digested(r.document)) for r in rows)
    )


def _start(publication: Publication, path: Path, what: str) -> int:
    publication.files.append(path)
    publication.progress.start(f"Reading {what}", path.stat().st_size, "bytes")
    return len(publication.files) - 1


async def _stage(publication: Publication, table: SnapshotTable, rows: Iterable[tuple[Any, ...]]) -> int:
    count = 0
    for chunk in _chunks(rows):
        await staging.stage(publication.session, table, chunk)
        count += len(chunk)
    return count


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(rows)
    while chunk := list(itertools.islice(iterator, STAGED_ROWS_MAX)):
        yield chunk


def _profile_row(file: int, row: unified_files.ProfileRow) -> tuple[Any, ...]:
    return file, row.line, row.customer_id, *staging.digested(row.document)


def _activity_row(file: int, row: unified_files.ActivityRow) -> tuple[Any, ...]:
    time = to_microseconds(row.activity_time)
    digest, document = staging.digested(row.document)
    return (
        file,
        row.line,
        row.activity_id,
        row.customer_id,
        time,
        row.activity_type,
        row.source_table,
        digest,
        document,
    )
