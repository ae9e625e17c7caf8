"""Limits to calls over several workers, on both databases."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.conftest import INSTANCE, Service, open_service
from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.core.limits import LimitName
from topcoat.flows import limits
from topcoat.flows.limits import Admission, Connection, Limits

TILL = Connection(INSTANCE, "till", "key")
BEGINNING = datetime(2026, 11, 25, 10, tzinfo=UTC)


class SystemTime(Clock):
    """The system clock, stopped."""

    def __init__(self) -> None:
        super().__init__(is_adjustable=True)
        self.passed = timedelta(0)

    def system_now(self) -> datetime:
        return BEGINNING + self.passed

    def monotonic_seconds(self) -> float:
        return self.passed.total_seconds()


@pytest.fixture
def time() -> SystemTime:
    return SystemTime()


async def begin_all(workers: list[Limits], calls: int) -> list[Admission | BaseException]:
    """At once, by the workers in turn."""
    begun = (workers[number % len(workers)].begin(TILL) for number in range(calls))
    return list(await asyncio.gather(*begun, return_exceptions=True))


def admitted(outcomes: list[Admission | BaseException]) -> list[Admission]:
    assert all(isinstance(o, Admission | errors.LimitExceeded) for o in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Admission)]


async def test_of_calls_at_once_through_two_workers_exactly_the_quota_is_admitted(
    service: Service, time: SystemTime
) -> None:
    async with open_service(service.store.url.render_as_string(hide_password=False)) as other:
        workers = [Limits(store, time, [LimitName.CONNECTOR]) for store in (service.store, other.store)]

        first = await begin_all(workers, 130)
        time.passed = timedelta(seconds=60)
        second = await begin_all(workers, 130)

    assert len(admitted(first)) == len(admitted(second)) == 100
    assert sorted(admission.standings[0].left for admission in admitted(first)) == list(range(100))


async def test_concurrent_calls_are_counted_over_all_workers_until_they_end(service: Service, time: SystemTime) -> None:
    async with open_service(service.store.url.render_as_string(hide_password=False)) as other:
        workers = [Limits(store, time, [LimitName.DATAVERSE]) for store in (service.store, other.store)]
        running = admitted(await begin_all(workers, 60))
        time.passed = timedelta(seconds=2)

        await workers[0].end(running[0])
        again = await workers[1].begin(TILL)
        with pytest.raises(errors.TooManyConcurrentCalls):
            await workers[0].begin(TILL)

    assert len(running) == 52
    assert [standing.left for standing in again.standings] == [5_947, 20 * 60_000 - 2_000, 0]


async def test_callers_have_budgets_of_their_own(sqlite_url: str, time: SystemTime) -> None:
    async with open_service(sqlite_url) as service:
        both = Limits(service.store, time, list(LimitName))
        for connection in (TILL, Connection(INSTANCE, "till", "other key"), Connection(INSTANCE, "web", "key")):
            admission = await both.begin(connection)

            own, shared = (standing.left for standing in admission.standings[:2])
            assert own == 99
            assert shared == (5_998 if connection.subscription_key == "other key" else 5_999)


async def test_ledgers_are_pruned_once_they_say_nothing_any_more(sqlite_url: str, time: SystemTime) -> None:
    async with open_service(sqlite_url) as service:
        workers = [Limits(service.store, time, [LimitName.CONNECTOR]) for _ in range(2)]
        await workers[0].begin(TILL)

        assert await workers[0].prune() == 0
        time.passed = timedelta(seconds=60)
        assert await workers[0].prune() == 1
        await workers[1].begin(TILL)
        assert (await workers[0].begin(TILL)).standings[0].left == 98


async def test_callers_of_long_ago_are_forgotten_and_read_again(
    sqlite_url: str, time: SystemTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CALLERS_KEPT_MAX", 1)
    async with open_service(sqlite_url) as service:
        connector = Limits(service.store, time, [LimitName.CONNECTOR])
        for name in ("till", "web", "app", "till"):
            admission = await connector.begin(Connection(INSTANCE, name, "key"))

    assert admission.standings[0].left == 98


async def test_a_database_that_does_not_count_refuses(service: Service, time: SystemTime) -> None:
    connector = Limits(service.store, time, [LimitName.CONNECTOR])
    async with service.store.writing() as connection:
        await connection.run(text("ALTER TABLE call_ledger RENAME TO away"))
    try:
        with pytest.raises(errors.StoreUnreachable):
            await connector.begin(TILL)
    finally:
        async with service.store.writing() as connection:
            await connection.run(text("ALTER TABLE away RENAME TO call_ledger"))


async def test_a_ledger_that_others_always_write_first_is_given_up(
    sqlite_url: str, time: SystemTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ATTEMPTS_MAX", 0)
    async with open_service(sqlite_url) as service:
        with pytest.raises(errors.StoreUnreachable):
            await Limits(service.store, time, [LimitName.CONNECTOR]).begin(TILL)
