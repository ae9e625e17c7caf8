"""Instances made, copied, reset and deleted, on both databases, beside others in the same one (S20, S25, S33)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests import searching
from tests.conftest import INSTANCE, Service, open_service
from tests.flows import asking
from tests.flows.test_refresh import customer, environment
from topcoat.core import errors
from topcoat.core.hierarchies import Hierarchy
from topcoat.core.relationships import Relationship
from topcoat.core.roles import Assignment, PrincipalKind, Role
from topcoat.flows.lifecycle import Author, Description, Scope
from topcoat.store import generations, lifecycle, removal, schema
from topcoat.store import instances as instance_store
from topcoat.store.engine import Session

OTHER = "11111111-1111-4111-8111-111111111111"
ADA = Author("ada", PrincipalKind.USER)
SHOPS = Relationship("Shops", "PoS_posPurchases", "StoreName", "Customer", "City")
CHAINS = Hierarchy("Chains", "PoS_posPurchases", "StoreName", "Currency")
SWEPT = [name for name, table in schema.metadata.tables.items() if "instance_id" in table.columns]


def described(guid: str = OTHER, name: str = "Another") -> Description:
    return Description(guid=guid, name=name, instance_type="sandbox")


async def configure(service: Service) -> None:
    """Something of every kind that people set up, and a role."""
    await service.flows.relationships.create(INSTANCE, SHOPS, "ada")
    await service.flows.hierarchies.create(INSTANCE, CHAINS, "ada")
    await service.flows.permissions.assign(INSTANCE, "bob", (Role.VIEWER,))


async def count_rows(service: Service, instance_id: int) -> dict[str, int]:
    """Tables with rows under an instance's number."""
    async with service.store.reading() as connection:
        counts = {}
        for name in SWEPT:
            statement = text(f"SELECT count(*) FROM {name} WHERE instance_id = :instance_id")
            row = await connection.fetch_one(statement, {"instance_id": instance_id})
            assert row is not None
            counts[name] = row[0]
    return {name: count for name, count in counts.items() if count}


async def number_of(service: Service, guid: str) -> int:
    return (await service.flows.instances.read_current(guid)).instance_id


async def list_ids(service: Service, guid: str = INSTANCE) -> Sequence[str]:
    return [record["CustomerId"] for record in (await asking.page(service, "Customer", guid, top="1000")).records]


async def test_a_new_instance_is_empty_and_says_who_made_it(service: Service) -> None:
    made = await service.flows.lifecycle.create(described(), ADA)

    assert (made.guid, made.name, made.generation) == (OTHER, "Another", None)
    assert (made.authorship.version, made.authorship.created_by) == (1, "ada")
    assert (await service.flows.instances.get_catalog(OTHER)).tables == ()
    rules = await service.flows.permissions.find_rules(OTHER)
    assert rules == service.flows.permissions.default_rules
    assert [i.guid for i in await service.flows.instances.list_instances()] == sorted([INSTANCE, OTHER])


@pytest.mark.parametrize(
    ("description", "taken"), [(described(INSTANCE), "instanceId"), (described(name="Contoso Coffee"), "name")]
)
async def test_a_taken_id_or_name_is_a_conflict(service: Service, description: Description, taken: str) -> None:
    with pytest.raises(errors.InstanceExists, match=taken):
        await service.flows.lifecycle.create(description, ADA)
    with pytest.raises(errors.InstanceExists, match=taken):
        await service.flows.lifecycle.copy(INSTANCE, description, ADA)

    assert len(await service.flows.instances.list_instances()) == 1


async def test_where_no_token_is_well_known_the_maker_owns_the_instance(sqlite_url: str) -> None:
    async with open_service(sqlite_url, is_emulator=False) as service:
        await service.flows.lifecycle.create(described(), ADA)

        assert await service.flows.permissions.list_assignments(OTHER) == [
            Assignment("ada", PrincipalKind.USER, (Role.OWNER,))
        ]


