"""Frames published as generations, on both databases (S12, S20, S21)."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import text

from tests.conftest import INSTANCE, Service, open_service
from tests.flows import asking
from topcoat.core import errors
from topcoat.core.catalog import CUSTOMER, Table
from topcoat.flows.refresh import publish
from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.environment import load_environment
from topcoat.flows.refresh.output import activities, publishing, snapshot_rows
from topcoat.flows.refresh.progress import Silent
from topcoat.flows.refresh.publication import Publication
from topcoat.flows.refresh.report import RunReport
from topcoat.flows.refresh.workspace import Workspace
from topcoat.store import generations, instances, search_definitions
from topcoat.store.generations import Counts
from topcoat.store.staging import ACTIVITIES, ALIASES, KEY_RING, PROFILES, SOURCE_RECORDS, SnapshotTable

pytestmark = pytest.mark.measured_once

ENVIRONMENT = """
instance: {id: c0ffee00-0000-4000-8000-000000000001, name: Contoso Coffee}
tables:
  Shop_sales:
    primary_key: SaleId
    columns: {SaleId: string, MemberId: string, SoldOn: date-time, Shop: string}
  Club_members:
    primary_key: MemberId
    columns: {MemberId: string}
activities:
  Shop_sales:
    name: Sale
    type: SalesOrder
    timestamp: SoldOn
    event: Shop
    customer: {column: MemberId, table: Club_members}
unified:
  customer: {file: customers.jsonl, columns: {CustomerId: string, City: string, Points: integer}}
"""
NOON = datetime(2026, 1, 1, 12)


@dataclass
class World:
    """What comes out of the sources; customer `a` is member `m-a`."""

    cities: dict[str, str]
    sales: dict[str, tuple[str, str]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    def frames(self, engine: Engine) -> dict[str, Any]:
        ring = [("Club_members", f"m-{customer}", customer) for customer in self.cities]
        return {
            "profiles": _frame(engine, "profiles", ("CustomerId", "City"), list(self.cities.items())).mutate(Points=1),
            "key_ring": _frame(engine, "key_ring", KEY_RING.key, ring),
            "aliases": _frame(engine, "aliases", ALIASES.key, list(self.aliases.items())),
            "sales": engine.keep(
                "sales",
                _frame(
                    engine,
                    "sales_",
                    ("SaleId", "MemberId", "Shop"),
                    [(sale, f"m-{customer}", shop) for sale, (customer, shop) in self.sales.items()],
                ).mutate(SoldOn=NOON),
            ),
        }


def _frame(engine: Engine, name: str, columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Any:
    schema = pa.schema([(column, pa.string()) for column in columns])
    listed = [dict(zip(columns, row, strict=True)) for row in rows]
    return engine.backend.create_table(name, pa.Table.from_pylist(listed, schema=schema), overwrite=True)


@dataclass
class Refreshing:
    service: Service
    folder: Path

    async def run(self, world: World, *, progress: Any = None, is_whole: bool = False) -> RunReport:
        """Most tests do without what is published beside profiles and activities."""
        async with self._opened(progress or Silent()) as (publication, engine):
            await _write(publication, engine, world, KINDS if is_whole else (PROFILES, KEY_RING, ACTIVITIES))
            await self._activate(publication, world)
            await publishing.remember(publication, engine)
            return publication.report

    @asynccontextmanager
    async def _opened(self, progress: Any) -> AsyncIterator[tuple[Publication, Engine]]:
        file = self.folder / "environment.yaml"
        file.write_text(ENVIRONMENT)
        (self.folder / "customers.jsonl").touch()
        environment, service, workspace = load_environment(file), self.service, Workspace(self.folder / "workspace")
        await publish.save_instance(service.store, service.clock, environment)
        async with service.store.glancing() as connection:
            stand = await instances.find_stand(connection, INSTANCE)
        assert stand is not None
        async with (
            service.store.session() as session,
            generations.owned(session, stand.instance_id),
            Publication.opened(
                service.clock, environment, progress, session, instance_id=stand.instance_id, workspace=workspace
            ) as publication,
            Engine.opened(workspace, INSTANCE, check=lambda: None) as engine,
        ):
            yield publication, engine

    async def _activate(self, publication: Publication, world: World) -> None:
        async with publication.session.transaction() as connection:
            stand = await instances.lock_stand(connection, INSTANCE)
            assert stand is not None
            await generations.activate_generation(
                connection,
                stand,
                generation=publication.report.generation,
                counts=Counts(len(world.cities), len(world.sales)),
                judged=None,
                now=self.service.clock.now(stand.service_time),
            )

    @property
    def kept(self) -> Path:
        return self.folder / "workspace" / INSTANCE


KINDS = (SOURCE_RECORDS, PROFILES, KEY_RING, ALIASES, ACTIVITIES)


async def _write(publication: Publication, engine: Engine, world: World, kinds: Sequence[SnapshotTable]) -> None:
    tables, frames = publication.catalog, await engine.run(lambda: world.frames(engine))
    sales: Table = tables.get_table("Shop_sales")
    for table, rows in (
        (SOURCE_RECORDS, snapshot_rows.source_rows(frames["sales"], sales)),
        (PROFILES, snapshot_rows.profile_rows(frames["profiles"], tables.get_table(CUSTOMER))),
        (KEY_RING, snapshot_rows.key_rows(frames["key_ring"], KEY_RING)),
        (ALIASES, snapshot_rows.key_rows(frames["aliases"], ALIASES)),
        (ACTIVITIES, activities.activity_rows(sales, frames["sales"], frames["key_ring"])),
    ):
        if table in kinds:
            await publishing.write(publication, engine, table, rows)


@pytest.fixture
def refreshing(service: Service, tmp_path: Path) -> Refreshing:
    return Refreshing(service, tmp_path)


@pytest.fixture(scope="module")
def oslo_home(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the database and what is kept beside it, as a refresh leaves them that brought OSLO."""
    home = tmp_path_factory.mktemp("oslo")
    shutil.copyfile(sqlite_template, home / "topcoat.db")

    async def refresh() -> None:
        async with open_service(f"sqlite:///{home / 'topcoat.db'}") as opened:
            await Refreshing(opened, home).run(OSLO)

    asyncio.run(refresh())
    return home


