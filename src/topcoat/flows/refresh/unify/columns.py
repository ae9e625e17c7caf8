"""The unified view: a row for each profile, every value from the record that its column's policy prefers."""

import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
from ibis.expr import datatypes as dt
from ibis.expr import types as ir

from topcoat.core import catalog
from topcoat.core.catalog import CUSTOMER_ID, PREVIOUS_CUSTOMER_ID, ColumnType, Table
from topcoat.core.unification import (
    ColumnGroup,
    ColumnPolicy,
    ColumnPolicyKind,
    SourceColumn,
    Unification,
    UnifiedColumn,
)
from topcoat.flows.refresh.engine import Engine


@dataclass(frozen=True, slots=True)
class Customers:
    """A table of customers: its typed rows and, of those that are one, who stands for them (source_key, winner_key)."""

    table: Table
    rows: ir.Table
    deduplicated: ir.Table | None = None


@dataclass(frozen=True, slots=True)
class Combined:
    """`profiles` has the columns of the unified view, ids and alternate keys; `won` counts the values that each
    column got from each table."""

    profiles: ir.Table
    won: Mapping[str, Mapping[str, int]]


def combine(
    engine: Engine,
    customers: Sequence[Customers],
    unification: Unification,
    *,
    key_ring: ir.Table,
    previous: ir.Table,
) -> Combined:
    """Of (source_table, source_key, customer_id) and (customer_id, previous_ids); records that lost in deduplication
    give nothing."""
    plan = _plan(customers, unification)
    found = key_ring.select("customer_id").distinct()
    for place, each in enumerate(customers):
        # A view of its own: what Ibis merges into one statement takes it longer to compile.
        brought = engine.show(f"combined_from_{place}", _brought(each, place, plan, key_ring))
        found = found.left_join(brought, "customer_id").drop("customer_id_right")
    values = engine.keep("combined_values", _chosen(found, plan))
    return Combined(_profiles(plan, unification, values, previous), _won(customers, plan, values))


@dataclass(frozen=True, slots=True)
class _Taken:
    """A column that is taken from records.

    Tables are told by their place. `tables` are in the order of importance. `column` and the other `companions`, by
    number, take their values together, from one record that has any of them; the first of them leads.
    """

    column: UnifiedColumn
    type: dt.DataType
    sources: Mapping[int, str]
    policy: ColumnPolicy
    tables: tuple[int, ...]
    companions: tuple[int, ...]
    is_key: bool

    @property
    def leader(self) -> int:
        return self.companions[0]

    @property
    def is_by_instant(self) -> bool:
        return self.policy.kind is not ColumnPolicyKind.IMPORTANCE


_Plan = Sequence[_Taken]


def _plan(customers: Sequence[Customers], unification: Unification) -> _Plan:
    keys = [_alternate_key(each.table) for each in customers]
    columns = [*(column for column in unification.columns if not column.join), *keys]
    numbers = {column.name: number for number, column in enumerate(columns)}
    places = {each.table.name: place for place, each in enumerate(customers)}
    groups = {name: group for group in unification.groups for name in group.columns}
    plan = []
    for column in columns:
        group = groups.get(column.name, ColumnGroup((column.name,), column.policy))
        companions = tuple(numbers[name] for name in group.columns)
        sources = [source.table for number in companions for source in columns[number].sources]
        plan.append(
            _Taken(
                column,
                _type(column, customers),
                {places[table]: name for table, name in column.sources},
                group.policy,
                tuple(places[table] for table in dict.fromkeys(sources)),
                companions,
                is_key=column in keys,
            )
        )
    return plan


def _alternate_key(table: Table) -> UnifiedColumn:
    """The key of the profile's record in the table, as a text; the lowest of several."""
    name = catalog.alternate_key(table.name, table.primary_key)
    return UnifiedColumn(name, ColumnType.STRING, (SourceColumn(table.name, table.primary_key),))


