"""The usage of the API, of all workers, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import exc, text

from tests.conftest import INSTANCE, Service, open_service
from tests.flows import asking
from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.core import usage as rules
from topcoat.core.usage import Counted, Dimension, Kind
from topcoat.flows.usage import Usage, UsageReport

HALF_PAST = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
EVERYTHING = (Dimension.OPERATION, Dimension.TABLE, Dimension.CALLER, Dimension.STATUS, Dimension.ERROR)


class SystemTime(Clock):
    """The system clock, stopped."""

    def __init__(self) -> None:
        super().__init__(is_adjustable=True)
        self.instant = HALF_PAST

    def system_now(self) -> datetime:
        return self.instant


@pytest.fixture
def time() -> SystemTime:
    return SystemTime()


def usage_of(service: Service, time: SystemTime) -> Usage:
    return Usage(service.store, service.flows.instances, service.writer, time)


def kind(table: str = "Customer", caller: str = "till", status: int = 200, instance: str = INSTANCE) -> Kind:
    return Kind(instance, "Get-entities-with-OData-path", table, caller, status, "" if status < 400 else "Refused")


def record(usage: Usage, *kinds: Kind) -> None:
    for one in kinds:
        usage.record(one, received_bytes=10, sent_bytes=200, seconds=0.003)


async def report(usage: Usage, *dimensions: Dimension, since: datetime | None = None) -> UsageReport:
    return await usage.report(INSTANCE, since=since, until=None, dimensions=dimensions)


async def test_calls_of_two_workers_add_up(service: Service, time: SystemTime) -> None:
    first = usage_of(service, time)
    async with open_service(service.store.url.render_as_string(hide_password=False)) as other:
        second = usage_of(other, time)
        record(first, kind(), kind(), kind(status=404))
        record(second, kind(), kind("UnifiedActivity", caller="web"))
        await second.save()

        found = await report(first, *EVERYTHING)
        figures = await first.measure()

    operation = "Get-entities-with-OData-path"
    assert [(row.parts, row.calls) for row in found.rows] == [
        ((operation, "Customer", "till", 200, ""), 3),
        ((operation, "Customer", "till", 404, "Refused"), 1),
        ((operation, "UnifiedActivity", "web", 200, ""), 1),
    ]
    total = found.total
    assert (total.calls, total.received_bytes, total.sent_bytes, total.microseconds) == (5, 50, 1000, 15_000)
    assert figures.counts[Counted(rules.CALLS, (operation, "200", ""))] == 4


async def test_usage_is_of_whole_hours_in_a_time_frame_of_24_hours_unless_another_is_asked_for(
    service: Service, time: SystemTime
) -> None:
    usage = usage_of(service, time)
    record(usage, kind())
    await usage.save()
    time.instant += timedelta(hours=24)
    record(usage, kind(), kind())

    day = await report(usage, Dimension.HOUR)
    days = await report(usage, Dimension.DAY, Dimension.RESULT, since=HALF_PAST)

    hour = datetime(2026, 11, 25, 10, tzinfo=UTC)
    assert (day.since, day.until) == (hour + timedelta(hours=1), hour + timedelta(hours=25))
    assert [(row.parts, row.calls) for row in day.rows] == [((hour + timedelta(hours=24),), 2)]
    assert [(row.parts, row.calls) for row in days.rows] == [
        ((datetime(2026, 11, 26, tzinfo=UTC), 2), 2),
        ((datetime(2026, 11, 25, tzinfo=UTC), 2), 1),
    ]


async def test_names_that_callers_make_up_are_not_kept(service: Service, time: SystemTime) -> None:
    usage = usage_of(service, time)
    record(usage, kind("Nonsense", status=404), kind("Rubbish", status=404), kind(instance="nowhere"))
    record(usage, *(kind(caller=f"till {number}") for number in range(rules.CALLERS_MAX)))
    await usage.save()
    record(usage, kind(caller="one more"), kind(caller="and another"))

    tables = await report(usage, Dimension.TABLE)
    callers = await report(usage, Dimension.CALLER)

    assert {row.parts[0]: row.calls for row in tables.rows} == {"": 2, "Customer": rules.CALLERS_MAX + 2}
    assert callers.total.calls == rules.CALLERS_MAX + 4
    assert len(callers.rows) == rules.CALLERS_MAX + 1
    assert next(row.calls for row in callers.rows if row.parts == (rules.OTHER,)) == 3


async def test_usage_is_kept_for_thirty_days(service: Service, time: SystemTime) -> None:
    usage = usage_of(service, time)
    record(usage, kind())
    await usage.save()

    time.instant = HALF_PAST + timedelta(days=30)
    assert await usage.prune() == 0
    time.instant += timedelta(hours=1)
    assert await usage.prune() == 1


async def test_what_could_not_be_saved_is_saved_the_next_time(service: Service, time: SystemTime) -> None:
    usage = usage_of(service, time)
    record(usage, kind())
    await rename(service, "api_usage", "away")
    with pytest.raises(exc.DBAPIError):
        await usage.save()
    await rename(service, "away", "api_usage")
    record(usage, kind())

    assert (await report(usage)).total.calls == 2


async def rename(service: Service, table: str, name: str) -> None:
    async with service.store.writing() as connection:
        await connection.run(text(f"ALTER TABLE {table} RENAME TO {name}"))


async def test_no_more_than_a_day_waits_to_be_saved(sqlite_url: str, time: SystemTime) -> None:
    async with open_service(sqlite_url) as service:
        usage = usage_of(service, time)
        await rename(service, "counter", "away")
        for _ in range(26):
            record(usage, kind())
            with pytest.raises(exc.DBAPIError):
                await usage.save()
            time.instant += timedelta(hours=1)
        await rename(service, "away", "counter")

        assert (await report(usage, since=HALF_PAST)).total.calls == 24


async def test_writes_and_batches_and_what_an_instance_holds_are_measured(sqlite_url: str, abbie: str) -> None:
    async with open_service(sqlite_url) as service:
        await asking.override(service, abbie, {"City": "Paris"})
        await asking.override(service, abbie, {"City": "Rome"}, asking.write(timedelta(minutes=1)))
        await asking.post(service, abbie)
        await service.flows.ingest.withdraw_change(INSTANCE, 1, asking.write())
        await service.advance(timedelta(minutes=1))

        figures = await service.flows.usage.measure()

    kinds = {counted.labels: number for counted, number in figures.counts.items() if counted.name == rules.WRITES}
    assert kinds == {("change",): 2, ("activity",): 1, ("withdrawal",): 1}
    assert figures.counts[Counted(rules.BATCHES)] == 4
    assert figures.counts[Counted(rules.REFRESHES)] == 1
    (gauge,) = figures.gauges
    assert (gauge.instance, gauge.generation, gauge.unlapsed_changes) == (INSTANCE, 1, 1)


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (HALF_PAST, HALF_PAST - timedelta(hours=2)),
        (HALF_PAST - timedelta(days=31), HALF_PAST),
    ],
)
async def test_a_time_frame_that_is_none_or_too_long_is_refused(
    sqlite_url: str, time: SystemTime, since: datetime, until: datetime
) -> None:
    async with open_service(sqlite_url) as service:
        with pytest.raises(errors.ParameterInvalid):
            await usage_of(service, time).report(INSTANCE, since=since, until=until, dimensions=())


async def test_an_instance_that_is_not_there_has_no_usage(sqlite_url: str, time: SystemTime) -> None:
    async with open_service(sqlite_url) as service:
        with pytest.raises(errors.InstanceNotFound):
            await usage_of(service, time).report("nowhere", since=None, until=None, dimensions=())
