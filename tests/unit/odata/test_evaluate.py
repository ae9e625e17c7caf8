"""What a question means for a record (S26), as tables of examples and as rules."""

import datetime
import decimal
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from tests.unit.odata import strategies
from tests.unit.odata.asking import RECORD, value_of, verdict
from tests.unit.odata.strategies import TABLE
from topcoat.core import catalog, errors
from topcoat.core.catalog import ColumnType
from topcoat.core.odata import binding, evaluate, functions, parser, printer, syntax
from topcoat.core.odata.evaluate import Subject
from topcoat.core.odata.syntax import Operator
from topcoat.core.odata.value_types import ValueType, type_of

COMPARISONS = [
    ("Text eq 'Straße 7'", True),
    ("Text eq 'straße 7'", False),
    ("'Z' lt 'a'", True),
    ("'\uffff' lt '🦀'", True),
    ("'ab' gt 'a'", True),
    ("Number eq 0.1", True),
    ("Number eq 0.10000000000000001", False),
    ("Number lt 0.10000000000000001", True),
    ("2 eq 2.0", True),
    ("Whole eq 7.0", True),
    ("9 lt 10", True),
    ("Whole lt 10", True),
    ("9007199254740993 gt 9007199254740992.0", True),
    ("9223372036854775807 lt 9223372036854775808", True),
    ("Whole ge 7 and Whole le 7 and Whole gt 6 and Whole lt 8", True),
    ("Day eq 2026-02-28", True),
    ("Day eq 2026-02-28T00:00:00Z", True),
    ("Day lt 2026-02-28T00:00:00.000001Z", True),
    ("Instant gt 2026-02-28", True),
    ("Instant eq 2026-02-28T11:30:05.25+01:00", True),
    ("Instant gt 2026-02-28T10:30:05Z", True),
    ("Instant gt Day", True),
    ("Day in (2026-02-28T00:00:00Z)", True),
    ("2026-02-28T00:00:00Z in (2026-02-28, 2026-02-28T01:00:00Z)", True),
    ("Instant in (2026-02-28)", False),
    ("now() eq 2026-11-24T12:00:00Z", True),
    ("Flag eq true", True),
    ("Flag ne (1 eq 1)", False),
    ("Text in ('x', 'Straße 7')", True),
    ("Text in ('x')", False),
    ("Whole in (1.0, 7.0)", True),
    ("Flag in (false)", False),
]


@pytest.mark.parametrize(("text", "expected"), COMPARISONS)
def test_values_are_compared_as_what_they_are(text, expected):
    assert value_of(text) is expected


NULLS = [
    ("Text eq null", True),
    ("null eq null", True),
    ("Text eq 'x'", False),
    ("Text ne 'x'", True),
    ("Text ne null", False),
    ("null ne 5", True),
    *((f"Whole {operator} 5", False) for operator in ("gt", "ge", "lt", "le")),
    *((f"5 {operator} Whole", False) for operator in ("gt", "ge", "lt", "le")),
    *((f"Whole {operator} null", False) for operator in ("gt", "ge", "lt", "le")),
    ("Text in ('x')", False),
    ("Text in ('x', null)", True),
    ("Instant in (2026-01-01, null)", True),
    ("Instant eq Day", True),
    ("not (Text eq 'x')", True),
    ("not (Whole gt 5)", True),
    ("contains(Text, 'x')", None),
    ("contains('x', null)", None),
    ("not contains(Text, 'x')", None),
    ("contains(Text, 'x') eq null", True),
    ("contains(Text, 'x') eq false", False),
    ("Flag", None),
    ("Flag eq false", False),
    ("not null", None),
    ("not Flag", None),
    ("concat(Text, 'x')", None),
    ("substring('abc', null)", None),
    ("substring('abc', 1, null)", None),
    ("year(Day)", None),
    ("hour(Instant)", None),
    ("1 add Whole", None),
    ("-Whole", None),
    ("null", None),
]


@pytest.mark.parametrize("record", [{}, dict.fromkeys(RECORD)], ids=["missing", "null"])
@pytest.mark.parametrize(("text", "expected"), NULLS)
def test_null_equals_null_only_and_functions_of_null_are_null(text, expected, record):
    assert value_of(text, record) is expected


LOGIC = {
    ("true", "true"): ("true", "true"),
    ("true", "false"): ("false", "true"),
    ("true", "null"): ("null", "true"),
    ("false", "false"): ("false", "false"),
    ("false", "null"): ("false", "null"),
    ("null", "null"): ("null", "null"),
}
WORDS = {"true": True, "false": False, "null": None}


@pytest.mark.parametrize(("terms", "expected"), LOGIC.items())
def test_and_and_or_are_three_valued(terms, expected):
    for left, right in (terms, terms[::-1]):
        assert value_of(f"{left} and {right}") is WORDS[expected[0]]
        assert value_of(f"{left} or {right}") is WORDS[expected[1]]


