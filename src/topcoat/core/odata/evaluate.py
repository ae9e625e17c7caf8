"""Bound expressions as functions of a record: the one meaning of a question, which SQL has to agree with (S26, S27).

    null eq null     true        true and null    null
    null eq 1        false       false and null   false
    null ne 1        true        true or null     true
    null gt 1        false       false or null    null
    null ge null     false       not null         null
    null in (null)   true        1 add null       null
    null in (1)      false       contains(null, 'x')   null

So `not (City eq 'Paris')` is true where City is null, and so is `not (Points gt 5)` where Points is null, while
`not contains(City, 'x')` is null there. A filter keeps a record for which it is true.

Nothing raises on a tree that `binding` accepted. Recursion follows the tree's height, which the parser bounds.
"""

import functools
import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, assert_never, cast

from topcoat.core.catalog import Table
from topcoat.core.odata import arithmetic, syntax
from topcoat.core.odata.column_values import READERS
from topcoat.core.odata.functions import FUNCTIONS
from topcoat.core.odata.syntax import Expression, Function, Literal, Operator, OrderBy
from topcoat.core.odata.value_types import DATES, Value, type_of
from topcoat.core.odata.wildcards import compile_pattern


@dataclass(frozen=True, slots=True)
class Subject:
    """What a question is asked of: a record in canonical form, the read's instant, the segments the customer is in."""

    record: Mapping[str, Any]
    now: datetime
    segments: frozenset[str] = frozenset()


Evaluator = Callable[[Subject], Value]


def compile_filter(tree: Expression, table: Table) -> Callable[[Subject], bool | None]:
    return cast("Callable[[Subject], bool | None]", _compile(tree, table))


def compile_value(tree: Expression, table: Table) -> Evaluator:
    return _compile(tree, table)


def compile_order(keys: tuple[OrderBy, ...], table: Table) -> Callable[[Subject], tuple[Any, ...]]:
    """Tuples that sort as the keys say; records whose tuples are equal are ties."""
    evaluators = [_compile(key.expression, table) for key in keys]
    directions = [key.descending for key in keys]

    def evaluate(subject: Subject) -> tuple[Any, ...]:
        return order_key([evaluator(subject) for evaluator in evaluators], directions)

    return evaluate


def order_key(values: Sequence[Value], descending: Iterable[bool] | None = None) -> tuple[Any, ...]:
    """The values of one record's keys as something comparable: null lowest, false before true, strings by code point.

    `descending` says for each value whether it is sorted the other way round; none is by default.
    """
    if descending is None:
        return tuple(() if value is None else (value,) for value in values)
    pairs = zip(order_key(values), descending, strict=True)
    return tuple(_Reversed(key) if is_descending else key for key, is_descending in pairs)


def columns_of(tree: Expression) -> frozenset[str]:
    """The columns that the tree reads."""
    return frozenset(node.name for node in syntax.walk(tree) if isinstance(node, syntax.Column))


def segments_of(tree: Expression) -> frozenset[str]:
    """The segments that the tree asks for."""
    return frozenset(node.name for node in syntax.walk(tree) if isinstance(node, syntax.IsMemberOfSegment))


def uses_segments(tree: Expression) -> bool:
    return bool(segments_of(tree))


@functools.total_ordering
class _Reversed:
    __slots__ = ("_key",)

    def __init__(self, key: tuple[Any, ...]) -> None:
        self._key = key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reversed) and self._key == other._key

    def __lt__(self, other: "_Reversed") -> bool:
        return other._key < self._key

    def __hash__(self) -> int:
        return hash(self._key)


