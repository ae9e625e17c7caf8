"""Transactions of the group commit, straight through the driver (S30)."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import exc, make_url

from tests.conftest import INSTANCE, Service, open_service
from tests.store.test_writer import activity, count
from topcoat.core import errors
from topcoat.store import instances
from topcoat.store.batches import Written
from topcoat.store.point import PointStatement

LOCK = instances.lock_of(INSTANCE)
TURNS = 10


async def test_while_a_write_waits_for_another_process_the_service_goes_on(sqlite_url: str, abbie: str) -> None:
    """S31. The other process is a connection that is closed by this very event loop."""
    async with open_service(sqlite_url) as service:
        await service.writer.write(INSTANCE, activity("a-1", abbie))
        other = sqlite3.connect(str(make_url(sqlite_url).database), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        waiting = asyncio.ensure_future(service.writer.write(INSTANCE, activity("a-2", abbie)))
        for _ in range(TURNS):
            await asyncio.sleep(0)
        was_waiting = not waiting.done()
        other.execute("COMMIT")
        other.close()

        assert was_waiting
        assert isinstance(await waiting, Written)


async def test_a_commit_on_sqlite_reaches_the_disk_before_it_is_answered(sqlite_url: str) -> None:
    """S30."""
    async with open_service(sqlite_url) as service, service.store.writing_locked(LOCK) as connection:
        (mode,) = await connection.fetch_point(PointStatement("PRAGMA journal_mode"), {})
        (level,) = await connection.fetch_point(PointStatement("PRAGMA synchronous"), {})

    assert (mode[0], level[0]) == ("wal", 2)


async def test_what_fails_inside_leaves_nothing_and_the_next_transaction_works(service: Service, abbie: str) -> None:
    async def rename_and_fail() -> None:
        async with service.store.writing_locked(LOCK) as connection:
            await connection.fetch_point(PointStatement("UPDATE instance SET name = 'Other' RETURNING name"), {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await rename_and_fail()

    assert (await service.flows.instances.get_instance(INSTANCE)).name != "Other"
    assert isinstance(await service.writer.write(INSTANCE, activity("a-1", abbie)), Written)


async def test_a_statement_that_the_database_refuses_is_told_without_its_values(service: Service) -> None:
    wrong = PointStatement("SELECT missing FROM instance WHERE name = :name")
    with pytest.raises(exc.DBAPIError) as raised:
        async with service.store.writing_locked(LOCK) as connection:
            await connection.fetch_point(wrong, {"name": "secret"})

    assert not raised.value.connection_invalidated
    assert "secret" not in str(raised.value)


@pytest.mark.postgres
async def test_a_connection_that_breaks_inside_is_lost_and_replaced(postgres_url: str, abbie: str) -> None:
    async with open_service(postgres_url) as service:
        with pytest.raises(exc.DBAPIError) as raised:
            async with service.store.writing_locked(LOCK) as connection:
                await connection.fetch_point(PointStatement("SELECT pg_terminate_backend(pg_backend_pid())"), {})

        assert raised.value.connection_invalidated
        assert isinstance(await service.writer.write(INSTANCE, activity("a-1", abbie)), Written)
        assert await count(service, "realtime_activity") == 1


async def test_writes_to_a_server_that_is_away_are_answered_unreachable(abbie: str) -> None:
    async with open_service("postgresql://nobody@127.0.0.1:1/none") as service:
        with pytest.raises(errors.StoreUnreachable):
            await service.writer.write(INSTANCE, activity("a-1", abbie))


@pytest.mark.postgres
async def test_writes_to_a_database_that_is_not_there_are_answered_unreachable(postgres_url: str, abbie: str) -> None:
    missing = make_url(postgres_url).set(database="topcoat_missing").render_as_string(hide_password=False)
    async with open_service(missing) as service:
        with pytest.raises(errors.StoreUnreachable):
            await service.writer.write(INSTANCE, activity("a-1", abbie))


async def test_writes_to_a_file_that_cannot_be_opened_are_answered_unreachable(tmp_path: Path, abbie: str) -> None:
    (tmp_path / "topcoat.db").mkdir()
    async with open_service(f"sqlite:///{tmp_path / 'topcoat.db'}") as service:
        with pytest.raises(errors.StoreUnreachable):
            await service.writer.write(INSTANCE, activity("a-1", abbie))
