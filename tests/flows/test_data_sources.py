"""Data sources: what is told of them, and what becomes of everything when one is deleted, on both databases."""

from pathlib import Path

import pytest

from tests.conftest import INSTANCE, NOW, Service
from tests.flows import asking
from tests.flows.test_source_records import ENVIRONMENT, MEMBERS, environment, sale
from topcoat.core import errors
from topcoat.core.workflow import Status
from topcoat.flows.data_sources import DataSource, RefreshState
from topcoat.store import generations, job_tasks

KEY_RING = "  key_ring: {file: keys.csv}\n"
ACTIVITIES = "  activities: [{file: activities.jsonl}]\n"
SOLD = (
    '{"ActivityId": "1", "CustomerId": "a", "ActivityTime": "2026-01-01T00:00:00Z", "ActivityType": "Note",'
    ' "EntityName": "Shop_sales"}\n'
)


def published(folder: Path, text: str = ENVIRONMENT + ACTIVITIES) -> Path:
    """With one sale in the snapshot."""
    (folder / "activities.jsonl").write_text(SOLD)
    return environment(folder, [sale(1), sale(2)], MEMBERS + "m-1,Bo\n", text)


async def find(service: Service, name: str) -> DataSource:
    return next(s for s in await service.flows.data_sources.list_data_sources(INSTANCE) if s.name == name)


async def delete(service: Service, name: str) -> None:
    await service.flows.data_sources.delete_data_source(INSTANCE, (await find(service, name)).id)


async def names(service: Service) -> list[str]:
    return [source.name for source in await service.flows.data_sources.list_data_sources(INSTANCE)]


async def post_sale(service: Service, number: int) -> None:
    record = {"SaleId": number, "MemberId": "m-1", "SoldOn": "2026-01-02T03:04:00Z"}
    await service.flows.ingest.ingest_activity(INSTANCE, "Shop_sales", record, asking.write())


async def timeline(service: Service) -> list[str]:
    return [activity["ActualActivityId"] or activity["ActivityId"] for activity in await asking.timeline(service, "a")]


async def test_a_deleted_source_is_gone_with_its_records_and_activities_until_a_refresh_has_it_again(
    service: Service, tmp_path: Path
) -> None:
    (tmp_path / "keys.csv").write_text("Table,Key,CustomerId\nClub_members,m-1,a\n")
    file = published(tmp_path, ENVIRONMENT + ACTIVITIES + KEY_RING)
    await service.refresh(file)
    await post_sale(service, 7)
    before = await service.flows.instances.get_instance(INSTANCE)

    await delete(service, "Shop")

    assert await names(service) == ["Club", "Web"]
    with pytest.raises(errors.TableNotFound):
        await asking.page(service, "Shop_sales")
    with pytest.raises(errors.TableNotFound):
        await post_sale(service, 8)
    assert await timeline(service) == []
    assert (await service.flows.inventory.measure_table(INSTANCE, "UnifiedActivity")).records == 0
    after = await service.flows.instances.get_instance(INSTANCE)
    assert (after.refreshed_at, after.generation) == (before.refreshed_at, (before.generation or 0) + 1)

    report = await service.refresh(file)

    assert await names(service) == ["Club", "Shop", "Web"]
    assert report.opened["source_record"] == 2
    assert report.opened["snapshot_activity"] == 0
    assert await timeline(service) == ["7", "1"]


async def test_what_pinned_the_generation_before_a_deletion_goes_on(sqlite_service: Service, tmp_path: Path) -> None:
    """S20, S25."""
    await sqlite_service.refresh(environment(tmp_path, [sale(number) for number in range(100, 250)]))
    first = await asking.page(sqlite_service, "Shop_sales", select="SaleId")
    await delete(sqlite_service, "Shop")

    assert first.next_token is not None
    second = await asking.page(sqlite_service, "Shop_sales", select="SaleId", skiptoken=first.next_token)

    assert [*first.records, *second.records] == [{"SaleId": number} for number in range(100, 250)]


async def test_an_undone_deletion_did_not_happen(sqlite_service: Service, tmp_path: Path) -> None:
    """S21."""
    report = await sqlite_service.refresh(published(tmp_path))
    await delete(sqlite_service, "Shop")

    assert await sqlite_service.undo() == report.generation

    assert await names(sqlite_service) == ["Club", "Shop", "Web"]
    assert len((await asking.page(sqlite_service, "Shop_sales")).records) == 2


