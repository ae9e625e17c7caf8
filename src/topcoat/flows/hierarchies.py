"""Account hierarchies, as people define them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from topcoat.clock import Clock
from topcoat.core import hierarchies
from topcoat.core.catalog import Catalog, Document
from topcoat.core.definitions import Authorship
from topcoat.core.hierarchies import Hierarchy
from topcoat.flows.definitions import Definitions
from topcoat.flows.instances import Instances
from topcoat.store.definitions import Kind, StoredDefinition
from topcoat.store.engine import Store


@dataclass(frozen=True, slots=True)
class DefinedHierarchy:
    hierarchy: Hierarchy
    authorship: Authorship


class Hierarchies:
    def __init__(self, store: Store, instances: Instances, clock: Clock) -> None:
        self._definitions = Definitions(store, instances, clock, Kind.HIERARCHY)

    async def list_all(self, guid: str) -> list[DefinedHierarchy]:
        """By name."""
        return [_defined(stored) for stored in await self._definitions.list_all(guid)]

    async def get(self, guid: str, name: str) -> DefinedHierarchy:
        return _defined(await self._definitions.get(guid, name))

    async def create(self, guid: str, hierarchy: Hierarchy, principal: str) -> DefinedHierarchy:
        def define(catalog: Catalog) -> Document:
            return _document(catalog, hierarchy)

        return _defined(await self._definitions.create(guid, hierarchy.name, define, principal))

    async def update(self, guid: str, name: str, changes: Mapping[str, str], principal: str) -> DefinedHierarchy:
        """Change some parts of a hierarchy, named as `Hierarchy` names them."""

        def redefine(catalog: Catalog, document: Document) -> Document:
            return _document(catalog, replace(Hierarchy(**document), **changes))

        return _defined(await self._definitions.update(guid, name, redefine, principal))

    async def delete(self, guid: str, name: str) -> None:
        await self._definitions.delete(guid, name)


def _document(catalog: Catalog, hierarchy: Hierarchy) -> Document:
    hierarchies.check_hierarchy(catalog, hierarchy)
    return asdict(hierarchy)


def _defined(stored: StoredDefinition) -> DefinedHierarchy:
    return DefinedHierarchy(Hierarchy(**stored.document), stored.authorship)
