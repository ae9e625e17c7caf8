"""`$filter`: what a text means, and where a text is wrong."""

import bisect
import datetime
import decimal
import uuid

import pytest

from topcoat.core import errors
from topcoat.core.odata import dialect, expressions, lexer, parser, printer
from topcoat.core.odata.syntax import (
    And,
    Arithmetic,
    ArithmeticOperator,
    Boolean,
    Call,
    Column,
    Comparison,
    Date,
    DateTime,
    Decimal,
    Function,
    Guid,
    In,
    Integer,
    IsMemberOfSegment,
    Negate,
    Not,
    Null,
    Operator,
    Or,
    String,
)

A, B, C = Column("A"), Column("B"), Column("C")
ONE, TWO, THREE = Integer(1), Integer(2), Integer(3)
EQ, NE, GT, LT = Operator.EQ, Operator.NE, Operator.GT, Operator.LT
ADD, SUB, MUL = ArithmeticOperator.ADD, ArithmeticOperator.SUB, ArithmeticOperator.MUL


def equal(left, right):
    return Comparison(left, EQ, right)


def utc(*parts):
    return DateTime(datetime.datetime(*parts, tzinfo=datetime.UTC))


LITERALS = [
    ("null", Null()),
    ("true", Boolean(value=True)),
    ("False", Boolean(value=False)),
    ("''", String("")),
    ("'it''s'", String("it's")),
    ("'O’Brien'", String("O’Brien")),
    ("‘x’", String("x")),
    ("’x’", String("x")),
    ("′x′", String("x")),
    ("‘’", String("")),
    ("‘it’’s’", String("it’s")),
    ("‘it''s’", String("it''s")),
    ("'a and (b) & c=d;?'", String("a and (b) & c=d;?")),
    ("'🦀\t'", String("🦀\t")),
    ("0", Integer(0)),
    ("007", Integer(7)),
    ("-5", Integer(-5)),
    ("9223372036854775807", Integer(2**63 - 1)),
    ("-9223372036854775808", Integer(-(2**63))),
    ("9223372036854775808", Decimal(decimal.Decimal(2**63))),
    ("2.50", Decimal(decimal.Decimal("2.50"))),
    ("-1.5e-3", Decimal(decimal.Decimal("-0.0015"))),
    ("1E10", Decimal(decimal.Decimal(10**10))),
    ("2017-01-01", Date(datetime.date(2017, 1, 1))),
    ("2017-01-01T00:00:00.000Z", utc(2017, 1, 1)),
    ("2017-01-01T10:30Z", utc(2017, 1, 1, 10, 30)),
    ("2017-01-01t10:30:05z", utc(2017, 1, 1, 10, 30, 5)),
    ("2017-01-01T00:00:00+01:30", utc(2016, 12, 31, 22, 30)),
    ("2017-01-01T00:00:00-08:00", utc(2017, 1, 1, 8)),
    ("2017-01-01T00:00:00.1234567Z", utc(2017, 1, 1, 0, 0, 0, 123456)),
    ("ce759201-f786-d590-bf21-34bff576c369", Guid(uuid.UUID("ce759201f786d590bf2134bff576c369"))),
    ("12345678-F786-d590-bf21-34bff576c369", Guid(uuid.UUID("12345678f786d590bf2134bff576c369"))),
]


@pytest.mark.parametrize(("text", "literal"), LITERALS)
def test_a_literal_is_read_as_its_type(text, literal):
    assert parser.parse_filter(f"A eq {text}") == equal(A, literal)


