"""When a schedule falls due: cron lines in a time zone, at most four times a day."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import dropwhile, groupby, takewhile
from typing import Final, Self
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from tzlocal.windows_tz import win_tz

from topcoat.core import catalog, errors

RUNS_PER_DAY_MAX: Final = 4
LINES_MAX: Final = 28  # four a day, each day of the week
LINE_LENGTH_MAX: Final = 200
LOOKED_AHEAD: Final = timedelta(days=400)
_LINE_EXPECTED: Final = "a cron line such as '0 6 * * 1-5' that fires at some time"


@dataclass(frozen=True, slots=True)
class ZoneName:
    """A time zone by IANA's or the vendor's (Windows') name for it, and IANA's."""

    name: str
    iana: str


@dataclass(frozen=True, slots=True)
class Timing:
    """Instants are UTC; where two lines name the same one, it is one."""

    lines: tuple[str, ...]
    zone: ZoneInfo

    @classmethod
    def of(cls, lines: Sequence[str], zone_name: str) -> Self:
        """Raise `ParameterInvalid` for a line that is unreadable or never fires, and for an unknown zone."""
        timing = cls(tuple(lines), get_zone(zone_name))
        if not 1 <= len(lines) <= LINES_MAX:
            raise _refused("cronSchedules", f"{len(lines)} lines", f"1 to {LINES_MAX} cron lines")
        for place, line in enumerate(timing.lines):
            check_line(line, timing.zone, f"cronSchedules[{place}]")
        return timing

    def list_due(self, after: datetime) -> Iterator[datetime]:
        """Every instant after this one, in order, without end or until none comes any more."""
        lines = (_fire(line, self.zone, after) for line in self.lines)
        return (instant for instant, _ in groupby(heapq.merge(*lines)))

    def find_next(self, after: datetime) -> datetime | None:
        return next(self.list_due(after), None)

    def list_between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        return takewhile(lambda due: due <= until, self.list_due(after))


@dataclass(frozen=True, slots=True)
class Schedule:
    """`time_zone` is what its maker called it; `next_due_at` is None where it never falls due again."""

    instance: str
    instance_id: int
    schedule_id: str
    operation_type: str
    sub_type: str
    identifiers: tuple[str, ...]
    job_type: str
    is_active: bool
    time_zone: str
    lines: tuple[str, ...]
    next_due_at: datetime | None
    principal: str | None

    @property
    def timing(self) -> Timing:
        return Timing(self.lines, get_zone(self.time_zone))


def check_line(line: str, zone: ZoneInfo, parameter: str = "cron") -> None:
    """Raise `ParameterInvalid` for one that is unreadable, never fires, or does so too often."""
    found = f"'{catalog.shown(line)}'"
    if len(line) > LINE_LENGTH_MAX:
        raise _refused(parameter, found, f"at most {LINE_LENGTH_MAX} characters")
    start = datetime(2000, 1, 1, tzinfo=UTC).astimezone(zone)
    try:
        cron = CronSim(line, start)
    except CronSimError as error:
        raise _refused(parameter, f"{found} ({error})", _LINE_EXPECTED) from None
    if len(cron.seconds) * len(cron.minutes) * len(cron.hours) > RUNS_PER_DAY_MAX:
        raise _refused(parameter, f"{found}, which fires more often", f"at most {RUNS_PER_DAY_MAX} times a day")
    if next(cron, None) is None:
        raise _refused(parameter, f"{found}, which never fires", _LINE_EXPECTED)


def check_frequency(timings: Iterable[Timing], zone: ZoneInfo, now: datetime) -> None:
    """Raise `ParameterInvalid` if all together fall due more than four times on one of the coming days of a zone."""
    until = now + LOOKED_AHEAD
    runs: Counter[str] = Counter()
    for due in heapq.merge(*(timing.list_between(now, until) for timing in timings)):
        day = due.astimezone(zone).date().isoformat()
        runs[day] += 1
        if runs[day] > RUNS_PER_DAY_MAX:
            found = f"more than {RUNS_PER_DAY_MAX} refreshes on {day}, all active schedules together"
            raise _refused("cronSchedules", found, f"at most {RUNS_PER_DAY_MAX} a day")


@cache
def list_zones() -> tuple[ZoneName, ...]:
    """All that a schedule may name, by name."""
    iana = {name: name for name in available_timezones() if name != "localtime"}
    return tuple(ZoneName(name, zone) for name, zone in sorted((win_tz | iana).items()))


def get_zone(name: str) -> ZoneInfo:
    """By either name, whatever its case; raise `ParameterInvalid`."""
    found = _zones_by_name().get(name.casefold())
    if found is None:
        hint = catalog.suggestion(name, [zone.name for zone in list_zones()])
        expected = f"an IANA or Windows time zone such as Europe/Berlin or Pacific Standard Time{hint}"
        raise _refused("timezoneId", f"'{catalog.shown(name)}'", expected)
    return ZoneInfo(found.iana)


@cache
def _zones_by_name() -> dict[str, ZoneName]:
    return {zone.name.casefold(): zone for zone in list_zones()}


def _fire(line: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Where clocks are put back, cron's own start lies up to an hour before."""
    fires = (due.astimezone(UTC) for due in CronSim(line, after.astimezone(zone)))
    return dropwhile(lambda due: due <= after, fires)


def _refused(parameter: str, found: str, expected: str) -> errors.ParameterInvalid:
    return errors.ParameterInvalid(parameter=parameter, found=found, expected=expected)
