"""The stages of a refresh, under the vendor's names of its workflow's tasks, each behind those that it needs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from topcoat.core import errors
from topcoat.flows.refresh import checking, evaluating, measuring, reading
from topcoat.flows.refresh.indexing import Indexing
from topcoat.flows.refresh.progress import Reporter
from topcoat.flows.refresh.publication import Publication
from topcoat.flows.refresh.steps import Steps
from topcoat.store import staging
from topcoat.store.staging import ACTIVITIES, ALIASES, KEY_RING, MEASURES, MEMBERSHIPS, PROFILES, SOURCE_RECORDS

PROFILE_STORE: Final = "profileStore"
MEASURES_STAGE: Final = "measures"
SEGMENTATION: Final = "segmentation"


@dataclass(frozen=True, slots=True)
class Stage:
    """`run` returns why there was nothing to do, where there was nothing."""

    name: str
    run: Callable[[Publication], Awaitable[str | None]]
    after: tuple[str, ...] = ()


async def run_stages(publication: Publication, reporter: Reporter, stages: Sequence[Stage] | None = None) -> None:
    """Run all that can be run, then raise the first failure; what needs a stage that failed is skipped."""
    failure: Exception | None = None
    unfinished: set[str] = set()
    for stage in STAGES if stages is None else stages:
        missing = [name for name in stage.after if name in unfinished]
        if missing:
            unfinished.add(stage.name)
            await reporter.skipped(stage.name, _needs(missing))
            continue
        error = await _run(stage, publication, reporter)
        if error is not None:
            unfinished.add(stage.name)
            failure = failure or error
    if failure is not None:
        raise failure


async def tell_unreadable(error: Exception, reporter: Reporter) -> None:
    """What there is to tell where not even the environment can be read."""
    first, *others = STAGES
    await reporter.started(first.name)
    await reporter.failed(first.name, error)
    for stage in others:
        await reporter.skipped(stage.name, _needs([first.name]))


def _needs(missing: Sequence[str]) -> str:
    return f"It needs {' and '.join(missing)}, which did not succeed."


async def _run(stage: Stage, publication: Publication, reporter: Reporter) -> Exception | None:
    await reporter.started(stage.name)
    try:
        with measuring.measured(publication.report.tasks, stage.name, publication.clock):
            idle = await stage.run(publication)
    except Exception as error:  # the edge of a stage: what does not need it still runs
        await reporter.failed(stage.name, error)
        return error
    if idle is None:
        await reporter.ended(stage.name)
    else:
        await reporter.skipped(stage.name, idle)
    return None


_UNIFIED: Final = "The environment's files are unified already."


async def _ingest(publication: Publication) -> None:
    if publication.environment.raw is None:
        await reading.read_files(publication)
        return
    publication.steps = await _open_pipeline(publication)
    await publication.steps.pull()


async def _open_pipeline(publication: Publication) -> Steps:
    """What it imports takes a second and much memory, and comes with an extra."""
    try:
        from topcoat.flows.refresh.pipeline import Pipeline  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        raise errors.ExtraMissing(what="Unification", extra="refresh") from error
    return await Pipeline.opened(publication)


async def _deduplicate(publication: Publication) -> str | None:
    if publication.steps is None:
        return _UNIFIED
    await publication.steps.deduplicate()
    return None


async def _match(publication: Publication) -> str | None:
    if publication.steps is None:
        return _UNIFIED
    await publication.steps.match()
    return None


async def _merge(publication: Publication) -> None:
    if publication.steps is None:
        await checking.merge_staged(publication)
    else:
        await publication.steps.merge()


async def _enrich(publication: Publication) -> str | None:
    if publication.steps is None:
        return _UNIFIED
    await publication.steps.enrich()
    return None


async def _write_profiles(publication: Publication) -> None:
    if publication.steps is None:
        await publication.write(SOURCE_RECORDS, PROFILES, KEY_RING, ALIASES)
    else:
        await publication.steps.write_profiles()


async def _index(publication: Publication) -> None:
    publication.progress.start("Indexing", publication.report.profiles, "rows")
    publication.indexing = await Indexing.of(publication.session, publication.instance_id, publication.environment)
    await publication.indexing.prepare(publication.report.generation)
    publication.progress.advance(publication.report.profiles)


async def _write_activities(publication: Publication) -> None:
    if publication.steps is None:
        await publication.write(ACTIVITIES)
    else:
        await publication.steps.write_activities()


async def _write_measures(publication: Publication) -> None:
    await evaluating.evaluate(publication)
    if publication.steps is None:
        await publication.write(MEASURES)
    else:
        await publication.steps.write_measures()


async def _write_memberships(publication: Publication) -> None:
    if publication.steps is not None:
        await publication.steps.write_memberships()
        return
    publication.report.segments = await staging.declare_segments(publication.session)
    await publication.write(MEMBERSHIPS)


# In an order in which each comes behind those that it needs.
STAGES: Final = (
    Stage("ingestion", _ingest),
    Stage("map", _deduplicate, after=("ingestion",)),
    Stage("match", _match, after=("map",)),
    Stage("merge", _merge, after=("match",)),
    Stage("enrichment", _enrich, after=("merge",)),
    Stage(PROFILE_STORE, _write_profiles, after=("enrichment",)),
    Stage("search", _index, after=(PROFILE_STORE,)),
    Stage("activity", _write_activities, after=(PROFILE_STORE,)),
    Stage(MEASURES_STAGE, _write_measures, after=("activity",)),
    Stage(SEGMENTATION, _write_memberships, after=(MEASURES_STAGE,)),
)

COMPUTED_STAGES: Final = tuple(stage for stage in STAGES if stage.name in (MEASURES_STAGE, SEGMENTATION))
"""Those that need no files, and each other."""