async def test_a_copy_has_tables_and_configuration_and_no_records(service: Service, abbie: str) -> None:
    await configure(service)
    await asking.override(service, abbie, {"City": "Paris"})
    await asking.post(service, abbie)
    before = await list_ids(service)

    copied = await service.flows.lifecycle.copy(INSTANCE, described(), ADA)

    flows = service.flows
    assert (copied.name, copied.generation) == ("Another", 1)
    assert await flows.instances.get_catalog(OTHER) == await flows.instances.get_catalog(INSTANCE)
    configurations = [await flows.search_index.get_configuration(guid) for guid in (INSTANCE, OTHER)]
    assert configurations[0] == configurations[1]
    assert (await flows.relationships.get(OTHER, "Shops")).relationship == SHOPS
    assert (await flows.hierarchies.get(OTHER, "Chains")).hierarchy == CHAINS
    assert "bob" in [a.principal_id for a in await flows.permissions.list_assignments(OTHER)]
    for table in ("Customer", "UnifiedActivity", "Customer_Measure", "PoS_posPurchases"):
        assert (await asking.page(service, table, OTHER)).records == []
    held = (await count_rows(service, await number_of(service, OTHER))).keys()
    assert held == {
        "instance",
        "instance_counter",
        "generation",
        "search_configuration",
        "definition",
        "role_assignment",
    }
    assert await list_ids(service) == before
    with pytest.raises(errors.RecordNotFound):
        await flows.ingest.override_profile(OTHER, "Customer", abbie, {"City": "Rome"}, asking.write())
    await searching_is_built(service, OTHER)


async def searching_is_built(service: Service, guid: str) -> None:
    """The index of a configuration that came from elsewhere is built like any other."""
    assert not (await service.flows.search_index.find_built(guid)).is_token_complete
    await service.flows.search_index.run(guid)
    assert (await service.flows.search_index.find_built(guid)).is_token_complete


async def test_a_copy_of_an_instance_that_was_never_refreshed_has_no_tables(service: Service) -> None:
    await service.flows.lifecycle.create(described(), ADA)

    await service.flows.lifecycle.copy(OTHER, described("2" + OTHER[1:], "Third"), ADA)

    assert (await service.flows.instances.get_catalog("2" + OTHER[1:])).tables == ()


async def test_a_deleted_instance_leaves_nothing_and_touches_no_other(service: Service, abbie: str) -> None:
    await service.flows.lifecycle.copy(INSTANCE, described(), ADA)
    await configure(service)
    await asking.override(service, abbie, {"City": "Paris"})
    await asking.post(service, abbie)
    await asking.post_purchase(service, "waits", "nobody-yet")
    other = await number_of(service, OTHER)
    kept = await count_rows(service, other)

    await service.flows.lifecycle.delete(INSTANCE)

    assert await count_rows(service, 1) == {"removed_instance": 1}
    assert await searching.index_names(service) == set()
    assert await count_rows(service, other) == kept
    assert [i.guid for i in await service.flows.instances.list_instances()] == [OTHER]


async def test_every_process_knows_at_once_that_an_instance_is_gone(
    service: Service, database_url: str, abbie: str
) -> None:
    async with open_service(database_url) as second:
        for one in (service, second):
            await asking.page(one, "Customer", filter="City eq 'Seattle'")
            await asking.override(one, abbie, {"City": "Paris"})

        await service.flows.lifecycle.delete(INSTANCE)

        for one in (service, second):
            for refused in (
                asking.page(one, "Customer"),
                asking.read(one, abbie),
                asking.override(one, abbie, {"City": "Rome"}),
                asking.post(one, abbie),
                one.flows.instances.get_instance(INSTANCE),
                one.flows.lifecycle.delete(INSTANCE),
                one.flows.lifecycle.reset(INSTANCE, Scope.ALL, ADA),
                one.flows.lifecycle.copy(INSTANCE, described(), ADA),
                one.flows.lifecycle.rename(INSTANCE, ADA, name="X", instance_type=None),
            ):
                with pytest.raises(errors.InstanceNotFound):
                    await refused


