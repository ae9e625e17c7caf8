"""Who follows a profile is woken by whatever may change what is seen of it, and by nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.conftest import INSTANCE, NOW, Service, open_service
from tests.flows import asking
from topcoat.core import errors
from topcoat.core.catalog import CUSTOMER
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import QueryOptions
from topcoat.store import changes
from topcoat.store.changes import Change

TERMINATE = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
)
LONG = 5
"""Seconds that nothing takes on the slowest machine."""


@asynccontextmanager
async def following(service: Service, customer_id: str) -> AsyncIterator[Any]:
    """A function that waits for the next time; the first is there at once."""
    async with aclosing(service.flows.watch.follow(INSTANCE, customer_id)) as times:

        async def next_time() -> None:
            async with asyncio.timeout(LONG):
                await anext(times)

        await next_time()
        yield next_time


async def other_customer(service: Service, customer_id: str) -> str:
    page = await service.flows.query.read_records(INSTANCE, RecordAddress(CUSTOMER), QueryOptions(top=2))
    return next(str(r["CustomerId"]) for r in page.records if r["CustomerId"] != customer_id)


async def test_a_write_wakes_those_who_follow_its_profile_and_nobody_else(sqlite_service: Service, abbie: str) -> None:
    other = await other_customer(sqlite_service, abbie)
    async with following(sqlite_service, abbie) as abbies, following(sqlite_service, other) as others:
        waiting = asyncio.ensure_future(others())
        await asking.override(sqlite_service, abbie, {"City": "Paris"})
        await abbies()

        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_what_another_worker_writes_wakes_as_well(service: Service, database_url: str, abbie: str) -> None:
    async with following(service, abbie) as next_time, open_service(database_url) as worker:
        await asking.post(worker, abbie, "A-1", ActivityTime="2026-11-24T11:00:00Z")

        await next_time()

        assert (await asking.timeline(service, abbie))[0]["ActivityId"] == "A-1"


async def test_a_move_of_the_clock_wakes_everybody(service: Service, abbie: str) -> None:
    async with following(service, abbie) as next_time:
        await service.advance(timedelta(days=1))

        await next_time()


async def test_a_lapse_wakes_without_any_write(sqlite_service: Service, abbie: str) -> None:
    service = sqlite_service
    clock = await service.flows.service_clock.resume()
    soon = clock.now + timedelta(seconds=0.3) - NOW
    await asking.override(service, abbie, {"City": "Paris"}, asking.write(soon))

    async with following(service, abbie) as next_time:
        assert (await asking.read(service, abbie))["City"] == "Paris"
        while (await asking.read(service, abbie))["City"] == "Paris":
            await next_time()

    assert (await asking.read(service, abbie))["City"] == "Seattle"


async def test_an_unknown_profile_is_not_followed(sqlite_service: Service) -> None:
    with pytest.raises(errors.RecordNotFound):
        async with following(sqlite_service, "nobody"):
            pass

    assert sqlite_service.flows.watch.followers == 0


async def test_who_leaves_is_forgotten(service: Service, abbie: str) -> None:
    watch = service.flows.watch
    async with following(service, abbie):
        async with following(service, abbie):
            assert watch.followers == 2
        assert watch.followers == 1
    assert watch.followers == 0


async def test_who_comes_while_another_leaves_is_woken_all_the_same(service: Service, abbie: str) -> None:
    leaving = service.flows.watch.follow(INSTANCE, abbie)
    await anext(leaving)
    coming = service.flows.watch.follow(INSTANCE, abbie)
    first = asyncio.ensure_future(anext(coming))
    await asyncio.wait([first], timeout=0)  # it has begun, and does not know its profile yet
    await leaving.aclose()
    await first

    async with aclosing(coming):
        woken = asyncio.ensure_future(anext(coming))
        await asking.override(service, abbie, {"City": "Paris"})
        async with asyncio.timeout(LONG):
            await woken


@pytest.mark.postgres
async def test_a_broken_connection_is_made_anew_and_tells_of_everything(postgres_service: Service, abbie: str) -> None:
    async with following(postgres_service, abbie) as next_time:
        async with postgres_service.store.writing() as connection:
            await connection.fetch_all(TERMINATE)

        await next_time()
        await asking.override(postgres_service, abbie, {"City": "Paris"})
        await next_time()


@pytest.mark.parametrize(
    "change",
    [Change(), Change(7), Change(7, frozenset()), Change(7, frozenset({"a'b", "ü", "x" * 100}), 12)],
)
def test_a_change_is_the_same_behind_the_wire(change: Change) -> None:
    assert changes.read_payload(changes.write_payload(change)) == change


def test_too_many_ids_are_everybody() -> None:
    change = Change(7, frozenset(f"{n:0100}" for n in range(256)), 12)

    assert changes.read_payload(changes.write_payload(change)) == Change(7, None, 12)