def _type(column: UnifiedColumn, customers: Sequence[Customers]) -> dt.DataType:
    """Keys become texts, integers beside decimals become decimals; else all sources are of one type."""
    if column.type is ColumnType.STRING:
        return dt.string
    if column.type is ColumnType.DECIMAL:
        return dt.float64
    rows = {each.table.name: each.rows for each in customers}
    first = column.sources[0]
    return rows[first.table][first.column].type()


def _brought(customers: Customers, place: int, plan: _Plan, key_ring: ir.Table) -> ir.Table:
    """What a table has of each profile: a row, mostly a record as it is."""
    rows = _rows(customers, place, plan)
    owners = _owners(customers, key_ring)
    counted = owners.group_by("customer_id").aggregate(source_key=owners.source_key.min(), records=owners.count())
    lone = counted.filter(counted.records == 1).select("source_key", "customer_id")
    crowd = owners.semi_join(counted.filter(counted.records > 1), "customer_id")
    single = rows.join(lone, "source_key").drop("source_key")
    return single.union(_merged(rows.join(crowd, "source_key"), place, plan).select(*single.columns))


def _rows(customers: Customers, place: int, plan: _Plan) -> ir.Table:
    """The values and instants that count, by place and number, beside the key as a text."""
    rows, table = customers.rows, customers.table
    values, instants = {}, {}
    for number, taken in enumerate(plan):
        if place in taken.sources:
            values[_value(place, number)] = rows[taken.sources[place]].cast(taken.type)
        if place in taken.tables and taken.is_by_instant and number == taken.leader:
            instants[_instant(place, number)] = _instant_of(rows, taken.policy.by.get(table.name))
    return rows.select(source_key=rows[table.primary_key].cast("string"), **values, **instants)


def _value(place: int, number: int) -> str:
    return f"value_{place}_{number}"


def _instant(place: int, number: int) -> str:
    return f"instant_{place}_{number}"


def _instant_of(rows: ir.Table, column: str | None) -> ir.TimestampValue:
    return ibis.null("timestamp(6)") if column is None else rows[column].cast("timestamp(6)")


def _owners(customers: Customers, key_ring: ir.Table) -> ir.Table:
    owners = key_ring.filter(key_ring.source_table == customers.table.name).select("source_key", "customer_id")
    if customers.deduplicated is None:
        return owners
    records = customers.deduplicated
    return owners.semi_join(records.filter(records.source_key == records.winner_key), "source_key")


def _merged(records: ir.Table, place: int, plan: _Plan) -> ir.Table:
    """Several records of one table in one row: each value from the record preferred among these."""
    here = {number: taken for number, taken in enumerate(plan) if place in taken.tables}
    leading = {taken.leader: taken for taken in here.values()}
    ranked = records.mutate(**{f"rank_{number}": _rank(records, place, taken) for number, taken in leading.items()})
    merged: dict[str, Any] = {}
    for number, taken in here.items():
        rank, is_filled = ranked[f"rank_{taken.leader}"], _is_filled(ranked, place, plan, taken)
        for name in {_value(place, number), _instant(place, number)} & set(records.columns):
            merged[name] = ranked[name].argmin(rank, where=is_filled)
    return ranked.group_by("customer_id").aggregate(**merged)


def _rank(records: ir.Table, place: int, taken: _Taken) -> ir.Value:
    if not taken.is_by_instant:
        return records.source_key
    by = _towards(taken, records[_instant(place, taken.leader)])
    return ibis.row_number().over(group_by="customer_id", order_by=[by, "source_key"])


def _towards(taken: _Taken, instant: ir.Value) -> ir.Value:
    """Records without an instant come last, either way."""
    return instant.desc() if taken.policy.kind is ColumnPolicyKind.MOST_RECENT else instant.asc()


