"""The runner of jobs: one loop over the jobs table in every worker, of which each runs one job at a time."""

import asyncio
import threading
from datetime import datetime, timedelta
from typing import Final

import structlog

from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.core.workflow import Job, Origin, Status
from topcoat.flows.jobs import running, threads
from topcoat.flows.jobs.recording import LEASE, fail_job, new_owner
from topcoat.flows.jobs.scheduling import Schedules
from topcoat.flows.refresh.workspace import Workspace
from topcoat.store import clock as service_time_store
from topcoat.store import jobs
from topcoat.store.engine import Store, WriteConnection

ATTEMPTS_MAX: Final = 3
LOOKED_AFTER_SECONDS: Final = 1.0
WATCHED_SECONDS: Final = 0.05
log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Runner:
    def __init__(
        self, store: Store, clock: Clock, schedules: Schedules, horizon: timedelta, workspace: Workspace
    ) -> None:
        self._store = store
        self._clock = clock
        self._schedules = schedules
        self._horizon = horizon
        self._workspace = workspace
        self._stopping = threading.Event()
        self._nudged = asyncio.Event()

    async def run_until_stopped(self) -> None:
        """Run what callers submit and what falls due, here, in other processes, or before a restart."""
        while not self._stopping.is_set():
            self._nudged.clear()
            try:
                await self._schedules.submit_due()
                is_more = await self.run_next()
            except Exception:  # the edge of the loop: the database may be away for a while
                log.exception("jobs_failed")
                is_more = False
            if not is_more:
                await self._wait()

    def nudge(self) -> None:
        """Have the loop look at once."""
        self._nudged.set()

    def stop(self) -> None:
        """A job that is at a run is put back into its queue as soon as it notices."""
        self._stopping.set()
        self._nudged.set()

    async def run_due(self, until: datetime) -> None:
        """Until every job that fell due by an instant has come to its end, run here or elsewhere."""
        while True:
            async with self._store.glancing() as connection:
                if not await jobs.has_unfinished_due(connection, until):
                    return
            if not await self.run_next():
                await asyncio.sleep(WATCHED_SECONDS)

    async def run_next(self) -> bool:
        """Run the job that comes next; False where there is none to run now."""
        async with self._store.glancing() as connection:
            if await jobs.find_claimable(connection, self._clock.system_now()) is None:
                return False
        owner = new_owner()
        job = await self._claim(owner)
        if job is None:
            return False
        return await threads.in_thread(lambda: self._run(job, owner))

    async def _run(self, job: Job, owner: str) -> bool:
        store = self._store.another()
        try:
            return await running.run_job(
                store,
                self._clock,
                job,
                owner=owner,
                horizon=self._horizon,
                workspace=self._workspace,
                stopping=self._stopping,
            )
        finally:
            await store.close()

    async def _claim(self, owner: str) -> Job | None:
        """Give the next job to the owner; what cannot be run any more is ended on the way."""
        async with self._store.writing() as connection:
            await jobs.lock_claims(connection)
            while True:
                system_now = self._clock.system_now()
                job = await jobs.find_claimable(connection, system_now)
                if job is None:
                    return None
                now = self._clock.now(await service_time_store.read_service_time(connection))
                if not await _is_ended(connection, job, now):
                    await jobs.start_job(connection, job, owner=owner, lease_until=system_now + LEASE, now=now)
                    return job

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOKED_AFTER_SECONDS):
                await self._nudged.wait()
        except TimeoutError:
            pass


async def _is_ended(connection: WriteConnection, job: Job, now: datetime) -> bool:
    """End a job whose run died, if it had done its work, or is not to be tried again."""
    if job.status is not Status.RUNNING:
        return False
    if job.generation is not None:
        await jobs.end_job(connection, job, Status.SUCCESSFUL, now, owner=job.lease_owner)
        return True
    if job.attempts < ATTEMPTS_MAX and job.origin is not Origin.COMMAND_LINE:
        log.info("job_taken_over", job=job.job_id, attempts=job.attempts)
        return False
    await fail_job(connection, job, errors.JobAbandoned(attempts=job.attempts), now, owner=job.lease_owner)
    log.warning("job_abandoned", job=job.job_id, attempts=job.attempts)
    return True
