"""Connections and database addresses (S20, S30)."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import exc, text

from tests.conftest import INSTANCE, NOW, Service
from tests.flows import asking
from topcoat.core import errors
from topcoat.store import signing_keys
from topcoat.store.engine import Store, normalised_url
from topcoat.store.pruning import prune_lapsed


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///a.db", "sqlite+aiosqlite"),
        ("sqlite+pysqlite:////a/b.db", "sqlite+aiosqlite"),
        ("postgresql://u@h/d", "postgresql+asyncpg"),
        ("postgresql+psycopg://u@h/d", "postgresql+asyncpg"),
        ("postgresql:///d", "postgresql+asyncpg"),
    ],
)
def test_the_driver_part_of_an_address_is_ignored(url: str, driver: str) -> None:
    assert normalised_url(url).drivername == driver


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://h/d", "sqlite://", "sqlite:///:memory:"])
def test_a_database_that_is_not_supported_is_refused_with_what_is(url: str) -> None:
    with pytest.raises(errors.ParameterInvalid, match="sqlite:///path/to/file or postgresql"):
        normalised_url(url)


async def test_a_reading_connection_cannot_write(service: Service) -> None:
    async with service.store.reading() as connection:
        with pytest.raises(exc.DBAPIError):
            await connection.fetch_all(text("DELETE FROM instance"))


async def test_a_reader_keeps_its_view_while_others_commit(service: Service) -> None:
    """S20."""
    statement = text("SELECT name FROM instance")
    async with service.store.reading() as reader:
        before = await reader.fetch_all(statement)
        async with service.store.writing() as writer:
            await writer.run(text("UPDATE instance SET name = 'Other'"))
        assert await reader.fetch_all(statement) == before

    async with service.store.reading() as reader:
        assert (await reader.fetch_all(statement))[0].name == "Other"


async def test_a_commit_on_sqlite_reaches_the_disk_before_it_is_answered(tmp_path: Path, sqlite_url: str) -> None:
    """S30."""
    store = Store(sqlite_url)
    async with store.writing() as connection:
        rows = [await connection.fetch_one(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")]
    await store.close()

    assert [row[0] for row in rows if row is not None] == ["wal", 2]


async def test_a_database_without_the_schema_says_to_migrate(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'empty.db'}")

    with pytest.raises(errors.SchemaOutdated, match="topcoat migrate"):
        await store.check_schema()
    await store.close()


async def test_a_server_that_is_away_is_unreachable_and_no_traceback() -> None:
    store = Store("postgresql://nobody@127.0.0.1:1/none")

    with pytest.raises(errors.StoreUnreachable):
        await store.check_schema()
    await store.close()


async def test_a_statement_beyond_its_time_is_unreachable(postgres_url: str) -> None:
    store = Store(postgres_url, statement_timeout_seconds=0.05)

    with pytest.raises(errors.StoreUnreachable):
        async with store.reading() as connection:
            await connection.fetch_all(text("SELECT pg_sleep(5)"))
    await store.close()


async def test_workers_that_need_a_signing_key_at_once_get_the_same(service: Service) -> None:
    now = service.clock.system_now()

    keys = await asyncio.gather(*(signing_keys.get_signing_key(service.store, "tests", now) for _ in range(5)))

    assert len(set(keys)) == 1
    assert len(keys[0]) == 32


async def test_pruning_takes_what_lapsed_before_the_horizon_and_nothing_else(service: Service, abbie: str) -> None:
    """S2, S28."""
    await asking.override(service, abbie, {"City": "Paris"})
    await asking.override(service, abbie, {"City": "Rome"}, asking.write(timedelta(days=20)))
    (first, _) = await asking.live_changes(service, abbie)
    await service.flows.ingest.withdraw_change(INSTANCE, first.sequence, asking.write())
    await asking.post(service, abbie, "a-1", asking.write(timedelta(hours=1)))
    await asking.post(service, abbie, "a-2")
    await asking.post_purchase(service, "P-1", "LOY_UNKNOWN")

    assert await prune_lapsed(service.store, NOW) == 0
    assert await prune_lapsed(service.store, NOW + timedelta(days=10)) == 3

    assert (await asking.read(service, abbie))["City"] == "Rome"
    assert "a-2" in [a["ActivityId"] for a in await asking.timeline(service, abbie)]
