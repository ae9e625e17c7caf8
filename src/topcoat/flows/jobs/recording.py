"""What a run writes into its job's rows, as long as it has the job: a run that lost it stops."""

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Final

import structlog

from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.core.workflow import Fault, Job, Status
from topcoat.flows.refresh.progress import Progress
from topcoat.flows.refresh.report import RunReport
from topcoat.store import clock as service_time_store
from topcoat.store import job_tasks, jobs
from topcoat.store.engine import Store, WriteConnection

LEASE: Final = timedelta(seconds=30)
KEPT_EVERY_SECONDS: Final = 2.0
log: structlog.stdlib.BoundLogger = structlog.get_logger()


def new_owner() -> str:
    return uuid.uuid4().hex


async def fail_job(
    connection: WriteConnection, job: Job, error: Exception, now: datetime, *, owner: str | None
) -> None:
    """Some task always says why: the first that was not done, if none has failed by itself."""
    tasks = (await job_tasks.list_tasks(connection, job.instance_id, [job.number]))[job.number]
    undone = next((task for task in tasks if not task.status.is_final), None)
    if undone is not None and all(task.status is not Status.FAILED for task in tasks):
        fault = Fault.of(error)
        await job_tasks.end_task(connection, job, undone.operation_type, status=Status.FAILED, now=now, fault=fault)
    await jobs.end_job(connection, job, Status.FAILED, now, owner=owner)


class Recording:
    """Progress and reporter of a refresh; `stopping` is set from outside, by whoever ends the process."""

    def __init__(
        self, store: Store, clock: Clock, job: Job, *, owner: str, progress: Progress, stopping: threading.Event
    ) -> None:
        self._store = store
        self._clock = clock
        self._job = job
        self._owner = owner
        self._progress = progress
        self._stopping = stopping
        self._is_lost = False

    def start(self, stage: str, total: int, unit: str) -> None:
        self._check()
        self._progress.start(stage, total, unit)

    def advance(self, amount: int) -> None:
        self._check()
        self._progress.advance(amount)

    async def started(self, stage: str) -> None:
        async with self._held() as (connection, now):
            await job_tasks.start_task(connection, self._job, stage, now)

    async def ended(self, stage: str) -> None:
        async with self._held() as (connection, now):
            await job_tasks.end_task(connection, self._job, stage, status=Status.SUCCESSFUL, now=now)

    async def skipped(self, stage: str, reason: str) -> None:
        async with self._held() as (connection, now):
            fault = Fault("TaskSkipped", reason)
            await job_tasks.end_task(connection, self._job, stage, status=Status.SKIPPED, now=now, fault=fault)

    async def failed(self, stage: str, error: Exception) -> None:
        if not isinstance(error, errors.TopcoatError):
            log.error("task_failed", job=self._job.job_id, task=stage, exc_info=error)
        fault = Fault.of(error)
        async with self._held() as (connection, now):
            await job_tasks.end_task(connection, self._job, stage, status=Status.FAILED, now=now, fault=fault)

    async def activating(self, connection: WriteConnection, generation: int) -> None:
        self._check()
        if not await jobs.mark_activated(connection, self._job, owner=self._owner, generation=generation):
            raise errors.JobStopped

    async def finished(self, report: RunReport) -> None:
        """Where it cannot be kept, the run counts all the same."""
        with suppress(errors.TopcoatError):
            async with self._owned() as (connection, _):
                await jobs.save_report(connection, self._job, report.document())

    async def keep_report(self, report: RunReport) -> None:
        """Once more, with what came to be known behind the end of the job."""
        async with self._store.writing() as connection:
            await jobs.save_report(connection, self._job, report.document())

    async def succeed(self) -> None:
        """Also of a run that was told to stop when all was done."""
        async with self._owned() as (connection, now):
            await jobs.end_job(connection, self._job, Status.SUCCESSFUL, now, owner=self._owner)

    async def fail(self, error: Exception) -> None:
        async with self._owned() as (connection, now):
            await fail_job(connection, self._job, error, now, owner=self._owner)

    async def requeue(self) -> None:
        """Back to its place in the queue, unless it is lost."""
        async with self._store.writing() as connection:
            await jobs.requeue_job(connection, self._job, owner=self._owner, now=self._clock.system_now())

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """The lease is prolonged meanwhile."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])

    async def _keep(self) -> None:
        while not self._is_lost:
            await asyncio.sleep(KEPT_EVERY_SECONDS)
            try:
                async with self._store.writing() as connection:
                    self._is_lost = not await self._keep_lease(connection)
            except errors.Unavailable:
                log.warning("lease_not_kept", job=self._job.job_id)

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[tuple[WriteConnection, datetime]]:
        """A transaction of a run that still has its job and is to go on, and the service time."""
        self._check()
        async with self._owned() as owned:
            yield owned

    @asynccontextmanager
    async def _owned(self) -> AsyncIterator[tuple[WriteConnection, datetime]]:
        """The same, whether it is to go on or not; raise `JobStopped`."""
        async with self._store.writing() as connection:
            if not await self._keep_lease(connection):
                self._is_lost = True
                raise errors.JobStopped
            yield connection, self._clock.now(await service_time_store.read_service_time(connection))

    async def _keep_lease(self, connection: WriteConnection) -> bool:
        until = self._clock.system_now() + LEASE
        return await jobs.keep_lease(connection, self._job, owner=self._owner, lease_until=until)

    def _check(self) -> None:
        if self._is_lost or self._stopping.is_set():
            raise errors.JobStopped