TREES = [
    ("A", A),
    ("(A)", A),
    ("\t A  eq\t1 ", equal(A, ONE)),
    ("Größe_1 eq 1", equal(Column("Größe_1"), ONE)),
    ("date eq 1", equal(Column("date"), ONE)),
    ("asc eq 1", equal(Column("asc"), ONE)),
    ("A EQ 1 And NOT B", And((equal(A, ONE), Not(B)))),
    *((f"A {operator.value} 1", Comparison(A, operator, ONE)) for operator in Operator),
    *((f"A {operator.value} 1", Arithmetic(A, operator, ONE)) for operator in ArithmeticOperator),
    ("A or B or C", Or((A, B, C))),
    ("(A or B) or C", Or((Or((A, B)), C))),
    ("A and B or C", Or((And((A, B)), C))),
    ("A or B and C", Or((A, And((B, C))))),
    ("(A or B) and C", And((Or((A, B)), C))),
    ("A eq 1 and B gt 2", And((equal(A, ONE), Comparison(B, GT, TWO)))),
    ("not A and B", And((Not(A), B))),
    ("not not A", Not(Not(A))),
    ("not A eq B", equal(Not(A), B)),
    ("not (A eq B)", Not(equal(A, B))),
    ("not(A)", Not(A)),
    ("not A in (1)", Not(In(A, (ONE,)))),
    ("A eq B gt C", equal(A, Comparison(B, GT, C))),
    ("A gt B eq C", equal(Comparison(A, GT, B), C)),
    ("A eq B eq C", equal(equal(A, B), C)),
    ("A add 1 gt B mul 2", Comparison(Arithmetic(A, ADD, ONE), GT, Arithmetic(B, MUL, TWO))),
    ("1 add 2 mul 3", Arithmetic(ONE, ADD, Arithmetic(TWO, MUL, THREE))),
    ("(1 add 2) mul 3", Arithmetic(Arithmetic(ONE, ADD, TWO), MUL, THREE)),
    ("1 sub 2 sub 3", Arithmetic(Arithmetic(ONE, SUB, TWO), SUB, THREE)),
    ("1 sub (2 sub 3)", Arithmetic(ONE, SUB, Arithmetic(TWO, SUB, THREE))),
    ("-A", Negate(A)),
    ("- A mul 2", Arithmetic(Negate(A), MUL, TWO)),
    ("-(5)", Negate(Integer(5))),
    ("--5", Negate(Integer(-5))),
    ("1 sub -2", Arithmetic(ONE, SUB, Integer(-2))),
    ("A add B in (1)", Arithmetic(A, ADD, In(B, (ONE,)))),
    ("A in ('x', null ,2)", In(A, (String("x"), Null(), TWO))),
    ("A in('x')", In(A, (String("x"),))),
    ("tolower(A) eq 'x'", equal(Call(Function.TOLOWER, (A,)), String("x"))),
    ("CONTAINS ( A , 'x' )", Call(Function.CONTAINS, (A, String("x")))),
    ("substring(A, 1)", Call(Function.SUBSTRING, (A, ONE))),
    ("substring(A, 1, 2)", Call(Function.SUBSTRING, (A, ONE, TWO))),
    ("A lt now()", Comparison(A, LT, Call(Function.NOW, ()))),
    ("year(A) add 1 eq 2", equal(Arithmetic(Call(Function.YEAR, (A,)), ADD, ONE), TWO)),
    ("concat(concat(A, 'x'), B)", Call(Function.CONCAT, (Call(Function.CONCAT, (A, String("x"))), B))),
    ("length(trim(A)) gt 2", Comparison(Call(Function.LENGTH, (Call(Function.TRIM, (A,)),)), GT, TWO)),
    ("contains(A, 'x' ) eq (1 eq 1)", equal(Call(Function.CONTAINS, (A, String("x"))), equal(ONE, ONE))),
    ("IsMemberOfSegment('S')", IsMemberOfSegment("S")),
    ("not ismemberofsegment(‘Male under 40’)", Not(IsMemberOfSegment("Male under 40"))),
]


@pytest.mark.parametrize(("text", "tree"), TREES)
def test_a_filter_is_read_as_its_tree(text, tree):
    assert parser.parse_filter(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("A/Value eq true", equal(Column("A/Value"), Boolean(value=True))),
        ("A eq Microsoft.Dynamics.CRM.Kind'x''y'", equal(A, String("x'y"))),
        ("A/Value ne Microsoft.Dynamics.CRM.Kind'x' or B", Or((Comparison(Column("A/Value"), NE, String("x")), B))),
        ("A eq 'Microsoft.Dynamics.CRM.Kind' and (B)", And((equal(A, String("Microsoft.Dynamics.CRM.Kind")), B))),
    ],
)
def test_a_filter_of_definitions_has_paths_and_names_enumerations(text, tree):
    assert parser.parse_filter(text, dialect=dialect.DEFINITIONS) == tree


