"""Publish what an environment file names as the next generation, activated in one step (S20-S22)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from topcoat.clock import Clock
from topcoat.core import errors, usage
from topcoat.core.overlay.reconciliation import Outcome
from topcoat.core.usage import Counted, Counts
from topcoat.flows import lifecycle
from topcoat.flows.refresh import indexing, measuring, reconcile, stages
from topcoat.flows.refresh.environment import Environment
from topcoat.flows.refresh.progress import Progress, Reporter, Silent
from topcoat.flows.refresh.publication import Publication
from topcoat.flows.refresh.report import RunReport
from topcoat.flows.refresh.stages import Stage
from topcoat.flows.refresh.workspace import NOTHING_KEPT, Workspace
from topcoat.store import generations, insight_evaluations, instances, search_index, subscription_keys
from topcoat.store import usage as usage_store
from topcoat.store.engine import Store

ACTIVATION: Final = "activation"
"""What follows the stages, as the report calls it."""


async def refresh(
    store: Store,
    clock: Clock,
    environment: Environment,
    progress: Progress,
    *,
    horizon: timedelta,
    reporter: Reporter | None = None,
    workspace: Workspace = NOTHING_KEPT,
) -> RunReport:
    """Publish the environment's data; the instance is created if it is missing.

    Raise `RefreshRunning` when another process refreshes the same instance, `SourceInvalid` for a faulty file; the
    active generation stays as it was whatever fails.
    """
    await save_instance(store, clock, environment)
    return await publish(
        store, clock, environment, progress, horizon=horizon, reporter=reporter or Silent(), workspace=workspace
    )


async def publish(
    store: Store,
    clock: Clock,
    environment: Environment,
    progress: Progress,
    *,
    horizon: timedelta,
    reporter: Reporter,
    workspace: Workspace = NOTHING_KEPT,
) -> RunReport:
    """As `refresh`, for an instance that is there already, whose own properties stay as they are."""
    async with _opened(store, clock, environment, progress, workspace) as publication:
        await _run(publication, stages.STAGES, reporter, horizon, stages.PROFILE_STORE)
        return publication.report


async def compute_insights(
    store: Store, clock: Clock, guid: str, progress: Progress, *, horizon: timedelta, reporter: Reporter | None = None
) -> RunReport:
    """Publish the active generation anew, with segments and measures as they are defined now; no file is read.

    Raise `NotRefreshed` before the first refresh, and `RefreshRunning` while there is one.
    """
    computed = stages.COMPUTED_STAGES
    async with _opened(store, clock, guid, progress, NOTHING_KEPT) as publication:
        await _run(publication, computed, reporter or Silent(), horizon, computed[-1].name)
        return publication.report


@asynccontextmanager
async def _opened(
    store: Store, clock: Clock, read_from: Environment | str, progress: Progress, workspace: Workspace
) -> AsyncIterator[Publication]:
    guid = read_from if isinstance(read_from, str) else read_from.instance_id
    async with store.glancing() as glance:
        stand = await instances.find_stand(glance, guid)
    if stand is None:
        raise errors.InstanceNotFound(instance=guid)
    async with (
        store.session() as session,
        generations.owned(session, stand.instance_id),
        Publication.opened(
            clock, read_from, progress, session, instance_id=stand.instance_id, workspace=workspace
        ) as publication,
    ):
        yield publication


async def _run(
    publication: Publication, given: Sequence[Stage], reporter: Reporter, horizon: timedelta, showing: str
) -> None:
    """Run the stages and activate what they wrote; `showing` is the stage that is told if that fails."""
    try:
        await stages.run_stages(publication, reporter, given)
        await _activate_measured(publication, reporter, horizon, showing)
    finally:
        await reporter.finished(publication.report)


async def _activate_measured(publication: Publication, reporter: Reporter, horizon: timedelta, showing: str) -> None:
    try:
        with measuring.measured(publication.report.tasks, ACTIVATION, publication.clock):
            await _activate(publication, reporter, horizon)
    except Exception as error:  # told as what it is about, then raised
        await reporter.failed(showing, error)
        raise


async def undo_refresh(store: Store, clock: Clock, guid: str) -> int:
    """Go back to the generation before and discard the later one for good; return the active number (S21)."""
    async with store.glancing() as glance:
        stand = await instances.find_stand(glance, guid)
    if stand is None:
        raise errors.InstanceNotFound(instance=guid)
    async with store.session() as session, generations.owned(session, stand.instance_id):
        async with session.transaction() as connection:
            locked = await instances.lock_stand(connection, guid)
            if locked is None or locked.instance_id != stand.instance_id:
                raise errors.InstanceNotFound(instance=guid)  # it was removed or reset since
            now = max(clock.now(locked.service_time), locked.recorded_at)
            active = await generations.undo_generation(connection, locked, now)
        async with search_index.owned(session, stand.instance_id):
            await generations.discard_unfinished(session, stand.instance_id, active)
        await search_index.build(store, stand.instance_id)  # for the columns that the catalog has again
    return active


async def save_instance(store: Store, clock: Clock, environment: Environment) -> None:
    """Create or update the instance as the file says."""
    now = clock.system_now()
    async with store.writing() as connection:
        description = lifecycle.Description(
            guid=environment.instance_id,
            name=environment.name,
            instance_type=environment.instance_type,
            profile_lifetime=environment.profile_lifetime,
            activity_lifetime=environment.activity_lifetime,
            environment_file=str(environment.file),
        )
        stand = await lifecycle.save_instance(connection, description, principal=indexing.PRINCIPAL, now=now)
        await subscription_keys.apply_file_keys(connection, stand.instance_id, environment.subscription_keys, now)


def _counts(report: RunReport) -> Counts:
    counts: Counts = {}
    usage.add_count(counts, Counted(usage.REFRESHES), 1)
    usage.add_count(counts, Counted(usage.CONFIRMED_CHANGES), report.confirmed)
    for kind, outcomes in report.reconciliation.items():
        usage.add_count(counts, Counted(usage.LOST_UPDATES, (kind,)), outcomes[Outcome.LOST.value])
    return counts


async def _activate(publication: Publication, reporter: Reporter, horizon: timedelta) -> None:
    """Show what the stages wrote, settle it with the overlay, and prune."""
    session, clock, report = publication.session, publication.clock, publication.report
    guid = publication.guid
    began = clock.now(publication.stand.service_time)
    is_refreshed = publication.read_from is not None
    # Where nothing was read, the sources said nothing that a change could be held against.
    judged = await reconcile.judge(publication) if is_refreshed else None
    async with session.transaction() as connection:
        stand = await instances.lock_stand(connection, guid)
        assert stand is not None
        now = max(clock.now(stand.service_time), stand.recorded_at)
        before = None if is_refreshed else await generations.get_refreshed(connection, stand.instance_id)
        await generations.activate_generation(
            connection,
            stand,
            generation=report.generation,
            counts=report.counts if before is None else before.counts,
            now=now,
            judged=judged if before is None else before.judged,
            refreshed_at=None if before is None else before.at,
        )
        await insight_evaluations.record_evaluations(connection, stand.instance_id, publication.evaluated)
        await reporter.activating(connection, report.generation)
        if publication.indexing is not None:
            await publication.indexing.apply(connection, clock.system_now())
        if is_refreshed:
            await usage_store.add_counts(connection, _counts(report))
    if publication.steps is not None:
        await publication.steps.remember()
    report.attached = await reconcile.attach_waiting(session, clock, guid)
    report.pruned = await generations.prune_generations(session, publication.instance_id, now=began, horizon=horizon)
