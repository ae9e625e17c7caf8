"""What is live in an instance, whosever it is, in the order in which it lapses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from topcoat.clock import Clock, to_microseconds
from topcoat.core.catalog import CUSTOMER, Document, Table
from topcoat.core.odata.options import QueryOptions
from topcoat.core.overlay import override
from topcoat.core.overlay.override import Override
from topcoat.flows.query import profile_reads
from topcoat.flows.query.paging import Opening, Pages
from topcoat.flows.query.plan import ReadPlan
from topcoat.flows.query.profile_reads import MergedProfile
from topcoat.flows.query.sight import Sight, Sights
from topcoat.store import lapses, profiles
from topcoat.store.engine import Store
from topcoat.store.lapses import START, LiveRow, Position


@dataclass(frozen=True, slots=True)
class LiveWrite:
    """A change of some columns, or an activity with its id and type.

    `customer_id` survives under the id that the write named; `record` is merged, None where there is no such profile.
    """

    customer_id: str
    record: Document | None
    sequence: int
    columns: Document
    activity_id: str | None
    activity_type: str | None
    recorded_at: datetime
    valid_until: datetime
    caller: str | None
    principal: str | None


@dataclass(frozen=True, slots=True)
class LivePage:
    """A page may hold less than was asked for, since what was released is left out."""

    now: datetime
    writes: list[LiveWrite]
    next_token: str | None


class LiveWrites:
    def __init__(self, store: Store, sights: Sights, clock: Clock) -> None:
        self._store = store
        self._sights = sights
        self._clock = clock
        self._pages = Pages(store, sights, clock)

    async def list_page(
        self, guid: str, *, customer_id: str | None = None, skiptoken: str | None = None, top: int
    ) -> LivePage:
        """Of all customers or of one, under all its ids; raise `InstanceNotFound` or `ContinuationInvalid`."""
        options = QueryOptions(skiptoken=skiptoken, page_size=top)
        opening = await self._pages.open(guid, f"live writes of {customer_id}", options)
        sight = opening.sight
        table = sight.catalog.tables_by_name.get(CUSTOMER)
        if table is None:
            return LivePage(sight.view.now, [], None)
        rows = await lapses.list_live(
            self._store.scan,
            sight.instance_id,
            sight.view,
            customer_ids=None if customer_id is None else await self._list_ids(sight, customer_id),
            after=_after(opening),
            limit=top + 1,
        )
        shown = rows[:top]
        last = _position_of(shown[-1]) if len(rows) > top else None
        token = await self._pages.next_token(opening, ReadPlan(table), last, shown=len(shown))
        return LivePage(sight.view.now, await self._list_writes(sight, table, shown), token)

    async def _list_ids(self, sight: Sight, customer_id: str) -> list[str]:
        family = await self._list_families(sight, [customer_id])
        return sorted({member for survivor, members in family.items() for member in (survivor, *members)})

    async def _list_families(self, sight: Sight, customer_ids: Sequence[str]) -> dict[str, list[str]]:
        return await profiles.list_family(
            self._store.point,
            instance_id=sight.instance_id,
            generation=sight.view.generation,
            customer_ids=customer_ids,
        )

    async def _list_writes(self, sight: Sight, table: Table, rows: Sequence[LiveRow]) -> list[LiveWrite]:
        """Those that count, each with the profile that it belongs to."""
        if not rows:
            return []
        named = sorted({row.customer_id for row in rows})
        stored = await profiles.fetch_profiles(self._store.point, sight.guid, named, clock=self._clock, view=sight.view)
        assert stored is not None  # the instance was there when the view was taken
        families = await self._list_families(sight, named)
        survivors = {member: survivor for survivor, members in families.items() for member in members}
        merged = {id_: profile_reads.merge_profile(table, one, sight.view) for id_, one in stored.profiles.items()}
        live = {change.sequence: change for profile in merged.values() for change in profile.live}
        for stranger in stored.strangers:
            live |= {o.sequence: o for o in override.live_overrides(stranger.overrides, stranger.releases, sight.view)}
        return [
            _write(row, merged.get(survivors.get(row.customer_id, row.customer_id)), live.get(row.sequence))
            for row in rows
            if row.activity_id is not None or row.sequence in live
        ]


def _write(row: LiveRow, profile: MergedProfile | None, change: Override | None) -> LiveWrite:
    return LiveWrite(
        customer_id=row.customer_id if profile is None else profile.stored.customer_id,
        record=None if profile is None else profile.record,
        sequence=row.sequence,
        columns={} if change is None else change.columns,
        activity_id=row.activity_id,
        activity_type=row.activity_type,
        recorded_at=row.recorded_at,
        valid_until=row.valid_until,
        caller=row.caller,
        principal=row.principal,
    )


def _position_of(row: LiveRow) -> Document:
    return {"validUntil": to_microseconds(row.valid_until), "sequence": row.sequence}


def _after(opening: Opening) -> Position:
    last = opening.after
    return START if last is None else (last["validUntil"], last["sequence"])
