"""What people define in an instance, by name: the steps that every kind of definition has in common."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.core.catalog import Catalog, Document, shown, suggestion
from topcoat.core.definitions import PER_KIND_MAX
from topcoat.flows.instances import Instances
from topcoat.store import definitions, instances
from topcoat.store.definitions import Kind, StoredDefinition
from topcoat.store.engine import Store, WriteConnection

_WORDS: Final = {Kind.RELATIONSHIP: "Relationship", Kind.HIERARCHY: "Hierarchy"}


class Definitions:
    def __init__(self, store: Store, instances: Instances, clock: Clock, kind: Kind) -> None:
        self._store = store
        self._instances = instances
        self._clock = clock
        self._kind = kind

    async def list_all(self, guid: str) -> list[StoredDefinition]:
        """By name; raise `InstanceNotFound`."""
        current = await self._instances.read_current(guid)
        async with self._store.glancing() as connection:
            return await definitions.list_definitions(connection, current.instance_id, self._kind)

    async def get(self, guid: str, name: str) -> StoredDefinition:
        """Raise `DefinitionNotFound`, which suggests the nearest name."""
        known = {definition.name: definition for definition in await self.list_all(guid)}
        if name not in known:
            raise self._not_found(name, list(known))
        return known[name]

    async def create(
        self, guid: str, name: str, define: Callable[[Catalog], Document], principal: str
    ) -> StoredDefinition:
        """Store what `define` makes of the active catalog; raise `NameTaken`, or what `define` raises."""
        document = define(await self._instances.get_catalog(guid))
        async with self._changing(guid) as (connection, instance_id):
            known = await definitions.list_definitions(connection, instance_id, self._kind)
            if any(definition.name == name for definition in known):
                raise self.name_taken(name)
            if len(known) >= PER_KIND_MAX:
                raise errors.TooManyDefinitions(what=_WORDS[self._kind], limit=PER_KIND_MAX)
            return await self._save(connection, instance_id, name, document, principal)

    async def update(
        self, guid: str, name: str, redefine: Callable[[Catalog, Document], Document], principal: str
    ) -> StoredDefinition:
        """Store what `redefine` makes of the active catalog and the definition that there is."""
        self._check_name(name)
        catalog = await self._instances.get_catalog(guid)
        async with self._changing(guid) as (connection, instance_id):
            known = await definitions.find_definition(connection, instance_id, self._kind, name)
            if known is None:
                raise self._not_found(name, [])
            document = redefine(catalog, known.document)
            return await self._save(connection, instance_id, name, document, principal)

    async def delete(self, guid: str, name: str) -> None:
        self._check_name(name)
        async with self._changing(guid) as (connection, instance_id):
            if not await definitions.delete_definition(connection, instance_id, self._kind, name):
                raise self._not_found(name, [])

    def _check_name(self, name: str) -> None:
        """No database is asked for what none can keep."""
        if "\0" in name:
            raise self._not_found(name, [])

    def name_taken(self, name: str) -> errors.NameTaken:
        return errors.NameTaken(what=_WORDS[self._kind], name=name)

    @asynccontextmanager
    async def _changing(self, guid: str) -> AsyncIterator[tuple[WriteConnection, int]]:
        """A transaction that has the instance to itself, so that it is neither removed nor changed meanwhile."""
        async with self._store.writing() as connection:
            stand = await instances.lock_stand(connection, guid)
            if stand is None:
                raise errors.InstanceNotFound(instance=shown(guid))
            yield connection, stand.instance_id

    async def _save(
        self, connection: WriteConnection, instance_id: int, name: str, document: Document, principal: str
    ) -> StoredDefinition:
        return await definitions.save_definition(
            connection,
            instance_id,
            self._kind,
            name,
            document,
            principal=principal,
            now=self._clock.system_now(),
        )

    def _not_found(self, name: str, known: list[str]) -> errors.DefinitionNotFound:
        return errors.DefinitionNotFound(what=_WORDS[self._kind], name=shown(name), suggestion=suggestion(name, known))
