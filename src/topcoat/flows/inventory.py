"""What is there: the keys of a profile, the kinds of its activities, the size of a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import assert_never

from topcoat.clock import Clock
from topcoat.core import catalog, errors
from topcoat.core.catalog import Catalog, Document, Table, TableKind
from topcoat.flows.query import plan
from topcoat.flows.query.sight import Sight, Sights
from topcoat.store import generations, key_rings, profiles, search_index, sizes, timelines
from topcoat.store.engine import Store
from topcoat.store.generations import ActiveGeneration
from topcoat.store.profiles import StoredProfile
from topcoat.store.timelines import ActivityQuestion, TypeCount


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
class ProfileStoreState:
    """`is_hydrated`: whether the search index shows what its configuration asks for."""

    generation: ActiveGeneration | None
    size_bytes: int
    is_hydrated: bool
    is_building: bool


class Inventory:
    def __init__(self, store: Store, sights: Sights, clock: Clock) -> None:
        self._store = store
        self._sights = sights
        self._clock = clock

    async def get_key_ring(self, instance: str, *, data_source: str, table: str, key: str) -> KeyRing:
        """All keys of the profile that a source record belongs to (S18, S19); `table` as its data source calls it."""
        sight = await self._sights.look(instance)
        source = _source_table(sight.catalog, data_source, table)
        customer_id = await self._find_customer(sight, source, key)
        if customer_id is None:
            raise errors.RecordNotFound(table=f"The key ring of {source.name}", record_id=catalog.shown(key))
        return await self._key_ring(sight, await self._get_profile(sight, customer_id))

    async def _key_ring(self, sight: Sight, profile: StoredProfile) -> KeyRing:
        keys = await key_rings.list_keys(
            self._store.point,
            instance_id=sight.instance_id,
            generation=sight.view.generation,
            customer_id=profile.customer_id,
        )
        return KeyRing(profile.customer_id, _by_table(sight.catalog, profile.document, keys))

    async def list_keys(self, instance: str, customer_id: str) -> KeyRing:
        """All keys of a profile; raise `RecordNotFound`."""
        sight = await self._sights.look(instance)
        return await self._key_ring(sight, await self._get_profile(sight, customer_id))

    async def count_activities(self, instance: str, customer_id: str) -> ActivityCounts:
        """How many activities of each type the timeline of a profile shows now (S13-S17)."""
        sight = await self._sights.look(instance)
        profile = await self._get_profile(sight, customer_id)
        family = await profiles.list_family(
            self._store.point,
            instance_id=sight.instance_id,
            generation=sight.view.generation,
            customer_ids=[profile.customer_id],
        )
        members = tuple(family[profile.customer_id])
        counts = await timelines.count_types(self._store.scan, _shown(sight, members), sight.view)
        return ActivityCounts(profile.customer_id, tuple(counts))

    async def measure_table(self, instance: str, name: str) -> TableSize:
        """The records that a read of the table returns now, and the bytes of their documents."""
        sight = await self._sights.look(instance)
        table = sight.catalog.get_table(name)
        size = await self._measure(sight, table)
        return TableSize(table, size.records, size.size_bytes)

    async def get_profile_store_state(self, instance: str) -> ProfileStoreState:
        """The generation that answers reads, what its profiles take, and whether another is being made beside it."""
        sight = await self._sights.look(instance)
        async with self._store.reading() as connection:
            state = await generations.find_state(connection, sight.instance_id)
            built = await search_index.find_built(connection, sight.instance_id)
        size = await sizes.get_table_size(
            self._store.scan, "snapshot_profile", instance_id=sight.instance_id, view=sight.view
        )
        return ProfileStoreState(state.active, size.size_bytes, built.is_token_complete, state.is_building)

    async def _find_customer(self, sight: Sight, table: Table, key: str) -> str | None:
        if not catalog.check_id(key):
            return None
        return await key_rings.find_customer(
            self._store.point,
            instance_id=sight.instance_id,
            generation=sight.view.generation,
            table=table.name,
            key=key,
        )

    async def _get_profile(self, sight: Sight, customer_id: str) -> StoredProfile:
        """The profile that survives under an id; raise `RecordNotFound`."""
        if catalog.check_id(customer_id):
            found = await profiles.fetch_profiles(
                self._store.point, sight.guid, [customer_id], clock=self._clock, view=sight.view
            )
            assert found is not None  # the instance was there when the view was taken
            for profile in found.profiles.values():
                return profile
        raise errors.RecordNotFound(table=catalog.CUSTOMER, record_id=catalog.shown(customer_id))

    async def _measure(self, sight: Sight, table: Table) -> sizes.Size:
        scan, view = self._store.scan, sight.view
        match table.kind:
            case TableKind.CUSTOMER:
                return await sizes.get_table_size(scan, "snapshot_profile", instance_id=sight.instance_id, view=view)
            case TableKind.CUSTOMER_MEASURE:
                return await sizes.get_table_size(scan, "measure_record", instance_id=sight.instance_id, view=view)
            case TableKind.UNIFIED_ACTIVITY:
                return await timelines.get_activities_size(scan, _shown(sight), view)
            case TableKind.SOURCE | TableKind.CUSTOMER_ROW:
                plan.refuse_unkept(table, "The size of")
                return await sizes.get_table_size(
                    scan, "source_record", instance_id=sight.instance_id, view=view, source_table=table.name
                )
            case _:
                assert_never(table.kind)


def _shown(sight: Sight, members: tuple[str, ...] | None = None) -> ActivityQuestion:
    """The activities that reads return."""
    return ActivityQuestion(
        sight.instance_id,
        members=members,
        hidden_tables=sight.catalog.hidden_activity_tables(),
        has_aliases=sight.has_aliases,
    )


def _source_table(known: Catalog, data_source: str, name: str) -> Table:
    """Raise `TableNotFound` for a table that is no data source's, or another's."""
    table = known.get_table(f"{data_source}_{name}")
    if table.kind is not TableKind.SOURCE or table.data_source != data_source:
        place = f" as '{catalog.shown(name)}' of a data source '{catalog.shown(data_source)}'"
        raise errors.TableNotFound(table=table.name, suggestion=place)
    return table


def _by_table(known: Catalog, profile: Document, keys: Sequence[tuple[str, str]]) -> tuple[TableKeys, ...]:
    """`keys` sorted by table."""
    return tuple(
        _table_keys(known.get_table(name), profile, tuple(key for _, key in group))
        for name, group in groupby(keys, key=itemgetter(0))
    )


def _table_keys(table: Table, profile: Document, keys: tuple[str, ...]) -> TableKeys:
    preferred = str(profile.get(catalog.alternate_key(table.name, table.primary_key)))
    return TableKeys(table, preferred if preferred in keys else keys[0], keys)
