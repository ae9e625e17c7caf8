"""What definitions are asked of, as tables of the engine: the rows that `core/insights/rows.py` has of one customer."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import ibis
from ibis.expr import types as ir

from topcoat.core.catalog import CUSTOMER_ID, UNIFIED_ACTIVITY, Catalog, Column, Table
from topcoat.core.insights import aggregates
from topcoat.core.insights.plan import Plan
from topcoat.core.insights.rules import Filter, MeasureRule, Rule, SegmentRule
from topcoat.core.odata import evaluate
from topcoat.flows.refresh.compute import conditions
from topcoat.flows.refresh.compute.bounds import INSTANT
from topcoat.flows.refresh.compute.conditions import Row
from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.output import activities

CUSTOMER: Final = "customer_id"
TIME: Final = "activity_time"
NAME: Final = "activity_name"
VALUE: Final = "value"
ORDERED: Final = (aggregates.FIRST, aggregates.LAST)
JOINS_MAX: Final = 16
"""What Ibis merges into one statement takes it ever longer to compile, and beyond some fifty tables it gives up."""

_TYPES: Final = {"string": "string", "integer": "int64", "decimal": "float64", "boolean": "boolean", "date": "date"}


@dataclass(frozen=True, slots=True)
class Sources:
    """What the steps before left: profiles, and by table the records of activities, with the key ring that says whose.

    Tables of activities that have no source have none.
    """

    catalog: Catalog
    profiles: ir.Table
    key_ring: ir.Table
    pulled: Mapping[str, ir.Table]


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows that a filter keeps, and the values of their columns by qualified names.

    They have `CUSTOMER` and, where activities are asked for in their order, `TIME` and the `NAME` of which the id is
    made that orders those of one time.
    """

    frame: ir.Table
    names: Mapping[str, str]

    def value(self, column: str) -> ir.Value:
        return self.frame[self.names[column]]


