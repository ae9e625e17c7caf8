"""Definitions on real databases: stored once, changed in versions, strangers to other instances."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import INSTANCE, Service
from tests.flows.test_refresh import customer, environment
from topcoat.core import errors
from topcoat.core.hierarchies import Hierarchy
from topcoat.core.relationships import Cardinality, Relationship
from topcoat.flows import definitions

OTHER = "11111111-1111-4111-8111-111111111111"
SHOPS = Relationship("Shops", "PoS_posPurchases", "StoreName", "Customer", "City", friendly_name="Shops, Ærø")
CHAINS = Hierarchy("Chains", "PoS_posPurchases", "StoreName", "Currency")


async def test_a_definition_is_kept_as_it_is_with_its_authors(service: Service) -> None:
    flow = service.flows.relationships

    created = await flow.create(INSTANCE, SHOPS, "ada")
    replaced = await flow.replace(INSTANCE, replace(SHOPS, cardinality=Cardinality.ONE_TO_ONE), "bob")

    assert (await flow.get(INSTANCE, "Shops")) == replaced
    assert replaced.relationship == replace(SHOPS, cardinality=Cardinality.ONE_TO_ONE)
    assert created.authorship is not None
    assert replaced.authorship is not None
    assert (created.authorship.version, replaced.authorship.version) == (1, 2)
    assert (replaced.authorship.created_by, replaced.authorship.updated_by) == ("ada", "bob")
    assert replaced.authorship.created_at == created.authorship.created_at


async def test_names_are_unique_within_a_kind_and_case_sensitive(service: Service) -> None:
    flow = service.flows.relationships
    await flow.create(INSTANCE, SHOPS, "ada")

    with pytest.raises(errors.NameTaken, match="Shops"):
        await flow.create(INSTANCE, SHOPS, "bob")
    with pytest.raises(errors.NameTaken, match="UnifiedActivity_Customer"):
        await flow.create(INSTANCE, replace(SHOPS, name="UnifiedActivity_Customer"), "bob")
    await flow.create(INSTANCE, replace(SHOPS, name="SHOPS"), "bob")
    await service.flows.hierarchies.create(INSTANCE, replace(CHAINS, name="Shops"), "bob")

    assert [r.relationship.name for r in await flow.list_defined(INSTANCE)] == ["SHOPS", "Shops"]


async def test_a_definition_of_one_instance_is_nothing_to_another(service: Service, tmp_path: Path) -> None:
    """S33."""
    file = environment(tmp_path, [customer("a")])
    file.write_text(file.read_text().replace(INSTANCE, OTHER))
    await service.refresh(file)
    await service.flows.hierarchies.create(INSTANCE, CHAINS, "ada")

    assert await service.flows.hierarchies.list_all(OTHER) == []
    with pytest.raises(errors.DefinitionNotFound):
        await service.flows.hierarchies.get(OTHER, "Chains")
    with pytest.raises(errors.DefinitionNotFound):
        await service.flows.hierarchies.delete(OTHER, "Chains")
    assert len(await service.flows.hierarchies.list_all(INSTANCE)) == 1


async def test_there_is_a_limit_to_definitions_of_a_kind(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "PER_KIND_MAX", 1)
    await service.flows.hierarchies.create(INSTANCE, CHAINS, "ada")

    with pytest.raises(errors.TooManyDefinitions, match="Hierarchy number 1"):
        await service.flows.hierarchies.create(INSTANCE, replace(CHAINS, name="More"), "ada")


async def test_an_unknown_instance_has_no_definitions(service: Service) -> None:
    flow = service.flows.hierarchies
    for ask in (
        flow.list_all(OTHER),
        flow.get(OTHER, "Chains"),
        flow.create(OTHER, CHAINS, "ada"),
        flow.update(OTHER, "Chains", {}, "ada"),
        flow.delete(OTHER, "Chains"),
    ):
        with pytest.raises(errors.InstanceNotFound):
            await ask


async def test_the_profile_store_tells_of_the_generation_beside_the_active_one(
    service: Service, tmp_path: Path
) -> None:
    first = await service.flows.inventory.get_profile_store_state(INSTANCE)
    await service.refresh(environment(tmp_path, [customer("a"), customer("b")]))
    second = await service.flows.inventory.get_profile_store_state(INSTANCE)

    assert first.generation is not None
    assert second.generation is not None
    assert (first.generation.profiles, second.generation.profiles) == (20, 2)
    assert second.generation.activities == 0
    assert first.size_bytes > second.size_bytes > 0
    assert (second.is_hydrated, second.is_building) == (True, False)
