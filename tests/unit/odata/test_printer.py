"""Trees as text, and back."""

import datetime
import decimal
import uuid

import pytest
from hypothesis import given

from tests.unit.odata.strategies import trees
from topcoat.core.odata import parser, printer, syntax


@given(trees)
def test_a_printed_tree_is_read_as_the_same_tree(tree):
    assert parser.parse_filter(printer.print_expression(tree)) == tree


MINIMAL = [
    "A or B and not C eq 1",
    "(A or B) and C",
    "(A or B) or C",
    "A sub B sub C",
    "A sub (B sub C)",
    "(A add B) mul C",
    "A eq B gt C",
    "not (A eq B)",
    "not A in (1, 'x', null)",
    "(not A) in (1)",
    "(A add B) in (1)",
    "-A mul -5",
    "-(5)",
    "-(A mul B)",
    "-(2017-01-01)",
    "-not A",
    "contains(tolower(A), 'it''s') eq true",
    "now() gt 2017-01-01T10:30:00.500000Z",
    "IsMemberOfSegment('O''Brien') or substring(A, 1, 2) eq ''",
    "A eq 1.0 or A eq 9223372036854775808 or A eq -1.5E+300",
]


@pytest.mark.parametrize("text", MINIMAL)
def test_no_parenthesis_is_printed_that_the_grammar_does_not_need(text):
    assert printer.print_expression(parser.parse_filter(text)) == text


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        (syntax.Null(), "null"),
        (syntax.String("it's"), "'it''s'"),
        (syntax.Integer(-5), "-5"),
        (syntax.Decimal(decimal.Decimal(5)), "5.0"),
        (syntax.Decimal(decimal.Decimal("5E+2")), "5E+2"),
        (syntax.Decimal(decimal.Decimal(2**63)), "9223372036854775808"),
        (syntax.Boolean(value=True), "true"),
        (syntax.DateTime(datetime.datetime(1, 2, 3, 4, 5, tzinfo=datetime.UTC)), "0001-02-03T04:05:00Z"),
        (syntax.Date(datetime.date(1, 2, 3)), "0001-02-03"),
        (syntax.Guid(uuid.UUID(int=10)), "00000000-0000-0000-0000-00000000000a"),
    ],
)
def test_a_literal_is_printed_as_it_is_written(literal, text):
    assert printer.print_literal(literal) == text


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("A eq 1", "not (A eq 1)"),
        ("A eq 1 and B eq 2", "not (A eq 1) and not (B eq 2)"),
        ("A eq 1 or not (B eq 2 and C)", "not (A eq 1) or not (not (B eq 2) and not C)"),
    ],
)
def test_each_condition_of_a_tree_is_replaced_whatever_joins_it(text, negated):
    changed = syntax.transform_conditions(parser.parse_filter(text), syntax.Not)

    assert printer.print_expression(changed) == printer.print_expression(parser.parse_filter(negated))
