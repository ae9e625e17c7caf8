"""Pages of rows: candidates from their source, the core's word on each (S27), in the source's order or another."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from topcoat.core.catalog import CUSTOMER_ID, Document
from topcoat.core.customer_rows import scope_of
from topcoat.core.odata import evaluate, syntax
from topcoat.core.odata.evaluate import Subject
from topcoat.core.odata.syntax import Expression, OrderBy
from topcoat.flows.customer_rows import narrowing as narrowings
from topcoat.flows.customer_rows import sources
from topcoat.flows.customer_rows.sources import Narrowing, Part, Position, Row
from topcoat.flows.query import gathering, long_keys
from topcoat.flows.query import judge as judges
from topcoat.flows.query.gathering import Chunk, Placed
from topcoat.flows.query.judge import Judge
from topcoat.flows.query.plan import ReadPlan
from topcoat.flows.query.reading import Reading, list_family, settle_filter
from topcoat.store import segments
from topcoat.store.led_profiles import SortKey

Fetch = Callable[[Position | None, int], Awaitable[Chunk[Row, Position]]]
POSITION: Final = "@position"


@dataclass(frozen=True, slots=True)
class _Question:
    """The parts that rows are looked for in, by their names, and who judges them."""

    parts: tuple[tuple[Part, Narrowing], ...]
    judge: Judge

    @property
    def is_of_all(self) -> bool:
        """Whether all rows of the parts belong to the answer."""
        return self.judge.is_lenient and all(narrowing.customers is None for _, narrowing in self.parts)


class RowRead:
    """One read of a table of rows."""

    def __init__(self, reading: Reading, planned: ReadPlan) -> None:
        self._reading = reading
        self._plan = planned
        self._source = sources.find_source(planned.table, reading)
        self._order = () if _is_by_key(planned.order, self._source.key_column) else planned.order

    async def page(self, after: Document | None) -> tuple[list[Row], bool]:
        """Those of one page, and whether there are more."""
        if self._plan.page_size == 0:
            return [], False
        question = await self._asked()
        if self._order:
            return await self._ordered_page(question, after)
        gathered = await gathering.gather(
            self._fetching(question),
            after=None if after is None else _position(after),
            skip=self._skip(after),
            size=self._plan.page_size,
            deadline=self._reading.deadline,
        )
        return gathered.items, gathered.has_more

    async def count(self) -> int:
        """How many there are, whatever is skipped and however many are shown."""
        question = await self._asked()
        if question.is_of_all:
            return sum([await self._source.count(part) for part, _ in question.parts])
        return await gathering.count(self._fetching(question), self._reading.deadline)

    async def by_customer(self) -> dict[str, list[Row]]:
        """By surviving id the rows of each, at most a page."""
        found: dict[str, list[Row]] = {}
        fetch = self._fetching(await self._asked())
        async for rows in gathering.read_all(fetch, self._reading.deadline):
            for row in rows:
                found.setdefault(row.record[CUSTOMER_ID], []).append(row)
        return {customer_id: self._sorted(rows)[: self._plan.page_size] for customer_id, rows in found.items()}

    def place(self, row: Row) -> Document:
        """What says where a row stands, for the next page."""
        ordered = {key.column.name: row.record[key.column.name] for key in self._order}
        return {POSITION: row.position, **ordered}

    async def _asked(self) -> _Question:
        table, now = self._plan.table, self._reading.sight.view.now
        tree = await settle_filter(self._reading, self._plan.filter)
        parts = self._source.parts()
        shared = {name for part in parts for name in part.common}
        of_parts, rest = narrowings.split(tree, shared)
        chooser = judges.make_judge(table, of_parts, now)
        narrowing = Narrowing(customers=await self._customers(), segments=await self._segments(rest), filter=rest)
        chosen = [part for part in parts if chooser.accepts(part.common)]
        narrowed = [(part, replace(narrowing, keys=await self._keys(rest, part))) for part in chosen]
        return _Question(tuple(narrowed), judges.make_judge(table, rest, now))

    async def _customers(self) -> Mapping[str, Sequence[str]] | None:
        if self._plan.customer_ids is None:
            return None
        return await list_family(self._reading, self._plan.customer_ids)

    async def _keys(self, tree: Expression | None, part: Part) -> tuple[str, ...] | None:
        scope = scope_of(self._plan.table, part.name)
        asked = narrowings.find_keys(tree, scope)
        if asked is None or not asked.searched:
            return None if asked is None else asked.keys
        found = await long_keys.search(self._reading, self._source.kept(part), asked.searched, scope)
        return (*asked.keys, *found)

    async def _segments(self, tree: Expression | None) -> tuple[str, ...] | None:
        if not narrowings.asks_for_segments(tree):
            return None
        sight = self._reading.sight
        known = await segments.list_segments(self._reading.store.point, sight.instance_id, sight.view.generation)
        return narrowings.find_segments(tree, known)

    async def _ordered_page(self, question: _Question, after: Document | None) -> tuple[list[Row], bool]:
        """Every candidate is looked at, and of those that belong no more is kept than the foremost."""
        place, fetch = self._placing(), self._fetching(question)
        start = None if after is None else place(after, _position(after))
        first = self._skip(after)
        last = first + self._plan.page_size

        async def fetch_placed(position: Position | None, limit: int) -> Chunk[Placed[Row], Position]:
            chunk = await fetch(position, limit)
            placed = [(place(row.record, row.position), row) for row in chunk.items]
            return Chunk([each for each in placed if start is None or start < each[0]], chunk.last)

        foremost = await gathering.foremost(fetch_placed, last + 1, self._reading.deadline)
        return [row for _, row in foremost[first:last]], len(foremost) > last

    def _sorted(self, rows: list[Row]) -> list[Row]:
        place = self._placing()
        return sorted(rows, key=lambda row: place(row.record, row.position)) if self._order else rows

    def _placing(self) -> Callable[[Document, Position], tuple[Any, ...]]:
        """Where a row stands in the order that is asked for; the source's own settles ties."""
        order = tuple(OrderBy(syntax.Column(key.column.name), key.is_descending) for key in self._order)
        key, now = evaluate.compile_order(order, self._plan.table), self._reading.sight.view.now
        return lambda record, position: (key(Subject(record, now)), position)

    def _skip(self, after: Document | None) -> int:
        return self._plan.skip if after is None else 0

    def _fetching(self, question: _Question) -> Fetch:
        """Reads a chunk of candidates, one part after the other, and keeps those that belong."""

        async def fetch(after: Position | None, limit: int) -> Chunk[Row, Position]:
            found: list[Row] = []
            candidates = 0
            for part, narrowing in question.parts:
                if after is not None and part.name < after[0]:
                    continue
                behind = after[1] if after is not None and part.name == after[0] else ""
                chunk = await self._source.fetch(part, narrowing, behind, limit - candidates)
                found += [row for row in chunk.items if question.judge.accepts(row.record)]
                if chunk.last is not None:
                    return Chunk(found, (part.name, chunk.last))
                candidates += len(chunk.items)
            return Chunk(found, None)

        return fetch


def _is_by_key(order: tuple[SortKey, ...], column: str | None) -> bool:
    """Whether it is the order in which the source has rows."""
    return bool(order) and order[0].column.name == column and not order[0].is_descending


def _position(after: Document) -> Position:
    part, key = after[POSITION]
    return part, key