@pytest.mark.parametrize("text", ["A eq Microsoft.Dynamics.CRM.Kind", "A eq Other.Kind'x'", "A/B/C eq 1", "A/ eq 1"])
def test_what_is_no_name_of_an_enumeration_and_no_path_is_refused(text):
    with pytest.raises(errors.QuerySyntaxError):
        parser.parse_filter(text, dialect=dialect.DEFINITIONS)


def test_every_function_is_known_by_its_name():
    for function in Function:
        least, _ = expressions.ARGUMENTS[function]
        text = f"{function.value}({','.join('A' * least)})"

        assert parser.parse_filter(text) == Call(function, (A,) * least)


def test_a_column_knows_where_it_stood():
    tree = parser.parse_filter("A eq 1 and  Bcd eq 2")

    assert isinstance(tree, And)
    assert [term.left.position for term in tree.terms if isinstance(term, Comparison)] == [0, 12]


FAULTS = [
    ("", 0, "the end", "a column"),
    ("  ", 2, "the end", "a column"),
    ("A eq", 4, "the end", "a column"),
    ("A eq 1 and", 10, "the end", "a column"),
    ("A B", 2, "'B'", "an operator or the end"),
    ("A eq 1 B", 7, "'B'", "an operator or the end"),
    ("A eq 'x' 'y'", 9, "''y''", "an operator or the end"),
    ("and eq 1", 0, "'and'", "a column"),
    ("A eq 1 and and B", 11, "'and'", "a column"),
    ("A like 'x'", 2, "'like'", "an operator or the end"),
    ("A = 1", 2, "'='", "an operator or the end"),
    ("A == 1", 2, "'='", "an operator"),
    ("A eq 1;", 6, "';'", "an operator or the end"),
    ("$it eq 1", 0, "'$it'", "a column"),
    ("A/B eq 1", 1, "'/'", "an operator or the end"),
    ("A eq #", 5, "'#'", "a name, a literal or an operator"),
    ("A eq\n1", 4, "'�'", "a name, a literal or an operator"),
    ("A eq 'x", 5, "a string that does not end", "its closing '"),
    ("A eq 'x''", 5, "a string that does not end", "its closing '"),
    ("A eq 'a''b and C eq D", 5, "a string that does not end", "its closing '"),
    ("A eq ‘x'", 5, "a string that does not end", "its closing ‘"),
    ('A eq "x"', 5, "'\"'", "single quotes around a string"),
    ("(A eq 1", 7, "the end", "an operator or ')'"),
    ("((A)", 4, "the end", "an operator or ')'"),
    ("A eq 1)", 6, "')'", "an operator or the end"),
    ("()", 1, "')'", "a column"),
    ("A in 'x'", 5, "''x''", "'('"),
    ("A in ()", 6, "')'", "a literal"),
    ("A in (B)", 6, "'B'", "a literal"),
    ("A in (1,)", 8, "')'", "a literal"),
    ("A in (1 2)", 8, "'2'", "',' or ')'"),
    ("A in (1", 7, "the end", "',' or ')'"),
    ("5L eq A", 0, "'5L'", "a name"),
    ("A eq 1.", 5, "'1.'", "a name"),
    ("A eq 1.2.3", 5, "'1.2.3'", "a name"),
    ("A eq 1-2", 5, "'1-2'", "a name"),
    ("A eq 1e400", 5, "'1e400'", "a 64-bit float"),
    ("A eq 1e-400", 5, "'1e-400'", "a 64-bit float"),
    ("A eq 1e99999999999999999999", 5, "'1e99999999999999999999'", "a 64-bit float"),
    ("A eq " + "9" * 51, 5, "'" + "9" * 51 + "'", "at most 50 digits"),
    ("A eq " + "9" * 5000, 5, "9…'", "at most 50 digits"),
    ("A eq ٣", 5, "'٣'", "a name, a literal or an operator"),
    ("A eq 2017-1-1", 5, "'2017-1-1'", "a name"),
    ("A eq 2017-02-30", 5, "'2017-02-30'", "a date such as"),
    ("A eq 2017-01-01T00:00:00", 5, "'2017-01-01T00:00:00'", "a date-time with its offset"),
    ("A eq 2017-01-01T00:00:00 01:00", 5, "'2017-01-01T00:00:00'", "%2B"),
    ("A eq 2017-01-01TZ", 5, "'2017-01-01TZ'", "a date-time"),
    ("A eq 2017-01-01T24:00:00Z", 5, "'2017-01-01T24:00:00Z'", "a date-time"),
    ("A eq 2017-01-01T00:00:60Z", 5, "'2017-01-01T00:00:60Z'", "a date-time"),
    ("A eq 2017-13-01T00:00:00Z", 5, "'2017-13-01T00:00:00Z'", "a date-time"),
    ("A eq 2017-01-01T0000Z", 5, "'2017-01-01T0000Z'", "a date-time"),
    ("A eq 0000-01-01T00:00:00Z", 5, "'0000-01-01T00:00:00Z'", "a date-time"),
    ("A eq 0001-01-01T00:00:00+01:00", 5, "'0001-01-01T00:00:00+01:00'", "a date-time"),
    ("A eq 9999-12-31T23:59:59-01:00", 5, "'9999-12-31T23:59:59-01:00'", "a date-time"),
    ("A eq 12017-01-01T00:00:00Z", 5, "'12017-01-01T00:00:00Z'", "a name"),
    ("A eq datetime'2017-01-01'", 13, "''2017-01-01''", "an operator or the end"),
    ("A eq ce759201-f786-d590-bf21", 13, "'-'", "an operator or the end"),
    ("A eq 1 and soundex(B)", 11, "the function 'soundex'", "contains, startswith"),
    ("contains(A)", 0, "contains with 1", "2 arguments"),
    ("A or substring(A)", 5, "substring with 1", "2 or 3 arguments"),
    ("now(1)", 0, "now with 1", "0 arguments"),
    ("contains(A,)", 11, "')'", "a column"),
    ("contains(,A)", 9, "','", "a column"),
    ("contains(A 'x')", 11, "''x''", "an operator, ',' or ')'"),
    ("contains(A,'x'", 14, "the end", "an operator, ',' or ')'"),
    ("IsMemberOfSegment(S)", 18, "'S'", "the name of a segment in quotes"),
    ("IsMemberOfSegment(5)", 18, "'5'", "the name of a segment in quotes"),
    ("IsMemberOfSegment()", 18, "')'", "the name of a segment in quotes"),
    ("IsMemberOfSegment('S','T')", 21, "','", "')'"),
    ("A eq 'x\0'", 7, "the character U+0000", "without NUL"),
    ("A eq '\ud83d'", 6, "the character U+D83D", "unpaired surrogates"),
]


