"""Drawn questions put to the service."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from tests.conftest import Service
from tests.parity.questions import SEARCHED, Question
from topcoat.core.catalog import CUSTOMER, Document, Table
from topcoat.core.odata import options as query_options
from topcoat.core.odata.address import RecordAddress
from topcoat.core.odata.options import QueryOptions
from topcoat.flows.instances import Instances
from topcoat.flows.query import Query
from topcoat.flows.query.profile_reads import Index
from topcoat.flows.query.sight import Sights
from topcoat.store.leads import Indexed


@dataclass
class Pretended:
    """Says of columns that they have indexes, which changes the way to an answer and never the answer."""

    indexed: Indexed = field(default_factory=Indexed)

    async def find_index(self, instance_id: int, table: Table) -> Index:
        return Index(self.indexed, tuple(table.columns_by_name[name] for name in SEARCHED))


class Asker:
    def __init__(self, service: Service) -> None:
        self._indexes = Pretended()
        instances = Instances(service.store, service.clock)
        sights = Sights(service.store, instances, service.clock, timedelta(days=7))
        self.query = Query(service.store, instances, sights, self._indexes, service.clock)

    async def pages(self, guid: str, question: Question) -> tuple[list[list[Document]], set[int | None]]:
        """All pages of an answer, and the counts that came with them and instead of them."""
        self._indexes.indexed = question.indexed
        address = _address(question)
        counted = await self.query.count_records(guid, address, _options(question))
        pages: list[list[Document]] = []
        counts: set[int | None] = {counted}
        token: tuple[tuple[str, str], ...] = ()
        while True:
            options = _options(question, ("$count", "true"), *token)
            page = await self.query.read_records(guid, address, options)
            pages.append(page.records)
            counts.add(page.count)
            if page.next_token is None:
                return pages, counts
            token = (("$skiptoken", page.next_token),)


def _options(question: Question, *others: tuple[str, str]) -> QueryOptions:
    """The filter as a tree: Dataverse's patterns have no text that the other service reads."""
    items = [item for item in question.options() if item[0] != "$filter"]
    return replace(query_options.parse_options([*items, *others]), filter=question.filter)


def _address(question: Question) -> RecordAddress:
    if question.of is None:
        return RecordAddress(table=question.table.name, key=None, navigation=None, is_count=False)
    return RecordAddress(table=CUSTOMER, key=question.of, navigation=question.table.name, is_count=False)
