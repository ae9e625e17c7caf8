"""Connections are used again while they are fit for it, and no others."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import sqlalchemy

from tests.databases import DatabaseServer
from topcoat.store import point
from topcoat.store.point import PointStatement
from topcoat.store.pool import PostgresqlPool

pytestmark = pytest.mark.postgres

WHO = PointStatement("SELECT pg_backend_pid()")


@pytest.fixture
async def pool(postgres: DatabaseServer) -> AsyncIterator[PostgresqlPool]:
    opened = PostgresqlPool(sqlalchemy.make_url(f"{postgres.url}/postgres"), size_max=1, settings={"jit": "off"})
    yield opened
    await opened.close()


async def who(pool: PostgresqlPool) -> int:
    ((pid,),) = await point.fetch(pool, WHO, {})
    return int(pid)


async def test_a_connection_serves_one_statement_after_the_other(pool: PostgresqlPool) -> None:
    assert await who(pool) == await who(pool)


async def test_a_connection_outlives_a_statement_that_the_database_refuses(pool: PostgresqlPool) -> None:
    first = await who(pool)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await point.fetch(pool, PointStatement("SELECT 1 / CAST(:zero AS int)"), {"zero": 0})

    assert await who(pool) == first


async def test_a_connection_that_waits_for_an_answer_nobody_wants_is_not_used_again(pool: PostgresqlPool) -> None:
    first = await who(pool)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await point.fetch(pool, PointStatement("SELECT pg_sleep(60)"), {})

    assert await who(pool) != first


async def test_a_connection_that_the_server_closed_is_replaced(pool: PostgresqlPool) -> None:
    first = await who(pool)
    with pytest.raises((asyncpg.AdminShutdownError, asyncpg.ConnectionDoesNotExistError)):
        await point.fetch(pool, PointStatement("SELECT pg_terminate_backend(pg_backend_pid())"), {})

    assert await who(pool) != first


async def test_waiting_for_a_connection_ends(pool: PostgresqlPool) -> None:
    taken = await pool.take()
    with pytest.raises(TimeoutError):
        await pool.take(timeout_seconds=0.01)

    pool.give_back(taken)
    assert await who(pool) == taken.get_server_pid()


async def test_a_connection_that_cannot_be_opened_takes_no_place() -> None:
    gone = PostgresqlPool(sqlalchemy.make_url("postgresql://nobody@127.0.0.1:1/nothing"), size_max=1, settings={})
    for _ in range(2):
        with pytest.raises(OSError, match="Connect call failed"):
            await gone.take(timeout_seconds=1)
