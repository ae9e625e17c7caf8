"""Pages of activities: of everybody, of the customers that are named, or expanded on a profile (S15-S17, S24)."""

from dataclasses import dataclass, replace

from topcoat.core import catalog
from topcoat.core.catalog import CUSTOMER_ID, UNIFIED_ACTIVITY_TABLE, Document
from topcoat.core.overlay.timeline import Activity
from topcoat.flows.query import explanation, gathering
from topcoat.flows.query import judge as judges
from topcoat.flows.query.gathering import Chunk
from topcoat.flows.query.judge import Judge
from topcoat.flows.query.plan import ReadPlan
from topcoat.flows.query.reading import EXPLANATION, STANDING, Reading, Standing, list_family, settle_filter
from topcoat.store import timelines
from topcoat.store.timelines import NEWEST_FIRST, ActivityQuestion


@dataclass(frozen=True, slots=True)
class ShownActivity:
    """`record` is under the surviving id of its profile, whichever name it was written to (S18, S24)."""

    activity: Activity
    record: Document


class ActivityRead:
    """One read of activities; `activity_id` narrows it to those of that id."""

    def __init__(self, reading: Reading, planned: ReadPlan, *, activity_id: str | None = None) -> None:
        self._reading = reading
        self._plan = planned
        self._activity_id = activity_id

    async def page(self, after: Document | None) -> tuple[list[ShownActivity], bool]:
        """Those of one page, and whether there are more."""
        question, judge = await self._asked()
        is_plain = judge.is_lenient and after is None
        skip = 0 if after is not None else self._plan.skip

        async def fetch(position: Document | None, limit: int) -> Chunk[ShownActivity, Document]:
            return await self._chunk(question, judge, position, limit, skip if is_plain and position is None else 0)

        gathered = await gathering.gather(
            fetch,
            after=after,
            skip=0 if is_plain else skip,
            size=self._plan.page_size,
            deadline=self._reading.deadline,
        )
        return gathered.items, gathered.has_more

    async def count(self) -> int:
        """How many there are, whatever is skipped and however many are shown."""
        question, judge = await self._asked()
        reading = self._reading
        counted = await timelines.count_activities(reading.store.scan, question, reading.sight.view)
        if counted is not None:
            return counted

        async def fetch(position: Document | None, limit: int) -> Chunk[ShownActivity, Document]:
            return await self._chunk(question, judge, position, limit, 0)

        return await gathering.count(fetch, reading.deadline)

    def shown(self, found: ShownActivity) -> Document:
        record = self._plan.shape(found.record)
        if self._plan.has_standing:
            record = {**record, STANDING: _standing(found.activity)}
        if not self._plan.is_explained:
            return record
        return {**record, EXPLANATION: explanation.explain_activity(found.activity, self._reading.sight.view)}

    async def _asked(self) -> tuple[ActivityQuestion, Judge]:
        sight, planned = self._reading.sight, self._plan
        tree = await settle_filter(self._reading, planned.filter)
        question = ActivityQuestion(
            instance_id=sight.instance_id,
            activity_id=self._activity_id,
            filter=tree,
            hidden_tables=sight.catalog.hidden_activity_tables(),
            order=planned.order or NEWEST_FIRST,
            has_aliases=sight.has_aliases,
        )
        if planned.customer_ids is not None:
            family = await list_family(self._reading, planned.customer_ids)
            members = tuple(member for members in family.values() for member in members)
            question = replace(question, members=members, is_of_one=len(family) == 1)
        return question, judges.make_judge(planned.table, tree, sight.view.now)

    async def _chunk(
        self, question: ActivityQuestion, judge: Judge, after: Document | None, limit: int, skip: int
    ) -> Chunk[ShownActivity, Document]:
        if question.members == ():
            return Chunk([], None)
        reading = self._reading
        found = await timelines.list_activities(
            reading.store.scan, question, reading.sight.view, after=after, skip=skip, limit=limit
        )
        shown = [ShownActivity(activity, activity_record(activity)) for activity in found]
        last = shown[-1].record if len(shown) == limit and limit else None
        return Chunk([each for each in shown if judge.accepts(each.record)], last)


def _standing(activity: Activity) -> Standing | None:
    if activity.recorded_at is None or activity.valid_until is None:
        return None
    return Standing(activity.recorded_at, activity.valid_until)


def activity_record(activity: Activity) -> Document:
    return catalog.complete_record(UNIFIED_ACTIVITY_TABLE, activity.document | {CUSTOMER_ID: activity.customer_id})
