"""One run of a job, from its environment file to its end."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.core.workflow import Job
from topcoat.flows.jobs.recording import Recording
from topcoat.flows.refresh import environment as environment_file
from topcoat.flows.refresh import publish, stages
from topcoat.flows.refresh.environment import Environment
from topcoat.flows.refresh.progress import Silent
from topcoat.flows.refresh.workspace import Workspace
from topcoat.store import instances, search_index
from topcoat.store.engine import Store

SEARCH: Final = "search"
log: structlog.stdlib.BoundLogger = structlog.get_logger()


async def run_job(
    store: Store,
    clock: Clock,
    job: Job,
    *,
    owner: str,
    horizon: timedelta,
    workspace: Workspace,
    stopping: threading.Event,
) -> bool:
    """Whether it came to an end; it did not where its instance is being refreshed already, or the process stops."""
    recording = Recording(store, clock, job, owner=owner, progress=Silent(), stopping=stopping)
    async with recording.kept():
        try:
            await _run(store, clock, job, recording, horizon=horizon, workspace=workspace)
            await recording.succeed()
        except (errors.JobStopped, errors.RefreshRunning):
            await recording.requeue()
            return False
        except Exception as error:  # the edge of a job: it ends as failed, and its tasks say why
            log.warning("job_failed", job=job.job_id, error=type(error).__name__)
            with suppress(errors.JobStopped):  # then it has ended otherwise
                await recording.fail(error)
    return True


async def _run(
    store: Store, clock: Clock, job: Job, recording: Recording, *, horizon: timedelta, workspace: Workspace
) -> None:
    if job.operation_type == SEARCH:
        await _skip_all_but(recording, job, [SEARCH])
        await _build_search_index(store, job, recording)
        return
    computed = [stage.name for stage in stages.COMPUTED_STAGES]
    if job.operation_type in computed:
        await _skip_all_but(recording, job, computed)
        await publish.compute_insights(store, clock, job.instance, recording, horizon=horizon, reporter=recording)
        return
    try:
        environment = await _load_environment(store, job.instance)
    except errors.BadInput as error:
        await stages.tell_unreadable(error, recording)
        raise
    await publish.publish(
        store, clock, environment, recording, horizon=horizon, reporter=recording, workspace=workspace
    )


async def _load_environment(store: Store, guid: str) -> Environment:
    async with store.glancing() as connection:
        path = await instances.find_environment_file(connection, guid)
    if path is None:
        raise errors.EnvironmentUnknown(reason="the instance was never refreshed from one")
    environment = environment_file.load_environment(Path(path))
    if environment.instance_id != guid:
        raise errors.EnvironmentUnknown(reason=f"{path} is of instance {environment.instance_id} now")
    return environment


async def _skip_all_but(recording: Recording, job: Job, run: Sequence[str]) -> None:
    """What works on the active generation needs nothing else to run."""
    for stage in stages.STAGES:
        if stage.name not in run:
            reason = f"Only {job.operation_type} was asked for, which needs nothing else to run."
            await recording.skipped(stage.name, reason)


async def _build_search_index(store: Store, job: Job, recording: Recording) -> None:
    """Of what is published already."""
    await recording.started(SEARCH)
    try:
        await search_index.build(store, job.instance_id)
    except Exception as error:  # told as what it is about, then raised
        await recording.failed(SEARCH, error)
        raise
    await recording.ended(SEARCH)
