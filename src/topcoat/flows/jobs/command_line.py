"""A refresh that somebody starts at a command line: a job like any other, run at once by the process that asks."""

import threading
import uuid
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import ModuleType

from topcoat.clock import Clock
from topcoat.core import errors, workflow
from topcoat.core.workflow import Job, Origin
from topcoat.flows.instances import Instances
from topcoat.flows.jobs.recording import LEASE, Recording, new_owner
from topcoat.flows.jobs.scheduling import Schedules, new_tasks
from topcoat.flows.refresh import publish
from topcoat.flows.refresh.environment import Environment
from topcoat.flows.refresh.progress import Progress
from topcoat.flows.refresh.report import RunReport
from topcoat.flows.refresh.workspace import NOTHING_KEPT, Workspace
from topcoat.store import instances, jobs
from topcoat.store.engine import Store
from topcoat.store.jobs import NewJob

PRINCIPAL = "command line"


async def refresh(
    store: Store,
    clock: Clock,
    environment: Environment,
    progress: Progress,
    *,
    horizon: timedelta,
    workspace: Workspace = NOTHING_KEPT,
    truth: Path | None = None,
) -> RunReport:
    """As `publish.refresh`, on record, and held against a file that says who is who, where one is given.

    What is wrong with that file by itself is told first; the rest leaves the generation active.
    """
    if truth is not None:
        _scoring().check_truth(truth, environment, workspace)
    await publish.save_instance(store, clock, environment)
    schedules = Schedules(store, Instances(store, clock), clock)
    await schedules.save_file_schedule(environment.instance_id, environment.schedule)
    owner = new_owner()
    job = await _begin(store, clock, environment.instance_id, owner)
    recording = Recording(store, clock, job, owner=owner, progress=progress, stopping=threading.Event())
    async with recording.kept():
        try:
            report = await publish.publish(
                store, clock, environment, recording, horizon=horizon, reporter=recording, workspace=workspace
            )
        except Exception as error:
            with suppress(errors.TopcoatError):  # the first failure is the one to tell
                await recording.fail(error)
            raise
        await recording.succeed()
    if truth is not None:
        report.quality = await _scoring().score(store, environment, report.generation, truth, workspace)
        await recording.keep_report(report)
    return report


def _scoring() -> ModuleType:
    """It loads the engine of a refresh's set work, which not every installation has."""
    try:
        from topcoat.flows.refresh import scoring  # noqa: PLC0415 - heavy
    except ModuleNotFoundError:
        raise errors.ExtraMissing(what="Scoring", extra="refresh") from None
    return scoring


async def _begin(store: Store, clock: Clock, guid: str, owner: str) -> Job:
    job_id = str(uuid.uuid4())
    async with store.writing() as connection:
        stand = await instances.lock_stand(connection, guid)
        assert stand is not None  # it was just saved
        now = clock.now(stand.service_time)
        new = NewJob(job_id, Origin.COMMAND_LINE, workflow.EVERYTHING, now, principal=PRINCIPAL)
        await jobs.insert_job(connection, stand.instance_id, new, new_tasks())
        job = await jobs.find_job(connection, guid, job_id)
        assert job is not None  # it was just inserted
        await jobs.start_job(connection, job, owner=owner, lease_until=clock.system_now() + LEASE, now=now)
    return job
