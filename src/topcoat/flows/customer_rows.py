"""Rows made from what the snapshot has of its customers: keys, segments, measures, enrichments, predictions (S10)."""

from collections.abc import Sequence

from topcoat.clock import Clock
from topcoat.core.catalog import Document, Table
from topcoat.core.odata.options import QueryOptions
from topcoat.flows.query import Page
from topcoat.flows.query.sight import Sights
from topcoat.store.engine import Store


class CustomerRows:
    """Tables are those of `core.customer_rows`."""

    def __init__(self, store: Store, sights: Sights, clock: Clock) -> None:
        self._store = store
        self._sights = sights
        self._clock = clock

    async def read_rows(self, instance: str, table: Table, options: QueryOptions) -> Page:
        """A page of rows, by RowId where no order is asked for."""
        raise NotImplementedError

    async def count_rows(self, instance: str, table: Table, options: QueryOptions) -> int:
        raise NotImplementedError

    async def list_rows_of(
        self, instance: str, table: Table, customer_ids: Sequence[str], options: QueryOptions
    ) -> dict[str, list[Document]]:
        """By surviving CustomerId the rows of each that the filter keeps, in order, at most `top` of each."""
        raise NotImplementedError