@pytest.fixture
async def refreshed(oslo_home: Path, tmp_path: Path) -> AsyncIterator[Refreshing]:
    """For what no database makes a difference to, after a refresh that brought OSLO."""
    shutil.copytree(oslo_home, tmp_path, dirs_exist_ok=True)
    async with open_service(f"sqlite:///{tmp_path / 'topcoat.db'}") as opened:
        yield Refreshing(opened, tmp_path)


async def cities(service: Service) -> dict[str, str]:
    return {r["CustomerId"]: r["City"] for r in (await asking.page(service, CUSTOMER)).records}


OSLO = World({"a": "Oslo", "b": "Oslo", "c": 'Ål "x",\x1f'}, {"s-1": ("a", "Pier"), "s-2": ("b", "Pier")})
BERGEN = World({"a": "Bergen", "b": "Oslo", "d": "Oslo"}, {"s-1": ("a", "Quay")}, {"c": "d"})


async def test_only_what_differs_is_written(refreshing: Refreshing) -> None:
    """S21."""
    first = await refreshing.run(OSLO, is_whole=True)
    again = await refreshing.run(OSLO, is_whole=True)
    changed = await refreshing.run(BERGEN, is_whole=True)

    assert (first.opened["snapshot_profile"], first.opened["snapshot_activity"]) == (3, 2)
    assert set(again.opened.values()) == set(again.closed.values()) == {0}
    assert changed.closed == {
        "source_record": 2, "snapshot_profile": 2, "key_ring": 1, "alias": 0, "snapshot_activity": 2
    }  # fmt: skip
    assert changed.opened == {
        "source_record": 1, "snapshot_profile": 2, "key_ring": 1, "alias": 1, "snapshot_activity": 1
    }  # fmt: skip
    assert await cities(refreshing.service) == BERGEN.cities
    assert [x["Title"] for x in await asking.timeline(refreshing.service, "a")] == ["Quay"]


@pytest.mark.unmeasured
async def test_a_record_that_was_posted_before_is_the_activity_that_the_refresh_brings(refreshed: Refreshing) -> None:
    """S12, S13, S15."""
    service = refreshed.service
    record = {"SaleId": "s-3", "MemberId": "m-a", "SoldOn": "2026-01-01T12:00:00Z", "Shop": "Pier"}
    await service.flows.ingest.ingest_activity(INSTANCE, "Shop_sales", record, asking.write())
    posted = await asking.timeline(service, "a")

    await refreshed.run(replace(OSLO, sales=OSLO.sales | {"s-3": ("a", "Pier")}))

    assert await asking.timeline(service, "a") == posted
    with pytest.raises(errors.ActivityExists):
        await service.flows.ingest.ingest_activity(INSTANCE, "Shop_sales", record, asking.write())


