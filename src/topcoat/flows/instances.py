"""Instances and their catalogs, as callers and the other flows see them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.core.catalog import Catalog, shown
from topcoat.core.definitions import Authorship
from topcoat.store import instances, views
from topcoat.store.engine import ReadConnection, Store

Checked = TypeVar("Checked")

CATALOGS_KEPT_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Instance:
    """`generation` is None until the first refresh."""

    guid: str
    name: str
    instance_type: str
    generation: int | None
    refreshed_at: datetime | None
    region: str | None
    authorship: Authorship


@dataclass(frozen=True, slots=True)
class CurrentCatalog:
    """The catalog that was active when it was read; a write says by the number which one it was checked against."""

    instance_id: int
    generation: int
    catalog: Catalog


class Instances:
    """Keeps catalogs, which never change within a generation."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._catalogs: dict[tuple[int, int], Catalog] = {}
        self._current: dict[str, CurrentCatalog] = {}
        self._aliased: dict[tuple[int, int], bool] = {}
        self._activated: dict[tuple[int, int], datetime] = {}

    async def list_instances(self) -> list[Instance]:
        async with self._store.glancing() as connection:
            return [_instance(row) for row in await instances.list_instances(connection)]

    async def get_default(self) -> str:
        """The GUID of the instance that is meant where none is named: the one that has been there longest."""
        guid = await instances.find_oldest(self._store.point)
        if guid is None:
            raise errors.InstanceNotFound(instance="the default one")
        return guid

    async def get_instance(self, guid: str) -> Instance:
        async with self._store.glancing() as connection:
            row = await instances.find_instance(connection, guid)
        if row is None:
            raise errors.InstanceNotFound(instance=shown(guid))
        return _instance(row)

    async def get_catalog(self, guid: str) -> Catalog:
        """That of the active generation; empty before the first refresh."""
        return (await self.read_current(guid)).catalog

    async def is_ready(self) -> bool:
        """Whether the database answers with the schema of this version."""
        try:
            await self._store.check_schema()
        except errors.Unavailable:
            return False
        return True

    async def find_current(self, guid: str) -> CurrentCatalog:
        """The catalog as last seen, which may be a generation behind; fit for checks that the commit repeats."""
        return self._current.get(guid) or await self.read_current(guid)

    async def checked(self, guid: str, check: Callable[[CurrentCatalog], Checked]) -> Checked:
        """Check something against the catalog last seen; what it refuses is checked again if a newer one is active."""
        current = await self.find_current(guid)
        try:
            return check(current)
        except errors.TopcoatError:
            newest = await self.read_current(guid)
            if newest.generation == current.generation:
                raise
        return check(newest)

    async def read_current(self, guid: str) -> CurrentCatalog:
        async with self._store.reading() as connection:
            stand = await instances.find_stand(connection, guid)
            if stand is None:
                self._current.pop(guid, None)
                raise errors.InstanceNotFound(instance=shown(guid))
            if stand.generation is None:
                self._current.pop(guid, None)  # it was reset
                return CurrentCatalog(stand.instance_id, 0, Catalog(()))
            catalog = await self.catalog_at(connection, stand.instance_id, stand.generation)
        current = CurrentCatalog(stand.instance_id, stand.generation, catalog)
        self._current[guid] = current
        return current

    def forget(self, guid: str) -> None:
        """Look anew where an instance stands that was removed, reset or made again."""
        self._current.pop(guid, None)

    async def check_kept(self, instance_id: int, generation: int) -> None:
        """Raise `ContinuationInvalid` for a generation that was undone or pruned since a token named it."""
        self._catalogs.pop((instance_id, generation), None)
        await self.catalog_of(instance_id, generation)

    async def has_aliases(self, instance_id: int, generation: int) -> bool:
        """Whether ids of a generation's profiles have aliases; known for good, once it was asked."""
        key = (instance_id, generation)
        if key not in self._aliased:
            if len(self._aliased) >= CATALOGS_KEPT_MAX:
                self._aliased.clear()
            self._aliased[key] = await views.has_aliases(self._store.point, instance_id, generation)
        return self._aliased[key]

    async def find_activated_at(self, instance_id: int, generation: int) -> datetime | None:
        """When a generation became active; None where there is none of that number."""
        key = (instance_id, generation)
        if key not in self._activated:
            found = await views.list_generations(self._store.point, instance_id)
            if len(self._activated) >= CATALOGS_KEPT_MAX:
                self._activated.clear()
            self._activated |= {(instance_id, g.number): g.activated_at for g in found if g.activated_at is not None}
        return self._activated.get(key)

    async def catalog_of(self, instance_id: int, generation: int) -> Catalog:
        """As `catalog_at`, on a connection of its own where it is not kept in memory."""
        kept = self._catalogs.get((instance_id, generation))
        if kept is not None:
            return kept
        async with self._store.glancing() as connection:
            return await self.catalog_at(connection, instance_id, generation)

    async def catalog_at(self, connection: ReadConnection, instance_id: int, generation: int) -> Catalog:
        """The catalog of a generation that is active or kept."""
        kept = self._catalogs.get((instance_id, generation))
        if kept is not None:
            return kept
        catalog = await instances.find_catalog(connection, instance_id, generation)
        if catalog is None:
            raise errors.ContinuationInvalid(reason="the refresh it was made at was undone")
        if len(self._catalogs) >= CATALOGS_KEPT_MAX:
            self._catalogs.clear()
        self._catalogs[(instance_id, generation)] = catalog
        return catalog


def _instance(row: instances.InstanceRow) -> Instance:
    return Instance(
        guid=row.guid,
        name=row.name,
        instance_type=row.instance_type,
        generation=row.active_generation,
        refreshed_at=row.refreshed_at,
        region=row.region,
        authorship=row.authorship,
    )
