"""Which profiles may come next in an answer, with everything that bears on them; the core decides (S24, S27).

A candidate comes from the snapshot, or from a live change that brings a value it is asked about. There are three forms:
by id along the leads, by one column as two ordered streams, and sorted as a whole. A stream may have a candidate where
its merged record does not belong; whoever reads it drops those, and they come again in their place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from topcoat.core.catalog import CUSTOMER_ID, Document
from topcoat.core.overlay.override import View
from topcoat.store import profile_sql, profiles, values
from topcoat.store.leads import ColumnLead
from topcoat.store.led_profiles import LedProfiles, ProfileQuestion
from topcoat.store.point import PointStatement
from topcoat.store.profiles import StoredProfile
from topcoat.store.scans import STATEMENTS_KEPT, ScanReader


@dataclass(frozen=True, slots=True)
class Candidates:
    """In order; `positions` has where each stands: the parameters of the order's columns, then the id."""

    profiles: list[StoredProfile]
    positions: list[tuple[Any, ...]]
    last: tuple[Any, ...] | None
    """Where to go on; None when there are no more."""


async def fetch_candidates(
    reader: ScanReader,
    question: ProfileQuestion,
    view: View,
    *,
    after: tuple[Any, ...] | None,
    skip: int = 0,
    limit: int,
) -> Candidates:
    """At most `limit` of them, from behind a position on."""
    statement, parameters = page_statement(question, after=after, is_postgresql=reader.is_postgresql)
    bound = parameters | profile_sql.view_parameters(view) | {"limit": limit, "skip": skip, "reach": limit + skip}
    rows = await reader.fetch(statement, bound)
    width = len(question.order) + 1
    positions = [(*row[1:width], row[0]) for row in rows]
    known = [(row, position) for row, position in zip(rows, positions, strict=True) if row[width] is not None]
    return Candidates(
        profiles=[profiles.assemble_profile(row[0], *row[width:]) for row, _ in known],
        positions=[position for _, position in known],
        last=positions[-1] if len(rows) == limit else None,
    )


def position_of(question: ProfileQuestion, record: Document, *, is_postgresql: bool) -> tuple[Any, ...]:
    """Where a merged record belongs."""
    keys = (values.bound(key.column, record[key.column.name], is_postgresql=is_postgresql) for key in question.order)
    return (*keys, record[CUSTOMER_ID])


def page_statement(
    question: ProfileQuestion, *, after: tuple[Any, ...] | None, is_postgresql: bool
) -> tuple[PointStatement, dict[str, Any]]:
    """The statement for :limit candidates behind the first :skip, and the parameters that are not the view's."""
    led = LedProfiles(question, is_postgresql)
    page = _Page(question, led, after)
    candidates = page.sorted_whole() if question.order and not question.is_streamed else page.streamed()
    keys = "".join(f", c.k{number}" for number in range(len(question.order)))
    order = page.order([f"c.k{number}" for number in range(len(question.order))], "c.customer_id")
    text = f"""
SELECT c.customer_id{keys}, {led.sql.stored("c.customer_id")}
FROM ({candidates} LIMIT :limit OFFSET :skip) AS c
ORDER BY {order}"""
    return prepared(text), led.parameters.values


@lru_cache(maxsize=STATEMENTS_KEPT)
def prepared(text: str) -> PointStatement:
    return PointStatement(text)


