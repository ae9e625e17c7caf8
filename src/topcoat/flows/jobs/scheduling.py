"""Schedules of an instance: kept, and turned into jobs when they fall due on the service clock, each time once (S4)."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final

import structlog

from topcoat.clock import Clock
from topcoat.core import errors, schedules, workflow
from topcoat.core.schedules import Schedule, Timing
from topcoat.core.workflow import Origin
from topcoat.flows.instances import CurrentCatalog, Instances
from topcoat.flows.jobs import requests
from topcoat.flows.refresh.stages import STAGES
from topcoat.store import clock as service_time_store
from topcoat.store import instances as instance_store
from topcoat.store import jobs
from topcoat.store import schedules as schedule_store
from topcoat.store.engine import Store, WriteConnection
from topcoat.store.jobs import NewJob

SCHEDULES_MAX: Final = 100
ENVIRONMENT_FILE: Final = "environment file"
_FILE_SCHEDULES: Final = uuid.UUID("0b0d5c2e-6a4e-4b52-9d0e-6f1f5a3c7d11")
log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Draft:
    """A schedule as a caller describes it; the id of one that is there replaces it."""

    lines: tuple[str, ...]
    time_zone: str
    operation_type: str
    sub_type: str = "noSubType"
    identifiers: tuple[str, ...] = ()
    job_type: str = "full"
    is_active: bool = True
    schedule_id: str | None = None


class Schedules:
    def __init__(self, store: Store, instances: Instances, clock: Clock) -> None:
        self._store = store
        self._instances = instances
        self._clock = clock

    async def list_schedules(self, guid: str) -> list[Schedule]:
        await self._instances.read_current(guid)
        async with self._store.glancing() as connection:
            return await schedule_store.list_schedules(connection, guid)

    async def save_schedules(self, guid: str, drafts: Sequence[Draft], principal: str) -> list[Schedule]:
        """All or none; raise `ParameterInvalid` for what never or too often falls due."""
        current = await self._instances.read_current(guid)
        checked = [_checked(guid, draft, current) for draft in drafts]
        async with self._store.writing() as connection:
            stand = await instance_store.lock_stand(connection, guid)
            if stand is None:
                raise errors.InstanceNotFound(instance=guid)
            now = self._clock.now(stand.service_time)
            saved = [
                Schedule(
                    instance=guid,
                    instance_id=stand.instance_id,
                    schedule_id=draft.schedule_id or str(uuid.uuid4()),
                    operation_type=draft.operation_type,
                    sub_type=draft.sub_type,
                    identifiers=draft.identifiers,
                    job_type=draft.job_type,
                    is_active=draft.is_active,
                    time_zone=draft.time_zone,
                    lines=draft.lines,
                    next_due_at=timing.find_next(now),
                    principal=principal,
                )
                for draft, timing in checked
            ]
            there = {s.schedule_id: s for s in await schedule_store.list_schedules(connection, guid)}
            await asyncio.to_thread(_check_together, {**there, **{s.schedule_id: s for s in saved}}, saved, now)
            if saved:
                await schedule_store.save_schedules(connection, saved)
        return saved

    async def save_file_schedule(self, guid: str, timing: Timing | None) -> None:
        """That of the environment file, put to rest where it has none; what was changed since is kept until it changes.

        Raise `ParameterInvalid` where it makes up for too many refreshes a day.
        """
        schedule_id = str(uuid.uuid5(_FILE_SCHEDULES, guid))
        there = next((s for s in await self.list_schedules(guid) if s.schedule_id == schedule_id), None)
        if there is not None and timing == there.timing:
            return
        if timing is not None:
            draft = Draft(timing.lines, timing.zone.key, workflow.EVERYTHING, schedule_id=schedule_id)
        elif there is not None and there.is_active:
            draft = Draft(there.lines, there.time_zone, there.operation_type, is_active=False, schedule_id=schedule_id)
        else:
            return
        await self.save_schedules(guid, [draft], ENVIRONMENT_FILE)

    async def submit_due(self) -> None:
        """Turn every schedule that fell due into one job, however often it did meanwhile."""
        async with self._store.glancing() as connection:
            now = self._clock.now(await service_time_store.read_service_time(connection))
            due = await schedule_store.list_due(connection, now)
        for schedule in due:
            async with self._store.writing() as connection:
                await instance_store.lock_stand(connection, schedule.instance)
                await self._submit(connection, schedule, now)

    async def _submit(self, connection: WriteConnection, schedule: Schedule, now: datetime) -> None:
        """Of several workers, the one that moves the schedule on makes the job."""
        timing = schedule.timing
        assert schedule.next_due_at is not None  # it is due
        latest = max(timing.list_between(schedule.next_due_at, now), default=schedule.next_due_at)
        if not await schedule_store.move_on(connection, schedule, timing.find_next(now)):
            return
        job = NewJob(
            job_id=str(uuid.uuid4()),
            origin=Origin.SCHEDULE,
            operation_type=schedule.operation_type,
            submitted_at=now,
            identifiers=schedule.identifiers,
            job_type=schedule.job_type,
            principal=schedule.principal,
            schedule_id=schedule.schedule_id,
            due_at=latest,
        )
        if not await jobs.has_waiting(connection, schedule.instance_id, schedule.schedule_id):
            await jobs.insert_job(connection, schedule.instance_id, job, new_tasks())
            log.info("schedule_fell_due", schedule=schedule.schedule_id, job=job.job_id)

    async def find_next_due(self, until: datetime) -> datetime | None:
        """When the next of all schedules falls due, if it does so by an instant."""
        async with self._store.glancing() as connection:
            due = await schedule_store.list_due(connection, until)
        return due[0].next_due_at if due else None

    async def count_due(self, until: datetime, *, limit: int) -> int:
        """How often all schedules fall due by an instant, counted up to one above the limit."""
        async with self._store.glancing() as connection:
            due = await schedule_store.list_due(connection, until)
        count = 0
        for schedule in due:
            assert schedule.next_due_at is not None  # it is due
            times = schedule.timing.list_between(schedule.next_due_at, until)
            count += 1 + sum(1 for _ in islice(times, limit + 1 - count))
            if count > limit:
                break
        return count


def new_tasks() -> list[tuple[str, str]]:
    """One for each stage of a refresh, with an id."""
    return [(stage.name, str(uuid.uuid4())) for stage in STAGES]


def _checked(guid: str, draft: Draft, current: CurrentCatalog) -> tuple[Draft, Timing]:
    operation = requests.checked_operation(draft.operation_type)
    identifiers = requests.checked_identifiers(guid, operation, draft.identifiers, current)
    timing = Timing.of(draft.lines, draft.time_zone)
    return replace(draft, operation_type=operation, identifiers=identifiers), timing


def _check_together(all_: dict[str, Schedule], saved: Sequence[Schedule], now: datetime) -> None:
    if len(all_) > SCHEDULES_MAX:
        found, expected = f"there would be {len(all_)} of them", f"at most {SCHEDULES_MAX} in an instance"
        raise errors.ParameterInvalid(parameter="schedules", found=found, expected=expected)
    active = [schedule.timing for schedule in all_.values() if schedule.is_active]
    for zone in {schedules.get_zone(schedule.time_zone) for schedule in saved if schedule.is_active}:
        schedules.check_frequency(active, zone, now)
