"""What fits a table, and what is refused before any record is read."""

import datetime

import pytest
from hypothesis import given

from tests import make
from tests.unit.odata import strategies
from tests.unit.odata.strategies import TABLE
from topcoat.core import errors
from topcoat.core.catalog import Column, Table
from topcoat.core.odata import binding, parser, printer, syntax
from topcoat.core.odata.value_types import ValueType, type_of

ACTIVITIES = make.source_table()


def bound(text):
    return binding.bind_filter(parser.parse_filter(text), TABLE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text eq 'x'", "Text eq 'x'"),
        ("TEXT in ('x', null) or not FLAG", "Text in ('x', null) or not Flag"),
        ("contains(tolower(text), 'x') and flag", "contains(tolower(Text), 'x') and Flag"),
        ("-whole add NUMBER gt 1", "-Whole add Number gt 1"),
        ("Text eq CE759201-F786-d590-bf21-34bff576c369", "Text eq 'ce759201-f786-d590-bf21-34bff576c369'"),
        ("Text in (CE759201-F786-d590-bf21-34bff576c369)", "Text in ('ce759201-f786-d590-bf21-34bff576c369')"),
        ("IsMemberOfSegment('S')", "IsMemberOfSegment('S')"),
    ],
)
def test_a_bound_tree_has_the_spelling_of_the_table_and_no_guid(text, expected):
    assert printer.print_expression(bound(text)) == expected


ACCEPTED = [
    "Flag",
    "true",
    "not Flag",
    "Flag and null",
    "Flag eq (Text eq 'x')",
    "Flag ne null",
    "Flag in (true, null)",
    "null eq null",
    "null gt 5",
    "Text gt Text",
    "Text eq null",
    "null in ('x', 5)",
    "Whole eq 2.0",
    "Number lt Whole",
    "Whole in (1, 2.5, null)",
    "Whole div Number mod 2 sub -Whole ge 0",
    "1 add null eq 2",
    "Day eq 2026-01-01",
    "Day lt 2026-01-01T00:00:00Z",
    "Instant ge 2026-01-01",
    "Instant ge Day",
    "Instant in (2026-01-01, 2026-01-01T12:00:00Z)",
    "date(Instant) eq Day",
    "year(Day) eq month(Instant)",
    "hour(Instant) eq minute(now())",
    "second(null) eq null",
    "length(trim(Text)) eq indexof(Text, 'x')",
    "substring(Text, Whole, null) eq concat(Text, toupper(Text))",
    "startswith(Text, 'x') eq endswith(Text, null)",
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_types_that_fit_are_accepted(text):
    assert type_of(bound(text), TABLE) is ValueType.BOOLEAN


DATE = "a date such as 2026-12-24 without quotes"
DATE_TIME = "a date-time such as 2026-12-24T18:00:00Z without quotes"
CONDITION = "true, false or a condition"

REFUSED = [
    ("Text eq 5", 5, "the number 5 beside the string column Text", "a string in single quotes"),
    ("5.5 eq Text", 4, "the number 5.5 beside the string column Text", "a string in single quotes"),
    ("Text eq Whole", 8, "the integer column Whole beside the string column Text", "a string in single quotes"),
    ("Whole eq 'x'", 6, "the string 'x' beside the integer column Whole", "a number"),
    ("'x' eq 5", 4, "the number 5 beside the string 'x'", "a string in single quotes"),
    ("Whole gt Day", 9, "the date column Day beside the integer column Whole", "a number"),
    ("Number eq true", 7, "the boolean true beside the decimal column Number", "a number"),
    ("Instant gt '2026'", 8, "the string '2026' beside the date-time column Instant", DATE_TIME),
    ("Day gt '2026'", 4, "the string '2026' beside the date column Day", DATE),
    ("now() gt '2026'", 6, "the string '2026' beside the date-time that now gives", DATE_TIME),
    ("Instant gt 2026", 8, "the number 2026 beside the date-time column Instant", DATE_TIME),
    ("Text eq 2026-01-01", 5, "the date 2026-01-01 beside the string column Text", "a string in single quotes"),
    ("Whole eq '" + "x" * 999 + "'", 6, "the string 'xxx", "a number"),
    ("Flag eq 'true'", 5, "the string 'true' beside the boolean column Flag", CONDITION),
    ("Flag eq ce759201-f786-d590-bf21-34bff576c369", 5, "the string 'ce759201", CONDITION),
    ("1 add 1 eq 'x'", 8, "the string 'x' beside a number", "a number"),
    ("(Text eq 'x') eq 5", 14, "the number 5 beside a condition", CONDITION),
    ("Flag gt true", 5, "'gt' between booleans", "'eq' or 'ne'"),
    ("null lt Flag", 5, "'lt' between booleans", "'eq' or 'ne'"),
    ("Flag le null", 5, "'le' between booleans", "'eq' or 'ne'"),
    ("Text in ('x', 5)", 5, "the number 5 beside the string column Text", "a string in single quotes"),
    ("5 in ('x')", 2, "the string 'x' beside the number 5", "a number"),
    ("Whole in (1, true)", 6, "the boolean true beside the integer column Whole", "a number"),
    ("Flag and Text", 9, "the string column Text", CONDITION),
    ("5 or Flag", 2, "the number 5", CONDITION),
    ("Flag and not Text", 13, "the string column Text", CONDITION),
    ("Flag and not 5", 9, "the number 5", CONDITION),
    ("Flag or length(Text)", 8, "the integer that length gives", CONDITION),
    ("-Text eq 1", 1, "the string column Text", "a number"),
    ("Whole add 'x' eq 1", 6, "the string 'x'", "a number"),
    ("Whole add Flag eq 1", 10, "the boolean column Flag", "a number"),
    ("Day add 1 eq 1", 0, "the date column Day", "a number"),
    ("contains(Text, 5)", 0, "the number 5", "a string in contains"),
    ("Flag or contains(Whole, 'x')", 17, "the integer column Whole", "a string in contains"),
    ("length(1 add 1) eq 1", 9, "a number", "a string in length"),
    ("substring(Text, 1.5) eq ''", 0, "the number 1.5", "a whole number in substring"),
    ("substring(Text, 1, Number) eq ''", 19, "the decimal column Number", "a whole number in substring"),
    ("substring(Text, -Number) eq ''", 16, "a number", "a whole number in substring"),
    ("year(Text) eq 1", 5, "the string column Text", "a date or a date-time in year"),
    ("hour(Day) eq 1", 5, "the date column Day", "a date-time in hour"),
    ("date(Day) eq Day", 5, "the date column Day", "a date-time in date"),
    ("Text", 0, "the string column Text", "a condition such as Text ne null"),
    ("trim(Text)", 0, "the string that trim gives", "a condition such as CustomerId ne null"),
    ("Whole add 1", 6, "a number", "a condition such as CustomerId ne null"),
]


@pytest.mark.parametrize(("text", "position", "found", "expected"), REFUSED)
def test_types_that_do_not_fit_are_refused_where_they_stand(text, position, found, expected):
    with pytest.raises(errors.QuerySyntaxError) as caught:
        bound(text)

    assert (caught.value.parts["option"], caught.value.parts["position"]) == ("$filter", position)
    assert caught.value.parts["found"].startswith(found)
    assert caught.value.parts["expected"] == expected
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("null", "is null; expected a condition such as CustomerId ne null"),
        ("'Text'", "is the string 'Text'; expected a condition such as CustomerId ne null"),
        ("2026-01-01T00:00:00Z", "is the date-time 2026-01-01T00:00:00Z; expected a condition"),
    ],
)
def test_a_literal_is_no_filter(text, reason):
    with pytest.raises(errors.OptionInvalid, match=rf"^\$filter {reason}"):
        bound(text)