@dataclass(slots=True)
class _Page:
    question: ProfileQuestion
    led: LedProfiles
    after: tuple[Any, ...] | None

    def order(self, keys: Sequence[str], customer: str) -> str:
        """Null is the lowest value on both databases."""
        directions = [_direction(key.is_descending) for key in self.question.order]
        sorted_keys = [f"{key} {direction}" for key, direction in zip(keys, directions, strict=True)]
        return ", ".join((*sorted_keys, f"{customer} {'DESC' if self.question.is_descending else 'ASC'}"))

    def streamed(self) -> str:
        """The union of streams, each in order and no longer than the page."""
        streams = [stream for part in self._parts() for stream in self._spans(part)]
        together = " UNION ALL ".join(f"SELECT * FROM ({stream}) AS s{n}" for n, stream in enumerate(streams))
        keys = [f"u.k{number}" for number in range(len(self.question.order))]
        return f"SELECT DISTINCT * FROM ({together}) AS u ORDER BY {self.order(keys, 'u.customer_id')}"

    def sorted_whole(self) -> str:
        """Everything that may match, merged and sorted by its merged values."""
        sql = self.led.sql
        profiles = f"snapshot_profile p WHERE {sql.rows('p')}"
        if self.question.leads is not None:
            profiles += f" AND p.customer_id IN ({self.led.ids()})"
        translation = sql.merged_translation(self.led.parameters, "m")
        keys = [translation.operand(key.column.name).sql for key in self.question.order]
        conditions = [translation.condition(self.question.filter).sql]
        if self.after is not None:
            conditions.append(self._behind(keys, "m.customer_id"))
        shown = "".join(f", {key} AS k{number}" for number, key in enumerate(keys))
        return (
            f"SELECT m.customer_id{shown} FROM {sql.merged(profiles)} AS m"
            f" WHERE {' AND '.join(f'({c})' for c in conditions)} ORDER BY {self.order(keys, 'm.customer_id')}"
        )

    def _parts(self) -> Iterator["_Part"]:
        led, sql = self.led, self.led.sql
        if self.question.order:
            (key,) = self.question.order
            name = key.column.name
            yield _Part(led.snapshot(None), "p.customer_id", sql.operand(name, "p.document", "p.customer_id").sql)
            named = values.names_sql(key.column, "o.column_values", is_postgresql=sql.is_postgresql)
            brought = sql.operand(name, "o.column_values", "o.customer_id").sql
            yield _Part(f"({sql.changes(named)}) AS o WHERE 1 = 1", "o.customer_id", brought, is_distinct=True)
            return
        for lead in self.question.leads or (None,):
            yield _Part(led.snapshot(lead), "p.customer_id")
            if isinstance(lead, ColumnLead):
                yield _Part(f"({led.changes(lead)}) AS o WHERE 1 = 1", "o.customer_id", is_distinct=True)

    def _spans(self, part: "_Part") -> list[str]:
        """The part's streams behind the position: two where null, being lowest, is a range of its own."""
        keys = [part.key] if part.key is not None else []
        shown = "".join(f", {key} AS k{number}" for number, key in enumerate(keys))
        distinct = "DISTINCT " if part.is_distinct else ""
        head = f"SELECT {distinct}{part.customer} AS customer_id{shown} FROM {part.rows}"
        # DISTINCT sorts by what it shows.
        order = self.order([f"k{n}" for n in range(len(keys))], "customer_id") if part.is_distinct else None
        tail = f"ORDER BY {order or self.order(keys, part.customer)} LIMIT :reach"
        return [f"{head} AND ({condition}) {tail}" for condition in self._span_conditions(part)]

    def _span_conditions(self, part: "_Part") -> list[str]:
        if self.after is None:
            return ["1 = 1"]
        if part.key is None:
            return [self._behind([], part.customer)]
        key, value = self.question.order[0], self.after[0]
        behind = self._behind([part.key], part.customer)
        is_null, is_known = f"{part.key} IS NULL", f"{part.key} IS NOT NULL"
        if value is None:
            tied = f"{is_null} AND {self._behind([], part.customer)}"
            return [tied] if key.is_descending else [tied, is_known]
        sign = "<=" if key.is_descending else ">="
        ranged = f"{part.key} {sign} {self._bound(0)} AND ({behind})"
        return [f"{ranged} AND {is_known}", is_null] if key.is_descending else [ranged]

    def _behind(self, keys: Sequence[str], customer: str) -> str:
        """Behind the position in the order of these keys and the id: the first that differs decides."""
        assert self.after is not None
        sign = "<" if self.question.is_descending else ">"
        condition = f"{customer} {sign} {self.led.parameters.bind(self.after[-1], 'text')}"
        for number in reversed(range(len(keys))):
            further, equal = self._compared(keys[number], number)
            condition = f"({further}) OR ({equal} AND ({condition}))"
        return condition

    def _compared(self, key: str, number: int) -> tuple[str, str]:
        """Whether a key is further than the position's, and whether it is equal."""
        assert self.after is not None
        is_descending = self.question.order[number].is_descending
        if self.after[number] is None:
            return "1 = 0" if is_descending else f"{key} IS NOT NULL", f"{key} IS NULL"
        value = self._bound(number)
        further = f"{key} < {value} OR {key} IS NULL" if is_descending else f"{key} > {value}"
        return further, f"{key} = {value}"

    def _bound(self, number: int) -> str:
        assert self.after is not None
        return self.led.parameters.bind(self.after[number], values.parameter_type(self.question.order[number].column))


@dataclass(frozen=True, slots=True)
class _Part:
    """Where a stream's candidates come from: FROM and WHERE, the id, the key it is ordered by."""

    rows: str
    customer: str
    key: str | None = None
    is_distinct: bool = False


def _direction(is_descending: bool) -> str:  # noqa: FBT001 - a direction
    return "DESC NULLS LAST" if is_descending else "ASC NULLS FIRST"
