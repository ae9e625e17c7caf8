"""The search index over the life of an instance: refreshes, undo, replacements, restarts."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text

from tests import searching
from tests.conftest import INSTANCE, Service
from tests.flows import asking
from tests.flows.test_refresh import Rows, customer, environment
from topcoat import sample
from topcoat.core import errors
from topcoat.core.search_configuration import IndexedColumn
from topcoat.flows.refresh import publish
from topcoat.flows.search_index import TableColumns
from topcoat.store.search_index import BuiltIndex

SEARCHED = "search: {searchable: [City], sortable: [Points]}\n"
CITY = IndexedColumn("City", is_searchable=True)


def searched(folder: Path, customers: Rows, section: str = SEARCHED) -> Path:
    file = environment(folder, customers)
    file.write_text(file.read_text() + section)
    return file


async def replace(service: Service, *columns: IndexedColumn, table: str = "Customer") -> None:
    await service.flows.search_index.replace_configuration(INSTANCE, [TableColumns(table, columns)], "tests")


async def built(service: Service) -> BuiltIndex:
    return await service.flows.search_index.find_built(INSTANCE)


async def test_the_first_refresh_brings_the_index_of_its_environment_file(service: Service) -> None:
    found = await built(service)

    assert found.is_token_complete
    assert (found.configuration.version, found.configuration.created_by) == (1, "environment file")
    assert found.configuration.is_system_generated is False
    assert {"City", "Country", "LoyaltyTier", "RewardsPoints", "TotalSpend"} <= found.ordered.keys()
    assert await searching.token_faults(service, *found.configuration.searched_names()) == []
    assert await searching.customers_with(service, "abbie") >= {sample.ABBIE_MOSS_ID}


async def test_every_refresh_keeps_tokens_complete(service: Service, tmp_path: Path) -> None:
    await service.refresh(searched(tmp_path, [customer("a", "Oslo"), customer("b", "Bergen"), customer("c")]))
    await service.refresh(searched(tmp_path, [customer("a", "Molde"), customer("b", "Bergen"), customer("d", "Bodø")]))

    assert await searching.token_faults(service, "City") == []
    assert await searching.customers_with(service, "bodø") == {"d"}
    assert await searching.customers_with(service, "molde") == {"a"}
    assert (await built(service)).is_token_complete


async def test_an_undone_refresh_leaves_no_tokens_and_takes_none_along(service: Service, tmp_path: Path) -> None:
    """S21."""
    await service.refresh(searched(tmp_path, [customer("a", "Oslo"), customer("b", "Bergen")]))
    await service.refresh(searched(tmp_path, [customer("a", "Molde"), customer("c", "Bodø")]))

    await publish.undo_refresh(service.store, service.clock, INSTANCE)

    assert await searching.token_faults(service, "City") == []
    assert await searching.customers_with(service, "molde") == set()
    assert await searching.customers_with(service, "bergen") == {"b"}


async def test_undo_finds_tokens_of_a_column_that_is_searched_only_since(service: Service, tmp_path: Path) -> None:
    """S21: closed rows come back, so they are filled too."""
    await service.refresh(environment(tmp_path, [customer("a", "Oslo")]))
    await service.refresh(environment(tmp_path, [customer("a", "Molde")]))
    await replace(service, CITY)
    await service.flows.search_index.run(INSTANCE)

    await publish.undo_refresh(service.store, service.clock, INSTANCE)

    assert await searching.customers_with(service, "oslo") == {"a"}
    assert (await built(service)).is_token_complete


async def test_pruned_rows_lose_their_tokens(service: Service, tmp_path: Path) -> None:
    """S28."""
    for city in ("Oslo", "Bergen", "Molde", "Bodø"):
        await service.refresh(searched(tmp_path, [customer("a", city)]))
        await service.advance(timedelta(days=8))

    assert await searching.token_faults(service, "City") == []
    assert await searching.customers_with(service, "oslo") == set()


async def test_what_a_killed_refresh_left_is_cleaned_away_with_its_tokens(service: Service, tmp_path: Path) -> None:
    """S22."""
    await service.refresh(searched(tmp_path, [customer("a")]))
    async with service.store.writing() as connection:
        for statement in LEFTOVERS:
            await connection.run(text(statement))

    await service.refresh(searched(tmp_path, [customer("a")]))

    assert await searching.token_faults(service, "City") == []


LEFTOVERS = (
    "INSERT INTO generation (instance_id, generation, state, catalog, profile_count, activity_count, started_at)"
    " SELECT instance_id, 90, 'building', catalog, 0, 0, 0 FROM generation WHERE state = 'active'",
    "INSERT INTO snapshot_profile (instance_id, customer_id, generation_from, generation_to, digest, document)"
    " SELECT instance_id, customer_id, 90, 9223372036854775807, digest, document FROM snapshot_profile"
    " WHERE generation_to = 9223372036854775807",
    "INSERT INTO profile_search (instance_id, customer_id, generation_from, tokens)"
    " SELECT instance_id, customer_id, 90, tokens FROM profile_search WHERE customer_id = 'a'",
)


async def test_a_refresh_that_changes_a_columns_type_replaces_its_index(service: Service, tmp_path: Path) -> None:
    await service.refresh(searched(tmp_path, [customer("a", Points=5)]))
    before = (await built(service)).ordered["Points"]
    file = searched(tmp_path, [customer("a", Points="five")])
    file.write_text(file.read_text().replace("Points: integer", "Points: string"))

    await service.refresh(file)
    await service.flows.search_index.run(INSTANCE)

    after = (await built(service)).ordered["Points"]
    is_replaced = service.store.is_postgresql  # SQLite's form of the value is the same for both types
    assert (before.profiles != after.profiles) == is_replaced
    assert (before.profiles not in await searching.index_names(service)) == is_replaced


async def test_undo_brings_the_index_of_a_columns_former_type_back(service: Service, tmp_path: Path) -> None:
    """S21."""
    await service.refresh(searched(tmp_path, [customer("a", Points=5)]))
    before = (await built(service)).ordered["Points"]
    file = searched(tmp_path, [customer("a", Points="five")])
    file.write_text(file.read_text().replace("Points: integer", "Points: string"))
    await service.refresh(file)

    await publish.undo_refresh(service.store, service.clock, INSTANCE)

    assert before.profiles in await searching.index_names(service)


async def test_a_replaced_configuration_wins_over_the_file_until_its_section_changes(
    service: Service, tmp_path: Path
) -> None:
    await service.refresh(searched(tmp_path, [customer("a")]))
    await replace(service, IndexedColumn("Points", is_filterable=True))

    await service.refresh(searched(tmp_path, [customer("a")]))
    kept = await service.flows.search_index.get_configuration(INSTANCE)
    await service.refresh(searched(tmp_path, [customer("a")], "search: {searchable: [City]}\n"))
    changed = await service.flows.search_index.get_configuration(INSTANCE)

    assert kept.columns == (IndexedColumn("Points", is_filterable=True),)
    assert (changed.columns, changed.version) == ((CITY,), kept.version + 1)
    assert (changed.created_by, changed.updated_by) == ("environment file", "environment file")
    assert await searching.token_faults(service, "City") == []


async def test_a_file_without_a_section_leaves_the_configuration(service: Service, tmp_path: Path) -> None:
    before = await service.flows.search_index.get_configuration(INSTANCE)

    await service.refresh(environment(tmp_path, [customer("a")]))

    assert await service.flows.search_index.get_configuration(INSTANCE) == before


async def test_a_failed_refresh_leaves_the_configuration(service: Service, tmp_path: Path) -> None:
    """S22."""
    before = await service.flows.search_index.get_configuration(INSTANCE)

    with pytest.raises(errors.SourceInvalid):
        await service.refresh(searched(tmp_path, [customer("a"), customer("a")]))

    assert await service.flows.search_index.get_configuration(INSTANCE) == before
    assert (await built(service)).is_token_complete


@pytest.mark.postgres
async def test_a_refresh_with_a_value_too_long_for_its_index_is_refused_as_a_whole(
    postgres_service: Service, tmp_path: Path
) -> None:
    section = "search: {filterable: [City]}\n"
    await postgres_service.refresh(searched(tmp_path, [customer("a")], section))
    noise = "".join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(1_500))

    customers = [customer("a"), *(customer(i) for i in "bcd"), customer("e", noise), customer("f")]
    with pytest.raises(
        errors.ValueTooLong, match=r"index search_1_.*\(column City of table Customer, record 'e': 4500"
    ):
        await postgres_service.refresh(searched(tmp_path, customers, section))
    with pytest.raises(errors.ValueTooLong, match=r"\(column City of table Customer, record 'b': 13500 bytes\)"):
        await postgres_service.refresh(searched(tmp_path, [customer("b", noise * 3)], section))

    assert [r["CustomerId"] for r in (await asking.page(postgres_service, "Customer")).records] == ["a"]


async def test_an_instance_without_configuration_has_its_keys_indexed(service: Service, tmp_path: Path) -> None:
    other = "11111111-1111-4111-8111-111111111111"
    file = environment(tmp_path, [customer("a")])
    file.write_text(file.read_text().replace(INSTANCE, other))

    await service.refresh(file)

    found = await service.flows.search_index.find_built(other)
    assert found.configuration.is_system_generated
    assert [c.name for c in found.configuration.columns] == [
        "CustomerId",
        "Club_members_MemberId",
        "PreviousCustomerId",
    ]
    assert found.ordered.keys() == {"Club_members_MemberId", "PreviousCustomerId"}
    assert found.is_token_complete
    await service.flows.search_index.run(other)
    assert await service.flows.search_index.get_configuration(other) == found.configuration


async def test_what_is_built_is_kept_for_some_seconds(service: Service) -> None:
    first = await built(service)
    assert await built(service) is first

    await replace(service, CITY)

    assert (await built(service)).is_token_complete is False


@pytest.mark.parametrize(
    ("table", "columns", "error"),
    [
        ("Custmer", [CITY], errors.TableNotFoundForWriting),
        ("UnifiedActivity", [], errors.ParameterInvalid),
        ("Customer", [IndexedColumn("Cty")], errors.UnknownColumn),
        ("Customer", [IndexedColumn("RewardsPoints", is_searchable=True)], errors.ColumnNotSearchable),
        ("Customer", [CITY, CITY], errors.ColumnTwice),
    ],
)
async def test_a_faulty_configuration_is_refused_and_changes_nothing(
    service: Service, table: str, columns: list[IndexedColumn], error: type[errors.TopcoatError]
) -> None:
    before = await service.flows.search_index.get_configuration(INSTANCE)

    with pytest.raises(error):
        await replace(service, *columns, table=table)

    assert await service.flows.search_index.get_configuration(INSTANCE) == before


async def test_an_unknown_instance_is_refused(service: Service) -> None:
    for ask in (service.flows.search_index.get_configuration, service.flows.search_index.find_built):
        with pytest.raises(errors.InstanceNotFound):
            await ask("11111111-1111-4111-8111-111111111111")


async def test_the_background_loop_builds_what_was_replaced_before_it_ran_and_while_it_runs(service: Service) -> None:
    await replace(service, IndexedColumn("Gender", is_sortable=True))
    loop = asyncio.create_task(service.flows.search_index.run_until_stopped())

    await searching.until_built(service)
    assert "Gender" in await searching.columns_with_index(service)

    await replace(service, IndexedColumn("PostalCode", is_sortable=True), CITY)
    await searching.until_built(service)
    assert {"PostalCode", "Gender"} & await searching.columns_with_index(service) == {"PostalCode"}
    assert await searching.token_faults(service, "City") == []
    service.flows.search_index.stop()
    await loop


async def test_the_background_loop_survives_a_build_that_fails(service: Service) -> None:
    async with service.store.writing() as connection:
        await connection.run(text("ALTER TABLE search_configuration RENAME TO away"))
    with structlog.testing.capture_logs() as events:
        loop = asyncio.create_task(service.flows.search_index.run_until_stopped())
        while "search_index_failed" not in {event["event"] for event in events}:  # noqa: ASYNC110 - it logs, and waits for a minute
            await asyncio.sleep(0)
    async with service.store.writing() as connection:
        await connection.run(text("ALTER TABLE away RENAME TO search_configuration"))

    await replace(service, CITY)
    await searching.until_built(service)

    service.flows.search_index.stop()
    await loop


async def test_a_refresh_and_a_build_take_turns(service: Service, tmp_path: Path) -> None:
    await service.refresh(searched(tmp_path, [customer("a", "Oslo")]))
    await replace(service, CITY, IndexedColumn("Points", is_filterable=True))

    await asyncio.gather(
        service.flows.search_index.run(INSTANCE),
        service.refresh(searched(tmp_path, [customer("a", "Molde"), customer("b", "Bodø")])),
    )

    assert await searching.token_faults(service, "City") == []
    assert (await built(service)).is_token_complete


async def test_builders_of_two_instances_take_turns(service: Service, tmp_path: Path) -> None:
    """PostgreSQL would take two that make indexes of one table at once for a deadlock."""
    other = "11111111-1111-4111-8111-111111111111"
    file = searched(tmp_path, [customer("a")])
    file.write_text(file.read_text().replace(INSTANCE, other))
    await service.refresh(file)
    index = service.flows.search_index
    for guid in (INSTANCE, other):
        await index.replace_configuration(guid, [TableColumns("Customer", (CITY,))], "tests")

    await asyncio.gather(*(index.run(guid) for guid in (INSTANCE, other)))

    for guid in (INSTANCE, other):
        assert (await index.find_built(guid)).is_token_complete