@pytest.mark.parametrize(("text", "position", "found", "expected"), FAULTS)
def test_a_faulty_filter_is_refused_with_the_place_of_the_fault(text, position, found, expected):
    with pytest.raises(errors.QuerySyntaxError) as caught:
        parser.parse_filter(text)

    assert (caught.value.parts["option"], caught.value.parts["position"]) == ("$filter", position)
    assert found in caught.value.parts["found"]
    assert expected in caught.value.parts["expected"]


def test_a_long_chain_is_one_flat_node():
    text = " or ".join(f"CustomerId eq 'c{number}'" for number in range(5000))

    tree = parser.parse_filter(text)

    assert isinstance(tree, Or)
    assert len(tree.terms) == 5000
    assert printer.print_expression(tree) == text


DEEP = {
    "parentheses": lambda levels: "(" * levels + "A" + ")" * levels,
    "calls": lambda levels: "tolower(" * levels + "A" + ")" * levels,
    "negations": lambda levels: "not " * levels + "A",
    "signs": lambda levels: "-" * levels + "A",
    "everything": lambda levels: "1 or 1 and 1 eq 1 gt 1 add 1 mul (" * levels + "A" + ")" * levels,
    "sums": lambda levels: "A" + " add A" * levels,
    "comparisons": lambda levels: "A" + " eq A" * levels,
    "memberships": lambda levels: "A" + " in (1)" * levels,
    "chains": lambda levels: "(" * levels + "A" + " or A)" * levels,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_nesting_ends_at_a_limit_below_that_of_the_interpreter(text):
    deepest = bisect.bisect_left(range(200), True, key=lambda levels: not _is_accepted(text(levels))) - 1

    assert lexer.DEPTH_MAX // 8 <= deepest <= lexer.DEPTH_MAX
    for levels in (deepest + 1, 2000):
        with pytest.raises(errors.QuerySyntaxError, match="nesting deeper than 100 levels"):
            parser.parse_filter(text(levels))


def _is_accepted(text):
    try:
        tree = parser.parse_filter(text)
    except errors.QuerySyntaxError:
        return False
    return parser.parse_filter(printer.print_expression(tree)) == tree and bool(repr(tree)) and hash(tree) is not None


def test_a_hundred_thousand_parentheses_are_refused_at_the_first_too_many():
    with pytest.raises(errors.QuerySyntaxError) as caught:
        parser.parse_filter("(" * 100_000)

    assert caught.value.parts["position"] == lexer.DEPTH_MAX


def test_a_filter_beyond_the_length_limit_is_refused():
    with pytest.raises(errors.OptionInvalid, match=r"\$filter has 200001 characters; at most 200000 are read"):
        parser.parse_filter("A" * (lexer.LENGTH_MAX + 1))


@pytest.mark.parametrize(
    ("start", "more", "end"),
    [("A", " or A", ""), ("A", " and A", ""), ("not (A", " or A", ") "), ("A in (1", ",1", ")")],
)
def test_as_many_terms_are_read_as_the_limit_says_and_no_more(start, more, end):
    parser.parse_filter(start + more * 9_999 + end)

    with pytest.raises(errors.QuerySyntaxError, match="found more than 10000 terms, expected at most 10000"):
        parser.parse_filter(start + more * 10_000 + end)


def test_the_items_of_a_list_are_terms_beside_others():
    parser.parse_filter("A or A in (1,2) or " + "A or " * 9_996 + "A")

    with pytest.raises(errors.QuerySyntaxError, match="found more than 10000 terms, expected at most 10000"):
        parser.parse_filter("A or A in (1,2) or " + "A or " * 9_997 + "A")


ALIASES = {"@x": "'it''s'", "@n": " 5 ", "@list": "('a', 'b')", "@S": "'S'"}


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("A eq @x", equal(A, String("it's"))),
        ("@n lt A", Comparison(Integer(5), LT, A)),
        ("A eq @missing", equal(A, Null())),
        ("A in (@x, 1, @n)", In(A, (String("it's"), ONE, Integer(5)))),
        ("A in @list and B", And((In(A, (String("a"), String("b"))), B))),
        ("IsMemberOfSegment(@S)", IsMemberOfSegment("S")),
    ],
)
def test_an_alias_stands_for_its_literal_and_a_missing_one_for_null(text, tree):
    assert parser.parse_filter(text, ALIASES) == tree


