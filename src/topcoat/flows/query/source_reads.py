"""Pages of a source table, as its data source brought it; what was posted in its format is not among it."""

from topcoat.core import catalog, errors
from topcoat.core.catalog import Document
from topcoat.flows.query.plan import ReadPlan
from topcoat.flows.query.reading import Reading
from topcoat.store import source_records
from topcoat.store.source_records import SourceQuestion


class SourceRead:
    """One read of the records of a source table."""

    def __init__(self, reading: Reading, planned: ReadPlan) -> None:
        self._reading = reading
        self._plan = planned
        is_descending = any(key.is_descending for key in planned.order)
        instance_id = reading.sight.instance_id
        self._question = SourceQuestion(
            instance_id, planned.table, is_by_value=bool(planned.order), is_descending=is_descending
        )

    async def page(self, after: Document | None) -> tuple[list[Document], bool]:
        """Those of one page, and whether there are more."""
        size = self._plan.page_size
        found = await source_records.list_source_records(
            self._reading.store.scan,
            self._question,
            self._reading.sight.view,
            after=None if after is None else after[self._plan.table.primary_key],
            skip=0 if after is not None else self._plan.skip,
            limit=size + 1,
        )
        return [self._completed(document) for document in found[:size]], len(found) > size

    async def count(self) -> int:
        return await source_records.count_source_records(
            self._reading.store.scan, self._question, self._reading.sight.view
        )

    async def record(self, key: str) -> Document:
        """The one of a key; raise `RecordNotFound`."""
        found = None
        if catalog.check_id(key):
            found = await source_records.find_source_record(
                self._reading.store.point, self._question, self._reading.sight.view, key
            )
        if found is None:
            raise errors.RecordNotFound(table=self._plan.table.name, record_id=catalog.shown(key))
        return self._plan.shape(self._completed(found))

    def _completed(self, document: Document) -> Document:
        return catalog.complete_record(self._plan.table, document)
