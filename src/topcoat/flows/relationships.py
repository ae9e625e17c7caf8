"""Relationships between tables: those that people define, and those that the tables have by what they are."""

from dataclasses import asdict, dataclass

from topcoat.clock import Clock
from topcoat.core import errors, relationships
from topcoat.core.catalog import Catalog, Document
from topcoat.core.definitions import Authorship
from topcoat.core.relationships import Cardinality, Relationship, RelationshipType
from topcoat.flows.definitions import Definitions
from topcoat.flows.instances import Instances
from topcoat.store.definitions import Kind, StoredDefinition
from topcoat.store.engine import Store


@dataclass(frozen=True, slots=True)
class DefinedRelationship:
    """Nobody is the author of what the service made."""

    relationship: Relationship
    authorship: Authorship | None = None


class Relationships:
    def __init__(self, store: Store, instances: Instances, clock: Clock) -> None:
        self._instances = instances
        self._definitions = Definitions(store, instances, clock, Kind.RELATIONSHIP)

    async def list_defined(self, guid: str) -> list[DefinedRelationship]:
        """Those that people made, by name."""
        return [_defined(stored) for stored in await self._definitions.list_all(guid)]

    async def list_system_made(self, guid: str) -> list[DefinedRelationship]:
        """In the order of the tables that they go out from."""
        made = relationships.list_system_made(await self._instances.get_catalog(guid))
        return [DefinedRelationship(relationship) for relationship in made]

    async def list_visible(self, guid: str) -> list[Relationship]:
        """All whose tables and columns are there."""
        catalog = await self._instances.get_catalog(guid)
        defined = [defined.relationship for defined in await self.list_defined(guid)]
        return relationships.list_system_made(catalog) + relationships.list_visible(catalog, defined)

    async def get(self, guid: str, name: str) -> DefinedRelationship:
        for made in await self.list_system_made(guid):
            if made.relationship.name == name:
                return made
        return _defined(await self._definitions.get(guid, name))

    async def create(self, guid: str, relationship: Relationship, principal: str) -> DefinedRelationship:
        def define(catalog: Catalog) -> Document:
            if relationship.name in _system_names(catalog):
                raise self._definitions.name_taken(relationship.name)
            return _document(catalog, relationship)

        return _defined(await self._definitions.create(guid, relationship.name, define, principal))

    async def replace(self, guid: str, relationship: Relationship, principal: str) -> DefinedRelationship:
        await self._refuse_system_made(guid, relationship.name)

        def redefine(catalog: Catalog, _: Document) -> Document:
            return _document(catalog, relationship)

        return _defined(await self._definitions.update(guid, relationship.name, redefine, principal))

    async def delete(self, guid: str, name: str) -> None:
        await self._refuse_system_made(guid, name)
        await self._definitions.delete(guid, name)

    async def _refuse_system_made(self, guid: str, name: str) -> None:
        if name in _system_names(await self._instances.get_catalog(guid)):
            raise errors.SystemMade(what="Relationship", name=name)


def _system_names(catalog: Catalog) -> set[str]:
    return {relationship.name for relationship in relationships.list_system_made(catalog)}


def _document(catalog: Catalog, relationship: Relationship) -> Document:
    relationships.check_relationship(catalog, relationship)
    enums = {"cardinality": relationship.cardinality.value, "type": relationship.type.value}
    return asdict(relationship) | enums


def _defined(stored: StoredDefinition) -> DefinedRelationship:
    document = stored.document
    enums = {"cardinality": Cardinality(document["cardinality"]), "type": RelationshipType(document["type"])}
    return DefinedRelationship(Relationship(**(document | enums)), stored.authorship)