@dataclass(frozen=True, slots=True)
class Records:
    """`measures` (customer, value) and `members` (customer) come to be known as definitions are computed."""

    engine: Engine
    sources: Sources
    columns: Mapping[str, tuple[str, ...]]
    ordered: frozenset[str | None]
    measures: dict[str, ir.Table] = field(default_factory=dict)
    members: dict[str, ir.Table] = field(default_factory=dict)
    _activities: dict[str, ir.Table] = field(default_factory=dict)

    @classmethod
    def of(cls, engine: Engine, sources: Sources, plan: Plan) -> "Records":
        """`columns` of activities are those that any of the plan's rules reads; `ordered` are often read in order."""
        columns: dict[str, set[str]] = {}
        for _, rule in plan.rules:
            for rows in (filter_.rows for filter_ in _filters(rule)):
                if rows.activities is not None:
                    columns.setdefault(rows.activities, set()).update(name for _, name in rows.activity_columns)
        measures = [rule for _, rule in plan.rules if isinstance(rule, MeasureRule)]
        ordered = {r.filter.rows.activities for r in measures if r.calculations[0].operation in ORDERED}
        read = {table: tuple(sorted(names)) for table, names in columns.items()}
        return cls(engine, sources, read, frozenset(ordered))

    @property
    def customers(self) -> ir.Table:
        profiles = self.sources.profiles
        return profiles.select(**{CUSTOMER: profiles[CUSTOMER_ID]})

    def kept(self, filter_: Filter, name: str, *, is_ordered: bool = False) -> Kept:
        """`name` is that of the definition's own tables on the engine."""
        names = {column.name: f"value_{place}" for place, column in enumerate(filter_.rows.shape.columns)}
        segments = () if filter_.tree is None else sorted(evaluate.segments_of(filter_.tree))
        member_names = {segment: f"member_{place}" for place, segment in enumerate(segments)}
        frame = self._base(filter_, names, is_ordered=is_ordered)
        beside = [*self._beside(filter_, names), *self._memberships(member_names)]
        frame = join_all(self.engine, name, frame, beside)
        frame = frame.mutate(
            **{names[q]: frame[CUSTOMER] for q, own in filter_.rows.measure_columns if own == CUSTOMER_ID}
        )
        if filter_.tree is not None:
            values = {qualified: frame[own] for qualified, own in names.items()}
            members = {segment: frame[own].notnull() for segment, own in member_names.items()}
            frame = frame.filter(conditions.condition(filter_.tree, Row(filter_.rows.shape, values, members)))
        return Kept(frame, names)

    def _base(self, filter_: Filter, names: Mapping[str, str], *, is_ordered: bool) -> ir.Table:
        rows, profiles = filter_.rows, self.sources.profiles
        own = {names[qualified]: profiles[column] for qualified, column in rows.profile_columns}
        ours = profiles.select(**{CUSTOMER: profiles[CUSTOMER_ID]}, **own)
        if rows.activities is None:
            return ours
        done = self._activity_rows(rows.activities, is_ordered=is_ordered)
        places = {column: f"column_{place}" for place, column in enumerate(self.columns[rows.activities])}
        order = (TIME, NAME) if is_ordered else ()
        done = done.select(
            CUSTOMER, *order, **{names[qualified]: done[places[column]] for qualified, column in rows.activity_columns}
        )
        return done.join(ours, CUSTOMER) if own else done

    def _beside(self, filter_: Filter, names: Mapping[str, str]) -> Iterator[ir.Table]:
        for qualified, measure in filter_.rows.measure_columns:
            if measure != CUSTOMER_ID:
                yield self.measures[measure].rename({names[qualified]: VALUE})

    def _memberships(self, names: Mapping[str, str]) -> Iterator[ir.Table]:
        for segment, own in names.items():
            yield self.members[segment].mutate(**{own: ibis.literal(True)})  # noqa: FBT003 - what it says

    def _activity_rows(self, table: str, *, is_ordered: bool) -> ir.Table:
        """Kept where many read them; their order, which takes much room, only where rules ask for it."""
        if is_ordered and table not in self.ordered:
            return self._made(table, is_ordered=True)
        if table not in self._activities:
            made = self._made(table, is_ordered=table in self.ordered)
            self._activities[table] = self.engine.keep(f"insight_activities_{len(self._activities)}", made)
        return self._activities[table]

    def _made(self, table: str, *, is_ordered: bool) -> ir.Table:
        """The columns that are read, by their places."""
        shape = self.sources.catalog.get_table(table)
        columns = {f"column_{place}": shape.columns_by_name[name] for place, name in enumerate(self.columns[table])}
        made = [
            self._made_of(self.sources.catalog.get_table(source), columns, of=table, is_ordered=is_ordered)
            for source in self.sources.pulled
            if table in (source, UNIFIED_ACTIVITY)
        ]
        return ibis.union(*made) if made else _nothing(columns, is_ordered=is_ordered)

    def _made_of(self, source: Table, columns: Mapping[str, Column], *, of: str, is_ordered: bool) -> ir.Table:
        pulled, key_ring = self.sources.pulled[source.name], self.sources.key_ring
        raw = {column: pulled[column.name] for column in source.columns}
        own: dict[str, ir.Value] = {CUSTOMER: key_ring.customer_id}
        if is_ordered:
            own |= {TIME: activities.time_of(source, raw), NAME: activities.name_of(source, raw)}
        values = {column.name: value for column, value in raw.items()}
        if of == UNIFIED_ACTIVITY:
            values = activities.unified(source, raw) | {CUSTOMER_ID: key_ring.customer_id}
        read = {name: _typed(values.get(column.name), column) for name, column in columns.items()}
        return activities.with_customers(source, pulled, key_ring).select(**own, **read)


def join_all(engine: Engine, name: str, frame: ir.Table, others: Iterable[ir.Table]) -> ir.Table:
    """Beside the rows of a frame those of others, one for a customer at most; nulls where there is none."""
    for place, other in enumerate(others, 1):
        frame = frame.left_join(other, CUSTOMER).drop(f"{CUSTOMER}_right")
        if place % JOINS_MAX == 0:
            frame = engine.show(f"{name}_joined_{place}", frame)
    return frame


def _filters(rule: Rule) -> Collection[Filter]:
    return [rowset for _, rowset in rule.rowsets] if isinstance(rule, SegmentRule) else [rule.filter]


def _nothing(columns: Mapping[str, Column], *, is_ordered: bool) -> ir.Table:
    order = {TIME: INSTANT, NAME: "string"} if is_ordered else {}
    return ibis.memtable([], schema={CUSTOMER: "string"} | order | {name: type_of(c) for name, c in columns.items()})


def type_of(column: Column) -> str:
    return _TYPES.get(column.type.value, INSTANT)


def _typed(value: ir.Value | None, column: Column) -> ir.Value:
    return ibis.null(type_of(column)) if value is None else value.cast(type_of(column))
