"""How the API is used: calls are added up in memory, and every few seconds in the database, for all workers."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from topcoat.clock import Clock
from topcoat.core import catalog, errors, usage
from topcoat.core.usage import Counts, Dimension, Kind, Tallies, UsageRow
from topcoat.flows.instances import Instances
from topcoat.store import clock as service_time_store
from topcoat.store import gauges, instances
from topcoat.store import usage as usage_store
from topcoat.store.engine import Store
from topcoat.store.gauges import Gauge
from topcoat.store.writer import Writer

FLUSH_PAUSE_SECONDS: Final = 5.0
FIGURES_KEPT_SECONDS: Final = 1.0
HOURS_UNSAVED_MAX: Final = 24
ROWS_MAX: Final = 1_000
FRAME_DEFAULT: Final = timedelta(hours=24)
FRAME_MAX: Final = timedelta(days=30)
_HOUR: Final = timedelta(hours=1)

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Whole hours from `since` to before `until`; at most `ROWS_MAX` rows."""

    since: datetime
    until: datetime
    total: UsageRow
    rows: list[UsageRow]
    has_more: bool


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """`counts` of all workers since the database was made; `now` by the service clock."""

    counts: Counts
    gauges: list[Gauge]
    now: datetime


class Usage:
    def __init__(self, store: Store, instances: Instances, writer: Writer, clock: Clock) -> None:
        self._store = store
        self._instances = instances
        self._writer = writer
        self._clock = clock
        self._tallies: Tallies = {}
        self._unsaved: dict[datetime, tuple[Tallies, Counts]] = {}
        self._writer_counts: Counts = {}
        self._turn = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._measuring = asyncio.Lock()
        self._figures: tuple[float, ServiceFigures] | None = None

    def record(self, kind: Kind, *, received_bytes: int, sent_bytes: int, seconds: float) -> None:
        tally = self._tallies.get(kind) or usage.tally_of(self._tallies, kind)
        tally.add(received_bytes, sent_bytes, seconds)

    async def run_until_stopped(self) -> None:
        """Save what was recorded, again and again; whoever stops it saves the rest."""
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), FLUSH_PAUSE_SECONDS)
            try:
                await self.save()
            except Exception as error:  # the edge of the loop: figures can wait
                log.warning("usage_not_saved", reason=type(error).__name__)

    def stop(self) -> None:
        self._stopping.set()

    async def save(self) -> None:
        """Add what was recorded since to what the database has; what cannot be saved now is saved the next time."""
        async with self._turn:
            self._set_aside()
            for hour, (tallies, counts) in list(self._unsaved.items()):
                await self._save_hour(hour, tallies, counts)
                del self._unsaved[hour]

    async def prune(self) -> int:
        async with self._store.writing() as connection:
            return await usage_store.prune_usage(connection, _floor(self._clock.system_now()) - FRAME_MAX)

    async def report(
        self,
        instance: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        frame: timedelta = FRAME_DEFAULT,
        dimensions: Sequence[Dimension],
    ) -> UsageReport:
        """The calls from `since` to `until` by the system clock, or of a time frame up to then or now; raise
        `ParameterInvalid`."""
        since, until = self._frame(since, until, frame)
        await self.save()
        async with self._store.reading() as connection:
            found = await instances.find_instance(connection, instance)
            if found is None:
                raise errors.InstanceNotFound(instance=catalog.shown(instance))
            asked = {"since": since, "until": until}
            totals = await usage_store.list_usage(connection, found.instance_id, **asked, dimensions=(), limit=1)
            rows = await usage_store.list_usage(
                connection, found.instance_id, **asked, dimensions=dimensions, limit=ROWS_MAX + 1
            )
        total = totals[0] if totals else UsageRow((), 0, 0, 0, 0)
        return UsageReport(since, until, total, rows[:ROWS_MAX], len(rows) > ROWS_MAX)

    async def measure(self) -> ServiceFigures:
        """What all workers counted, and what the service holds; other workers' last seconds may be missing.

        Everybody may ask, so the answer is kept for a moment.
        """
        async with self._measuring:
            asked_at = self._clock.monotonic_seconds()
            if self._figures is None or asked_at >= self._figures[0] + FIGURES_KEPT_SECONDS:
                self._figures = asked_at, await self._measure()
            return self._figures[1]

    async def _measure(self) -> ServiceFigures:
        await self.save()
        async with self._store.reading() as connection:
            now = self._clock.now(await service_time_store.read_service_time(connection))
            counts = await usage_store.list_counts(connection)
            return ServiceFigures(counts, await gauges.list_gauges(connection, now), now)

    def _set_aside(self) -> None:
        """Under the hour that it is; calls of the last seconds before may have been of the hour before."""
        counts = usage.counts_of(self._tallies)
        self._count_writes(counts)
        if not counts:
            return
        hour = _floor(self._clock.system_now())
        tallies, unsaved = self._unsaved.setdefault(hour, ({}, {}))
        usage.merge_tallies(tallies, self._tallies)
        for counted, number in counts.items():
            usage.add_count(unsaved, counted, number)
        self._tallies = {}
        while len(self._unsaved) > HOURS_UNSAVED_MAX:
            del self._unsaved[min(self._unsaved)]

    def _count_writes(self, counts: Counts) -> None:
        for counted, number in self._writer.counts.items():
            usage.add_count(counts, counted, number - self._writer_counts.get(counted, 0))
        self._writer_counts = dict(self._writer.counts)

    async def _save_hour(self, hour: datetime, tallies: Tallies, counts: Counts) -> None:
        known = await self._known(tallies)
        async with self._store.writing() as connection:
            if known:
                callers = await usage_store.list_callers(connection, hour, {kind.instance for kind in known})
                await usage_store.add_usage(connection, hour, usage.cap_callers(known, callers))
            await usage_store.add_counts(connection, counts)

    async def _known(self, tallies: Tallies) -> Tallies:
        """Of instances and tables that exist; callers could make up any number of others."""
        guids = {instance.guid for instance in await self._instances.list_instances()}
        tables = {
            guid: (await self._instances.find_current(guid)).catalog.tables_by_name
            for guid in guids.intersection(kind.instance for kind in tallies)
        }
        known: Tallies = {}
        for kind, tally in tallies.items():
            if kind.instance in tables:
                table = kind.table if kind.table in tables[kind.instance] else ""
                usage.merge_tallies(known, {kind._replace(table=table): tally})
        return known

    def _frame(self, since: datetime | None, until: datetime | None, frame: timedelta) -> tuple[datetime, datetime]:
        now = self._clock.system_now()
        until = _ceil(until or now)
        since = _floor(since or until - frame)
        if since >= until:
            raise errors.ParameterInvalid(parameter="from", found="not before `to`", expected="an instant before it")
        if until - since > FRAME_MAX + _HOUR:
            expected = f"a time frame of at most {FRAME_MAX.days} days"
            raise errors.ParameterInvalid(
                parameter="from", found=f"{(until - since).days} days ahead of `to`", expected=expected
            )
        return since, until


def _floor(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


def _ceil(instant: datetime) -> datetime:
    floor = _floor(instant)
    return floor if floor == instant else floor + _HOUR