def _is_filled(found: ir.Table, place: int, plan: _Plan, taken: _Taken) -> ir.BooleanValue:
    """Whether the table has a value of the column, or of one that goes with it."""
    there = (number for number in taken.companions if place in plan[number].sources)
    return functools.reduce(operator.or_, (found[_value(place, number)].notnull() for number in there))


def _chosen(found: ir.Table, plan: _Plan) -> ir.Table:
    """Of every profile its values, each beside the place of the table that it is from, where it may be from several."""
    chosen: dict[str, Any] = {}
    for number, taken in enumerate(plan):
        if len(taken.tables) == 1:
            chosen[f"value_{number}"] = found[_value(taken.tables[0], number)]
            continue
        nothing = ibis.null(taken.type)
        cases = [(place, _is_first(found, place, plan, taken)) for place in taken.tables]
        values = {place: found[_value(place, number)] for place in taken.sources}
        chosen[f"value_{number}"] = ibis.cases(*((c, values.get(p, nothing)) for p, c in cases), else_=nothing)
        chosen[f"place_{number}"] = ibis.cases(*((c, p) for p, c in cases), else_=ibis.null("int8"))
    return found.select("customer_id", **chosen)


def _is_first(found: ir.Table, place: int, plan: _Plan, taken: _Taken) -> ir.BooleanValue:
    """Whether the table's record has a value, and no other table's that has one is preferred; of equals, of which
    several are first, the most important is asked first."""
    is_filled = _is_filled(found, place, plan, taken)
    if not taken.is_by_instant:
        return is_filled
    rivals = (
        ~_is_filled(found, other, plan, taken) | _is_as_good(found, taken, place, other)
        for other in taken.tables
        if other != place
    )
    return functools.reduce(operator.and_, rivals, is_filled)


def _is_as_good(found: ir.Table, taken: _Taken, place: int, other: int) -> ir.BooleanValue:
    instant, rival = (found[_instant(each, taken.leader)] for each in (place, other))
    later = instant >= rival if taken.policy.kind is ColumnPolicyKind.MOST_RECENT else instant <= rival
    return rival.isnull() | (instant.notnull() & later)


def _profiles(plan: _Plan, unification: Unification, values: ir.Table, previous: ir.Table) -> ir.Table:
    """In the order of the Customer table."""
    found = values.left_join(previous, "customer_id")
    taken = {each.column.name: found[f"value_{number}"] for number, each in enumerate(plan)}
    unified = {
        column.name: _joined([taken[part] for part in column.join]) if column.join else taken[column.name]
        for column in unification.columns
    }
    keys = {each.column.name: taken[each.column.name] for each in plan if each.is_key}
    ids = {CUSTOMER_ID: found.customer_id}
    return found.select(**ids, **unified, **keys, **{PREVIOUS_CUSTOMER_ID: found.previous_ids})


def _joined(parts: Sequence[ir.Value]) -> ir.StringValue:
    """With blanks between those that are not null."""
    texts = [part.cast("string") for part in parts]
    return functools.reduce(lambda joined, text: ibis.coalesce(joined + " " + text, joined, text), texts)


def _won(customers: Sequence[Customers], plan: _Plan, values: ir.Table) -> dict[str, dict[str, int]]:
    counted = {
        (taken.column.name, customers[place].table.name): _is_won(values, place, number, taken)
        for number, taken in enumerate(plan)
        if not taken.is_key
        for place in taken.sources
    }
    sums = values.aggregate(**{f"won_{number}": won.sum() for number, won in enumerate(counted.values())})
    [counts] = sums.to_pyarrow().to_pylist()
    won: dict[str, dict[str, int]] = {}
    for (column, table), count in zip(counted, counts.values(), strict=True):
        if count:
            won.setdefault(column, {})[table] = count
    return won


def _is_won(values: ir.Table, place: int, number: int, taken: _Taken) -> ir.BooleanValue:
    is_there = values[f"value_{number}"].notnull()
    return is_there if len(taken.tables) == 1 else is_there & (values[f"place_{number}"] == place)
