"""Rows made from what the snapshot has of its customers: keys, segments, measures, enrichments, predictions (S10)."""

from collections.abc import Sequence

from topcoat.clock import Clock
from topcoat.core.catalog import Document, Table
from topcoat.core.odata.options import QueryOptions
from topcoat.flows.customer_rows.row_reads import RowRead
from topcoat.flows.query import plan
from topcoat.flows.query.paging import Page, Pages
from topcoat.flows.query.plan import ReadPlan
from topcoat.flows.query.reading import begin_reading
from topcoat.flows.query.sight import Sight, Sights
from topcoat.store.engine import Store


class CustomerRows:
    """Tables are those of `core.customer_rows`."""

    def __init__(self, store: Store, sights: Sights, clock: Clock) -> None:
        self._store = store
        self._sights = sights
        self._clock = clock
        self._pages = Pages(store, sights, clock)

    async def read_rows(self, instance: str, table: Table, options: QueryOptions) -> Page:
        """A page of rows, in the order in which their sources have them where no other is asked for."""
        opening = await self._pages.open(instance, ("rows", table.name), options)
        planned = opening.limited(plan.plan_rows(table, options))
        read = self._read(opening.sight, planned)
        rows, has_more = await read.page(opening.after)
        count = await read.count() if planned.is_counted else None
        place = read.place(rows[-1]) if has_more and rows else None
        token = await self._pages.next_token(opening, planned, place, shown=len(rows))
        return Page([planned.shape(row.record) for row in rows], count, token)

    async def count_rows(self, instance: str, table: Table, options: QueryOptions) -> int:
        sight = await self._sights.look(instance, as_of=plan.parse_as_of(options.as_of))
        return await self._read(sight, plan.plan_rows(table, options)).count()

    async def list_rows_of(
        self, instance: str, table: Table, customer_ids: Sequence[str], options: QueryOptions
    ) -> dict[str, list[Document]]:
        """By surviving CustomerId the rows of each that the filter keeps, in order, at most `top` of each."""
        sight = await self._sights.look(instance, as_of=plan.parse_as_of(options.as_of))
        planned = plan.narrowed(plan.plan_rows(table, options), tuple(customer_ids))
        found = await self._read(sight, planned).by_customer()
        return {customer_id: [planned.shape(row.record) for row in rows] for customer_id, rows in found.items()}

    def _read(self, sight: Sight, planned: ReadPlan) -> RowRead:
        return RowRead(begin_reading(self._store, self._clock, sight), planned)
