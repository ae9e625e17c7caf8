"""Where rows come from: each source has them by the order of keys, part by part, and nothing is kept of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from topcoat.core import customer_rows
from topcoat.core.catalog import CUSTOMER_ID, CUSTOMER_MEASURE, Contents, Document, Table
from topcoat.core.odata import evaluate, syntax
from topcoat.core.odata.syntax import Expression
from topcoat.flows.query import plan
from topcoat.flows.query.gathering import Chunk
from topcoat.flows.query.reading import Reading
from topcoat.store import key_rings, measures, profiles, segments, source_records
from topcoat.store.key_rings import KeyQuestion
from topcoat.store.long_ids import Kept
from topcoat.store.measures import MeasureQuestion
from topcoat.store.source_records import SourceQuestion

Position = tuple[str, str]
"""The name of a part and a key in it."""


@dataclass(frozen=True, slots=True)
class Row:
    position: Position
    record: Document


@dataclass(frozen=True, slots=True)
class Part:
    """The rows that come from one source table; `name` is empty where they come from none in particular.

    `common` is what the same columns have in all of them.
    """

    name: str
    common: Document


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What is known of the rows that are looked for, None for nothing: their keys in the part, the customers that they
    are of, by surviving id with all ids that name them, and segments of which these are in some; `filter` is the rest.
    """

    keys: tuple[str, ...] | None = None
    customers: Mapping[str, Sequence[str]] | None = None
    segments: tuple[str, ...] | None = None
    filter: Expression | None = None

    @property
    def member_ids(self) -> tuple[str, ...] | None:
        """All ids that name the customers."""
        if self.customers is None:
            return None
        return tuple(member for members in self.customers.values() for member in members)

    def cut(self, after: str, limit: int) -> list[str] | None:
        """Where keys are ids of customers, those that come next, in order; None if they are not known."""
        known = [set(named) for named in (self.keys, self.customers) if named is not None]
        if not known:
            return None
        return sorted(customer_id for customer_id in set.intersection(*known) if customer_id > after)[:limit]


class Source(Protocol):
    """`key_column` of rows has their keys, if one does and there is but one part."""

    key_column: str | None

    def parts(self) -> Sequence[Part]:
        """By their names."""

    async def fetch(self, part: Part, narrowing: Narrowing, after: str, limit: int) -> Chunk[Row, str]:
        """At most so many rows of a part with keys behind one; there may be more than what is looked for."""

    async def count(self, part: Part) -> int:
        """How many rows the part has."""

    def kept(self, part: Part) -> Kept:
        """Where its keys are."""


class AlternateKeys:
    """Those of the key ring, a part for each table of a data source."""

    key_column: str | None = None

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def parts(self) -> Sequence[Part]:
        return [Part(table.name, customer_rows.alternate_key_names(table)) for table in self._tables()]

    async def fetch(self, part: Part, narrowing: Narrowing, after: str, limit: int) -> Chunk[Row, str]:
        sight, store = self._reading.sight, self._reading.store
        question = KeyQuestion(
            sight.instance_id, part.name, narrowing.keys, narrowing.member_ids, self._askable(narrowing.filter)
        )
        found = await key_rings.find_keys(store.scan, question, sight.view.generation, after=after, limit=limit)
        rings = await key_rings.list_rings(
            store.point,
            instance_id=sight.instance_id,
            generation=sight.view.generation,
            customer_ids=sorted({customer_id for _, customer_id in found}),
        )
        table = sight.catalog.get_table(part.name)
        rows = [
            Row((part.name, key), customer_rows.make_alternate_key(table, key, customer_id, rings.get(customer_id, {})))
            for key, customer_id in found
        ]
        return Chunk(rows, found[-1][0] if len(found) == limit else None)

    async def count(self, part: Part) -> int:
        sight = self._reading.sight
        return await key_rings.count_keys(
            self._reading.store.scan, sight.instance_id, sight.view.generation, table=part.name
        )

    def kept(self, part: Part) -> Kept:
        return Kept("key_ring", "source_key", part.name)

    def _tables(self) -> list[Table]:
        known = self._reading.sight.catalog.tables
        return sorted((t for t in known if t.data_source is not None and t.contents is Contents.INGESTED), key=_name)

    def _askable(self, tree: Expression | None) -> Expression | None:
        """What the key ring itself can be asked, before rows are made of it."""
        terms = [term for term in plan.terms_of(tree) if evaluate.columns_of(term) <= key_rings.FILTERED.keys()]
        return syntax.all_of(terms)


class SegmentMemberships:
    """One row of each customer who is in some segment."""

    key_column: str | None = CUSTOMER_ID

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def parts(self) -> Sequence[Part]:
        return [Part("", customer_rows.membership_names())]

    async def fetch(self, part: Part, narrowing: Narrowing, after: str, limit: int) -> Chunk[Row, str]:
        sight, store = self._reading.sight, self._reading.store
        at = sight.instance_id, sight.view.generation
        ids = narrowing.cut(after, limit)
        if ids is None:
            ids = await segments.list_members(store.scan, *at, narrowing.segments, after=after, limit=limit)
        found = await segments.list_memberships(store.point, *at, ids)
        rows = [
            Row((part.name, customer_id), customer_rows.make_segment_membership(customer_id, names))
            for customer_id, names in found.items()
            if names
        ]
        return Chunk(rows, ids[-1] if len(ids) == limit else None)

    async def count(self, part: Part) -> int:  # noqa: ARG002 - there is but one
        sight = self._reading.sight
        return await segments.count_all_members(self._reading.store.scan, sight.instance_id, sight.view.generation)

    def kept(self, part: Part) -> Kept:  # noqa: ARG002 - there is but one
        return Kept("segment_membership", "customer_id")