def test_an_unknown_column_is_refused_with_the_nearest_one():
    with pytest.raises(errors.UnknownColumn, match=r"no column 'Numbr' \(did you mean 'Number'\?\)"):
        bound("Flag or Numbr eq 1")


def test_a_column_that_only_case_tells_from_another_wants_its_own_spelling():
    table = make.table(columns=(Column("City"), Column("CITY")))

    assert binding.bind_filter(parser.parse_filter("CITY eq 'x'"), table) == parser.parse_filter("CITY eq 'x'")
    with pytest.raises(errors.UnknownColumn):
        binding.bind_filter(parser.parse_filter("city eq 'x'"), table)


def test_segments_have_customers_only():
    with pytest.raises(errors.QuerySyntaxError) as caught:
        binding.bind_filter(parser.parse_filter("Currency eq 'EUR' or IsMemberOfSegment('S')"), ACTIVITIES)

    assert caught.value.parts["position"] == 21
    assert "columns of PoS_posPurchases, because only customers are in segments" in caught.value.parts["expected"]


def test_the_option_at_fault_is_named():
    with pytest.raises(errors.QuerySyntaxError) as caught:
        binding.bind_filter(parser.parse_filter("Text eq 5"), TABLE, option="$expand")

    assert caught.value.target == "$expand"


def test_an_order_may_have_keys_of_any_type():
    keys = parser.parse_orderby("text desc,length(TEXT),Flag,contains(Text,'x') desc,now(),5")

    assert binding.bind_orderby(keys, TABLE) == parser.parse_orderby(
        "Text desc,length(Text),Flag,contains(Text,'x') desc,now(),5"
    )


def test_null_orders_nothing():
    with pytest.raises(errors.OptionInvalid, match=r"\$orderby is null; expected a column or an expression"):
        binding.bind_orderby(parser.parse_orderby("Text,@missing"), TABLE)


def test_a_faulty_key_is_refused_where_it_stands():
    with pytest.raises(errors.QuerySyntaxError, match=r"In \$orderby, at position 12: found the integer column Whole"):
        binding.bind_orderby(parser.parse_orderby("Text,length(Whole)"), TABLE)


def test_ten_thousand_terms_are_bound():
    text = " or ".join(f"text eq '{number}'" for number in range(10_000))

    assert bound(text) == parser.parse_filter(text.replace("text", "Text"))


def test_a_column_is_asked_for_its_type_once_however_high_the_sum_above_it(monkeypatch):
    asked = []
    get_column = Table.get_column
    monkeypatch.setattr(Table, "get_column", lambda table, name: asked.append(name) or get_column(table, name))

    bound("Whole" + " add 1" * 90 + " eq 5")

    assert len(asked) <= 3


def test_a_date_among_date_times_is_left_as_it_is_written():
    tree = bound("Instant eq 2026-01-01")

    assert isinstance(tree, syntax.Comparison)
    assert tree.right == syntax.Date(datetime.date(2026, 1, 1))


@given(strategies.conditions)
def test_what_fits_is_bound_to_the_same_tree_again(tree):
    once = binding.bind_filter(tree, TABLE)

    assert binding.bind_filter(once, TABLE) == once
    assert binding.bind_filter(parser.parse_filter(printer.print_expression(once)), TABLE) == once
