"""When schedules fall due: cron lines, time zones, clocks put forward and back, four times a day (S4)."""

from datetime import UTC, datetime, timedelta

import pytest

from topcoat.core import errors, schedules
from topcoat.core.schedules import Timing

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def due(lines: list[str], zone: str = "UTC", after: datetime = NOW, days: float = 2) -> list[str]:
    """As days and times of UTC."""
    found = Timing.of(lines, zone).list_between(after, after + timedelta(days=days))
    return [instant.strftime("%d %H:%M:%S").removesuffix(":00") for instant in found]


@pytest.mark.parametrize(
    ("lines", "zone", "expected"),
    [
        (["0 6 * * *"], "UTC", ["25 06:00", "26 06:00"]),
        (["0 12 * * *"], "UTC", ["25 12:00", "26 12:00"]),
        (["0 6,18 * * *"], "UTC", ["24 18:00", "25 06:00", "25 18:00", "26 06:00"]),
        (["0 6 * * *", "0 18 * * *", "0 6 * * 3"], "UTC", ["24 18:00", "25 06:00", "25 18:00", "26 06:00"]),
        (["30 15 0 * * *"], "UTC", ["25 00:15:30", "26 00:15:30"]),
        (["0 6 * * THU"], "UTC", ["26 06:00"]),
        (["0 6 * * *"], "Europe/Berlin", ["25 05:00", "26 05:00"]),
        (["0 6 * * *"], "W. Europe Standard Time", ["25 05:00", "26 05:00"]),
        (["0 6 * * *"], "pacific standard time", ["24 14:00", "25 14:00"]),
        (["0 6 1 1 *"], "UTC", []),
    ],
)
def test_a_schedule_falls_due_by_its_lines_in_its_zone(lines: list[str], zone: str, expected: list[str]) -> None:
    assert due(lines, zone) == expected


def test_where_the_clock_is_put_forward_what_falls_into_the_gap_is_due_behind_it() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)

    assert due(["15 2 * * *", "45 2 * * *"], "Europe/Berlin", before, days=1) == ["29 01:00"]


@pytest.mark.parametrize(("hour", "expected"), [(0, ["25 00:30"]), (1, [])])
def test_where_the_clock_is_put_back_a_time_that_comes_twice_is_due_once(hour: int, expected: list[str]) -> None:
    before = datetime(2026, 10, 25, hour, 10, tzinfo=UTC)

    assert due(["30 2 * * *"], "Europe/Berlin", before, days=0.5) == expected


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["0 0 30 2 *"], "cronSchedules[0] is '0 0 30 2 *'"),
        (["0 6 * * *", "0 0 31 4,6,9,11 *"], "cronSchedules[1]"),
        (["0 0 */31 2 MON#5"], "which never fires"),
        (["every morning"], "Wrong number of fields"),
        (["0 24 * * *"], "Bad hour"),
        (["0 6 ? * *"], "Bad day-of-month"),
        ([""], "Wrong number of fields"),
        (["* * * * *"], "at most 4 times a day"),
        (["0 */4 * * *"], "at most 4 times a day"),
        (["0 6 * * *" + " " * 200], "at most 200 characters"),
        ([], "0 lines"),
        (["0 6 * * *"] * 29, "29 lines"),
    ],
)
def test_a_line_that_never_or_too_often_fires_is_refused(lines: list[str], said: str) -> None:
    with pytest.raises(errors.ParameterInvalid) as raised:
        Timing.of(lines, "UTC")

    assert said in raised.value.message


def test_an_unknown_zone_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(errors.ParameterInvalid) as raised:
        Timing.of(["0 6 * * *"], "Europe/Berln")

    assert "did you mean 'Europe/Berlin'" in raised.value.message


def test_zones_are_known_by_both_names() -> None:
    zones = {zone.name: zone.iana for zone in schedules.list_zones()}

    assert zones["Pacific Standard Time"] == zones["America/Los_Angeles"] == "America/Los_Angeles"
    assert list(zones) == sorted(zones)


@pytest.mark.parametrize(
    ("timings", "is_refused"),
    [
        ([["0 0,6,12,18 * * *"]], False),
        ([["0 0,6 * * *"], ["0 12,18 * * *"]], False),
        ([["0 0,6,12,18 * * *"], ["30 3 * * 7"]], True),
        ([["0 0,6,12,18 * * MON"], ["0 0,6,12,18 * * TUE"]], False),
        ([["0 0,6,12 * * *", "0 1,7 1 1 *"]], True),
        ([["0 6 * * *"]] * 5, True),
    ],
)
def test_all_schedules_together_fall_due_four_times_a_day_at_most(timings: list[list[str]], is_refused: bool) -> None:
    made = [Timing.of(lines, "America/New_York") for lines in timings]
    if not is_refused:
        schedules.check_frequency(made, made[0].zone, NOW)
        return

    with pytest.raises(errors.ParameterInvalid, match="at most 4 a day"):
        schedules.check_frequency(made, made[0].zone, NOW)


def test_a_schedule_may_fall_due_for_the_last_time() -> None:
    timing = Timing(("0 0 */31 2 MON#5",), schedules.get_zone("UTC"))

    assert timing.find_next(NOW) is None