def _compile(tree: Expression, table: Table) -> Evaluator:  # noqa: PLR0911, PLR0912 - one for each kind
    match tree:
        case syntax.Column(name):
            return _column(name, table)
        case syntax.Comparison():
            return _comparison(tree, table)
        case syntax.In():
            return _membership(tree, table)
        case syntax.And(terms):
            return _chain([_compile(term, table) for term in terms], decisive=False)
        case syntax.Or(terms):
            return _chain([_compile(term, table) for term in terms], decisive=True)
        case syntax.Not(operand):
            return _lifted(operator.not_, (operand,), table)
        case syntax.Negate(operand):
            return _lifted(arithmetic.negate, (operand,), table)
        case syntax.Arithmetic(left, operation, right):
            return _lifted(functools.partial(arithmetic.calculate, operation), (left, right), table)
        case syntax.Call(Function.NOW):
            return operator.attrgetter("now")
        case syntax.Call(function, arguments):
            return _lifted(FUNCTIONS[function], arguments, table)
        case syntax.Like(operand, pattern):
            return _lifted(compile_pattern(pattern), (operand,), table)
        case syntax.IsMemberOfSegment(name):
            return lambda subject: name in subject.segments
        case _:
            value = _value_of(tree)
            return lambda _: value


def _column(name: str, table: Table) -> Evaluator:
    read = READERS[table.get_column(name).type]
    return lambda subject: read(subject.record.get(name))


def _value_of(literal: Literal) -> Value:
    match literal:
        case syntax.Null():
            return None
        case syntax.Guid(value):
            return str(value)
        case _:
            return literal.value


def _lifted(function: Callable[..., Value], operands: Collection[Expression], table: Table) -> Evaluator:
    """The function where it is given values, and null where any of them is null."""
    evaluators = [_compile(operand, table) for operand in operands]

    def evaluate(subject: Subject) -> Value:
        values = []
        for evaluator in evaluators:
            value = evaluator(subject)
            if value is None:
                return None
            values.append(value)
        return function(*values)

    return evaluate


def _chain(terms: list[Evaluator], *, decisive: bool) -> Evaluator:
    """`and`, which one false decides, or `or`, which one true does; else one null makes it null."""

    def evaluate(subject: Subject) -> bool | None:
        result: bool | None = not decisive
        for term in terms:
            value = term(subject)
            if value is decisive:
                return decisive
            if value is None:
                result = None
        return result

    return evaluate


_ORDERINGS: Final[dict[Operator, Callable[[Any, Any], bool]]] = {
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
}


def _comparison(tree: syntax.Comparison, table: Table) -> Evaluator:
    is_mixed = _mixes_dates((tree.left, tree.right), table)
    left, right = (_comparable(side, table, is_mixed=is_mixed) for side in (tree.left, tree.right))
    match tree.operator:
        case Operator.EQ:
            return lambda subject: left(subject) == right(subject)
        case Operator.NE:
            return lambda subject: left(subject) != right(subject)
        case Operator.GT | Operator.GE | Operator.LT | Operator.LE:
            return _ordering(left, _ORDERINGS[tree.operator], right)
        case _:
            assert_never(tree.operator)


def _ordering(left: Evaluator, compare: Callable[[Any, Any], bool], right: Evaluator) -> Evaluator:
    def evaluate(subject: Subject) -> bool:
        first = left(subject)
        if first is None:
            return False
        second = right(subject)
        return second is not None and compare(first, second)

    return evaluate


def _membership(tree: syntax.In, table: Table) -> Evaluator:
    """A chain of `eq`: equal values have equal hashes, numbers of either kind as well."""
    is_mixed = _mixes_dates((tree.left, *tree.items), table)
    left = _comparable(tree.left, table, is_mixed=is_mixed)
    values = map(_value_of, tree.items)
    items = frozenset(map(_instant_of, values) if is_mixed else values)
    return lambda subject: left(subject) in items


def _mixes_dates(sides: Iterable[Expression], table: Table) -> bool:
    return {type_of(side, table) for side in sides} >= DATES


def _comparable(tree: Expression, table: Table, *, is_mixed: bool) -> Evaluator:
    """Beside a date-time a date is its midnight."""
    evaluator = _compile(tree, table)
    return (lambda subject: _instant_of(evaluator(subject))) if is_mixed else evaluator


def _instant_of(value: Value) -> Value:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value
