"""All definitions of an instance as one plan, and its evaluation, customer by customer.

A definition that cannot be computed takes those that lean on it along; the others are computed all the same.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from topcoat.core import errors
from topcoat.core.catalog import CUSTOMER_MEASURE, Catalog, Column, Document, Table
from topcoat.core.insights import definition as definitions
from topcoat.core.insights import rules
from topcoat.core.insights.aggregates import Aggregate, stored
from topcoat.core.insights.definition import Definition, Key, Kind
from topcoat.core.insights.evaluated import Totals
from topcoat.core.insights.rows import CustomerRecords, Scope
from topcoat.core.insights.rules import MeasureRule, Rule, SegmentRule

Columns = tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """`rules` stand in the order in which they can be evaluated; `catalog` has what they bring.

    `faults` say why a definition has no rule. An inactive segment has a rule and no members.
    """

    rules: tuple[tuple[Definition, Rule], ...]
    faults: dict[Key, errors.TopcoatError]
    catalog: Catalog

    @property
    def is_empty(self) -> bool:
        return not self.rules and not self.faults

    @property
    def activity_tables(self) -> frozenset[str]:
        """The tables whose activities the rules ask for."""
        return frozenset(name for _, rule in self.rules for name in rule.activities if name is not None)


def make_plan(given: Iterable[Definition], catalog: Catalog, ready_segments: Collection[str], now: datetime) -> Plan:
    """`catalog` and `ready_segments` are without what definitions bring; raise `DefinitionsCyclic`."""
    planning = _Planning(catalog, {*ready_segments}, now)
    for definition in definitions.ordered(given):
        planning.add(definition)
    brought = with_defined(planning.catalog, (), planning.defined_segments)
    return Plan(tuple(planning.rules), planning.faults, brought)


@dataclass(slots=True)
class _Planning:
    catalog: Catalog
    segments: set[str]
    now: datetime
    defined_segments: list[str] = field(default_factory=list)
    rules: list[tuple[Definition, Rule]] = field(default_factory=list)
    faults: dict[Key, errors.TopcoatError] = field(default_factory=dict)

    def add(self, definition: Definition) -> None:
        try:
            self._refuse_faulty_references(definition)
            rule = self._rule(definition)
        except (errors.DefinitionInvalid, errors.NotComputable) as error:
            self.faults[definition.key] = error
            return
        self.rules.append((definition, rule))
        if isinstance(rule, SegmentRule):
            self.segments.add(definition.name)
            self.defined_segments.append(definition.name)
        elif not rule.is_scalar:
            self.catalog = with_defined(self.catalog, (Column(definition.name, rule.calculations[0].type),), ())

    def _rule(self, definition: Definition) -> Rule:
        def make_scope(aliases: Any, default: str) -> Scope:
            return Scope(self.catalog, self.segments, aliases, default)

        make = rules.measure_rule if definition.kind is Kind.MEASURE else rules.segment_rule
        return make(definition, make_scope, self.now)

    def _refuse_faulty_references(self, definition: Definition) -> None:
        for kind, name in sorted(definitions.references_of(definition, self.faults), key=str):
            raise errors.NotComputable(
                place=definition.name, reason=f"leans on the {kind.value} '{name}', which is not computed either"
            )


def with_defined(catalog: Catalog, measures: Sequence[Column], segments: Sequence[str]) -> Catalog:
    """What definitions bring, behind what is there already."""
    names = tuple(column.name for column in measures)
    return replace(
        catalog,
        tables=_with_measures(catalog, lambda columns: (*columns, *measures)),
        defined_measures=(*catalog.defined_measures, *names),
        defined_segments=(*catalog.defined_segments, *segments),
    )


def without_defined(catalog: Catalog) -> Catalog:
    """What came with files."""
    gone = frozenset(catalog.defined_measures)
    return replace(
        catalog,
        tables=_with_measures(catalog, lambda columns: tuple(c for c in columns if c.name not in gone)),
        defined_measures=(),
        defined_segments=(),
    )


def _with_measures(catalog: Catalog, change: Callable[[Columns], Columns]) -> tuple[Table, ...]:
    return tuple(
        replace(table, columns=change(table.columns)) if table.name == CUSTOMER_MEASURE else table
        for table in catalog.tables
    )


@dataclass(slots=True)
class Evaluation:
    """Asks the rules about one customer after the other, and keeps count."""

    plan: Plan
    now: datetime
    counts: dict[Key, int] = field(default_factory=dict)
    _totals: dict[str, list[Aggregate]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for definition, rule in self.plan.rules:
            self.counts[definition.key] = 0
            if isinstance(rule, MeasureRule) and rule.is_scalar:
                self._totals[definition.name] = [c.operation.make() for c in rule.calculations]

    def add(self, customer: CustomerRecords) -> None:
        """Add what the rules say to the customer's measures and segments."""
        for definition, rule in self.plan.rules:
            if isinstance(rule, SegmentRule):
                self._add_membership(definition, rule, customer)
            else:
                self._add_measure(definition, rule, customer)

    @property
    def totals(self) -> Totals:
        return Totals(self.counts, dict(self._outputs()))

    def _outputs(self) -> Iterator[tuple[str, Document]]:
        for definition, rule in self.plan.rules:
            if isinstance(rule, MeasureRule) and rule.is_scalar:
                pairs = zip(rule.calculations, self._totals[definition.name], strict=True)
                yield definition.name, {calculation.name: stored(total.result()) for calculation, total in pairs}

    def _add_membership(self, definition: Definition, rule: SegmentRule, customer: CustomerRecords) -> None:
        if definition.is_active and rule.holds(customer, self.now):
            customer.segments.add(definition.name)
            self.counts[definition.key] += 1

    def _add_measure(self, definition: Definition, rule: MeasureRule, customer: CustomerRecords) -> None:
        rows = list(rule.filter.kept(customer, self.now))
        aggregates = self._totals.get(definition.name) or [c.operation.make() for c in rule.calculations]
        for calculation, aggregate in zip(rule.calculations, aggregates, strict=True):
            for row in rows:
                calculation.add(aggregate, row)
        if rule.is_scalar:
            self.counts[definition.key] += len(rows)
            return
        value = stored(aggregates[0].result())
        if value is not None:
            customer.measures[definition.name] = value
            self.counts[definition.key] += 1
