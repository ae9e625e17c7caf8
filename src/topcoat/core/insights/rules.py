"""Definitions as rules that can be asked about one customer.

Whatever the contract can say and is not computed here raises `NotComputable`, which says what it was.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from topcoat.core import catalog, errors
from topcoat.core.catalog import CUSTOMER, CUSTOMER_ID, ColumnType, Document
from topcoat.core.insights.aggregates import OPERATIONS, Aggregate, Operation
from topcoat.core.insights.criteria import Criteria
from topcoat.core.insights.definition import Definition, Fault, base_table, items_of, refusal, tables_by_alias
from topcoat.core.insights.rows import CustomerRecords, Rows, Scope
from topcoat.core.odata import evaluate
from topcoat.core.odata.column_values import READERS
from topcoat.core.odata.evaluate import Subject
from topcoat.core.odata.syntax import Expression
from topcoat.core.odata.value_types import Value

Holds = Callable[[Subject], bool | None]
MakeScope = Callable[[Mapping[str, str], str], Scope]

ADDING: Final = ("union", "include", "none")
TAKING: Final = ("except", "exclude")


@dataclass(frozen=True, slots=True)
class Filter:
    """Rows, and the condition that they are kept by; without one all are. `tree` is what `holds` was made of."""

    rows: Rows
    tree: Expression | None
    holds: Holds | None

    def kept(self, customer: CustomerRecords, now: datetime) -> Iterator[Document]:
        if self.holds is None:
            yield from self.rows.of(customer)
            return
        segments = frozenset(customer.segments)
        for row in self.rows.of(customer):
            if self.holds(Subject(row, now, segments)) is True:
                yield row


@dataclass(frozen=True, slots=True)
class SegmentRule:
    """Rowsets joined from the first to the last."""

    rowsets: tuple[tuple[str, Filter], ...]

    @property
    def activities(self) -> list[str | None]:
        return [rowset.rows.activities for _, rowset in self.rowsets]

    def holds(self, customer: CustomerRecords, now: datetime) -> bool:
        is_member = bool(self.rowsets) and self.rowsets[0][0] in TAKING
        for operation, rowset in self.rowsets:
            is_named = any(True for _ in rowset.kept(customer, now))
            if operation in ADDING:
                is_member = is_member or is_named
            elif operation in TAKING:
                is_member = is_member and not is_named
            else:
                is_member = is_member and is_named
        return is_member


@dataclass(frozen=True, slots=True)
class Calculation:
    """An aggregate of a column of the rows, or of the rows themselves; `name` is what its result is called."""

    name: str
    operation: Operation
    type: ColumnType
    column: str | None = None
    read: Callable[[Any], Value] = lambda _: True

    def add(self, aggregate: Aggregate, row: Document) -> None:
        value = self.read(None if self.column is None else row.get(self.column))
        if value is not None:
            aggregate.add(value)


@dataclass(frozen=True, slots=True)
class MeasureRule:
    """One calculation for each customer or, where it is scalar, several over all customers."""

    filter: Filter
    calculations: tuple[Calculation, ...]
    is_scalar: bool

    @property
    def activities(self) -> list[str | None]:
        return [self.filter.rows.activities]


Rule = SegmentRule | MeasureRule


def segment_rule(definition: Definition, make_scope: MakeScope, now: datetime) -> SegmentRule:
    document = definition.document
    _refuse_unless("kind", document.get("kind"), (None, "default"))
    query, place = document.get("segmentQueryExpression"), "segmentQueryExpression"
    if query is None:
        raise refusal(Fault.PARSING_FAILED, place, "is missing; expected rowsets")
    if query.get("type") == "manual" or query.get("segmentationQuerySql"):
        raise errors.NotComputable(place=f"{place}.segmentationQuerySql", reason="is SQL text; use rowsets")
    if items_of(query, "hierarchies"):
        raise errors.NotComputable(place=f"{place}.hierarchies", reason="name hierarchies")
    rowsets = items_of(query, "rowsets")
    if not rowsets:
        raise refusal(Fault.PARSING_FAILED, f"{place}.rowsets", "is empty; expected at least one")
    steps = []
    for index, rowset in enumerate(rowsets):
        scope = make_scope({}, CUSTOMER)
        filter_ = _filter(scope, rowset.get("criteria") or {}, f"{place}.rowsets[{index}].criteria", now)
        _check_paths(scope, rowset, f"{place}.rowsets[{index}].paths")
        steps.append((_operation(rowset, index), filter_))
    return SegmentRule(tuple(steps))


def _operation(rowset: Document, index: int) -> str:
    """The first one stands alone, whatever it would join."""
    operation: str = rowset.get("rowsetOperation") or "none"
    return "union" if index == 0 and operation == "intersect" else operation


def _check_paths(scope: Scope, rowset: Document, place: str) -> None:
    """An activity belongs to one customer, so the way to it is clear; what a path names has to be there even so."""
    for path in items_of(rowset, "paths"):
        for step in path:
            scope.table(step.partition(".")[0], place)


def measure_rule(definition: Definition, make_scope: MakeScope, now: datetime) -> MeasureRule:
    measure, place = definition.document.get("definition"), "definition"
    if measure is None:
        raise refusal(Fault.PARSING_FAILED, place, "is missing")
    _refuse_what_is_not_computed(measure)
    is_scalar = _is_scalar(measure)
    _check_base(measure)
    aliases = tables_by_alias(definition)
    scope = make_scope(aliases, base_table(definition))
    for table in aliases.values():
        scope.table(table, f"{place}.linkedEntities")
    aggregates = items_of(measure, "aggregates")
    if not aggregates:
        raise refusal(Fault.PARSING_FAILED, f"{place}.aggregates", "is empty; expected at least one")
    if len(aggregates) > 1 and not is_scalar:
        raise errors.NotComputable(place=f"{place}.aggregates", reason="are several; one is computed for each customer")
    calculations = tuple(
        _calculation(scope, aggregate, f"{place}.aggregates[{index}]", is_scalar=is_scalar)
        for index, aggregate in enumerate(aggregates)
    )
    criteria = measure.get("filteringCriteria")
    filter_ = _filter(scope, criteria, f"{place}.filteringCriteria", now)
    return MeasureRule(filter_, calculations, is_scalar)


def _refuse_what_is_not_computed(measure: Document) -> None:
    if measure.get("type") == "manual" or measure.get("measureQuerySql"):
        raise errors.NotComputable(place="definition.measureQuerySql", reason="is SQL text; use aggregates")
    for name in ("filters", "variables"):
        if measure.get(name):
            hint = "; use filteringCriteria" if name == "filters" else ""
            raise errors.NotComputable(place=f"definition.{name}", reason=f"holds expressions{hint}")


def _is_scalar(measure: Document) -> bool:
    """An attribute of each customer, or one number of them all; tables by other dimensions are not computed."""
    fields = [dimension.get("field") or "" for dimension in items_of(measure, "dimensions")]
    if any(field.rpartition(".")[2] != CUSTOMER_ID for field in fields):
        raise errors.NotComputable(place="definition.dimensions", reason=f"name more than {CUSTOMER_ID}")
    if measure.get("kind") != "entity":
        return False
    if fields:
        reason = "make a table of their own; use kind attribute for a value of each customer"
        raise errors.NotComputable(place="definition.dimensions", reason=reason)
    return True


def _check_base(measure: Document) -> None:
    linked = items_of(measure, "linkedEntities")
    base = [entity for entity in linked if entity.get("kind") in (None, "base")]
    if linked and (len(base) != 1 or not all(entity.get("entity") for entity in linked)):
        place, reason = "definition.linkedEntities", "need exactly one of kind base, and each its entity"
        raise refusal(Fault.PARSING_FAILED, place, reason)


def _calculation(scope: Scope, aggregate: Document, place: str, *, is_scalar: bool) -> Calculation:
    name = aggregate.get("operation")
    if name is None:
        raise refusal(Fault.PARSING_FAILED, f"{place}.operation", "is missing")
    operation = OPERATIONS.get(name)
    if operation is None or aggregate.get("operationScope") or items_of(aggregate, "aggregates"):
        raise errors.NotComputable(place=place, reason=f"is {name}" if operation is None else "is a rollup")
    if is_scalar and not operation.is_mergeable:
        raise errors.NotComputable(place=place, reason=f"is {name} over all customers")
    field = aggregate.get("field")
    if field in (None, "", "*"):
        if name != "count":
            raise refusal(Fault.PARSING_FAILED, f"{place}.field", "is missing")
        return Calculation(aggregate.get("alias") or name, operation, operation.type_of(None))
    column = scope.column(field, f"{place}.field")
    if column.type not in operation.takes:
        reason = f"names {column.name} of type {column.type.value}, which {name} does not take"
        raise refusal(Fault.INVALID_OPERATION, f"{place}.field", reason)
    result_type, read = operation.type_of(column.type), READERS[column.type]
    return Calculation(aggregate.get("alias") or name, operation, result_type, column.name, read)


def _filter(scope: Scope, criteria: Document | None, place: str, now: datetime) -> Filter:
    tree = None if criteria is None else Criteria(scope, now).condition(criteria, place)
    rows = scope.rows()
    return Filter(rows, tree, None if tree is None else evaluate.compile_filter(tree, rows.shape))


def _refuse_unless(place: str, found: Any, computed: tuple[Any, ...]) -> None:
    if found not in computed:
        raise errors.NotComputable(place=place, reason=f"is {catalog.shown(str(found))}")
