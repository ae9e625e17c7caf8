"""What every part of a read works with, and the shape of its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.core.catalog import CUSTOMER_ID, shown, suggestion
from topcoat.core.odata import evaluate, syntax
from topcoat.core.odata.syntax import Expression, Operator
from topcoat.flows.query.gathering import Deadline
from topcoat.flows.query.sight import Sight
from topcoat.store import profiles, segments
from topcoat.store.engine import Store

EXPLANATION: Final = "@topcoat.explain"
STANDING: Final = "@topcoat.standing"
_EQUALITIES: Final = (Operator.EQ, Operator.NE)


@dataclass(frozen=True, slots=True)
class Standing:
    """Of a record with live writes: when the latest of them came, and when the next of them lapses."""

    recorded_at: datetime
    lapses_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """One read: where it looks and until when it may take."""

    store: Store
    clock: Clock
    sight: Sight
    deadline: Deadline


def begin_reading(store: Store, clock: Clock, sight: Sight) -> Reading:
    return Reading(store, clock, sight, Deadline(clock, store.statement_timeout_seconds))


async def settle_filter(reading: Reading, tree: Expression | None) -> Expression | None:
    """The tree with aliases of customers replaced by their survivors (S24); its segments must exist."""
    if tree is None:
        return None
    await _check_segments(reading, tree)
    sight = reading.sight
    named = _named_customers(tree) if sight.has_aliases else None
    if not named:
        return tree
    survivors = await profiles.find_survivors(
        reading.store.point,
        instance_id=sight.instance_id,
        generation=sight.view.generation,
        customer_ids=sorted(named),
    )
    return _renamed(tree, survivors) if survivors else tree


async def list_family(reading: Reading, customer_ids: Sequence[str]) -> dict[str, list[str]]:
    """Surviving id -> the ids that name it."""
    sight = reading.sight
    if not sight.has_aliases:
        return {customer_id: [customer_id] for customer_id in customer_ids}
    return await profiles.list_family(
        reading.store.point,
        instance_id=sight.instance_id,
        generation=sight.view.generation,
        customer_ids=customer_ids,
    )


async def _check_segments(reading: Reading, tree: Expression) -> None:
    asked = evaluate.segments_of(tree)
    if not asked:
        return
    sight = reading.sight
    known = await segments.list_segments(reading.store.point, sight.instance_id, sight.view.generation)
    for segment in sorted(asked.difference(known)):
        raise errors.UnknownSegment(segment=shown(segment), suggestion=suggestion(segment, known))


def _named_customers(tree: Expression) -> set[str]:
    return {literal.value for node in syntax.walk(tree) for literal in _equalled(node)}


def _equalled(node: Expression) -> tuple[syntax.String, ...]:
    """The texts that a node compares the CustomerId with, for being equal."""
    match node:
        case syntax.Comparison(syntax.Column(name=name), operator, other) if name == CUSTOMER_ID:
            literals: tuple[Expression, ...] = (other,) if operator in _EQUALITIES else ()
        case syntax.Comparison(other, operator, syntax.Column(name=name)) if name == CUSTOMER_ID:
            literals = (other,) if operator in _EQUALITIES else ()
        case syntax.In(syntax.Column(name=name), items) if name == CUSTOMER_ID:
            literals = items
        case _:
            literals = ()
    return tuple(literal for literal in literals if isinstance(literal, syntax.String))


def _renamed(tree: Expression, survivors: Mapping[str, str]) -> Expression:
    def rename(literal: Any) -> Any:
        is_text = isinstance(literal, syntax.String)
        return syntax.String(survivors.get(literal.value, literal.value)) if is_text else literal

    def rebuild(node: Expression) -> Expression:
        """A condition may itself be compared with true or false."""
        change = rename if _equalled(node) else renamed
        match node:
            case syntax.Comparison(left, _, right):
                return replace(node, left=change(left), right=change(right))
            case syntax.In(left, items):
                return replace(node, left=renamed(left), items=tuple(map(rename, items)) if _equalled(node) else items)
            case _:
                return node

    def renamed(node: Expression) -> Expression:
        return syntax.transform_conditions(node, rebuild)

    return renamed(tree)
