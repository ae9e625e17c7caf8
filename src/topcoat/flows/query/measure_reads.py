"""Pages of Customer_Measure, which the snapshot alone holds (S10)."""

from collections.abc import Sequence

from topcoat.core import catalog
from topcoat.core.catalog import Document, Table
from topcoat.flows.query import gathering
from topcoat.flows.query import judge as judges
from topcoat.flows.query.gathering import Chunk
from topcoat.flows.query.judge import Judge
from topcoat.flows.query.plan import ReadPlan
from topcoat.flows.query.reading import Reading, list_family, settle_filter
from topcoat.store import measures
from topcoat.store.measures import MeasureQuestion


class MeasureRead:
    """One read of the measures."""

    def __init__(self, reading: Reading, planned: ReadPlan) -> None:
        self._reading = reading
        self._plan = planned

    async def page(self, after: Document | None) -> tuple[list[Document], bool]:
        """Those of one page, and whether there are more."""
        question, judge = await self._asked()

        async def fetch(position: Document | None, limit: int) -> Chunk[Document, Document]:
            return await self._chunk(question, judge, position, limit)

        gathered = await gathering.gather(
            fetch,
            after=after,
            skip=0 if after is not None else self._plan.skip,
            size=self._plan.page_size,
            deadline=self._reading.deadline,
        )
        return gathered.items, gathered.has_more

    async def count(self) -> int:
        question, judge = await self._asked()
        counted = await measures.count_measures(self._reading.store.scan, question, self._reading.sight.view)
        if counted is not None:
            return counted

        async def fetch(position: Document | None, limit: int) -> Chunk[Document, Document]:
            return await self._chunk(question, judge, position, limit)

        return await gathering.count(fetch, self._reading.deadline)

    async def _asked(self) -> tuple[MeasureQuestion, Judge]:
        sight, planned = self._reading.sight, self._plan
        tree = await settle_filter(self._reading, planned.filter)
        ids = None
        if planned.customer_ids is not None:
            ids = tuple(await list_family(self._reading, planned.customer_ids))
        question = MeasureQuestion(sight.instance_id, planned.table, ids, tree, planned.order)
        return question, judges.make_judge(planned.table, tree, sight.view.now)

    async def _chunk(
        self, question: MeasureQuestion, judge: Judge, after: Document | None, limit: int
    ) -> Chunk[Document, Document]:
        reading = self._reading
        found = await measures.list_measures(reading.store.scan, question, reading.sight.view, after=after, limit=limit)
        records = [catalog.complete_record(question.table, document) for document in found]
        last = records[-1] if len(records) == limit and limit else None
        return Chunk([record for record in records if judge.accepts(record)], last)


async def expanded_measures(reading: Reading, table: Table, customer_ids: Sequence[str]) -> dict[str, Document]:
    """Surviving id -> its record, where it has one."""
    sight = reading.sight
    found = await measures.fetch_measures(reading.store.point, sight.instance_id, sight.view.generation, customer_ids)
    return {customer_id: catalog.complete_record(table, document) for customer_id, document in found.items()}