FUNCTIONS = [
    ("contains(Text, 'aß')", True),
    ("contains(Text, 'SS')", False),
    ("contains(Text, '')", True),
    ("contains('a%b', '%')", True),
    ("startswith(Text, 'Str')", True),
    ("startswith(Text, 'str')", False),
    ("endswith(Text, ' 7')", True),
    ("endswith('x', 'xx')", False),
    ("tolower('ÀÉ')", "àé"),
    ("toupper(Text)", "STRASSE 7"),
    ("trim(' \t x \u00a0')", "x"),
    ("length(Text)", 8),
    ("length('🦀')", 1),
    ("length('')", 0),
    ("concat('a', Text)", "aStraße 7"),
    ("indexof(Text, 'ß')", 4),
    ("indexof(Text, 'x')", -1),
    ("indexof(Text, '')", 0),
    ("substring(Text, 0)", "Straße 7"),
    ("substring(Text, 2)", "raße 7"),
    ("substring(Text, 99)", ""),
    ("substring(Text, -5)", "Straße 7"),
    ("substring(Text, 2, 3)", "raß"),
    ("substring(Text, 2, 99)", "raße 7"),
    ("substring(Text, 2, 0)", ""),
    ("substring(Text, 2, -1)", ""),
    ("substring(Text, -2, 2)", "St"),
    ("substring('🦀x', 1)", "x"),
    ("year(Day)", 2026),
    ("month(Day)", 2),
    ("day(Day)", 28),
    ("year(2025-12-31T23:30:00-01:00)", 2026),
    ("hour(Instant)", 10),
    ("minute(Instant)", 30),
    ("second(Instant)", 5),
    ("date(Instant)", datetime.date(2026, 2, 28)),
    ("now()", make.NOW),
]


@pytest.mark.parametrize(("text", "expected"), FUNCTIONS)
def test_a_function_gives_what_odata_says(text, expected):
    found = value_of(text)

    assert (type(found), found) == (type(expected), expected)


def test_a_text_that_grows_beyond_the_limit_is_null():
    longest = {"Text": "x" * functions.TEXT_LENGTH_MAX}

    assert value_of("length(concat(Text, ''))", longest) == functions.TEXT_LENGTH_MAX
    assert value_of("concat(Text, 'x')", longest) is None


def test_a_segment_is_asked_of_the_subject():
    assert value_of("IsMemberOfSegment('Gold')", segments=["Gold"]) is True
    assert value_of("not IsMemberOfSegment('gold')", segments=["Gold"]) is True


ODD = [
    ("Text", 5, None),
    ("Text", 1.5, None),
    ("Text", True, None),
    ("Text", ["é", {"a": None}], None),
    ("Whole", "5", None),
    ("Whole", True, None),
    ("Whole", 1.5, decimal.Decimal("1.5")),
    ("Number", 5, decimal.Decimal(5)),
    ("Number", "5", None),
    ("Number", False, None),
    ("Number", math.nan, None),
    ("Number", math.inf, None),
    ("Number", 1e23, decimal.Decimal("1e23")),
    ("Flag", 1, None),
    ("Flag", "true", None),
    ("Day", "2026-02-28T00:00:00Z", None),
    ("Day", "2026-W01-1", None),
    ("Day", "20260228", None),
    ("Day", "2026-02-30", None),
    ("Day", 5, None),
    ("Instant", "2026-02-28", None),
    ("Instant", "2026-02-28T10:00:00", None),
    ("Instant", "2026-02-28T10:00:00.5Z", None),
    ("Instant", "2026-02-30T10:00:00Z", None),
    ("Instant", 5, None),
]


@pytest.mark.parametrize(("column", "stored", "expected"), ODD)
def test_what_does_not_fit_its_column_is_null(column, stored, expected):
    assert value_of(column, {column: stored}) == expected


@given(strategies.fitting["Instant"] | strategies.fitting["Day"])
def test_a_canonical_time_is_read_as_the_instant_it_names(text):
    column = "Instant" if "T" in text else "Day"

    assert value_of(column, {column: text}) == (
        catalog.parse_instant(text) if "T" in text else datetime.date.fromisoformat(text)
    )


KINDS = {
    ValueType.NULL: (type(None),),
    ValueType.STRING: (str,),
    ValueType.INTEGER: (int, decimal.Decimal),
    ValueType.DECIMAL: (int, decimal.Decimal),
    ValueType.BOOLEAN: (bool,),
    ValueType.DATE: (datetime.date,),
    ValueType.DATE_TIME: (datetime.datetime,),
}


@given(strategies.values, strategies.odd_subjects)
def test_a_bound_tree_gives_a_value_of_its_type_or_null_for_any_record(tree, subject):
    bound = binding.bind_expression(tree, TABLE, option="$orderby")

    found = evaluate.compile_value(bound, TABLE)(subject)

    assert found is None or type(found) in KINDS[type_of(bound, TABLE)]
    evaluate.order_key([found], [True])


@given(strategies.trees, strategies.odd_subjects)
def test_whatever_binding_lets_through_is_evaluated(tree, subject):
    try:
        bound = binding.bind_filter(tree, TABLE)
    except errors.BadInput:
        return
    assert type(evaluate.compile_filter(bound, TABLE)(subject)) in (bool, type(None))


