"""Which profiles may come next in an answer, with everything that bears on them; the core decides (S24, S27).

A candidate comes from the snapshot, or from a live change that brings a value it is asked about. There are three forms:
by id along the leads, by one column as two ordered streams, and sorted as a whole. A stream may have a candidate where
its merged record does not belong; whoever reads it drops those, and they come again in their place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from topcoat.core.catalog import CUSTOMER_ID, Document
from topcoat.core.overlay.override import View
from topcoat.store import keyset, profile_sql, profiles, values
from topcoat.store.keyset import Cut, Key
from topcoat.store.leads import TokenLead
from topcoat.store.led_profiles import LedProfiles, ProfileQuestion
from topcoat.store.point import PointStatement, prepared
from topcoat.store.profiles import StoredProfile
from topcoat.store.scans import ScanReader


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
    cut = Cut(limit, skip)
    statement, parameters = page_statement(question, cut, after=after, is_postgresql=reader.is_postgresql)
    rows = await reader.fetch(statement, parameters | profile_sql.view_parameters(view) | cut.parameters)
    width = len(question.order) + 1
    positions = [(*row[1:width], row[0]) for row in rows]
    known = [
        (row, position)
        for place, (row, position) in enumerate(zip(rows, positions, strict=True))
        if row[width] is not None and position not in positions[max(place - 1, 0) : place]
    ]
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
    question: ProfileQuestion, cut: Cut, *, after: tuple[Any, ...] | None, is_postgresql: bool
) -> tuple[PointStatement, dict[str, Any]]:
    """The statement for a page of candidates, and the parameters that are neither the view's nor the cut's."""
    led = LedProfiles(question, is_postgresql)
    page = _Page(question, led, after, cut)
    candidates = page.sorted_whole() if question.order and not question.is_streamed else page.streamed()
    keys = _numbered("c", question)
    text = f"""
SELECT {", ".join(["c.customer_id", *keys])}, {led.sql.stored("c.customer_id", "c.document")}
FROM ({candidates} {cut.of_all}) AS c
ORDER BY {keyset.order_by(page.keys(keys, "c.customer_id"))}"""
    return prepared(text, has_one_plan=question.has_one_way), led.parameters.values


@dataclass(slots=True)
class _Page:
    question: ProfileQuestion
    led: LedProfiles
    after: tuple[Any, ...] | None
    cut: Cut

    def keys(self, keys: Sequence[str], customer: str) -> list[Key]:
        ordered = [Key(sql, key.is_descending) for sql, key in zip(keys, self.question.order, strict=True)]
        return [*ordered, Key(customer, self.question.is_descending, is_nullable=False)]

    def position(self) -> list[str | None]:
        assert self.after is not None
        types = [values.parameter_type(key.column) for key in self.question.order]
        pairs = zip(self.after, (*types, "text"), strict=True)
        return [None if value is None else self.led.parameters.bind(value, type_) for value, type_ in pairs]

    def streamed(self) -> str:
        """The union of streams, each in order and no longer than the page; one candidate may come from several."""
        streams = [stream for part in self._parts() for stream in self._ranges(part)]
        together = " UNION ALL ".join(f"SELECT * FROM ({stream}) AS s{n}" for n, stream in enumerate(streams))
        order = keyset.order_by(self.keys(_numbered("u", self.question), "u.customer_id"))
        return f"SELECT * FROM ({together}) AS u ORDER BY {order}"

    def sorted_whole(self) -> str:
        """Everything that may match, merged and sorted by its merged values."""
        sql = self.led.sql
        profiles = f"snapshot_profile p WHERE {sql.rows('p')}"
        is_led = self.question.leads is not None
        if is_led:
            profiles += f" AND p.customer_id IN ({self.led.ids()})"
        translation = sql.merged_translation(self.led.parameters, "m")
        columns = [translation.operand(key.column.name).sql for key in self.question.order]
        keys = self.keys(columns, "m.customer_id")
        conditions = [translation.condition(self.question.filter).sql]
        if self.after is not None:
            conditions.append(keyset.behind(keys, self.position()))
        shown = f"m.customer_id{_shown(columns)}, {self._no_document()}"
        return (
            f"SELECT {shown} FROM {sql.merged(profiles, self.question.columns, of_few=is_led)} AS m"
            f" WHERE {' AND '.join(f'({c})' for c in conditions)} ORDER BY {keyset.order_by(keys)}"
        )

    def _parts(self) -> Iterator["_Part"]:
        led, sql = self.led, self.led.sql
        if not self.question.order:
            for lead in self.question.leads or (None,):
                is_distinct = isinstance(lead, TokenLead)
                yield _Part(led.snapshot(lead), "p.customer_id", [], is_distinct=is_distinct)
                for changes in led.changes(lead) if lead is not None else ():
                    yield _Part(changes.rows, changes.customer, [], is_distinct=True)
            return
        (key,) = self.question.order
        name = key.column.name
        yield _Part(led.snapshot(None), "p.customer_id", [sql.operand(name, "p.document", "p.customer_id").sql])
        for changes in sql.changes(sql.names_any("o", [name])):
            brought = sql.operand(name, "o.column_values", changes.customer).sql
            yield _Part(changes.rows, changes.customer, [brought], is_distinct=True)

    def _ranges(self, part: "_Part") -> list[str]:
        """The part's streams behind the position."""
        keys = self.keys(part.keys, part.customer)
        conditions = ["1 = 1"] if self.after is None else keyset.ranges(keys, self.position())
        distinct = "DISTINCT " if part.is_distinct else ""
        document = self._no_document() if part.is_distinct else "p.document"
        head = f"SELECT {distinct}{part.customer} AS customer_id{_shown(part.keys)}, {document} FROM {part.rows}"
        order = keyset.order_by(keys)
        return [f"{head} AND ({condition}) ORDER BY {order} {self.cut.of_part}" for condition in conditions]

    def _no_document(self) -> str:
        return f"CAST(NULL AS {'jsonb' if self.led.is_postgresql else 'text'}) AS document"


@dataclass(frozen=True, slots=True)
class _Part:
    """Where a stream's candidates come from: FROM and WHERE, the id, the keys it is ordered by.

    Rows that are not distinct by themselves are not those of a snapshot's profiles `p`, which bring their documents.
    """

    rows: str
    customer: str
    keys: Sequence[str]
    is_distinct: bool = False


def _numbered(table: str, question: ProfileQuestion) -> list[str]:
    return [f"{table}.k{number}" for number in range(len(question.order))]


def _shown(keys: Sequence[str]) -> str:
    return "".join(f", {key} AS k{number}" for number, key in enumerate(keys))
