"""The jobs of an instance's workflow: submitted, told of, cancelled; the runner runs them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from topcoat.clock import Clock
from topcoat.core import catalog, errors
from topcoat.core.catalog import Document
from topcoat.core.workflow import Job, Origin, Status, Task
from topcoat.flows.instances import Instances
from topcoat.flows.jobs import requests
from topcoat.flows.jobs.runner import Runner
from topcoat.flows.jobs.scheduling import new_tasks
from topcoat.flows.refresh.stages import STAGES
from topcoat.store import clock as service_time_store
from topcoat.store import instances as instance_store
from topcoat.store import job_tasks, jobs
from topcoat.store.engine import ReadConnection, Store
from topcoat.store.jobs import NewJob

WAITING_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class JobReport:
    """`tasks` are in the order of running."""

    job: Job
    tasks: Sequence[Task]


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What became of a stage the last time, and the last time that it succeeded."""

    operation_type: str
    last: Task | None
    last_successful: Task | None


class Jobs:
    def __init__(self, store: Store, instances: Instances, clock: Clock, runner: Runner) -> None:
        self._store = store
        self._instances = instances
        self._clock = clock
        self._runner = runner

    async def submit(
        self,
        guid: str,
        operation_type: str,
        identifiers: Sequence[str],
        *,
        principal: str,
        job_type: str = "full",
        is_forced: bool = False,
    ) -> JobReport:
        """Behind all jobs of the instance that wait; raise `TooManyJobs` where that is no use any more."""
        current = await self._instances.read_current(guid)
        operation = requests.checked_operation(operation_type)
        checked = requests.checked_identifiers(guid, operation, identifiers, current)
        job_id = str(uuid.uuid4())
        async with self._store.writing() as connection:
            stand = await instance_store.lock_stand(connection, guid)
            if stand is None:
                raise errors.InstanceNotFound(instance=guid)
            waiting = await jobs.count_waiting(connection, stand.instance_id)
            if waiting >= WAITING_MAX:
                raise errors.TooManyJobs(waiting=waiting)
            job = NewJob(
                job_id=job_id,
                origin=Origin.CALLER,
                operation_type=operation,
                submitted_at=self._clock.now(stand.service_time),
                identifiers=checked,
                job_type=job_type,
                is_forced=is_forced,
                principal=principal,
            )
            await jobs.insert_job(connection, stand.instance_id, job, new_tasks())
            report = await _report(connection, guid, job_id)
        self._runner.nudge()
        return report

    async def get_job(self, guid: str, job_id: str) -> JobReport:
        await self._instances.read_current(guid)
        async with self._store.reading() as connection:
            return await _report(connection, guid, job_id)

    async def get_report(self, guid: str, job_id: str) -> Document:
        """What its run did; raise `ReportNotFound` where it did not come to read anything, or has not ended."""
        await self._instances.read_current(guid)
        async with self._store.reading() as connection:
            job = (await _report(connection, guid, job_id)).job
            report = await jobs.find_report(connection, job)
        if report is None:
            reason = "its run read nothing" if job.status.is_final else f"it is {job.status.value}"
            raise errors.ReportNotFound(job=job.job_id, reason=reason)
        return report

    async def list_jobs(self, guid: str, *, limit: int) -> list[JobReport]:
        """The newest first."""
        await self._instances.read_current(guid)
        async with self._store.reading() as connection:
            found = await jobs.list_jobs(connection, guid, limit=limit)
            if not found:
                return []
            numbers = [job.number for job in found]
            tasks = await job_tasks.list_tasks(connection, found[0].instance_id, numbers)
        return [JobReport(job, tasks[job.number]) for job in found]

    async def cancel_job(self, guid: str, job_id: str) -> JobReport:
        """End a job that waits or runs; what it wrote is never shown. Raise `JobEnded` where it is too late."""
        await self._instances.read_current(guid)
        async with self._store.writing() as connection:
            job = (await _report(connection, guid, job_id)).job
            now = self._clock.now(await service_time_store.read_service_time(connection))
            if not await jobs.end_job(connection, job, Status.ABORTED, now, owner=None):
                status = job.status.value if job.status.is_final else "about to be successful"
                raise errors.JobEnded(job=job.job_id, status=status)
            return await _report(connection, guid, job_id)

    async def list_history(self, guid: str, *, limit: int) -> list[Task]:
        """Tasks of all jobs, the last to end first."""
        await self._instances.read_current(guid)
        async with self._store.glancing() as connection:
            return await job_tasks.list_ended_tasks(connection, guid, limit=limit)

    async def read_status(self, guid: str) -> list[NodeReport]:
        """Of every stage of the workflow, in the order of running."""
        await self._instances.read_current(guid)
        async with self._store.reading() as connection:
            last = await job_tasks.list_last_tasks(connection, guid)
            successful = await job_tasks.list_last_tasks(connection, guid, status=Status.SUCCESSFUL)
        return [NodeReport(s.name, last.get(s.name), successful.get(s.name)) for s in STAGES]


async def _report(connection: ReadConnection, guid: str, job_id: str) -> JobReport:
    job = await jobs.find_job(connection, guid, job_id) if catalog.check_id(job_id) else None
    if job is None:
        raise errors.JobNotFound(job=catalog.shown(job_id))
    tasks = await job_tasks.list_tasks(connection, job.instance_id, [job.number])
    return JobReport(job, tasks[job.number])