@pytest.mark.parametrize("deep", ["not (" * 45 + "Flag" + ")" * 45, "Whole" + " add 1" * 98 + " eq 105"])
def test_the_highest_trees_are_evaluated(deep):
    assert value_of(deep) in (True, False)


def test_ten_thousand_terms_are_evaluated():
    terms = [f"Text eq '{number}'" for number in range(10_000)]

    assert value_of(" or ".join(terms), {"Text": "9999"}) is True
    assert value_of(" or ".join(terms), {"Text": "x"}) is False


@given(strategies.conditions, strategies.subjects)
def test_a_negation_is_the_opposite_and_null_of_null(tree, subject):
    found = verdict(tree, subject)

    assert verdict(syntax.Not(tree), subject) is (None if found is None else not found)


@given(st.lists(strategies.conditions, min_size=2, max_size=4), strategies.subjects)
def test_the_order_of_terms_does_not_matter_and_and_is_the_dual_of_or(terms, subject):
    found = verdict(syntax.And(tuple(terms)), subject)

    assert verdict(syntax.And(tuple(reversed(terms))), subject) is found
    assert verdict(syntax.Not(syntax.Or(tuple(map(syntax.Not, terms)))), subject) is found


comparable_pairs = st.one_of(
    *(st.tuples(sides, sides) for sides in (strategies.strings, strategies.numbers, strategies.dates))
)


@given(comparable_pairs, strategies.subjects)
def test_exactly_one_of_less_equal_and_greater_holds_unless_one_side_is_null(pair, subject):
    left, right = pair
    found = {o: verdict(syntax.Comparison(left, o, right), subject) for o in Operator}
    swapped = {o: verdict(syntax.Comparison(right, o, left), subject) for o in Operator}
    is_null = [verdict(syntax.Comparison(side, Operator.EQ, syntax.Null()), subject) for side in pair]

    assert found[Operator.NE] is not found[Operator.EQ]
    if any(is_null):
        assert found[Operator.EQ] is all(is_null)
        assert not any(found[o] for o in (Operator.GT, Operator.GE, Operator.LT, Operator.LE))
    else:
        assert [found[Operator.LT], found[Operator.EQ], found[Operator.GT]].count(True) == 1
        assert found[Operator.GE] is not found[Operator.LT]
        assert found[Operator.LE] is not found[Operator.GT]
    assert found[Operator.LT] is swapped[Operator.GT]
    assert found[Operator.LE] is swapped[Operator.GE]


memberships = st.one_of(
    strategies.listed(strategies.strings, strategies.string_literals),
    strategies.listed(strategies.numbers, strategies.number_literals),
    strategies.listed(strategies.dates, strategies.date_literals),
)


@given(memberships, strategies.subjects)
def test_a_membership_is_a_chain_of_eq(tree, subject):
    chain = [verdict(syntax.Comparison(tree.left, Operator.EQ, item), subject) for item in tree.items]

    assert verdict(tree, subject) is any(chain)


@given(strategies.conditions, strategies.subjects, strategies.records)
def test_only_the_columns_of_a_tree_matter(tree, subject, other):
    read = evaluate.columns_of(tree)
    record = {n: v for n, v in other.items() if n not in read} | {n: v for n, v in subject.record.items() if n in read}

    assert verdict(tree, Subject(record, subject.now, subject.segments)) is verdict(tree, subject)


def test_a_tree_knows_its_columns_and_segments():
    tree = parser.parse_filter(
        "A eq 1 and not (B in (1)) or -C add D gt 1 and IsMemberOfSegment('S') and contains(E, concat(F, 'x'))"
    )

    assert evaluate.columns_of(tree) == set("ABCDEF")
    assert evaluate.segments_of(tree) == {"S"}
    assert evaluate.uses_segments(tree)
    assert not evaluate.uses_segments(parser.parse_filter("A eq 'IsMemberOfSegment'"))


def test_a_tree_is_walked_a_node_before_its_operands():
    walked = syntax.walk(parser.parse_filter("A gt 1 and not B"))

    assert [type(node).__name__ for node in walked] == ["And", "Comparison", "Column", "Integer", "Not", "Column"]


@pytest.mark.parametrize("type_", ColumnType)
def test_a_column_of_every_type_can_be_asked_for_null(type_):
    table = make.table_of(type_)
    tree = binding.bind_filter(parser.parse_filter("value eq null"), table)

    assert evaluate.compile_filter(tree, table)(Subject({}, make.NOW)) is True


@given(strategies.conditions, strategies.subjects)
def test_a_printed_condition_means_the_same(tree, subject):
    bound = binding.bind_filter(tree, TABLE)

    assert verdict(parser.parse_filter(printer.print_expression(bound)), subject) is verdict(tree, subject)


def test_a_guid_that_was_never_bound_is_its_text():
    tree = parser.parse_filter("Text eq CE759201-F786-d590-bf21-34bff576c369")
    subject = Subject({"Text": "ce759201-f786-d590-bf21-34bff576c369"}, make.NOW)

    assert evaluate.compile_filter(tree, TABLE)(subject) is True