async def test_a_refresh_without_the_source_does_not_bring_its_activities_back(
    sqlite_service: Service, tmp_path: Path
) -> None:
    """Neither those of the snapshot nor what was posted."""
    (tmp_path / "keys.csv").write_text("Table,Key,CustomerId\nClub_members,m-1,a\n")
    await sqlite_service.refresh(published(tmp_path, ENVIRONMENT + ACTIVITIES + KEY_RING))
    await post_sale(sqlite_service, 7)
    await delete(sqlite_service, "Shop")
    start, end = ENVIRONMENT.index("  Shop_sales:"), ENVIRONMENT.index("  Club_members:")
    without = (
        ENVIRONMENT[:start]
        + ENVIRONMENT[end : ENVIRONMENT.index("activities:")]
        + ENVIRONMENT[ENVIRONMENT.index("unified:") :]
    )

    await sqlite_service.refresh(published(tmp_path, without + ACTIVITIES + KEY_RING))

    assert await names(sqlite_service) == ["Club", "Web"]
    assert await timeline(sqlite_service) == []


@pytest.mark.parametrize("is_column", [True, False], ids=["alternate key", "key ring"])
async def test_a_source_that_customers_are_made_of_stays(
    sqlite_service: Service, tmp_path: Path, is_column: bool
) -> None:
    (tmp_path / "keys.csv").write_text("Table,Key,CustomerId\nClub_members,m-1,a\n")
    text = ENVIRONMENT if is_column else ENVIRONMENT.replace("Club_members_MemberId", "Name") + KEY_RING
    file = published(tmp_path, text)
    (tmp_path / "customers.jsonl").write_text('{"CustomerId": "a"}\n')
    await sqlite_service.refresh(file)
    generation = (await sqlite_service.flows.instances.get_instance(INSTANCE)).generation

    with pytest.raises(errors.DataSourceInUse, match="Club_members"):
        await delete(sqlite_service, "Club")

    assert (await sqlite_service.flows.instances.get_instance(INSTANCE)).generation == generation
    assert await names(sqlite_service) == ["Club", "Shop", "Web"]


async def test_the_id_of_a_source_is_the_same_after_it_was_deleted(sqlite_service: Service, tmp_path: Path) -> None:
    file = published(tmp_path)
    await sqlite_service.refresh(file)
    before = await find(sqlite_service, "Web")
    await delete(sqlite_service, "Web")
    with pytest.raises(errors.DataSourceNotFound):
        await sqlite_service.flows.data_sources.get_data_source(INSTANCE, before.id)

    await sqlite_service.refresh(file)

    assert (await find(sqlite_service, "Web")).id == before.id
    assert await sqlite_service.flows.data_sources.get_data_source(INSTANCE, before.id.upper()) == await find(
        sqlite_service, "Web"
    )


async def test_an_instance_without_source_tables_has_no_sources(sqlite_service: Service, tmp_path: Path) -> None:
    text = ENVIRONMENT[: ENVIRONMENT.index("tables:")] + ENVIRONMENT[ENVIRONMENT.index("unified:") :]

    await sqlite_service.refresh(environment(tmp_path, [], text=text))

    assert await names(sqlite_service) == []


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (None, RefreshState.UPDATING),
        (Status.SUCCESSFUL, RefreshState.UPDATED),
        (Status.FAILED, RefreshState.FAILED),
        (Status.ABORTED, RefreshState.CANCELLED),
    ],
)
async def test_the_state_of_a_source_is_that_of_the_last_reading_of_files(
    sqlite_service: Service, status: Status | None, state: RefreshState
) -> None:
    before = (await find(sqlite_service, "PoS")).state
    job = (await sqlite_service.flows.jobs.submit(INSTANCE, "all", (), principal="tester")).job
    async with sqlite_service.store.writing() as connection:
        await job_tasks.start_task(connection, job, "ingestion", NOW)
        if status is not None:
            await job_tasks.end_task(connection, job, "ingestion", status=status, now=NOW)

    assert (before, (await find(sqlite_service, "PoS")).state) == (RefreshState.UPDATED, state)


async def test_a_source_is_not_deleted_during_a_refresh(sqlite_service: Service) -> None:
    instance_id = (await sqlite_service.flows.instances.read_current(INSTANCE)).instance_id
    async with sqlite_service.store.session() as session, generations.owned(session, instance_id):
        with pytest.raises(errors.RefreshRunning):
            await delete(sqlite_service, "PoS")

    assert "PoS" in await names(sqlite_service)


async def test_what_a_killed_refresh_left_does_not_show_after_a_deletion(
    sqlite_service: Service, tmp_path: Path
) -> None:
    """S20."""
    await sqlite_service.refresh(published(tmp_path))
    current = await sqlite_service.flows.instances.read_current(INSTANCE)
    async with sqlite_service.store.session() as session:
        number = await generations.begin_generation(session, current.instance_id, current.catalog, NOW)
        await generations.end_source_table(session, current.instance_id, "Club_members", generation=number)

    await delete(sqlite_service, "Shop")

    assert len((await asking.page(sqlite_service, "Club_members")).records) == 1
