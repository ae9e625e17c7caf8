"""The database's indexes of a search configuration: made, used, replaced and dropped, on both databases."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import text

from tests import searching
from tests.conftest import NOW, PostgresServer, Service
from tests.flows import asking
from topcoat.core import errors
from topcoat.core.catalog import ColumnType
from topcoat.core.search_configuration import IndexedColumn
from topcoat.store import search_configurations, search_index, search_tokens

CITY = IndexedColumn("City", is_filterable=True, is_searchable=True)
ALTERNATE_KEYS = {"eCommerce", "LoyaltyScheme", "PreviousCustomer"}  # as the names of their indexes show them

EXPECTED_PLANS = [
    ("City", ColumnType.STRING, "'Seattle'"),
    ("RewardsPoints", ColumnType.INTEGER, "120"),
    ("TotalSpend", ColumnType.DECIMAL, "12.5"),
    ("CustomerSince", ColumnType.DATE_TIME, "'2026-01-01T00:00:00'"),
    ("DateOfBirth", ColumnType.DATE, "'1990-01-01'"),
]


async def configure(service: Service, *columns: IndexedColumn) -> None:
    async with service.store.writing() as connection:
        await search_configurations.save_configuration(connection, 1, columns, principal="tests", now=NOW)


async def build(service: Service) -> None:
    await search_index.build(service.store, 1)


async def built(service: Service) -> search_index.BuiltIndex:
    async with service.store.reading() as connection:
        return await search_index.find_built(connection, 1)


async def test_a_filter_on_a_column_uses_its_index(service: Service) -> None:
    await searching.enlarge(service)
    for name, type_, literal in EXPECTED_PLANS:
        value = searching.value(service, name, type_)

        plan = await searching.plan(
            service, f"SELECT customer_id FROM snapshot_profile WHERE instance_id = 1 AND {value} = {literal}"
        )

        assert f"search_1_profile_order_{name}_" in plan


async def test_a_filter_on_changes_of_a_column_uses_its_index(service: Service) -> None:
    await searching.enlarge(service)
    for name, type_, literal in EXPECTED_PLANS:
        value = searching.value(service, name, type_, "column_values")
        names = (
            f"column_values ? '{name}'"
            if service.store.is_postgresql
            else f"json_type(column_values, '$.\"{name}\"') IS NOT NULL"
        )

        plan = await searching.plan(
            service,
            f"SELECT customer_id FROM override WHERE instance_id = 1 AND {names} AND {value} = {literal}",
        )

        assert f"search_1_change_order_{name}_" in plan


async def test_sorting_by_a_column_reads_its_index_in_order(service: Service) -> None:
    await searching.enlarge(service)
    value = searching.value(service, "LastName", ColumnType.STRING)
    first = f"{value} NULLS FIRST" if service.store.is_postgresql else value
    name = (await built(service)).ordered["LastName"].profiles
    by = "" if service.store.is_postgresql else f'INDEXED BY "{name}"'

    plan = await searching.plan(
        service,
        f"SELECT customer_id FROM snapshot_profile {by} WHERE instance_id = 1 ORDER BY {first}, customer_id LIMIT 5",
    )

    assert name in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.postgres
async def test_part_of_a_word_is_found_by_trigrams_on_postgresql(postgres_service: Service) -> None:
    await searching.enlarge(postgres_service)
    value = searching.value(postgres_service, "FullName", ColumnType.STRING)

    plan = await searching.plan(
        postgres_service,
        f"SELECT customer_id FROM snapshot_profile WHERE instance_id = 1 AND {value} LIKE '%a0b1%'",
    )

    assert "search_1_profile_trigram_FullName_" in plan


async def test_tokens_are_found_by_index(service: Service) -> None:
    await searching.enlarge(service)
    sql = (
        "SELECT customer_id FROM profile_search WHERE instance_id = 1 AND tokens @> ARRAY['moss']"
        if service.store.is_postgresql
        else "SELECT rowid FROM profile_search_text WHERE profile_search_text MATCH '\"moss\"'"
    )

    plan = await searching.plan(service, sql)

    assert ("ix_profile_search_tokens" in plan) == service.store.is_postgresql
    assert ("VIRTUAL TABLE INDEX" in plan) != service.store.is_postgresql


@pytest.mark.postgres
async def test_tokens_of_changes_are_found_by_index_on_postgresql(postgres_service: Service) -> None:
    await searching.enlarge(postgres_service)
    plan = await searching.plan(
        postgres_service,
        "SELECT customer_id FROM override WHERE instance_id = 1 AND tokens IS NOT NULL AND tokens @> ARRAY['paris']",
    )

    assert "ix_override_tokens" in plan


async def test_indexes_follow_the_configuration(service: Service) -> None:
    before = await searching.columns_with_index(service)
    assert {"City", "RewardsPoints", *ALTERNATE_KEYS} <= before

    await configure(service, CITY, IndexedColumn("Gender", is_sortable=True))
    await build(service)

    assert await searching.columns_with_index(service) == {"City", "Gender", *ALTERNATE_KEYS}
    trigrams = {"City"} if service.store.is_postgresql else set()
    assert await searching.columns_with_index(service, "trigram") == trigrams


async def test_what_is_built_is_told(service: Service) -> None:
    await configure(service, CITY, IndexedColumn("Gender", is_sortable=True))
    waiting = await built(service)
    await build(service)
    done = await built(service)

    assert (waiting.is_token_complete, done.is_token_complete) == (False, True)
    assert "City" in waiting.ordered
    assert "Gender" not in waiting.ordered
    assert {"City", "Gender", "PreviousCustomerId"} <= done.ordered.keys()
    assert list(done.trigrams) == (["City"] if service.store.is_postgresql else [])
    assert done.configuration.version == 2


async def test_a_column_whose_index_of_changes_is_missing_is_not_told_as_ordered(service: Service) -> None:
    [name] = [n for n in await searching.index_names(service) if "_change_order_City_" in n]
    async with service.store.writing() as connection:
        await connection.run(text(f'DROP INDEX "{name}"'))

    assert "City" not in (await built(service)).ordered

    await build(service)
    assert "City" in (await built(service)).ordered


async def test_building_again_changes_nothing(service: Service) -> None:
    oids = "SELECT oid FROM pg_class WHERE starts_with(CAST(relname AS text), 'search_1_') ORDER BY 1"
    roots = "SELECT rootpage FROM sqlite_master WHERE name GLOB 'search_1_*' ORDER BY 1"
    sql = oids if service.store.is_postgresql else roots
    before = await searching.rows(service, sql)

    await build(service)

    assert await searching.rows(service, sql) == before != []


async def test_an_instance_without_a_generation_has_nothing_to_build(service: Service) -> None:
    async with service.store.writing() as connection:
        await connection.run(text("UPDATE instance SET active_generation = NULL"))
    before = await searching.index_names(service)

    await build(service)

    assert await searching.index_names(service) == before
    assert (await built(service)).ordered == {}


async def test_adding_a_searched_column_fills_every_row(service: Service) -> None:
    await configure(service, CITY, IndexedColumn("Telephone", is_searchable=True))
    await build(service)

    assert await searching.token_faults(service, "City", "Telephone") == []


async def test_rows_are_filled_batch_by_batch(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_tokens, "ROWS_PER_COMMIT_MAX", 3)
    await configure(service, IndexedColumn("Gender", is_sortable=True))
    await build(service)
    assert await searching.rows(service, "SELECT * FROM profile_search") == []

    await configure(service, CITY)
    await build(service)

    assert await searching.token_faults(service, "City") == []


async def test_tokens_stay_while_another_column_is_searched_instead(service: Service) -> None:
    """A query that saw the configuration before must still find its rows."""
    await configure(service, IndexedColumn("Telephone", is_searchable=True))
    await build(service)

    assert await searching.token_faults(service, "Telephone", "City", "FullName") == []


async def test_where_nothing_is_searched_any_more_no_tokens_are_kept(service: Service) -> None:
    await configure(service, IndexedColumn("City", is_filterable=True))
    await build(service)

    assert await searching.rows(service, "SELECT * FROM profile_search") == []
    assert (await built(service)).is_token_complete


async def test_tokens_of_any_script_are_found(service: Service, abbie: str) -> None:
    for word in ("łódź", "東京", "straße9", "ÅRHUS"):
        document = f'{{"CustomerId": "{abbie}", "City": "  {word}, x"}}'
        value = "CAST(:document AS jsonb)" if service.store.is_postgresql else ":document"
        async with service.store.writing() as connection:
            await connection.run(
                text(f"UPDATE snapshot_profile SET document = {value} WHERE customer_id = :id"),
                {"document": document, "id": abbie},
            )
        await configure(service, CITY)
        await build(service)

        assert await searching.customers_with(service, word.casefold()) == {abbie}


async def test_a_change_brings_the_tokens_of_all_its_strings(service: Service, abbie: str) -> None:
    await asking.override(service, abbie, {"City": "São Paulo", "Gender": "Other", "RewardsPoints": 7})
    await asking.override(service, abbie, {"RewardsPoints": 8})

    found = await searching.rows(service, "SELECT tokens FROM override ORDER BY sequence")

    first, second = (["other", "paulo", "são"], [])
    expected = [first, second] if service.store.is_postgresql else [f" {' '.join(t)} " for t in (first, second)]
    assert [row.tokens for row in found] == expected


async def test_a_very_long_word_is_written_and_kept_by_its_beginning(service: Service, abbie: str) -> None:
    await asking.override(service, abbie, {"AddressLine1": "é" * 20_000})

    [row] = await searching.rows(service, "SELECT tokens FROM override")
    assert "".join(row.tokens).strip() == "é" * 64


async def test_changes_from_before_there_were_tokens_get_theirs(service: Service, abbie: str) -> None:
    await asking.override(service, abbie, {"City": "Paris"})
    async with service.store.writing() as connection:
        await connection.run(text("UPDATE override SET tokens = NULL"))
    await configure(service, CITY)

    await build(service)

    [row] = await searching.rows(service, "SELECT tokens FROM override")
    assert row.tokens == (["paris"] if service.store.is_postgresql else " paris ")


async def test_two_builders_at_once_take_turns(service: Service) -> None:
    await configure(service, CITY, IndexedColumn("Gender", is_sortable=True))

    await asyncio.gather(build(service), build(service))

    assert await searching.columns_with_index(service) == {"City", "Gender", *ALTERNATE_KEYS}
    assert (await built(service)).is_token_complete


async def test_the_indexes_of_another_instance_are_left_alone(service: Service) -> None:
    """S33: instance 1 is not instance 11."""
    name = "search_11_profile_order_City_0000000000"
    async with service.store.writing() as connection:
        await connection.run(text(f'CREATE INDEX "{name}" ON snapshot_profile (customer_id) WHERE instance_id = 11'))
    await configure(service, CITY)

    await build(service)

    sql = "SELECT relname AS name FROM pg_class" if service.store.is_postgresql else "SELECT name FROM sqlite_master"
    assert name in {row.name for row in await searching.rows(service, sql)}


@pytest.mark.postgres
async def test_a_value_too_long_for_an_index_leaves_its_column_without(postgres_service: Service, abbie: str) -> None:
    await configure(postgres_service, IndexedColumn("City", is_filterable=True))
    await build(postgres_service)
    document = f'{{"CustomerId": "{abbie}", "Gender": "{NOISE}"}}'
    async with postgres_service.store.writing() as connection:
        await connection.run(
            text("UPDATE snapshot_profile SET document = CAST(:document AS jsonb) WHERE customer_id = :id"),
            {"document": document, "id": abbie},
        )
    await configure(postgres_service, CITY, IndexedColumn("Gender", is_sortable=True))

    await build(postgres_service)

    found = await built(postgres_service)
    assert ("City" in found.ordered, "Gender" in found.ordered) == (True, False)


NOISE = "".join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(4_000))  # which does not compress


@pytest.mark.postgres
async def test_a_change_too_long_for_the_index_of_its_column_is_refused(postgres_service: Service, abbie: str) -> None:
    with pytest.raises(errors.ValueTooLong, match="the index of its column"):
        await asking.override(postgres_service, abbie, {"City": NOISE})
    with pytest.raises(errors.ValueTooLong, match="the index search_1_change_order_City_"):
        await asking.override(postgres_service, abbie, {"City": NOISE[:1_500]})

    await asking.override(postgres_service, abbie, {"AddressLine1": NOISE})


@pytest.mark.postgres
async def test_without_the_trigram_extension_the_rest_is_built(
    postgres_service: Service, postgres: PostgresServer
) -> None:
    database = str(postgres_service.store.url.database)
    await asyncio.to_thread(postgres.run, FORBIDDEN_EXTENSIONS, database)
    try:
        await configure(postgres_service, CITY, IndexedColumn("Gender", is_sortable=True))
        await build(postgres_service)
        found = await built(postgres_service)
    finally:
        await asyncio.to_thread(postgres.run, ALLOWED_EXTENSIONS, database)

    assert found.trigrams == {}
    assert {"City", "Gender"} <= found.ordered.keys()
    assert found.is_token_complete


FORBIDDEN_EXTENSIONS = """
DROP EXTENSION pg_trgm CASCADE;
CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'forbidden'; END $$;
CREATE EVENT TRIGGER forbid ON ddl_command_start WHEN TAG IN ('CREATE EXTENSION') EXECUTE FUNCTION forbid();
"""
ALLOWED_EXTENSIONS = "DROP EVENT TRIGGER forbid; DROP FUNCTION forbid(); CREATE EXTENSION pg_trgm;"


@pytest.mark.postgres
async def test_a_build_that_was_killed_leaves_an_invalid_index_that_the_next_replaces(
    postgres_service: Service,
) -> None:
    await configure(postgres_service, CITY, IndexedColumn("Gender", is_sortable=True))
    other = await asyncpg.connect(postgres_url(postgres_service))
    blocking = other.transaction()
    await blocking.start()
    await other.execute("UPDATE snapshot_profile SET generation_to = generation_to")  # holds CONCURRENTLY up
    building = asyncio.create_task(build(postgres_service))
    while not await other.fetchval(INVALID):  # noqa: ASYNC110 - PostgreSQL tells nobody
        await asyncio.sleep(0)

    await other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%'"
        " AND datname = current_database() AND pid <> pg_backend_pid()"
    )
    killed = (await asyncio.gather(building, return_exceptions=True))[0]
    await blocking.rollback()

    assert isinstance(killed, Exception)
    assert await other.fetchval(INVALID)
    assert "Gender" not in (await built(postgres_service)).ordered
    await build(postgres_service)
    assert not await other.fetchval(INVALID)
    assert "Gender" in (await built(postgres_service)).ordered
    await other.close()


INVALID = (
    "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " WHERE NOT i.indisvalid AND starts_with(c.relname::text, 'search_1_')"
)


def postgres_url(service: Service) -> str:
    return service.store.url.set(drivername="postgresql").render_as_string(hide_password=False)
