"""Merged reads: look, plan, fetch in one view, merge, judge, shape, page (S20, S23-S29)."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from topcoat.clock import Clock
from topcoat.core import catalog, errors
from topcoat.core.catalog import CUSTOMER_ID, CUSTOMER_MEASURE, UNIFIED_ACTIVITY, Catalog, Document, Table, TableKind
from topcoat.core.odata import evaluate
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import QueryOptions
from topcoat.core.overlay import override
from topcoat.core.overlay.override import Override
from topcoat.flows.instances import CurrentCatalog, Instances
from topcoat.flows.query import long_keys, measure_reads, plan, profile_reads
from topcoat.flows.query.activity_reads import ActivityRead
from topcoat.flows.query.measure_reads import MeasureRead
from topcoat.flows.query.paging import Page, Pages
from topcoat.flows.query.plan import ReadPlan
from topcoat.flows.query.profile_reads import Index, MergedProfile, ProfileRead
from topcoat.flows.query.reading import Reading, begin_reading
from topcoat.flows.query.sight import Sight, Sights
from topcoat.flows.query.source_reads import SourceRead
from topcoat.store import profiles
from topcoat.store.engine import Store

EXPANDED_ACTIVITIES_MAX = 1000


@dataclass(frozen=True, slots=True)
class Outlook:
    """What questions are asked of: the tables there are, and the service's instant; `refreshed_at` is theirs."""

    catalog: Catalog
    now: datetime
    refreshed_at: datetime | None


@dataclass(frozen=True, slots=True)
class LiveChange:
    """`not_shown` are the columns that the table no longer has, or has with types that do not accept their values."""

    change: Override
    not_shown: tuple[str, ...]


class Indexes(Protocol):
    """What knows the search and filter index of an instance."""

    async def find_index(self, instance_id: int, table: Table) -> Index: ...


