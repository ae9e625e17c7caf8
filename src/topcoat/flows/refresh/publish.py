"""Publish unified files as the next generation, beside the active one, and activate it in one step (S20-S22)."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from topcoat.clock import Clock, to_microseconds
from topcoat.core import errors
from topcoat.core.catalog import Document
from topcoat.core.mapping import document_digest
from topcoat.flows.refresh import reconcile, unified_files
from topcoat.flows.refresh.environment import Environment
from topcoat.flows.refresh.indexing import Indexing
from topcoat.flows.refresh.progress import Progress
from topcoat.store import generations, instances, search_index, staging
from topcoat.store.engine import Session, Store
from topcoat.store.generations import Counts
from topcoat.store.staging import (
    ACTIVITIES,
    ALIASES,
    KEY_RING,
    MEASURES,
    MEMBERSHIPS,
    PROFILES,
    SNAPSHOT_TABLES,
    Difference,
    SnapshotTable,
)

STAGED_ROWS_MAX: Final = 10_000
WRITTEN_ROWS_MAX: Final = 10_000
WRITTEN_ROWS_MAX_ON_SQLITE: Final = 1_000  # SQLite has one writer at a time, and real-time writes wait for it


@dataclass(slots=True)
class RefreshReport:
    """What a refresh did; rows by table name."""

    generation: int
    profiles: int = 0
    activities: int = 0
    measures: int = 0
    segments: int = 0
    closed: dict[str, int] = field(default_factory=dict)
    opened: dict[str, int] = field(default_factory=dict)
    confirmed: int = 0
    attached: int = 0
    pruned: int = 0


async def refresh(
    store: Store, clock: Clock, environment: Environment, progress: Progress, *, horizon: timedelta
) -> RefreshReport:
    """Publish the environment's unified files; the instance is created if it is missing.

    Raise `RefreshRunning` when another process refreshes the same instance, `SourceInvalid` for a faulty file; the
    active generation stays as it was whatever fails.
    """
    await _save_instance(store, clock, environment)
    async with store.glancing() as glance:
        stand = await instances.find_stand(glance, environment.instance_id)
    assert stand is not None  # it was just saved
    async with store.session() as session, generations.owned(session, stand.instance_id):
        return await _Publication(clock, environment, progress, session, stand.instance_id).run(horizon)


async def undo_refresh(store: Store, clock: Clock, guid: str) -> int:
    """Go back to the generation before and discard the later one for good; return the active number (S21)."""
    async with store.glancing() as glance:
        stand = await instances.find_stand(glance, guid)
    if stand is None:
        raise errors.InstanceNotFound(instance=guid)
    async with store.session() as session, generations.owned(session, stand.instance_id):
        async with session.transaction() as connection:
            locked = await instances.lock_stand(connection, guid)
            assert locked is not None  # instances are not deleted while their refresh is owned
            now = max(clock.now(locked.service_time), locked.recorded_at)
            active = await generations.undo_generation(connection, locked, now)
        async with search_index.owned(session, stand.instance_id):
            await generations.discard_unfinished(session, stand.instance_id, active)
        await search_index.build(store, stand.instance_id)  # for the columns that the catalog has again
    return active


async def _save_instance(store: Store, clock: Clock, environment: Environment) -> None:
    async with store.writing() as connection:
        await instances.save_instance(
            connection,
            guid=environment.instance_id,
            name=environment.name,
            instance_type=environment.instance_type,
            profile_lifetime=environment.profile_lifetime,
            activity_lifetime=environment.activity_lifetime,
            subscription_keys=environment.subscription_keys,
            now=clock.system_now(),
        )


@dataclass(slots=True)
class _Publication:
    _clock: Clock
    _environment: Environment
    _progress: Progress
    _session: Session
    _instance_id: int
    _files: list[Path] = field(default_factory=list)

    async def run(self, horizon: timedelta) -> RefreshReport:
        stand = await self._stand()
        active = stand.generation or 0
        async with search_index.owned(self._session, self._instance_id):
            await generations.discard_unfinished(self._session, self._instance_id, active)
        now = self._clock.now(stand.service_time)
        await staging.create_staging(self._session)
        counts = await self._stage_all()
        await self._check_staged(active)
        segments = await staging.declare_segments(self._session)
        async with search_index.owned(self._session, self._instance_id):
            return await self._publish(counts, segments, now, horizon)

    async def _publish(self, counts: Counts, segments: int, now: datetime, horizon: timedelta) -> RefreshReport:
        number = await generations.begin_generation(self._session, self._instance_id, self._environment.catalog, now)
        report = RefreshReport(number, counts.profiles, counts.activities, counts.measures, segments)
        await self._write_differences(report)
        self._progress.start("Indexing", counts.profiles, "rows")
        indexing = await Indexing.of(self._session, self._instance_id, self._environment)
        await indexing.prepare(number)
        self._progress.advance(counts.profiles)
        report.confirmed = await reconcile.confirm_changes(
            self._session, self._clock, self._environment.instance_id, number
        )
        await self._activate(number, counts, indexing)
        report.attached = await reconcile.attach_waiting(self._session, self._clock, self._environment.instance_id)
        report.pruned = await generations.prune_generations(self._session, self._instance_id, now=now, horizon=horizon)
        return report

    async def _stand(self) -> instances.Stand:
        async with self._session.scratch() as connection:
            stand = await instances.find_stand(connection, self._environment.instance_id)
        assert stand is not None  # it was saved before the session began
        return stand

    async def _stage_all(self) -> Counts:
        environment, advance = self._environment, self._progress.advance
        self._start_reading(environment.customer_file, "profiles")
        profiles = await self._stage_profiles(unified_files.read_profiles(environment, advance))
        if environment.key_ring_file is not None:
            file = self._start_reading(environment.key_ring_file, "key ring")
            keys = unified_files.read_key_ring(environment, advance)
            await self._stage(KEY_RING, ((file, k.line, k.table, k.key, k.customer_id) for k in keys))
        activities = 0
        for path in environment.activity_files:
            file = self._start_reading(path, "activities")
            rows = unified_files.read_activities(environment, path, advance)
            activities += await self._stage(ACTIVITIES, (_activity_row(file, row) for row in rows))
        measures = await self._stage_measures()
        await self._stage_memberships()
        await staging.index_staging(self._session)
        return Counts(profiles, activities, measures)

    async def _stage_measures(self) -> int:
        if self._environment.measure_file is None:
            return 0
        file = self._start_reading(self._environment.measure_file, "measures")
        rows = unified_files.read_measures(self._environment, self._progress.advance)
        return await self._stage(MEASURES, ((file, r.line, r.customer_id, *_digested(r.document)) for r in rows))

    async def _stage_memberships(self) -> None:
        if self._environment.segment_file is None:
            return
        file = self._start_reading(self._environment.segment_file, "segments")
        rows = unified_files.read_memberships(self._environment, self._progress.advance)
        await self._stage(MEMBERSHIPS, ((file, r.line, r.segment, r.customer_id or "") for r in rows))

    def _start_reading(self, path: Path, what: str) -> int:
        self._files.append(path)
        self._progress.start(f"Reading {what}", path.stat().st_size, "bytes")
        return len(self._files) - 1

    async def _stage_profiles(self, rows: Iterable[unified_files.ProfileRow]) -> int:
        """Stage profiles and the aliases that they name."""
        file, count = len(self._files) - 1, 0
        for chunk in _chunks(rows):
            await staging.stage(self._session, PROFILES, [_profile_row(file, row) for row in chunk])
            aliases = [(file, row.line, old, row.customer_id) for row in chunk for old in row.previous_ids]
            if aliases:
                await staging.stage(self._session, ALIASES, aliases)
            count += len(chunk)
        return count

    async def _stage(self, table: SnapshotTable, rows: Iterable[tuple[Any, ...]]) -> int:
        count = 0
        for chunk in _chunks(rows):
            await staging.stage(self._session, table, chunk)
            count += len(chunk)
        return count

    async def _check_staged(self, active: int) -> None:
        self._progress.start("Checking", 1, "rows")
        await self._refuse_duplicates(PROFILES, "CustomerId")
        await self._refuse_duplicates(MEMBERSHIPS, "CustomerId of segment")
        await staging.settle_aliases(self._session, self._instance_id, active)
        await self._refuse_duplicates(KEY_RING, "key")
        await self._refuse_duplicates(ACTIVITIES, "ActivityId of one customer")
        await self._refuse_duplicates(MEASURES, "CustomerId")
        for table in (KEY_RING, ACTIVITIES, MEASURES, MEMBERSHIPS):
            stranger = await staging.find_stranger(self._session, table)
            if stranger is not None:
                reason = f"CustomerId '{stranger.value}' names no profile of {self._environment.customer_file.name}"
                self._refuse(stranger, reason)
        self._progress.advance(1)

    async def _refuse_duplicates(self, table: SnapshotTable, what: str) -> None:
        fault = await staging.find_duplicate(self._session, table)
        if fault is not None:
            self._refuse(fault, f"the {what} '{fault.value}' is there already, in line {fault.other_line}")

    def _refuse(self, fault: staging.StagedFault, reason: str) -> None:
        raise errors.SourceInvalid(file=self._files[fault.file], line=fault.line, reason=reason)

    async def _write_differences(self, report: RefreshReport) -> None:
        differences = [await staging.compare(self._session, t, self._instance_id) for t in SNAPSHOT_TABLES]
        self._progress.start("Publishing", sum(d.closing + d.opening for d in differences), "rows")
        for difference in differences:
            await self._write_difference(difference, report.generation)
            report.closed[difference.table.name] = difference.closing
            report.opened[difference.table.name] = difference.opening

    async def _write_difference(self, difference: Difference, generation: int) -> None:
        for write, rows in ((staging.close_rows, difference.closing), (staging.open_rows, difference.opening)):
            for first, last in self._spans(rows):
                await write(
                    self._session,
                    difference,
                    instance_id=self._instance_id,
                    generation=generation,
                    first=first,
                    last=last,
                )
                self._progress.advance(last - first + 1)

    def _spans(self, rows: int) -> Iterator[tuple[int, int]]:
        size = WRITTEN_ROWS_MAX if self._session.is_postgresql else WRITTEN_ROWS_MAX_ON_SQLITE
        for first in range(1, rows + 1, size):
            yield first, min(first + size - 1, rows)

    async def _activate(self, number: int, counts: Counts, indexing: Indexing) -> None:
        async with self._session.transaction() as connection:
            stand = await instances.lock_stand(connection, self._environment.instance_id)
            assert stand is not None
            now = max(self._clock.now(stand.service_time), stand.recorded_at)
            await generations.activate_generation(connection, stand, generation=number, counts=counts, now=now)
            await indexing.apply(connection, self._clock.system_now())


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(rows)
    while chunk := list(itertools.islice(iterator, STAGED_ROWS_MAX)):
        yield chunk


def _profile_row(file: int, row: unified_files.ProfileRow) -> tuple[Any, ...]:
    return file, row.line, row.customer_id, *_digested(row.document)


def _activity_row(file: int, row: unified_files.ActivityRow) -> tuple[Any, ...]:
    time = to_microseconds(row.activity_time)
    digest, document = _digested(row.document)
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


def _digested(document: Document) -> tuple[bytes, str]:
    canonical = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return document_digest(canonical), canonical.decode()
