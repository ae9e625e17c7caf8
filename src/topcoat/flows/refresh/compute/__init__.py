"""Segments and measures of a generation in the making, each computed at once for all customers.

What they mean is the core's to say (`core/insights/`); this is its second execution, held to the first by tests.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import ibis
import pyarrow
from ibis.expr import types as ir

from topcoat.core.catalog import CUSTOMER_MEASURE, Column, ColumnType, Document
from topcoat.core.insights import rules
from topcoat.core.insights.aggregates import COUNT, COUNT_DISTINCT, stored
from topcoat.core.insights.definition import Definition, Key
from topcoat.core.insights.evaluated import Totals
from topcoat.core.insights.plan import Plan
from topcoat.core.insights.rules import Calculation, Filter, MeasureRule, Rule, SegmentRule
from topcoat.flows.refresh.compute import aggregates, outcome, records
from topcoat.flows.refresh.compute.records import CUSTOMER, ORDERED, VALUE, Kept, Records, Sources
from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.output.snapshot_rows import SnapshotRows

_COUNTS: Final = (COUNT, COUNT_DISTINCT)
_IS_DOUBTFUL: Final = "is_doubtful"


@dataclass(slots=True)
class Computing:
    """Takes the rules of a plan in their order, and has what they came to."""

    engine: Engine
    plan: Plan
    records: Records
    _counts: dict[Key, int] = field(default_factory=dict)
    _outputs: dict[str, Document] = field(default_factory=dict)

    @classmethod
    def of(cls, engine: Engine, sources: Sources, plan: Plan) -> "Computing":
        return cls(engine, plan, Records.of(engine, sources, plan))

    @property
    def totals(self) -> Totals:
        return Totals(self._counts, self._outputs)

    def add(self, definition: Definition, rule: Rule) -> None:
        name = f"insight_{len(self._counts)}"
        if isinstance(rule, SegmentRule):
            members = self._members(rule, name) if definition.is_active else self.records.customers.limit(0)
            table = self.records.members[definition.name] = self.engine.keep(name, members)
            self._counts[definition.key] = self.engine.count(table)
        elif rule.is_scalar:
            self._counts[definition.key], self._outputs[definition.name] = self._output(rule, name)
        else:
            table = self.records.measures[definition.name] = self._values(rule, name)
            self._counts[definition.key] = self.engine.count(table)

    def measure_rows(self) -> list[SnapshotRows]:
        measures = self.records.measures
        columns = [c for c in self.plan.catalog.get_table(CUSTOMER_MEASURE).columns if c.name in measures]
        return outcome.measure_rows(self.engine, self.records.customers, {c: measures[c.name] for c in columns})

    def membership_rows(self) -> list[SnapshotRows]:
        return outcome.membership_rows(self.records.members)

    def _members(self, rule: SegmentRule, name: str) -> ir.Table:
        """Rowsets joined from the first to the last, as `SegmentRule.holds`."""
        members = self.records.customers
        for place, (operation, rowset) in enumerate(rule.rowsets):
            named = self.records.kept(rowset, f"{name}_{place}").frame.select(CUSTOMER).distinct()
            if operation in rules.TAKING:
                members = members.anti_join(named, CUSTOMER)
            elif operation not in rules.ADDING:
                members = members.semi_join(named, CUSTOMER)
            else:
                members = members.union(named, distinct=True) if place else named
            if place + 1 < len(rule.rowsets):
                members = self.engine.keep(f"{name}_until_{place}", members)
        return members

    def _values(self, rule: MeasureRule, name: str) -> ir.Table:
        """(customer, value), of customers who have one."""
        [calculation] = rule.calculations
        kept = self.records.kept(rule.filter, name, is_ordered=calculation.operation in ORDERED)
        if calculation.operation in ORDERED:
            kept = aggregates.at_the_end(calculation, kept)
        found = aggregates.aggregated(calculation, kept)
        type_ = records.type_of(Column(VALUE, calculation.type))
        doubts = {} if found.is_doubtful is None else {_IS_DOUBTFUL: found.is_doubtful}
        grouped = kept.frame.group_by(CUSTOMER).aggregate(**{VALUE: found.value.cast(type_)}, **doubts)
        if calculation.operation in _COUNTS:
            return self.engine.keep(name, _for_everybody(self.records.customers, grouped))
        if not doubts:
            return self.engine.keep(name, grouped.filter(grouped[VALUE].notnull()))
        return self._certain(rule.filter, calculation, self.engine.keep(f"{name}_grouped", grouped), name)

    def _certain(self, filter_: Filter, calculation: Calculation, grouped: ir.Table, name: str) -> ir.Table:
        certain = grouped.filter(grouped[VALUE].notnull()).select(CUSTOMER, VALUE)
        doubtful = grouped.filter(grouped[_IS_DOUBTFUL]).select(CUSTOMER)
        if _integer(doubtful.count()):
            certain = certain.union(self._by_core(calculation, filter_, doubtful, name))
        return self.engine.keep(name, certain)

    def _by_core(self, calculation: Calculation, filter_: Filter, doubtful: ir.Table, name: str) -> ir.Table:
        kept = self._in_order(filter_, name)
        kept = Kept(kept.frame.semi_join(doubtful, CUSTOMER), kept.names)
        values = aggregates.values_in_order(calculation, kept)
        added = aggregates.added_by_core(calculation, self.engine.read(values))
        pairs = [pair for pair in added if pair[1] is not None]
        type_ = pyarrow.int64() if calculation.type is ColumnType.INTEGER else pyarrow.float64()
        columns = [pyarrow.array([pair[0] for pair in pairs], pyarrow.string()), _array(pairs, type_)]
        return ibis.memtable(pyarrow.table(columns, names=[CUSTOMER, VALUE]))

    def _output(self, rule: MeasureRule, name: str) -> tuple[int, Document]:
        """How many rows there are, and what they come to together."""
        kept = self.records.kept(rule.filter, name)
        found = [aggregates.aggregated(calculation, kept) for calculation in rule.calculations]
        columns = {f"{VALUE}_{place}": each.value for place, each in enumerate(found)}
        doubts = {f"{_IS_DOUBTFUL}_{place}": each.is_doubtful for place, each in enumerate(found)}
        columns |= {doubt: is_doubtful for doubt, is_doubtful in doubts.items() if is_doubtful is not None}
        [row] = kept.frame.aggregate(rows=kept.frame.count(), **columns).to_pyarrow().to_pylist()
        output = {}
        for calculation, value, doubt in zip(rule.calculations, columns, doubts, strict=False):
            is_doubtful = row.get(doubt, False)
            output[calculation.name] = self._total(calculation, rule, name) if is_doubtful else stored(row[value])
        return row["rows"], output

    def _total(self, calculation: Calculation, rule: MeasureRule, name: str) -> Any:
        ordered = aggregates.values_in_order(calculation, self._in_order(rule.filter, name))
        return aggregates.total_by_core(calculation, self.engine.read(ordered))

    def _in_order(self, filter_: Filter, name: str) -> Kept:
        return self.records.kept(filter_, f"{name}_in_order", is_ordered=True)


def _for_everybody(customers: ir.Table, grouped: ir.Table) -> ir.Table:
    """What nobody has done counts, as 0."""
    joined = customers.left_join(grouped, CUSTOMER)
    return joined.select(CUSTOMER, value=ibis.coalesce(joined[VALUE], 0))


def _array(pairs: Iterable[tuple[str, object]], type_: pyarrow.DataType) -> pyarrow.Array:
    return pyarrow.array([value for _, value in pairs], type_)


def _integer(number: ir.IntegerScalar) -> int:
    return int(number.to_pyarrow().as_py())
