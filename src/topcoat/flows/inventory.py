"""What is there: the keys of a profile, the kinds of its activities, the size of a table."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from topcoat.clock import Clock
from topcoat.core import catalog, errors
from topcoat.core.catalog import Catalog, Document, Table, TableKind
from topcoat.core.overlay.override import View
from topcoat.flows.instances import Instances
from topcoat.store import instances as instance_store
from topcoat.store import key_rings, profiles, sizes, timelines
from topcoat.store.engine import ReadConnection, Store
from topcoat.store.profiles import StoredProfile
from topcoat.store.timelines import ActivityQuery, TypeCount


@dataclass(frozen=True, slots=True)
class TableKeys:
    """A profile's keys in one source table; the preferred one is that of the profile's alternate key column."""

    table: Table
    preferred: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyRing:
    customer_id: str
    tables: tuple[TableKeys, ...]


@dataclass(frozen=True, slots=True)
class ActivityCounts:
    customer_id: str
    types: tuple[TypeCount, ...]

    @property
    def total(self) -> int:
        return sum(count.count for count in self.types)


@dataclass(frozen=True, slots=True)
class TableSize:
    table: Table
    records: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Sight:
    connection: ReadConnection
    guid: str
    instance_id: int
    view: View
    catalog: Catalog


class Inventory:
    def __init__(self, store: Store, instances: Instances, clock: Clock) -> None:
        self._store = store
        self._instances = instances
        self._clock = clock

    async def get_key_ring(self, instance: str, *, data_source: str, table: str, key: str) -> KeyRing:
        """All keys of the profile that a source record belongs to (S18, S19); `table` as its data source calls it."""
        async with self._looking(instance) as sight:
            source = _source_table(sight.catalog, data_source, table)
            customer_id = await _find_customer(sight, source, key)
            if customer_id is None:
                raise errors.RecordNotFound(table=f"The key ring of {source.name}", record_id=catalog.shown(key))
            profile = await self._get_profile(sight, customer_id)
            keys = await key_rings.list_keys(
                sight.connection,
                instance_id=sight.instance_id,
                generation=sight.view.generation,
                customer_id=profile.customer_id,
            )
        return KeyRing(profile.customer_id, _by_table(sight.catalog, profile.document, keys))

    async def count_activities(self, instance: str, customer_id: str) -> ActivityCounts:
        """How many activities of each type the timeline of a profile shows now (S13-S17)."""
        async with self._looking(instance) as sight:
            profile = await self._get_profile(sight, customer_id)
            family = await profiles.list_family(
                sight.connection,
                instance_id=sight.instance_id,
                generation=sight.view.generation,
                customer_ids=[profile.customer_id],
            )
            counts = await timelines.count_types(
                sight.connection,
                instance_id=sight.instance_id,
                view=sight.view,
                query=ActivityQuery(
                    members=tuple(family[profile.customer_id]),
                    hidden_tables=sight.catalog.hidden_activity_tables(),
                ),
            )
        return ActivityCounts(profile.customer_id, tuple(counts))

    async def measure_table(self, instance: str, name: str) -> TableSize:
        """The records that a read of the table returns now, and the bytes of their documents."""
        async with self._looking(instance) as sight:
            table = sight.catalog.get_table(name)
            size = await _measure(sight, table)
        return TableSize(table, size.records, size.size_bytes)

    @asynccontextmanager
    async def _looking(self, instance: str) -> AsyncIterator[_Sight]:
        """One view for everything that is asked inside (S20)."""
        async with self._store.reading() as connection:
            stand = await instance_store.find_stand(connection, instance)
            if stand is None:
                raise errors.InstanceNotFound(instance=catalog.shown(instance))
            known = Catalog(())
            if stand.generation is not None:
                known = await self._instances.catalog_at(connection, stand.instance_id, stand.generation)
            view = View(stand.generation or 0, stand.sequence, self._clock.now(stand.service_time))
            yield _Sight(connection, instance, stand.instance_id, view, known)

    async def _get_profile(self, sight: _Sight, customer_id: str) -> StoredProfile:
        """The profile that survives under an id; raise `RecordNotFound`."""
        if catalog.check_id(customer_id):
            found = await profiles.fetch_profiles(
                sight.connection, sight.guid, [customer_id], clock=self._clock, view=sight.view
            )
            assert found is not None  # the instance was there when the view was taken
            for profile in found.profiles.values():
                return profile
        raise errors.RecordNotFound(table=catalog.CUSTOMER, record_id=catalog.shown(customer_id))


def _source_table(known: Catalog, data_source: str, name: str) -> Table:
    """Raise `TableNotFound` for a table that is no data source's, or another's."""
    table = known.get_table(f"{data_source}_{name}")
    if table.kind is not TableKind.SOURCE or table.data_source != data_source:
        place = f" as '{catalog.shown(name)}' of a data source '{catalog.shown(data_source)}'"
        raise errors.TableNotFound(table=table.name, suggestion=place)
    return table


async def _find_customer(sight: _Sight, table: Table, key: str) -> str | None:
    if not catalog.check_id(key):
        return None
    return await key_rings.find_customer(
        sight.connection,
        instance_id=sight.instance_id,
        generation=sight.view.generation,
        table=table.name,
        key=key,
    )


def _by_table(known: Catalog, profile: Document, keys: Sequence[tuple[str, str]]) -> tuple[TableKeys, ...]:
    """`keys` sorted by table."""
    return tuple(
        _table_keys(known.get_table(name), profile, tuple(key for _, key in group))
        for name, group in groupby(keys, key=itemgetter(0))
    )


def _table_keys(table: Table, profile: Document, keys: tuple[str, ...]) -> TableKeys:
    preferred = str(profile.get(f"{table.name}_{table.primary_key}"))
    return TableKeys(table, preferred if preferred in keys else keys[0], keys)


async def _measure(sight: _Sight, table: Table) -> sizes.Size:
    match table.kind:
        case TableKind.CUSTOMER:
            return await sizes.get_profiles_size(
                sight.connection, instance_id=sight.instance_id, generation=sight.view.generation
            )
        case TableKind.UNIFIED_ACTIVITY:
            return await timelines.get_activities_size(
                sight.connection,
                instance_id=sight.instance_id,
                view=sight.view,
                query=ActivityQuery(hidden_tables=sight.catalog.hidden_activity_tables()),
            )
        case TableKind.CUSTOMER_MEASURE:
            return await sizes.get_measures_size(
                sight.connection, instance_id=sight.instance_id, generation=sight.view.generation
            )
        case TableKind.SOURCE:
            raise errors.NotSupported(what=f"The size of {table.name}", hint=" yet: its records are not kept")
