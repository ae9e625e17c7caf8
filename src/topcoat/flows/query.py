"""Merged reads: plan, fetch in one view, merge, order, page (S20, S23-S25)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from topcoat.clock import Clock
from topcoat.core import catalog, errors
from topcoat.core.catalog import CUSTOMER_ID, UNIFIED_ACTIVITY, UNIFIED_ACTIVITY_TABLE, Catalog, Document, Table
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import QueryOptions
from topcoat.core.overlay import merge, override
from topcoat.core.overlay.override import Override, View
from topcoat.core.overlay.timeline import Activity
from topcoat.flows import continuation, plan
from topcoat.flows.continuation import Continuation
from topcoat.flows.instances import CurrentCatalog, Instances
from topcoat.flows.plan import ActivityPlan, Plan, ProfilePlan
from topcoat.store import instances as instance_store
from topcoat.store import profiles, signing_keys, timelines
from topcoat.store.engine import ReadConnection, Store
from topcoat.store.profiles import StoredProfile
from topcoat.store.timelines import ActivityQuery, PagePoint

EXPANDED_ACTIVITIES_MAX = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """`next_token` goes out as `$skiptoken`, where there is more."""

    records: list[Document]
    count: int | None
    next_token: str | None


@dataclass(frozen=True, slots=True)
class _Sight:
    """What a read that needs several statements looks at: one connection, one view."""

    connection: ReadConnection
    guid: str
    instance_id: int
    view: View
    catalog: Catalog


class Query:
    def __init__(self, store: Store, instances: Instances, clock: Clock) -> None:
        self._store = store
        self._instances = instances
        self._clock = clock
        self._secret: bytes | None = None

    async def read_record(self, instance: str, address: RecordAddress, options: QueryOptions) -> Document:
        """One record by its key; raise `RecordNotFound`."""
        table, planned = await self._planned(instance, address, options)
        key = address.key or ""
        if isinstance(planned, ActivityPlan):
            return await self._read_activity(instance, planned, options, key)
        records = await self._read_profiles(instance, replace(planned, customer_ids=(key,)), options)
        if not records:
            raise errors.RecordNotFound(table=table.name, record_id=catalog.shown(key))
        return records[0]

    async def read_records(self, instance: str, address: RecordAddress, options: QueryOptions) -> Page:
        """A page of a table, or of the activities of one profile where the address goes on to them."""
        _, planned = await self._planned(instance, address, options)
        if isinstance(planned, ActivityPlan):
            if address.navigation is not None:
                planned = await self._of_profile(instance, planned, address)
            return await self._page_activities(instance, planned, options, address)
        if planned.customer_ids is not None and options.skiptoken is None:
            return _cut(await self._read_profiles(instance, planned, options), options)
        return await self._page_profiles(instance, planned, options, address)

    async def _planned(self, instance: str, address: RecordAddress, options: QueryOptions) -> tuple[Table, Plan]:
        def check(current: CurrentCatalog) -> tuple[Table, Plan]:
            return plan.plan_read(current.catalog, address, options)

        return await self._instances.checked(instance, check)

    async def list_changes(self, instance: str, customer_id: str) -> list[Override]:
        """The live changes of a profile, by sequence; confirmed columns left out (S9)."""
        found = await profiles.fetch_profiles(self._store.point, instance, [customer_id], clock=self._clock)
        if found is None:
            raise errors.InstanceNotFound(instance=catalog.shown(instance))
        if not found.profiles or found.view is None:
            raise errors.RecordNotFound(table=catalog.CUSTOMER, record_id=catalog.shown(customer_id))
        (profile,) = found.profiles.values()
        return override.live_overrides(profile.overrides, profile.releases, found.view)

    async def _read_profiles(self, instance: str, planned: ProfilePlan, options: QueryOptions) -> list[Document]:
        """Profiles by id: one statement, unless activities are to be expanded."""
        ids = planned.customer_ids or ()
        if planned.is_expanded or not ids:
            async with self._store.reading() as connection:
                sight = await self._look(connection, instance)
                return await self._merged_profiles(sight, ids, planned, options)
        found = await profiles.fetch_profiles(self._store.point, instance, ids, clock=self._clock)
        if found is None:
            raise errors.InstanceNotFound(instance=catalog.shown(instance))
        if found.view is None:
            return []
        known = self._instances.find_kept_catalog(found.instance_id, found.view.generation)
        if known is None:
            known = (await self._instances.read_current(instance)).catalog
        table = known.get_table(catalog.CUSTOMER)
        return _shaped([_merged(table, p, found.view) for p in found.profiles.values()], table, options)

    async def _merged_profiles(
        self, sight: _Sight, ids: Sequence[str], planned: ProfilePlan, options: QueryOptions
    ) -> list[Document]:
        if not ids:
            return []
        table = sight.catalog.get_table(catalog.CUSTOMER)
        found = await profiles.fetch_profiles(sight.connection, sight.guid, ids, clock=self._clock, view=sight.view)
        assert found is not None  # the instance was there when the view was taken
        records = _shaped([_merged(table, p, sight.view) for p in found.profiles.values()], table, options)
        if planned.is_expanded:
            for record, customer_id in zip(records, found.profiles, strict=True):
                record[UNIFIED_ACTIVITY] = await self._expanded(sight, customer_id)
        return records

    async def _expanded(self, sight: _Sight, customer_id: str) -> list[Document]:
        """A profile's newest activities, as a column of its record."""
        query = await self._resolved(sight, ActivityPlan((customer_id,), ActivityQuery()))
        activities = await timelines.list_activities(
            sight.connection,
            instance_id=sight.instance_id,
            view=sight.view,
            query=query,
            skip=0,
            limit=EXPANDED_ACTIVITIES_MAX,
        )
        return [_activity_record(activity) for activity in activities]

    async def _page_profiles(
        self, instance: str, planned: ProfilePlan, options: QueryOptions, address: RecordAddress
    ) -> Page:
        token = await self._verified(options, instance, address)
        wanted = _wanted(options, token)
        async with self._store.reading() as connection:
            sight = await self._look(connection, instance, token)
            limit = min(wanted, plan.page_size(options)) if wanted is not None else plan.page_size(options)
            ids = await profiles.list_profile_ids(
                connection,
                instance_id=sight.instance_id,
                generation=sight.view.generation,
                after=token.key[0] if token is not None else None,
                skip=0 if token is not None else options.skip or 0,
                limit=limit + 1,
            )
            records = await self._merged_profiles(sight, ids[:limit], planned, options)
        following = None
        if len(ids) > limit and (wanted is None or wanted > limit) and limit:
            following = Continuation(sight.view, (ids[limit - 1],), _left(wanted, limit))
        return Page(records, None, await self._signed(following, options, instance, address))

    async def _page_activities(
        self,
        instance: str,
        planned: ActivityPlan,
        options: QueryOptions,
        address: RecordAddress,
    ) -> Page:
        token = await self._verified(options, instance, address)
        wanted = _wanted(options, token)
        async with self._store.reading() as connection:
            sight = await self._look(connection, instance, token)
            query = await self._resolved(sight, planned)
            limit = min(wanted, plan.page_size(options)) if wanted is not None else plan.page_size(options)
            if token is not None:
                time, activity_id, customer_id = token.key
                query = replace(query, after=PagePoint(catalog.parse_instant(time), activity_id, customer_id))
            activities = await self._listed(
                sight, query, skip=0 if token is not None else options.skip or 0, limit=limit + 1
            )
        records = _shaped([_activity_record(a) for a in activities[:limit]], UNIFIED_ACTIVITY_TABLE, options)
        following = None
        if len(activities) > limit and (wanted is None or wanted > limit) and limit:
            following = Continuation(sight.view, _key_of(activities[limit - 1]), _left(wanted, limit))
        return Page(records, None, await self._signed(following, options, instance, address))

    async def _listed(self, sight: _Sight, query: ActivityQuery, *, skip: int, limit: int) -> list[Activity]:
        if query.members == () or query.activity_ids == ():
            return []
        return await timelines.list_activities(
            sight.connection,
            instance_id=sight.instance_id,
            view=sight.view,
            query=query,
            skip=skip,
            limit=limit,
        )

    async def _of_profile(self, instance: str, planned: ActivityPlan, address: RecordAddress) -> ActivityPlan:
        """The plan narrowed to one profile, which must exist."""
        key = address.key or ""
        found = await profiles.fetch_profiles(self._store.point, instance, [key], clock=self._clock)
        if found is None or not found.profiles:
            raise errors.RecordNotFound(table=catalog.CUSTOMER, record_id=catalog.shown(key))
        return replace(planned, customer_ids=plan.narrowed(planned.customer_ids, (key,)))

    async def _read_activity(self, instance: str, planned: ActivityPlan, options: QueryOptions, key: str) -> Document:
        """An activity by id; an id that several customers have belongs to the newest."""
        planned = replace(planned, query=replace(planned.query, activity_ids=(key,)))
        async with self._store.reading() as connection:
            sight = await self._look(connection, instance)
            found = await self._listed(sight, await self._resolved(sight, planned), skip=0, limit=1)
        if not found:
            raise errors.RecordNotFound(table=UNIFIED_ACTIVITY, record_id=catalog.shown(key))
        return _shaped([_activity_record(found[0])], UNIFIED_ACTIVITY_TABLE, options)[0]

    async def _look(self, connection: ReadConnection, instance: str, token: Continuation | None = None) -> _Sight:
        """Take the view of this request: as things stand now, or as the token pinned them."""
        stand = await instance_store.find_stand(connection, instance)
        if stand is None:
            raise errors.InstanceNotFound(instance=catalog.shown(instance))
        if token is not None:
            view = token.view
            if view.generation != stand.generation:
                await self._instances.check_kept(connection, stand.instance_id, view.generation)
        else:
            view = View(stand.generation or 0, stand.sequence, self._clock.now(stand.service_time))
        known = await self._instances.catalog_at(connection, stand.instance_id, view.generation)
        return _Sight(connection, instance, stand.instance_id, view, known)

    async def _resolved(self, sight: _Sight, planned: ActivityPlan) -> ActivityQuery:
        """The query with the ids that name the customers asked for, and without hidden kinds (S16, S18)."""
        query = replace(planned.query, hidden_tables=sight.catalog.hidden_activity_tables())
        if planned.customer_ids is None:
            return query
        family = await profiles.list_family(
            sight.connection,
            instance_id=sight.instance_id,
            generation=sight.view.generation,
            customer_ids=planned.customer_ids,
        )
        return replace(query, members=tuple(member for members in family.values() for member in members))

    async def _verified(self, options: QueryOptions, instance: str, address: RecordAddress) -> Continuation | None:
        if options.skiptoken is None:
            return None
        return continuation.verify(
            options.skiptoken,
            question=_question(options, instance, address),
            secret=await self._get_secret(),
            system_now=self._clock.system_now(),
        )

    async def _signed(
        self, following: Continuation | None, options: QueryOptions, instance: str, address: RecordAddress
    ) -> str | None:
        if following is None:
            return None
        return continuation.sign(
            following,
            question=_question(options, instance, address),
            secret=await self._get_secret(),
            system_now=self._clock.system_now(),
        )

    async def _get_secret(self) -> bytes:
        if self._secret is None:
            now = self._clock.system_now()
            self._secret = await signing_keys.get_signing_key(self._store, continuation.PURPOSE, now)
        return self._secret


