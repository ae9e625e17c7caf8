"""Pages of merged profiles: candidates from the store, the core's word on each, and what a record shows (S24-S29)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from topcoat.core import catalog
from topcoat.core.catalog import CUSTOMER_ID, Column, Document, Table
from topcoat.core.odata import evaluate, matching, syntax
from topcoat.core.odata.evaluate import Subject
from topcoat.core.odata.syntax import Expression, OrderBy
from topcoat.core.overlay import merge, override
from topcoat.core.overlay.override import Override, View
from topcoat.flows.query import explanation, gathering
from topcoat.flows.query import judge as judges
from topcoat.flows.query.gathering import Chunk, Placed
from topcoat.flows.query.judge import Judge
from topcoat.flows.query.plan import ReadPlan
from topcoat.flows.query.reading import EXPLANATION, STANDING, Reading, Standing, settle_filter
from topcoat.store import instances as instance_store
from topcoat.store import leads, profile_counts, profile_pages, profiles, segments
from topcoat.store.leads import Indexed
from topcoat.store.led_profiles import ProfileQuestion, SortKey
from topcoat.store.profiles import StoredProfile

Position = tuple[Any, ...]

SPARE_CANDIDATES: Final = 2
_IN_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class MergedProfile:
    stored: StoredProfile
    live: list[Override]
    record: Document


@dataclass(frozen=True, slots=True)
class Index:
    """What the search and filter index has for the customers: indexes that exist, columns that are searched."""

    indexed: Indexed = field(default_factory=Indexed)
    searched: tuple[Column, ...] = ()


def merge_profile(table: Table, stored: StoredProfile, view: View) -> MergedProfile:
    if not stored.overrides:
        return MergedProfile(stored, [], catalog.complete_record(table, stored.document))
    live = override.live_overrides(stored.overrides, stored.releases, view)
    return MergedProfile(stored, live, merge.merge_record(table, stored.document, live))


def shown_record(profile: MergedProfile, planned: ReadPlan, view: View) -> Document:
    """The columns asked for, and where their values come from where that is asked for (S29)."""
    record = planned.shape(profile.record)
    if planned.has_standing:
        record = {**record, STANDING: _standing(profile.live)}
    if not planned.is_explained:
        return record
    explained = explanation.explain_profile(planned.table, profile.stored, profile.live, view)
    return {**record, EXPLANATION: {name: explained[name] for name in record}}


def _standing(live: Sequence[Override]) -> Standing | None:
    if not live:
        return None
    return Standing(max(change.recorded_at for change in live), min(change.valid_until for change in live))


class ProfileRead:
    """One read of the table of customers."""

    def __init__(self, reading: Reading, planned: ReadPlan, index: Index) -> None:
        self._reading = reading
        self._plan = planned
        self._index = index

    async def page(self, after: Document | None) -> tuple[list[MergedProfile], bool]:
        """Those of one page, and whether there are more."""
        await self._settle_order()
        if self._plan.customer_ids is not None:
            return self._cut(await self.named(), after)
        question, judge = await self._asked()
        if self._plan.computed:
            return await self._computed_page(question, judge, after)
        is_plain = judge.is_lenient and not question.order and after is None
        skip = 0 if after is not None else self._plan.skip

        async def fetch(position: Position | None, limit: int) -> Chunk[MergedProfile, Position]:
            offset = skip if is_plain and position is None else 0
            return await self._chunk(question, judge, position, limit, offset)

        gathered = await gathering.gather(
            fetch,
            after=None if after is None else self._position(question, after),
            skip=0 if is_plain else skip,
            size=self._plan.page_size,
            spare=0 if is_plain else self._plan.page_size // 16 + SPARE_CANDIDATES,
            deadline=self._reading.deadline,
        )
        return gathered.items, gathered.has_more

    async def _settle_order(self) -> None:
        """What is sorted by may name aliases of customers, as a filter does (S24)."""
        computed = []
        for key in self._plan.computed:
            expression = await settle_filter(self._reading, key.expression)
            computed.append(replace(key, expression=expression or key.expression))
        self._plan = replace(self._plan, computed=tuple(computed))

    async def _computed_page(
        self, question: ProfileQuestion, judge: Judge, after: Document | None
    ) -> tuple[list[MergedProfile], bool]:
        """Every candidate is looked at, and of those that belong no more is kept than where the foremost stand."""
        now, key = self._reading.sight.view.now, self._key()
        start = None if after is None else key(Subject(after, now))
        skip, size = self._plan.skip if after is None else 0, self._plan.page_size

        async def fetch(position: Position | None, limit: int) -> Chunk[Placed[str], Position]:
            chunk = await self._chunk(question, judge, position, limit, 0)
            standing = [(key(Subject(p.record, now)), p.stored.customer_id) for p in chunk.items]
            return Chunk([place for place in standing if start is None or start < place[0]], chunk.last)

        first = await gathering.foremost(fetch, skip + size + 1, self._reading.deadline)
        found = {p.stored.customer_id: p for p in await self._fetched([i for _, i in first[skip : skip + size]])}
        return [found[i] for _, i in first[skip : skip + size]], len(first) > skip + size

    async def count(self) -> int:
        """How many there are, whatever is skipped and however many are shown."""
        if self._plan.customer_ids is not None:
            return len(await self.named())
        question, judge = await self._asked()
        sight = self._reading.sight
        if judge.is_lenient:
            return await instance_store.count_profiles(
                self._reading.store.point, sight.instance_id, sight.view.generation
            )
        if self._plan.search is None:
            counted = await profile_counts.count_profiles(self._reading.store.scan, question, sight.view)
            if counted is not None:
                return counted

        async def fetch(position: Position | None, limit: int) -> Chunk[MergedProfile, Position]:
            return await self._chunk(question, judge, position, limit, 0)

        return await gathering.count(fetch, self._reading.deadline)

    async def named(self) -> list[MergedProfile]:
        """Those whose ids are named, as far as they match, in the order asked for."""
        merged = await self._fetched(self._plan.customer_ids or ())
        tree = await settle_filter(self._reading, self._plan.filter)
        return self._sorted(await self._accepted(merged, self._judge(tree)))

    async def _fetched(self, ids: Sequence[str]) -> list[MergedProfile]:
        sight = self._reading.sight
        if not ids:
            return []
        found = await profiles.fetch_profiles(
            self._reading.store.point,
            sight.guid,
            ids,
            clock=self._reading.clock,
            view=sight.view,
            has_aliases=sight.has_aliases,
        )
        assert found is not None  # the instance was there when the view was taken
        return [merge_profile(self._plan.table, stored, sight.view) for stored in found.profiles.values()]

    async def _asked(self) -> tuple[ProfileQuestion, Judge]:
        sight, planned = self._reading.sight, self._plan
        tree = await settle_filter(self._reading, planned.filter)
        tokens = () if planned.search is None else matching.needed_tokens(planned.search)
        order, is_descending = _split_order(planned.order)
        question = ProfileQuestion(
            instance_id=sight.instance_id,
            generation=sight.view.generation,
            table=planned.table,
            filter=tree,
            leads=leads.find_leads(tree, tokens, planned.table, self._index.indexed),
            order=order,
            is_descending=is_descending,
            has_aliases=sight.has_aliases,
        )
        return question, self._judge(tree)

    def _judge(self, tree: Expression | None) -> Judge:
        planned = self._plan
        return judges.make_judge(
            planned.table, tree, self._reading.sight.view.now, planned.search, self._index.searched
        )

    async def _chunk(
        self, question: ProfileQuestion, judge: Judge, after: Position | None, limit: int, skip: int
    ) -> Chunk[MergedProfile, Position]:
        scan, view = self._reading.store.scan, self._reading.sight.view
        found = await profile_pages.fetch_candidates(scan, question, view, after=after, skip=skip, limit=limit)
        merged = [merge_profile(question.table, stored, view) for stored in found.profiles]
        if question.is_streamed:
            merged = [
                profile
                for profile, position in zip(merged, found.positions, strict=True)
                if self._position(question, profile.record) == position
            ]
        return Chunk(await self._accepted(merged, judge), found.last)

    async def _accepted(self, merged: list[MergedProfile], judge: Judge) -> list[MergedProfile]:
        if judge.is_lenient:
            return merged
        members = await self._memberships(merged)
        return [
            profile
            for profile in merged
            if judge.accepts(profile.record, members.get(profile.stored.customer_id, _IN_NONE))
        ]

    async def _memberships(self, merged: list[MergedProfile]) -> dict[str, frozenset[str]]:
        """The segments of each, where the filter asks for any."""
        tree, sight = self._plan.filter, self._reading.sight
        if tree is None or not evaluate.uses_segments(tree):
            return {}
        ids = [profile.stored.customer_id for profile in merged]
        return await segments.list_memberships(self._reading.store.point, sight.instance_id, sight.view.generation, ids)

    def _position(self, question: ProfileQuestion, record: Document) -> Position:
        is_postgresql = self._reading.store.is_postgresql
        return profile_pages.position_of(question, record, is_postgresql=is_postgresql)

    def _key(self) -> Callable[[Subject], tuple[Any, ...]]:
        """Where a record stands."""
        order, is_descending = _split_order(self._plan.order)
        ties = OrderBy(syntax.Column(CUSTOMER_ID), is_descending)
        keys = (*(OrderBy(syntax.Column(key.column.name), key.is_descending) for key in order), ties)
        return evaluate.compile_order(self._plan.computed or keys, self._plan.table)

    def _sorted(self, merged: list[MergedProfile]) -> list[MergedProfile]:
        key, now = self._key(), self._reading.sight.view.now
        return sorted(merged, key=lambda profile: key(Subject(profile.record, now)))

    def _cut(self, merged: list[MergedProfile], after: Document | None) -> tuple[list[MergedProfile], bool]:
        """The page of a list that is there in full."""
        first = self._plan.skip
        if after is not None:
            ids = [profile.stored.customer_id for profile in merged]
            first = ids.index(after[CUSTOMER_ID]) + 1
        last = first + self._plan.page_size
        return merged[first:last], len(merged) > last


def _split_order(order: tuple[SortKey, ...]) -> tuple[tuple[SortKey, ...], bool]:
    """The keys before the CustomerId, which leaves nothing to sort by, and whether it goes downwards."""
    for place, key in enumerate(order):
        if key.column.name == CUSTOMER_ID:
            return order[:place], key.is_descending
    return order, bool(order) and order[0].is_descending
