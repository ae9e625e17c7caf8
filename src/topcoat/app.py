"""The composition root: settings -> store -> flows -> surfaces."""

import asyncio
import gc
import hashlib
import logging
import sys
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import orjson
import structlog
from fastapi import FastAPI

from topcoat import __version__
from topcoat.clock import Clock
from topcoat.core.limits import LimitName
from topcoat.flows import Flows
from topcoat.flows.customer_rows import CustomerRows
from topcoat.flows.data_profiles import DataProfiles
from topcoat.flows.data_sources import DataSources
from topcoat.flows.hierarchies import Hierarchies
from topcoat.flows.ingest import Ingest
from topcoat.flows.insights import Insights
from topcoat.flows.instances import Instances
from topcoat.flows.inventory import Inventory
from topcoat.flows.jobs import Jobs
from topcoat.flows.jobs.runner import Runner
from topcoat.flows.jobs.scheduling import Schedules
from topcoat.flows.lifecycle import Lifecycle
from topcoat.flows.limits import Limits
from topcoat.flows.live_writes import LiveWrites
from topcoat.flows.permissions import Permissions
from topcoat.flows.query import Query
from topcoat.flows.query.sight import Sights
from topcoat.flows.reconciliation import Reconciliation
from topcoat.flows.refresh.workspace import NOTHING_KEPT, Workspace
from topcoat.flows.relationships import Relationships
from topcoat.flows.search_index import SearchIndex
from topcoat.flows.service_clock import ServiceClockControl
from topcoat.flows.sign_in import SignIn
from topcoat.flows.usage import Usage
from topcoat.flows.watch import Watch
from topcoat.settings import Settings
from topcoat.store import clock as service_time_store
from topcoat.store.engine import Store
from topcoat.store.pruning import prune_lapsed
from topcoat.store.writer import Writer
from topcoat.surfaces import Application, add_surfaces

STOPPING = "topcoat.stopping"
PRUNING_PAUSE_SECONDS = 600
FINISHED_SECONDS = 2
GARBAGE_THRESHOLD = 20_000
log: structlog.stdlib.BoundLogger = structlog.get_logger()


def create_app(settings: Settings) -> FastAPI:
    """The service on the settings' database, whose schema must be there."""
    app = Application(
        title="Topcoat",
        version=__version__,
        summary="Live data over the last refresh of a customer 360.",
        lifespan=_lifespan(settings),
        redirect_slashes=False,
    )
    add_surfaces(app, settings)
    return app


def app_from_environment() -> FastAPI:
    """What a worker process runs: the settings come from `TOPCOAT_…` variables."""
    settings = Settings()
    configure_logging(settings)
    settle_garbage_collection()
    return create_app(settings)


def settle_garbage_collection() -> None:
    """Once a process: collect rarely, and never what the start made, so that fewer answers wait for a collection."""
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 50, 100)


def _lifespan(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Any]]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        store = Store(settings.effective_database_url, statement_timeout_seconds=settings.statement_timeout_seconds)
        clock = Clock(is_adjustable=settings.is_emulator)
        writer = Writer(store, clock, queue_max=settings.writer_queue_max, batch_max=settings.writer_batch_max)
        flows = build_flows(
            store,
            writer,
            clock,
            horizon=horizon(settings),
            workspace=workspace(settings),
            is_emulator=settings.is_emulator,
            limits=settings.chosen_limits,
        )
        app.state.flows = flows
        pruning = asyncio.create_task(_prune(flows, store, clock, horizon(settings)))
        counting = asyncio.create_task(flows.usage.run_until_stopped())
        indexing = asyncio.create_task(flows.search_index.run_until_stopped())
        running = asyncio.create_task(flows.runner.run_until_stopped())
        yield {STOPPING: flows.watch.stop}
        pruning.cancel()
        flows.search_index.stop()
        flows.runner.stop()
        await _finish(indexing, running)
        await flows.watch.close()
        await flows.lifecycle.close()
        await writer.close()
        flows.usage.stop()
        await counting
        await store.close()

    return lifespan


async def _finish(*loops: asyncio.Task[None]) -> None:
    """Wait for what is short; what goes on and on is broken off, and taken up again at the next start."""
    await asyncio.wait(loops, timeout=FINISHED_SECONDS)
    for loop in loops:
        loop.cancel()
    await asyncio.wait(loops)


async def _prune(flows: Flows, store: Store, clock: Clock, kept: timedelta) -> None:
    """Delete what lapsed longer ago than the horizon and what is left of removed instances, now and then; no answer
    depends on it (S2)."""
    while True:
        await asyncio.sleep(PRUNING_PAUSE_SECONDS)
        try:
            async with store.glancing() as connection:
                service_time = await service_time_store.read_service_time(connection)
            deleted = await prune_lapsed(store, clock.now(service_time) - kept) + await flows.usage.prune()
            deleted += await flows.limits.prune()
            swept = await flows.lifecycle.sweep()
            log.info("lapsed_pruned", deleted=deleted, swept=swept)
        except Exception:  # the edge of the loop: pruning can wait, the service cannot
            log.exception("pruning_failed")


def build_flows(
    store: Store,
    writer: Writer,
    clock: Clock,
    *,
    horizon: timedelta,
    is_emulator: bool,
    workspace: Workspace = NOTHING_KEPT,
    limits: Collection[LimitName] = (),
) -> Flows:
    instances = Instances(store, clock)
    sights = Sights(store, instances, clock, horizon)
    search_index = SearchIndex(store, instances, clock)
    schedules = Schedules(store, instances, clock)
    runner = Runner(store, clock, schedules, horizon, workspace)
    permissions = Permissions(store, clock, is_emulator=is_emulator)
    return Flows(
        ingest=Ingest(writer, instances, clock),
        query=Query(store, instances, sights, search_index, clock),
        customer_rows=CustomerRows(store, sights, clock),
        instances=instances,
        lifecycle=Lifecycle(store, instances, permissions, search_index, clock),
        permissions=permissions,
        sign_in=SignIn(store, clock),
        inventory=Inventory(store, sights, clock),
        search_index=search_index,
        insights=Insights(store, clock),
        relationships=Relationships(store, instances, clock),
        hierarchies=Hierarchies(store, instances, clock),
        jobs=Jobs(store, instances, clock, runner),
        schedules=schedules,
        reconciliation=Reconciliation(store, clock),
        runner=runner,
        service_clock=ServiceClockControl(store, clock, schedules, runner),
        data_sources=DataSources(store, instances, clock),
        data_profiles=DataProfiles(store, sights, clock),
        usage=Usage(store, instances, writer, clock),
        limits=Limits(store, clock, limits),
        watch=Watch(store, sights, clock),
        live_writes=LiveWrites(store, sights, clock),
    )


def horizon(settings: Settings) -> timedelta:
    return timedelta(days=settings.horizon_days)


def workspace(settings: Settings) -> Workspace:
    """A folder for each database, since each has generations of its own."""
    digest = hashlib.blake2b(settings.effective_database_url.encode(), digest_size=8).hexdigest()
    folder = (settings.home / "refresh" / digest).absolute()
    return Workspace(folder, settings.refresh_memory, settings.refresh_threads)


def configure_logging(settings: Settings) -> None:
    """Events with fields, one JSON object a line on standard error, or coloured lines for a console."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if settings.log_format == "console":
        structlog.configure(
            processors=[*shared, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)],
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
            cache_logger_on_first_use=True,
        )
        return
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
