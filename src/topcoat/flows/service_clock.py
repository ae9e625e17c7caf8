"""The controllable clock of emulator mode (S4): it only moves forward."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from topcoat.clock import Clock, ServiceTime
from topcoat.core import catalog, errors
from topcoat.store import clock as service_time_store
from topcoat.store.clock import LapsedWrite
from topcoat.store.engine import Store

LAPSED_LISTED_MAX: Final = 100
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Lapsed:
    """What lapsed on the way: how many, and the first of them."""

    total: int
    writes: list[LapsedWrite]


@dataclass(frozen=True, slots=True)
class ClockReading:
    now: datetime
    is_frozen: bool
    lapsed: Lapsed | None = None


class ServiceClockControl:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def read(self) -> ClockReading:
        async with self._store.glancing() as connection:
            service_time = await service_time_store.read_service_time(connection)
        return self._reading(service_time)

    async def freeze(self) -> ClockReading:
        return await self._change(lambda _, now: ServiceTime(self._shift_to(now), frozen_at=now))

    async def resume(self) -> ClockReading:
        """Go on from the frozen instant."""
        return await self._change(lambda _, now: ServiceTime(self._shift_to(now)))

    async def set(self, instant: datetime) -> ClockReading:
        return await self._change(lambda before, _: self._moved(before, instant))

    async def advance(self, duration: timedelta) -> ClockReading:
        if duration < timedelta(0):
            raise errors.ClockRequestInvalid(reason="The service clock only moves forward; advance is negative.")
        return await self._change(lambda before, now: self._moved(before, _later(now, duration)))

    async def _change(self, change: Callable[[ServiceTime, datetime], ServiceTime]) -> ClockReading:
        async with self._store.writing() as connection:
            before = await service_time_store.lock_service_time(connection)
            since = self._clock.now(before)
            after = change(before, since)
            until = self._clock.now(after)
            if until < since:
                raise errors.ClockRequestInvalid(
                    reason=f"The service clock only moves forward; it stands at {catalog.format_instant(since)}."
                )
            await service_time_store.save_service_time(connection, after)
        async with self._store.reading() as reading:
            total = await service_time_store.count_lapsed(reading, since, until)
            first = await service_time_store.list_lapsed(reading, since, until, limit=LAPSED_LISTED_MAX)
        return self._reading(after, Lapsed(total, first))

    def _moved(self, before: ServiceTime, instant: datetime) -> ServiceTime:
        """Move to an instant; a frozen clock stays frozen."""
        if instant > LATEST:
            raise errors.ClockRequestInvalid(reason="The service clock goes up to the year 9000.")
        frozen_at = None if before.frozen_at is None else instant
        return ServiceTime(self._shift_to(instant), frozen_at=frozen_at)

    def _shift_to(self, instant: datetime) -> timedelta:
        return instant - self._clock.system_now()

    def _reading(self, service_time: ServiceTime, lapsed: Lapsed | None = None) -> ClockReading:
        return ClockReading(self._clock.now(service_time), service_time.frozen_at is not None, lapsed)


def _later(now: datetime, duration: timedelta) -> datetime:
    try:
        return now + duration
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
