"""The controllable clock of emulator mode (S4): it only moves forward, and passes through what falls due on the way."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from topcoat.clock import Clock, ServiceTime
from topcoat.core import catalog, errors
from topcoat.core.workflow import Job
from topcoat.flows.jobs.runner import Runner
from topcoat.flows.jobs.scheduling import Schedules
from topcoat.store import clock as service_time_store
from topcoat.store import jobs, ownership
from topcoat.store.clock import LapsedWrite
from topcoat.store.engine import Store
from topcoat.store.ownership import Work

LISTED_MAX: Final = 100
STEPS_MAX: Final = 100
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Passed:
    """What lapsed and which jobs fell due on the way: how many, and the first of them."""

    lapsed_total: int
    lapsed: list[LapsedWrite]
    jobs_total: int
    jobs: list[Job]


@dataclass(frozen=True, slots=True)
class ClockReading:
    now: datetime
    is_frozen: bool
    passed: Passed | None = None


class ServiceClockControl:
    def __init__(self, store: Store, clock: Clock, schedules: Schedules, runner: Runner) -> None:
        self._store = store
        self._clock = clock
        self._schedules = schedules
        self._runner = runner

    async def read(self) -> ClockReading:
        async with self._store.glancing() as connection:
            service_time = await service_time_store.read_service_time(connection)
        return self._reading(service_time)

    async def freeze(self) -> ClockReading:
        return await self._told(*await self._change(lambda _, now: ServiceTime(self._shift_to(now), frozen_at=now)))

    async def resume(self) -> ClockReading:
        """Go on from the frozen instant."""
        return await self._told(*await self._change(lambda _, now: ServiceTime(self._shift_to(now))))

    async def set(self, instant: datetime) -> ClockReading:
        return await self._move(lambda _: instant)

    async def advance(self, duration: timedelta) -> ClockReading:
        if duration < timedelta(0):
            raise _refused("The service clock only moves forward; advance is negative.")
        return await self._move(lambda now: _later(now, duration))

    async def _move(self, target: Callable[[datetime], datetime]) -> ClockReading:
        """To where it is to stand, seen from where it stands; one move at a time where schedules have a say."""
        if await self._schedules.find_next_due(LATEST) is None:
            return await self._told(
                *await self._change(lambda before, now: self._moved(before, _checked(now, target(now))))
            )
        async with self._store.session() as session, ownership.waited_for(session, Work.CLOCK, 0):
            since = (await self.read()).now
            until = _checked(since, target(since))
            await self._run_due(until)
            _, after = await self._change(lambda before, now: self._moved(before, max(until, now)))
            return await self._told(since, after)

    async def _run_due(self, until: datetime) -> None:
        """Stop wherever a schedule falls due until its jobs have come to their end."""
        if await self._schedules.count_due(until, limit=STEPS_MAX) > STEPS_MAX:
            instant = catalog.format_instant(until)
            raise _refused(
                f"On the way to {instant} more than {STEPS_MAX} jobs fall due; move the clock in smaller steps."
            )
        while (due := await self._schedules.find_next_due(until)) is not None:
            await self._stop_at(due)
            await self._schedules.submit_due()
            await self._runner.run_due(due)

    async def _stop_at(self, due: datetime) -> None:
        await self._change(lambda before, now: self._moved(before, max(due, now)))

    async def _change(self, change: Callable[[ServiceTime, datetime], ServiceTime]) -> tuple[datetime, ServiceTime]:
        """Return the instant at which it was made, and the service time from then on."""
        async with self._store.writing() as connection:
            before = await service_time_store.lock_service_time(connection)
            since = self._clock.now(before)
            after = change(before, since)
            await service_time_store.save_service_time(connection, after)
        return since, after

    async def _told(self, since: datetime, after: ServiceTime) -> ClockReading:
        reading = self._reading(after)
        async with self._store.reading() as connection:
            passed = Passed(
                lapsed_total=await service_time_store.count_lapsed(connection, since, reading.now),
                lapsed=await service_time_store.list_lapsed(connection, since, reading.now, limit=LISTED_MAX),
                jobs_total=await jobs.count_due_jobs(connection, since, reading.now),
                jobs=await jobs.list_due_jobs(connection, since, reading.now, limit=LISTED_MAX),
            )
        return replace(reading, passed=passed)

    def _reading(self, service_time: ServiceTime) -> ClockReading:
        return ClockReading(self._clock.now(service_time), service_time.frozen_at is not None)

    def _moved(self, before: ServiceTime, instant: datetime) -> ServiceTime:
        """Move to an instant; a frozen clock stays frozen."""
        frozen_at = None if before.frozen_at is None else instant
        return ServiceTime(self._shift_to(instant), frozen_at=frozen_at)

    def _shift_to(self, instant: datetime) -> timedelta:
        return instant - self._clock.system_now()


def _checked(now: datetime, until: datetime) -> datetime:
    if until > LATEST:
        raise _refused("The service clock goes up to the year 9000.")
    if until < now:
        raise _refused(f"The service clock only moves forward; it stands at {catalog.format_instant(now)}.")
    return until


def _refused(reason: str) -> errors.ClockRequestInvalid:
    return errors.ClockRequestInvalid(reason=reason)


def _later(now: datetime, duration: timedelta) -> datetime:
    try:
        return now + duration
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