def _merged(table: Table, profile: StoredProfile, view: View) -> Document:
    if not profile.overrides:
        return catalog.complete_record(table, profile.document)
    live = override.live_overrides(profile.overrides, profile.releases, view)
    return merge.merge_record(table, profile.document, live)


def _activity_record(activity: Activity) -> Document:
    """Under the surviving id of its profile, whichever name it was written to (S18, S24)."""
    document: Mapping[str, Any] = activity.document | {CUSTOMER_ID: activity.customer_id}
    return catalog.complete_record(UNIFIED_ACTIVITY_TABLE, document)


def _shaped(records: list[Document], table: Table, options: QueryOptions) -> list[Document]:
    columns = plan.selected_columns(table, options)
    if columns is None:
        return records
    return [{name: record[name] for name in columns} for record in records]


def _cut(records: list[Document], options: QueryOptions) -> Page:
    """`$skip` and `$top` of a list that is there in full."""
    first = options.skip or 0
    last = None if options.top is None else first + options.top
    return Page(records[first:last], None, None)


def _wanted(options: QueryOptions, token: Continuation | None) -> int | None:
    """How many records are still asked for; None without a limit."""
    return options.top if token is None else token.remaining


def _left(wanted: int | None, shown: int) -> int | None:
    return None if wanted is None else wanted - shown


def _key_of(activity: Activity) -> tuple[str, str, str]:
    return catalog.format_instant(activity.activity_time), activity.activity_id, activity.customer_id


def _question(options: QueryOptions, instance: str, address: RecordAddress) -> str:
    """What a token is bound to: everything but the token itself and `$skip`."""
    return repr((instance, address, replace(options, skiptoken=None, skip=None)))
