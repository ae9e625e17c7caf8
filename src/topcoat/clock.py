"""The only reader of the wall clock."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """How the service clock stands to the system clock: ahead by `shift`, or stopped at `frozen_at` (S4)."""

    shift: timedelta = timedelta(0)
    frozen_at: datetime | None = None


class Clock:
    """`is_adjustable`: follow the service time kept in the database, as the emulator does (S4)."""

    def __init__(self, *, is_adjustable: bool) -> None:
        self.is_adjustable = is_adjustable

    def system_now(self) -> datetime:
        return datetime.now(UTC)

    def now(self, service_time: ServiceTime) -> datetime:
        """The instant on the service clock."""
        if not self.is_adjustable:
            return self.system_now()
        return service_time.frozen_at or self.system_now() + service_time.shift

    def monotonic_seconds(self) -> float:
        return time.monotonic()


def to_microseconds(instant: datetime) -> int:
    """Microseconds since 1970, the form in which the store keeps instants."""
    return (instant - EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)