@pytest.mark.parametrize(
    ("text", "value", "option", "position"),
    [
        ("A eq @p", "B", "@p", 0),
        ("A eq @p", "", "@p", 0),
        ("A eq @p", "@q", "@p", 0),
        ("A eq @p", "1 or 1", "@p", 2),
        ("A eq @p", "'x", "@p", 0),
        ("A eq @p", '["x"]', "@p", 0),
        ("A in @p", "'x'", "@p", 0),
        ("A in @p", "('x',@q)", "@p", 5),
        ("A in @p", "@q", "@p", 0),
        ("A in @p", "('x') or 1", "@p", 6),
        ("A in @missing", "1", "$filter", 5),
        ("IsMemberOfSegment(@p)", "1", "$filter", 18),
        ("IsMemberOfSegment(@missing)", "1", "$filter", 18),
        ("@p(A)", "1", "$filter", 2),
    ],
)
def test_an_alias_that_is_no_literal_is_refused_at_its_own_place(text, value, option, position):
    with pytest.raises(errors.QuerySyntaxError) as caught:
        parser.parse_filter(text, {"@p": value, "@q": "1"})

    assert (caught.value.parts["option"], caught.value.parts["position"]) == (option, position)


def test_an_alias_cannot_blow_a_short_filter_up():
    with pytest.raises(errors.QuerySyntaxError, match="aliases for more than 200000 characters"):
        parser.parse_filter("A eq @p or " * 5000 + "A", {"@p": "'" + "x" * 1000 + "'"})
    with pytest.raises(errors.QuerySyntaxError, match="more than 10000 terms"):
        parser.parse_filter("A in @p or " * 20 + "A", {"@p": "(" + "1," * 999 + "1)"})