async def test_before_rows_end_the_database_knows_of_how_many_they_are(
    postgres_service: Service, tmp_path: Path
) -> None:
    """Whatever is done about statistics meanwhile; a table without them counts as nearly empty."""
    async with postgres_service.store.writing() as connection:
        await connection.run(text("DELETE FROM pg_statistic WHERE starelid = CAST('key_ring' AS regclass)"))
    assert await analyzed(postgres_service) == 0

    await Refreshing(postgres_service, tmp_path).run(World({"a": "Oslo"}))  # in place of the sample's customers

    assert await analyzed(postgres_service) > 0


async def analyzed(service: Service) -> int:
    """How many columns of the key ring there are statistics of."""
    async with service.store.glancing() as connection:
        row = await connection.fetch_one(text("SELECT count(*) AS columns FROM pg_stats WHERE tablename = 'key_ring'"))
    assert row is not None
    return int(row.columns)


@pytest.mark.unmeasured
async def test_an_undone_refresh_is_written_again(refreshed: Refreshing) -> None:
    """S21: what is kept beside belongs to the generation that was undone."""
    await refreshed.run(BERGEN)
    await refreshed.service.undo()
    assert await cities(refreshed.service) == OSLO.cities

    report = await refreshed.run(BERGEN)

    assert report.opened["snapshot_profile"] == 2
    assert await cities(refreshed.service) == BERGEN.cities


class Killed:
    """Ends the refresh after some rows, and leaves it no time to clean up."""

    def __init__(self, rows: int) -> None:
        self._left = rows

    def start(self, stage: str, total: int, unit: str) -> None: ...

    def advance(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            raise asyncio.CancelledError


@pytest.mark.unmeasured
async def test_a_killed_refresh_shows_nothing_and_the_next_one_finishes(refreshing: Refreshing) -> None:
    """S20."""
    await refreshing.run(OSLO)
    with pytest.raises(asyncio.CancelledError):
        await refreshing.run(BERGEN, progress=Killed(rows=7))
    assert await cities(refreshing.service) == OSLO.cities

    report = await refreshing.run(BERGEN)

    assert (report.closed["snapshot_profile"], report.opened["snapshot_profile"]) == (2, 2)
    assert await cities(refreshing.service) == BERGEN.cities


async def test_what_is_kept_spares_the_database_and_is_not_needed(refreshed: Refreshing) -> None:
    kept = sorted(file.name.partition(".")[0] for file in refreshed.kept.glob("open_*.parquet"))
    assert kept == ["open_key_ring", "open_snapshot_activity", "open_snapshot_profile"]

    for file in refreshed.kept.glob("open_*.parquet"):
        file.write_bytes(b"")
    damaged = await refreshed.run(OSLO)
    shutil.rmtree(refreshed.kept)
    gone = await refreshed.run(OSLO)
    (refreshed.kept / "open_rows.json.new").mkdir()
    unwritable = await refreshed.run(OSLO)

    assert set(unwritable.opened.values()) == {0}
    assert set(damaged.opened.values()) == set(gone.opened.values()) == {0}
    assert set(damaged.closed.values()) == set(gone.closed.values()) == {0}


@pytest.mark.unmeasured
@pytest.mark.parametrize("changed", ["activated_at = activated_at + 1", "generation = generation + 7"])
async def test_what_is_kept_of_another_activation_is_not_believed(refreshed: Refreshing, changed: str) -> None:
    """As after a restore of the database: the same number may stand for other rows."""
    service = refreshed.service
    async with service.store.writing() as connection:
        await connection.run(text("DELETE FROM snapshot_profile WHERE customer_id = 'a'"))
        await connection.run(text(f"UPDATE generation SET {changed} WHERE state = 'active'"))
        await connection.run(
            text("UPDATE instance SET active_generation = (SELECT generation FROM generation WHERE state = 'active')")
        )
        await connection.run(text("UPDATE instance_counter SET last_generation = last_generation + 7"))

    report = await refreshed.run(OSLO)

    assert report.opened["snapshot_profile"] == 1
    assert await cities(service) == OSLO.cities


@pytest.mark.measured
@pytest.mark.postgres
async def test_a_value_that_an_index_cannot_hold_is_named(postgres_service: Service, tmp_path: Path) -> None:
    refreshing = Refreshing(postgres_service, tmp_path)
    long = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(3_000))
    name = f"{search_definitions.prefix_of(1)}city"
    async with postgres_service.store.session() as session:
        await session.run_alone(f"CREATE INDEX {name} ON snapshot_profile ((document ->> 'City'))")
        try:
            with pytest.raises(errors.ValueTooLong) as raised:
                await refreshing.run(World({"a": "Oslo", "b": long, "c": "Oslo"}))
        finally:
            await session.run_alone(f"DROP INDEX {name}")

    assert "column City of table Customer, record 'b'" in raised.value.message