async def test_an_instance_that_is_made_again_has_nothing_of_the_one_before(
    service: Service, database_url: str, tmp_path: Path, abbie: str
) -> None:
    """Numbers of generations go on, so that tokens and catalogs of the earlier one do not fit (S20, S25)."""
    await asking.override(service, abbie, {"City": "Paris"})
    generation = (await service.flows.instances.get_instance(INSTANCE)).generation
    number = await number_of(service, INSTANCE)
    async with open_service(database_url) as stale:
        await stale.flows.instances.read_current(INSTANCE)
        await service.flows.lifecycle.delete(INSTANCE)

        report = await service.refresh(environment(tmp_path, [customer("a"), customer(abbie)]))

        assert generation is not None
        assert report.generation > generation
        assert await number_of(service, INSTANCE) != number
        assert await list_ids(service) == ["a", abbie]
        assert (await asking.read(service, abbie))["City"] == "Oslo"
        with pytest.raises(errors.UnknownColumn):
            await asking.override(stale, abbie, {"FullName": "of a column that was"})
        await asking.override(stale, abbie, {"Points": 7})
        assert (await asking.read(service, abbie))["Points"] == 7


async def test_while_it_is_refreshed_an_instance_is_neither_deleted_nor_reset(service: Service) -> None:
    async with service.store.session() as session, generations.owned(session, 1):
        with pytest.raises(errors.InstanceRefreshing):
            await service.flows.lifecycle.delete(INSTANCE)
        with pytest.raises(errors.InstanceRefreshing):
            await service.flows.lifecycle.reset(INSTANCE, Scope.CONFIGURATION, ADA)

    assert len(await list_ids(service)) == 20


async def test_a_reset_of_data_keeps_tables_and_what_people_set_up(
    service: Service, database_url: str, abbie: str
) -> None:
    await configure(service)
    await asking.override(service, abbie, {"City": "Paris"})
    tables = await service.flows.instances.get_catalog(INSTANCE)
    async with open_service(database_url) as second:
        await asking.post(second, abbie)

        await service.flows.lifecycle.reset(INSTANCE, Scope.DATA, ADA)

        assert await service.flows.instances.get_catalog(INSTANCE) == tables
        assert await list_ids(second) == []
        with pytest.raises(errors.RecordNotFound):
            await asking.override(second, abbie, {"City": "Rome"})
        with pytest.raises(errors.UnknownCustomer):
            await asking.post(second, abbie)
    flows = service.flows
    assert (await flows.relationships.get(INSTANCE, "Shops")).relationship == SHOPS
    assert (await flows.search_index.get_configuration(INSTANCE)).version == 1
    assert "bob" in [a.principal_id for a in await flows.permissions.list_assignments(INSTANCE)]
    assert await count_rows(service, 1) == {"removed_instance": 1}
    await searching_is_built(service, INSTANCE)


async def test_a_reset_of_configuration_keeps_the_data(service: Service, abbie: str) -> None:
    await configure(service)
    await asking.override(service, abbie, {"City": "Paris"})

    await service.flows.lifecycle.reset(INSTANCE, Scope.CONFIGURATION, ADA)

    flows = service.flows
    assert await flows.relationships.list_defined(INSTANCE) == []
    assert await flows.hierarchies.list_all(INSTANCE) == []
    assert (await flows.search_index.get_configuration(INSTANCE)).is_system_generated
    assert "City" not in (await flows.search_index.find_built(INSTANCE)).ordered
    assert (await asking.read(service, abbie))["City"] == "Paris"


async def test_a_reset_of_everything_keeps_the_instance_and_who_may_enter_it(service: Service, tmp_path: Path) -> None:
    await configure(service)

    await service.flows.lifecycle.reset(INSTANCE, Scope.ALL, ADA)

    flows = service.flows
    instance = await flows.instances.get_instance(INSTANCE)
    assert (instance.name, instance.generation, instance.authorship.updated_by) == ("Contoso Coffee", None, "ada")
    assert (await flows.instances.get_catalog(INSTANCE)).tables == ()
    assert await flows.relationships.list_defined(INSTANCE) == []
    assert "bob" in [a.principal_id for a in await flows.permissions.list_assignments(INSTANCE)]
    report = await service.refresh(environment(tmp_path, [customer("a")]))
    assert report.generation == 2
    assert await list_ids(service) == ["a"]


