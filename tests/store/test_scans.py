"""Scans end at their time limit, leave their connection fit for the next, and cannot write."""

from collections.abc import AsyncIterator

import pytest

from topcoat.core import errors
from topcoat.store.engine import Store
from topcoat.store.point import PointStatement

ENDLESS = PointStatement("""
WITH RECURSIVE numbers(n) AS (
    SELECT CAST(1 AS bigint) UNION ALL SELECT n + 1 FROM numbers WHERE n < CAST(:last AS bigint)
)
SELECT count(*) FROM numbers
""")


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = Store(database_url, statement_timeout_seconds=0.05)
    yield opened
    await opened.close()


async def test_a_scan_beyond_its_time_is_stopped_with_a_reason(store: Store) -> None:
    with pytest.raises(errors.QueryTooSlow, match=r"0\.05 seconds"):
        await store.scan.fetch(ENDLESS, {"last": 10**12})


async def test_the_next_scan_is_answered(store: Store) -> None:
    with pytest.raises(errors.QueryTooSlow):
        await store.scan.fetch(ENDLESS, {"last": 10**12})

    assert [tuple(row) for row in await store.scan.fetch(ENDLESS, {"last": 10})] == [(10,)]


async def test_a_scan_cannot_write(store: Store) -> None:
    with pytest.raises(errors.StoreUnreachable):
        await store.scan.fetch(PointStatement("DELETE FROM instance"), {})


async def test_a_database_that_is_gone_is_said_to_be_unreachable() -> None:
    gone = Store("postgresql://nobody@127.0.0.1:1/nothing")

    with pytest.raises(errors.StoreUnreachable):
        await gone.scan.fetch(PointStatement("SELECT 1"), {})

    await gone.close()