class CustomerMeasures:
    """One row of each record of Customer_Measure."""

    key_column: str | None = CUSTOMER_ID

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def parts(self) -> Sequence[Part]:
        return [Part("", {})] if CUSTOMER_MEASURE in self._reading.sight.catalog.tables_by_name else []

    async def fetch(self, part: Part, narrowing: Narrowing, after: str, limit: int) -> Chunk[Row, str]:
        ids = narrowing.cut(after, limit)
        if ids is not None:
            return Chunk(self._rows(part, await self._fetched(ids)), ids[-1] if len(ids) == limit else None)
        behind = {CUSTOMER_ID: after} if after else None
        found = await measures.list_measures(
            self._reading.store.scan, self._question(), self._reading.sight.view, after=behind, limit=limit
        )
        return Chunk(self._rows(part, found), found[-1][CUSTOMER_ID] if len(found) == limit else None)

    async def count(self, part: Part) -> int:  # noqa: ARG002 - there is but one
        view = self._reading.sight.view
        return await measures.count_measures(self._reading.store.scan, self._question(), view) or 0

    def kept(self, part: Part) -> Kept:  # noqa: ARG002 - there is but one
        return Kept("measure_record", "customer_id")

    async def _fetched(self, ids: Sequence[str]) -> list[Document]:
        sight = self._reading.sight
        found = await measures.fetch_measures(self._reading.store.point, sight.instance_id, sight.view.generation, ids)
        return [found[customer_id] for customer_id in ids if customer_id in found]

    def _rows(self, part: Part, found: Iterable[Document]) -> list[Row]:
        table = self._question().table
        return [Row((part.name, m[CUSTOMER_ID]), customer_rows.make_customer_measure(table, m)) for m in found]

    def _question(self) -> MeasureQuestion:
        sight = self._reading.sight
        return MeasureQuestion(sight.instance_id, sight.catalog.get_table(CUSTOMER_MEASURE))


class Outputs:
    """Records of enrichments or of predictions, a part for each of their tables."""

    key_column: str | None = None

    def __init__(self, reading: Reading, contents: Contents) -> None:
        self._reading = reading
        self._contents = contents

    def parts(self) -> Sequence[Part]:
        tables = (t for t in self._reading.sight.catalog.output_tables() if t.contents is self._contents)
        return [Part(table.name, customer_rows.output_names(table)) for table in sorted(tables, key=_name)]

    async def fetch(self, part: Part, narrowing: Narrowing, after: str, limit: int) -> Chunk[Row, str]:
        sight, table = self._reading.sight, self._reading.sight.catalog.get_table(part.name)
        question = SourceQuestion(sight.instance_id, table, keys=narrowing.keys, customer_ids=narrowing.member_ids)
        found = await source_records.list_source_records(
            self._reading.store.scan, question, sight.view, after=after or None, skip=0, limit=limit
        )
        survivors = await self._survivors(found)
        rows = [self._row(part, table, document, survivors) for document in found]
        return Chunk(rows, rows[-1].position[1] if len(rows) == limit else None)

    async def count(self, part: Part) -> int:
        sight = self._reading.sight
        question = SourceQuestion(sight.instance_id, sight.catalog.get_table(part.name))
        return await source_records.count_source_records(self._reading.store.scan, question, sight.view)

    def kept(self, part: Part) -> Kept:
        return Kept("source_record", "source_key", part.name)

    async def _survivors(self, found: Iterable[Document]) -> Mapping[str, str]:
        sight = self._reading.sight
        if not sight.has_aliases:
            return {}
        return await profiles.find_survivors(
            self._reading.store.point,
            instance_id=sight.instance_id,
            generation=sight.view.generation,
            customer_ids=sorted({document[CUSTOMER_ID] for document in found}),
        )

    def _row(self, part: Part, table: Table, document: Document, survivors: Mapping[str, str]) -> Row:
        key, named = str(document[table.primary_key]), document[CUSTOMER_ID]
        return Row((part.name, key), customer_rows.make_output(table, key, survivors.get(named, named), document))


def find_source(table: Table, reading: Reading) -> Source:
    return _SOURCES[table.name](reading)


_SOURCES: Final[Mapping[str, Callable[[Reading], Source]]] = {
    customer_rows.ALTERNATE_KEYS.name: AlternateKeys,
    customer_rows.SEGMENT_MEMBERSHIPS.name: SegmentMemberships,
    customer_rows.MEASURES.name: CustomerMeasures,
    customer_rows.ENRICHMENTS.name: lambda reading: Outputs(reading, Contents.ENRICHMENT),
    customer_rows.PREDICTIONS.name: lambda reading: Outputs(reading, Contents.PREDICTION),
}


def _name(table: Table) -> str:
    return table.name