class Query:
    def __init__(self, store: Store, instances: Instances, sights: Sights, indexes: Indexes, clock: Clock) -> None:
        self._store = store
        self._instances = instances
        self._clock = clock
        self._indexes = indexes
        self._sights = sights
        self._pages = Pages(store, sights, clock)

    async def look(self, instance: str) -> Outlook:
        sight = await self._sights.look(instance)
        refreshed_at = await self._instances.find_activated_at(sight.instance_id, sight.view.generation)
        return Outlook(sight.catalog, sight.view.now, refreshed_at)

    async def find_keys(self, instance: str, table: str, guid: uuid.UUID) -> list[str]:
        """The keys of a table that are too long to stand in their GUID, and have this one."""
        return await long_keys.find_keys(self._reading(await self._sights.look(instance)), table, guid)

    async def read_record(self, instance: str, address: RecordAddress, options: QueryOptions) -> Document:
        """One record by its key; raise `RecordNotFound`."""
        quick = await self._read_present(instance, address, options)
        if quick is not None:
            return quick
        sight = await self._sights.look(instance, as_of=plan.parse_as_of(options.as_of))
        planned = replace(plan.plan_read(sight.catalog, address, options), top=1, skip=0)
        key, table = address.key or "", planned.table
        if address.navigation is not None:
            planned = await self._of_profile(sight, planned, key)
        elif table.kind is TableKind.UNIFIED_ACTIVITY:
            return await self._read_activity(sight, planned, key)
        elif table.kind is TableKind.SOURCE:
            return await SourceRead(self._reading(sight), planned).record(key)
        elif address.key_column is None or plan.is_primary(table, address.key_column):
            planned = replace(planned, customer_ids=(key,))
        rows, _, _ = await self._rows(self._reading(sight), planned, None)
        if not rows:
            await self._check_profile(sight, address)
            raise errors.RecordNotFound(table=table.name, record_id=catalog.shown(key))
        return rows[0]

    async def read_records(self, instance: str, address: RecordAddress, options: QueryOptions) -> Page:
        """A page of a table, or of what belongs to one profile where the address goes on to it."""
        opening = await self._pages.open(instance, address, options)
        sight = opening.sight
        planned = opening.limited(plan.plan_read(sight.catalog, address, options))
        if address.navigation is not None:
            planned = await self._of_profile(sight, planned, address.key or "")
        reading = self._reading(sight)
        records, last, has_more = await self._rows(reading, planned, opening.after)
        if not records:
            await self._check_profile(sight, address)
        count = await self._count(reading, planned) if planned.is_counted else None
        place = _key_of(last, planned) if has_more and last is not None else None
        return Page(records, count, await self._pages.next_token(opening, planned, place, shown=len(records)))

    async def count_records(self, instance: str, address: RecordAddress, options: QueryOptions) -> int:
        """How many records an address and its filter have, however many are shown (OData's `/$count`)."""
        sight = await self._sights.look(instance, as_of=plan.parse_as_of(options.as_of))
        planned = plan.plan_read(sight.catalog, address, options)
        if address.navigation is not None:
            planned = await self._of_profile(sight, planned, address.key or "")
        count = await self._count(self._reading(sight), planned)
        if not count:
            await self._check_profile(sight, address)
        return count

    async def list_changes(self, instance: str, customer_id: str) -> list[LiveChange]:
        """The live changes of a profile, by sequence; confirmed columns left out (S5, S9)."""
        found = await profiles.fetch_profiles(self._store.point, instance, [customer_id], clock=self._clock)
        if found is None:
            raise errors.InstanceNotFound(instance=catalog.shown(instance))
        if not found.profiles or found.view is None:
            raise errors.RecordNotFound(table=catalog.CUSTOMER, record_id=catalog.shown(customer_id))
        (profile,) = found.profiles.values()
        known = await self._instances.catalog_of(found.instance_id, found.view.generation)
        table = known.get_table(catalog.CUSTOMER)
        live = override.live_overrides(profile.overrides, profile.releases, found.view)
        return [LiveChange(change, _not_shown(table, change)) for change in live]

    async def _read_present(self, instance: str, address: RecordAddress, options: QueryOptions) -> Document | None:
        """A profile by its id as it is now, in one statement; None for any other question."""
        if address.key is None or address.navigation is not None or options.as_of is not None or options.expand:
            return None

        def check(current: CurrentCatalog) -> tuple[CurrentCatalog, ReadPlan]:
            return current, plan.plan_read(current.catalog, address, options)

        current, planned = await self._instances.checked(instance, check)
        is_by_id = address.key_column is None or plan.is_primary(planned.table, address.key_column)
        is_plain = is_by_id and planned.filter is None and planned.search is None
        if planned.table.kind is not TableKind.CUSTOMER or not is_plain:
            return None
        has_aliases = await self._instances.has_aliases(current.instance_id, current.generation)
        found = await profiles.fetch_profiles(
            self._store.point, instance, [address.key], clock=self._clock, has_aliases=has_aliases
        )
        if found is None:
            raise errors.InstanceNotFound(instance=catalog.shown(instance))
        if found.view is None or (found.instance_id, found.view.generation) != (
            current.instance_id,
            current.generation,
        ):
            await self._instances.read_current(instance)
            return None
        for stored in found.profiles.values():
            merged = profile_reads.merge_profile(planned.table, stored, found.view)
            return profile_reads.shown_record(merged, planned, found.view)
        raise errors.RecordNotFound(table=planned.table.name, record_id=catalog.shown(address.key))

    def _reading(self, sight: Sight) -> Reading:
        return begin_reading(self._store, self._clock, sight)

    async def _rows(
        self, reading: Reading, planned: ReadPlan, after: Document | None
    ) -> tuple[list[Document], Document | None, bool]:
        """The records of a page as they are shown, the last of them in full, and whether there are more."""
        if planned.page_size == 0:
            return [], None, False
        match planned.table.kind:
            case TableKind.UNIFIED_ACTIVITY:
                read = ActivityRead(reading, planned)
                activities, has_more = await read.page(after)
                records = [read.shown(activity) for activity in activities]
                return records, activities[-1].record if activities else None, has_more
            case TableKind.CUSTOMER_MEASURE:
                measured, has_more = await MeasureRead(reading, planned).page(after)
                shown = [planned.shape(record) for record in measured]
                return shown, measured[-1] if measured else None, has_more
            case TableKind.SOURCE:
                kept, has_more = await SourceRead(reading, planned).page(after)
                return [planned.shape(record) for record in kept], kept[-1] if kept else None, has_more
            case _:
                merged, has_more = await (await self._profile_read(reading, planned)).page(after)
                records = await self._expanded(reading, planned, merged)
                return records, merged[-1].record if merged else None, has_more

    async def _count(self, reading: Reading, planned: ReadPlan) -> int:
        match planned.table.kind:
            case TableKind.UNIFIED_ACTIVITY:
                return await ActivityRead(reading, planned).count()
            case TableKind.CUSTOMER_MEASURE:
                return await MeasureRead(reading, planned).count()
            case TableKind.SOURCE:
                return await SourceRead(reading, planned).count()
            case _:
                return await (await self._profile_read(reading, planned)).count()

    async def _profile_read(self, reading: Reading, planned: ReadPlan) -> ProfileRead:
        """The index matters only where profiles are looked for."""
        if planned.filter is None and planned.search is None:
            return ProfileRead(reading, planned, Index())
        return ProfileRead(reading, planned, await self._indexes.find_index(reading.sight.instance_id, planned.table))

    async def _expanded(self, reading: Reading, planned: ReadPlan, merged: Sequence[MergedProfile]) -> list[Document]:
        view = reading.sight.view
        records = [profile_reads.shown_record(profile, planned, view) for profile in merged]
        if planned.expand:
            records = [dict(record) for record in records]
        for inner in planned.expand:
            if inner.table.name == CUSTOMER_MEASURE:
                await self._expand_measures(reading, inner, merged, records)
            else:
                await self._expand_activities(reading, inner, merged, records)
        return records

    async def _expand_activities(
        self, reading: Reading, inner: ReadPlan, merged: Sequence[MergedProfile], records: list[Document]
    ) -> None:
        """The newest activities of each profile as a column of its record."""
        for profile, record in zip(merged, records, strict=True):
            narrowed = plan.narrowed(inner, (profile.stored.customer_id,))
            top = EXPANDED_ACTIVITIES_MAX if inner.top is None else min(inner.top, EXPANDED_ACTIVITIES_MAX)
            read = ActivityRead(reading, replace(narrowed, top=top))
            activities, _ = await read.page(None)
            record[UNIFIED_ACTIVITY] = [read.shown(activity) for activity in activities]
            if inner.is_counted:
                record[f"{UNIFIED_ACTIVITY}@odata.count"] = await read.count()

    async def _expand_measures(
        self, reading: Reading, inner: ReadPlan, merged: Sequence[MergedProfile], records: list[Document]
    ) -> None:
        """The measures of each profile as one object, null where there are none."""
        ids = [profile.stored.customer_id for profile in merged]
        found = await measure_reads.expanded_measures(reading, inner.table, ids)
        for customer_id, record in zip(ids, records, strict=True):
            measured = found.get(customer_id)
            record[CUSTOMER_MEASURE] = None if measured is None else inner.shape(measured)

    async def _of_profile(self, sight: Sight, planned: ReadPlan, key: str) -> ReadPlan:
        """The plan narrowed to one profile. Without aliases it is looked up only where nothing is found of it."""
        if not sight.has_aliases:
            return plan.narrowed(planned, (key,))
        return plan.narrowed(planned, (await self._get_survivor(sight, key),))

    async def _check_profile(self, sight: Sight, address: RecordAddress) -> None:
        """Where nothing was found behind a profile's address: raise `RecordNotFound` if there is no such profile."""
        if address.navigation is not None:
            await self._get_survivor(sight, address.key or "")

    async def _get_survivor(self, sight: Sight, key: str) -> str:
        customer_id = await profiles.find_survivor(
            self._store.point,
            instance_id=sight.instance_id,
            generation=sight.view.generation,
            customer_id=key,
        )
        if customer_id is None:
            raise errors.RecordNotFound(table=catalog.CUSTOMER, record_id=catalog.shown(key))
        return customer_id

    async def _read_activity(self, sight: Sight, planned: ReadPlan, key: str) -> Document:
        """An activity by id; an id that several customers have belongs to the newest."""
        read = ActivityRead(self._reading(sight), planned, activity_id=key)
        found, _ = await read.page(None)
        if not found:
            raise errors.RecordNotFound(table=UNIFIED_ACTIVITY, record_id=catalog.shown(key))
        return read.shown(found[0])


def _not_shown(table: Table, change: Override) -> tuple[str, ...]:
    counting = override.counting_columns(table, change)
    return tuple(name for name in change.columns if name not in counting)


def _key_of(record: Document, planned: ReadPlan) -> Document:
    """The values that say where a record stands: those of the order, and its ids."""
    ordered = [key.column.name for key in planned.order]
    ordered += [name for key in planned.computed for name in evaluate.columns_of(key.expression)]
    return {name: record[name] for name in dict.fromkeys((*ordered, *_ids_of(planned.table)))}


def _ids_of(table: Table) -> tuple[str, ...]:
    match table.kind:
        case TableKind.UNIFIED_ACTIVITY:
            return ("ActivityTime", "ActivityId", CUSTOMER_ID)
        case TableKind.SOURCE:
            return (table.primary_key,)
        case _:
            return (CUSTOMER_ID,)
