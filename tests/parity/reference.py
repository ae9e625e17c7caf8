"""What the answer is: the pure core on everything there is, without a database (S27)."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.parity.questions import SEARCHED, Question
from tests.parity.worlds import Generation, World, activity_of
from topcoat.core import catalog, errors
from topcoat.core.catalog import CUSTOMER_ID, UNIFIED_ACTIVITY_TABLE, Document, Table, TableKind
from topcoat.core.odata import binding, evaluate, matching, parser, syntax
from topcoat.core.odata.evaluate import Subject
from topcoat.core.odata.syntax import Expression, OrderBy
from topcoat.core.overlay import merge, override, timeline
from topcoat.core.overlay.override import Override, View

_EQUALITIES = (syntax.Operator.EQ, syntax.Operator.NE)


def is_answered(world: World, question: Question) -> bool:
    """Whether there is what the question's address and instant name, and the filter can be asked of it."""
    if not world.sees(question.as_of):
        return False
    generation, _ = world.view(question.as_of)
    is_known = question.of is None or generation.survivor(question.of) in generation.profiles
    return is_known and _is_bound(question.filter, world.table(question.table.name, generation))


def _is_bound(tree: Expression | None, table: Table) -> bool:
    """Whether the filter is one of this table, whose columns may once have been of other types."""
    try:
        return tree is None or bool(binding.bind_filter(tree, table))
    except errors.QuerySyntaxError:
        return False


def answer(world: World, question: Question) -> tuple[list[Document], int]:
    """The records of the answer, all pages joined, and how many there are without `$skip` and `$top`."""
    generation, view = world.view(question.as_of)
    question = replace(question, table=world.table(question.table.name, generation))
    kept = filter(_matches(question, generation, view), _records(world, question, generation, view))
    ordered = sorted(kept, key=_order(question, generation, view))
    first = question.skip or 0
    last = None if question.top is None else first + question.top
    return ordered[first:last], len(ordered)


def canonical(record: Document) -> Document:
    """PostgreSQL writes large decimals out: the number is the same, what Python makes of it is not."""
    return {name: Decimal(repr(v)) if type(v) in (int, float) else v for name, v in record.items()}


def _records(world: World, question: Question, generation: Generation, view: View) -> list[Document]:
    ids = generation.profiles if question.of is None else [generation.survivor(question.of)]
    match question.table.kind:
        case TableKind.CUSTOMER:
            return [merged_profile(world, generation, view, i) for i in ids]
        case TableKind.UNIFIED_ACTIVITY:
            return [record for i in ids for record in merged_timeline(world, generation, view, i)]
        case _:
            shown = ({**document, CUSTOMER_ID: i} for i, document in generation.measures.items() if i in ids)
            return [catalog.complete_record(question.table, document) for document in shown]


def merged_profile(world: World, generation: Generation, view: View, customer_id: str) -> Document:
    snapshot = {**generation.profiles[customer_id], CUSTOMER_ID: customer_id}
    live = live_changes(world, generation, view, customer_id)
    return merge.merge_record(world.table(catalog.CUSTOMER, generation), snapshot, live)


def live_changes(world: World, generation: Generation, view: View, customer_id: str) -> list[Override]:
    family, until = generation.family(customer_id), view.recorded_until
    overrides = [change for change in world.overrides if change.customer_id in family]
    releases = [s.release for s in world.releases if s.customer_id in family and (not until or s.recorded_at <= until)]
    return override.live_overrides(overrides, releases, view)


def merged_timeline(world: World, generation: Generation, view: View, customer_id: str) -> list[Document]:
    family = generation.family(customer_id)
    stored = [activity_of(*key, document) for key, document in generation.activities.items() if key[1] == customer_id]
    realtime = [activity for activity in world.activities if activity.customer_id in family]
    merged = timeline.merge_timeline([*stored, *realtime], view, world.catalog.hidden_activity_tables())
    named = (activity.document | {CUSTOMER_ID: customer_id} for activity in merged)
    return [catalog.complete_record(UNIFIED_ACTIVITY_TABLE, document) for document in named]


def _matches(question: Question, generation: Generation, view: View) -> Callable[[Document], bool]:
    def accept(record: Document) -> bool:
        segments = frozenset(s for s, i in generation.members if i == record[CUSTOMER_ID])
        return (holds is None or holds(Subject(record, view.now, segments)) is True) and found(record)

    holds = None
    if question.filter is not None:
        tree = renamed(binding.bind_filter(question.filter, question.table), generation)
        holds = evaluate.compile_filter(tree, question.table)
    found = _found(question)
    return accept


def _found(question: Question) -> Callable[[Document], bool]:
    if question.search is None:
        return lambda _: True
    matches = matching.compile_search(parser.parse_search(question.search))
    columns = [question.table.columns_by_name[name] for name in SEARCHED]
    return lambda record: matches(matching.search_tokens(record, columns))


def renamed(tree: Expression, generation: Generation) -> Expression:
    """An alias equals its survivor (S24)."""
    match tree:
        case syntax.And(terms) | syntax.Or(terms):
            return replace(tree, terms=tuple(renamed(term, generation) for term in terms))
        case syntax.Not(operand):
            return replace(tree, operand=renamed(operand, generation))
        case syntax.In(syntax.Column("CustomerId"), items):
            return replace(tree, items=tuple(_survivor(item, generation) for item in items))
        case syntax.In(left):
            return replace(tree, left=renamed(left, generation))
        case syntax.Comparison(left, operator, right):
            sides = renamed(left, generation), renamed(right, generation)
            if operator in _EQUALITIES and syntax.Column(CUSTOMER_ID) in sides:
                sides = _survivor(left, generation), _survivor(right, generation)
            return replace(tree, left=sides[0], right=sides[1])
        case _:
            return tree


def _survivor(side: Any, generation: Generation) -> Any:
    return syntax.String(generation.survivor(side.value)) if isinstance(side, syntax.String) else side


def _order(question: Question, generation: Generation, view: View) -> Callable[[Document], Any]:
    """Ids settle ties, in the direction of the first key; activities without an order are newest first (S17)."""
    order = tuple(replace(key, expression=renamed(key.expression, generation)) for key in question.order)
    ties = (CUSTOMER_ID,)
    if question.table.kind is TableKind.UNIFIED_ACTIVITY:
        order = order or (OrderBy(syntax.Column("ActivityTime"), descending=True),)
        ties = ("ActivityId", CUSTOMER_ID)
    is_down = bool(order) and order[0].descending
    keys = (*order, *(OrderBy(syntax.Column(name), descending=is_down) for name in ties))
    key = evaluate.compile_order(keys, question.table)
    return lambda record: key(Subject(record, view.now))
