"""Another reader of `$filter`, the package odata-query, takes the same text for the same condition (S24, S26).

Its tree is evaluated here, because what it makes of it in SQL leaves out parentheses and does not escape wildcards.
What it is not asked about: `in` with one item, years before 1000, segments, which are
the vendor's own, patterns, which are Dataverse's, and nulls, for which OData 4.01 has other rules than SQL.
"""

import operator
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, note
from odata_query import ast, exceptions
from odata_query.grammar import ODataLexer, ODataParser

from tests import make
from tests.parity import crowds, questions
from tests.parity.worlds import CUSTOMERS
from topcoat.core.catalog import CUSTOMER_ID, Document
from topcoat.core.odata import arithmetic, binding, evaluate, parser, printer, syntax
from topcoat.core.odata.column_values import READERS
from topcoat.core.odata.evaluate import Subject
from topcoat.core.odata.syntax import ArithmeticOperator, Expression, Function

RECORDS: list[Document] = [
    {CUSTOMER_ID: i, **document}
    for i, document in crowds.crowd().generations[0].profiles.items()
    if len(document) == len(CUSTOMERS.columns) - 1
]
COMPARISONS: dict[type, Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, items: left in items,
}
CALLS: dict[str, Callable[..., Any]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "tolower": str.lower,
    "toupper": str.upper,
    "trim": str.strip,
    "length": len,
    "concat": operator.add,
    "indexof": str.find,
    "substring": lambda text, start, length: text[max(start, 0) : max(start, 0) + max(length, 0)],
    "date": datetime.date,
}
SUMS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Mod: "mod"}


def is_asked(tree: Expression) -> bool:
    return all(map(_is_asked, _everything(tree)))


def _everything(tree: Expression) -> Iterator[Expression]:
    for node in syntax.walk(tree):
        yield node
        if isinstance(node, syntax.In):
            yield from node.items


def _is_asked(node: Expression) -> bool:
    match node:
        case syntax.Null() | syntax.IsMemberOfSegment() | syntax.Like() | syntax.Call(Function.NOW):
            return False
        case syntax.Date(value) | syntax.DateTime(value):
            return value.year >= 1000
        case syntax.In(_, items):
            return len(items) > 1
        case _:
            return True


def opinion(node: Any, record: Document) -> Any:  # noqa: PLR0911 - one for each kind
    match node:
        case ast.Identifier(name):
            return READERS[CUSTOMERS.columns_by_name[name].type](record[name])
        case ast.Compare(comparator, left, right):
            return _compared(comparator, opinion(left, record), opinion(right, record))
        case ast.BoolOp(op, left, right):
            either = any if isinstance(op, ast.Or) else all
            return either((opinion(left, record), opinion(right, record)))
        case ast.UnaryOp(op, operand):
            value = opinion(operand, record)
            return not value if isinstance(op, ast.Not) else arithmetic.negate(value)
        case ast.BinOp(op, left, right):
            sides = opinion(left, record), opinion(right, record)
            return None if None in sides else arithmetic.calculate(ArithmeticOperator(SUMS[type(op)]), *sides)
        case ast.Call(function, arguments):
            return CALLS[function.name](*(opinion(argument, record) for argument in arguments))
        case ast.List(items):
            return [opinion(item, record) for item in items]
        case ast.Float(digits):
            return Decimal(digits)
        case ast.GUID(digits):
            return digits.lower()
        case _:
            return node.py_val


def _compared(comparator: Any, left: Any, right: Any) -> bool:
    """Beside a date-time a date is its midnight."""
    items = right if isinstance(right, list) else [right]
    if any(isinstance(side, datetime) for side in (left, *items)):
        left, *items = map(_instant, (left, *items))
        right = items if isinstance(right, list) else items[0]
    if (left is None or right is None) and not isinstance(comparator, ast.Eq | ast.NotEq | ast.In):
        return False
    return COMPARISONS[type(comparator)](left, right)


def _instant(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value


def second_tree(text: str) -> Any:
    return ODataParser().parse(ODataLexer().tokenize(text))


def found_by_core(text: str) -> list[str]:
    tree = binding.bind_filter(parser.parse_filter(text), CUSTOMERS)
    holds = evaluate.compile_filter(tree, CUSTOMERS)
    return [record[CUSTOMER_ID] for record in RECORDS if holds(Subject(record, make.NOW)) is True]


@given(questions.filters(CUSTOMERS).filter(is_asked))
def test_a_second_reader_finds_the_same_records(tree: Expression) -> None:
    text = printer.print_expression(tree)
    note(text)

    second = second_tree(text)

    assert [record[CUSTOMER_ID] for record in RECORDS if opinion(second, record)] == found_by_core(text)


@pytest.mark.parametrize(
    "text",
    [
        "Points add 2 mul 3 eq 15 or Points eq 0 and OptIn",
        "not (Points eq 5) and not OptIn or Points sub 1 sub 1 lt 0",
        "(Points add 1) mul 2 gt Points add 1 mul 2",
        "not OptIn eq (Points gt 5)",
        "Points gt 1 eq true",
        "-Points lt 0 and Points in (5, 120)",
        "Name eq 'O''Brien' or contains(Name,'%') or endswith(tolower(Name),'is')",
    ],
)
def test_a_second_reader_binds_operators_as_strongly(text: str) -> None:
    second = second_tree(text)

    assert [record[CUSTOMER_ID] for record in RECORDS if opinion(second, record)] == found_by_core(text)


@pytest.mark.parametrize("text", ["Born gt 0999-12-31", "Points in (5)", "IsMemberOfSegment('Gold')"])
def test_what_a_second_reader_is_not_asked_about_it_still_cannot_read(text: str) -> None:
    """When this fails it has learnt something, and can be asked more."""
    with pytest.raises(exceptions.ODataException):
        second_tree(text)