async def test_a_new_name_or_type_counts_as_a_version(service: Service) -> None:
    renamed = await service.flows.lifecycle.rename(INSTANCE, ADA, name="Fabrikam", instance_type=None)
    retyped = await service.flows.lifecycle.rename(INSTANCE, ADA, name=None, instance_type="production")

    assert (renamed.name, renamed.instance_type, renamed.authorship.version) == ("Fabrikam", "sandbox", 2)
    assert (retyped.name, retyped.instance_type, retyped.authorship.version) == ("Fabrikam", "production", 3)
    await service.flows.lifecycle.create(described(), ADA)
    with pytest.raises(errors.NameTaken):
        await service.flows.lifecycle.rename(OTHER, ADA, name="Fabrikam", instance_type=None)


async def test_the_next_refresh_names_an_instance_as_its_file_does(service: Service, tmp_path: Path) -> None:
    await service.flows.lifecycle.rename(INSTANCE, ADA, name="Fabrikam", instance_type=None)

    await service.refresh(environment(tmp_path, [customer("a")]))
    await service.refresh(environment(tmp_path, [customer("b")]))

    instance = await service.flows.instances.get_instance(INSTANCE)
    assert (instance.name, instance.authorship.version) == ("Contoso Coffee", 3)
    assert instance.authorship.updated_by == "environment file"


async def test_a_sweep_goes_on_in_bounded_steps_where_another_was_broken_off(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("ROWS_PER_COMMIT_MAX", "ROWS_PER_COMMIT_MAX_ON_SQLITE"):
        monkeypatch.setattr(removal, limit, 7)
    async with service.store.writing() as connection:
        stand = await instance_store.lock_stand(connection, INSTANCE)
        assert stand is not None
        await lifecycle.remove_instance(connection, stand, now=service.clock.system_now() - timedelta(minutes=6))

    swept = await service.flows.lifecycle.sweep()

    assert swept > 60
    assert await count_rows(service, 1) == {"removed_instance": 1}
    async with service.store.reading() as connection:
        assert await removal.list_unswept(connection) == []
    assert await service.flows.lifecycle.sweep() == 0


async def test_a_sweep_that_fails_or_takes_long_does_not_hold_up_the_deletion(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("topcoat.flows.lifecycle.SWEEP_AWAITED_SECONDS", 0)
    async with open_service(sqlite_url) as service:
        await service.flows.lifecycle.delete(INSTANCE)
        await service.flows.lifecycle.close()
        assert "snapshot_profile" in await count_rows(service, 1)

        async with service.store.reading() as connection:
            [left] = await removal.list_unswept(connection)
        assert left.instance_id == 1
        await service.flows.lifecycle.sweep()
        assert await count_rows(service, 1) == {"removed_instance": 1}


async def test_a_sweep_that_breaks_is_logged_and_left_to_the_next(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> int:
        raise errors.StoreUnreachable(reason="the disk is full")

    async with open_service(sqlite_url) as service:
        with monkeypatch.context() as breaking:
            breaking.setattr(removal, "sweep", broken)
            await service.flows.lifecycle.delete(INSTANCE)
        assert "snapshot_profile" in await count_rows(service, 1)

        await service.flows.lifecycle.sweep()

        assert await count_rows(service, 1) == {"removed_instance": 1}


async def test_what_was_reset_while_its_refresh_waited_is_not_refreshed(
    sqlite_url: str, sample_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between finding an instance and owning its refresh, another process may be quicker."""
    async with open_service(sqlite_url) as service:
        owned, scopes = generations.owned, [Scope.DATA, Scope.DATA]

        @asynccontextmanager
        async def owned_late(session: Session, instance_id: int) -> AsyncIterator[None]:
            if len(scopes) % 2 == 0:
                await service.flows.lifecycle.reset(INSTANCE, scopes.pop(), ADA)
            else:
                scopes.append(Scope.DATA)
            async with owned(session, instance_id):
                yield

        monkeypatch.setattr(generations, "owned", owned_late)
        with pytest.raises(errors.InstanceNotFound):
            await service.refresh(sample_folder / "contoso.yaml")
        with pytest.raises(errors.InstanceNotFound):
            await service.undo()
        with pytest.raises(errors.InstanceNotFound):
            await service.flows.lifecycle.delete(INSTANCE)

        assert (await service.flows.instances.get_instance(INSTANCE)).generation is not None
