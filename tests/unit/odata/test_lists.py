"""`$orderby`, `$select`, `$search`, `$expand`, and the plain options."""

import pytest

from topcoat.core import errors
from topcoat.core.odata import parser, search
from topcoat.core.odata.syntax import (
    Call,
    Column,
    Comparison,
    Expand,
    ExpandOptions,
    Function,
    Integer,
    Operator,
    OrderBy,
    SearchAnd,
    SearchNot,
    SearchOr,
    SearchPhrase,
    SearchTerm,
)

ADA, BOB, CY = SearchTerm("ada"), SearchTerm("bob"), SearchTerm("cy")


def assert_refused(parse, text, option, position, expected):
    with pytest.raises(errors.QuerySyntaxError) as caught:
        parse(text)

    assert (caught.value.parts["option"], caught.value.parts["position"]) == (option, position)
    assert expected in caught.value.parts["expected"]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("ActivityTime", (OrderBy(Column("ActivityTime")),)),
        ("ActivityTime asc", (OrderBy(Column("ActivityTime")),)),
        (" ActivityTime  DESC ", (OrderBy(Column("ActivityTime"), descending=True),)),
        ("A desc,B, C asc", (OrderBy(Column("A"), descending=True), OrderBy(Column("B")), OrderBy(Column("C")))),
        ("desc desc", (OrderBy(Column("desc"), descending=True),)),
        ("length(A) desc", (OrderBy(Call(Function.LENGTH, (Column("A"),)), descending=True),)),
        ("@n", (OrderBy(Integer(5)),)),
    ],
)
def test_an_order_is_read_as_its_keys(text, keys):
    assert parser.parse_orderby(text, {"@n": "5"}) == keys


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 0, "a column"),
        ("A,", 2, "a column"),
        ("A up", 2, "an operator, ',' or the end"),
        ("A desc asc", 7, "an operator, ',' or the end"),
        ("A;B", 1, "an operator, ',' or the end"),
        (",".join("A" * 33), 64, "at most 32"),
    ],
)
def test_a_faulty_order_is_refused_with_the_place_of_the_fault(text, position, expected):
    assert_refused(parser.parse_orderby, text, "$orderby", position, expected)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("CustomerId,FullName", ("CustomerId", "FullName")),
        (" CustomerId , fullname", ("CustomerId", "fullname")),
        ("*", None),
        ("FullName,*", None),
    ],
)
def test_a_selection_is_read_as_its_names_and_a_star_as_all(text, names):
    assert parser.parse_select(text) == names


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 0, "the name of a column or '*'"),
        ("A,,B", 2, "the name of a column or '*'"),
        ("A B", 2, "',' or the end"),
        ("A/B", 1, "',' or the end"),
        ("'A'", 0, "the name of a column or '*'"),
        (",".join("A" * 1001), 2000, "at most 1000"),
    ],
)
def test_a_faulty_selection_is_refused_with_the_place_of_the_fault(text, position, expected):
    assert_refused(parser.parse_select, text, "$select", position, expected)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("ada", ADA),
        ('"string"', SearchPhrase("string")),
        (r'"a \"b\" \\ \c"', SearchPhrase(r'a "b" \ \c')),
        ("O'Brien-Smith", SearchTerm("O'Brien-Smith")),
        ("abbie.moss@contoso.com", SearchTerm("abbie.moss@contoso.com")),
        ("ada bob", SearchOr((ADA, BOB))),
        ("ada AND bob cy", SearchAnd((ADA, SearchOr((BOB, CY))))),
        ("ada bob AND cy", SearchAnd((SearchOr((ADA, BOB)), CY))),
        ("ada OR bob cy", SearchOr((ADA, SearchOr((BOB, CY))))),
        ("ada OR bob AND cy", SearchOr((ADA, SearchAnd((BOB, CY))))),
        ("(ada OR bob) cy", SearchAnd((SearchOr((ADA, BOB)), CY))),
        ("ada bob (cy)", SearchAnd((SearchOr((ADA, BOB)), CY))),
        ("NOT ada bob", SearchNot(SearchOr((ADA, BOB)))),
        ("NOT ada AND bob", SearchAnd((SearchNot(ADA), BOB))),
        ("ada NOT bob cy", SearchAnd((ADA, SearchNot(SearchOr((BOB, CY)))))),
        ("ada NOT (bob OR cy)", SearchAnd((ADA, SearchNot(SearchOr((BOB, CY)))))),
        ("and or not", SearchOr((SearchTerm("and"), SearchTerm("or"), SearchTerm("not")))),
        ('"AND" "OR"ada', SearchOr((SearchPhrase("AND"), SearchPhrase("OR"), ADA))),
        ("NOT NOT ada", SearchNot(SearchNot(ADA))),
    ],
)
def test_a_search_is_read_as_its_tree(text, tree):
    assert parser.parse_search(text) == tree


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 0, "a word"),
        ("AND", 0, "a word"),
        ("ada OR", 6, "a word"),
        ("ada AND OR bob", 8, "a word"),
        ("(ada", 4, "')'"),
        ("ada)", 3, "a word or the end"),
        ('ada "bob', 4, 'its closing "'),
        ('""', 0, "a phrase that is not empty"),
        ('"  "', 0, "a phrase that is not empty"),
        ("(" * 1000, 100, "at most 100 levels"),
        ("NOT " * 1000, 400, "at most 100 levels"),
        ("a " * 1000, 2 * search.SEARCH_TERMS_MAX, "at most 100"),
        ("a\0", 1, "without NUL"),
    ],
)
def test_a_faulty_search_is_refused_with_the_place_of_the_fault(text, position, expected):
    assert_refused(parser.parse_search, text, "$search", position, expected)


@pytest.mark.parametrize(
    ("text", "expands"),
    [
        ("UnifiedActivity", (Expand("UnifiedActivity"),)),
        ("UnifiedActivity, Customer_Measure", (Expand("UnifiedActivity"), Expand("Customer_Measure"))),
        (
            "UnifiedActivity($filter=A gt 1;orderby=A desc,B;$top=2;$skip=003;$count=true;$select=A,B),M",
            (
                Expand(
                    "UnifiedActivity",
                    ExpandOptions(
                        filter=Comparison(Column("A"), Operator.GT, Integer(1)),
                        orderby=(OrderBy(Column("A"), descending=True), OrderBy(Column("B"))),
                        top=2,
                        skip=3,
                        count=True,
                        select=("A", "B"),
                    ),
                ),
                Expand("M"),
            ),
        ),
        (
            "A($expand=B,C($filter=D eq @n))",
            (
                Expand(
                    "A",
                    ExpandOptions(
                        expand=(
                            Expand("B"),
                            Expand("C", ExpandOptions(filter=Comparison(Column("D"), Operator.EQ, Integer(5)))),
                        )
                    ),
                ),
            ),
        ),
    ],
)
def test_an_expansion_is_read_with_its_nested_options(text, expands):
    assert parser.parse_expand(text, {"@n": "5"}) == expands


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 0, "the name of a table"),
        ("A,", 2, "the name of a table"),
        ("*", 0, "the name of a table"),
        ("A,B,A", 4, "each table once"),
        ("A B", 2, "',' or the end"),
        ("A/$ref", 1, "',' or the end"),
        ("A()", 2, "one of the options $filter, $select"),
        ("A($foo=1)", 2, "one of the options $filter, $select"),
        ("A($top=1;)", 9, "one of the options $filter, $select"),
        ("A($top 1)", 7, "'='"),
        ("A($top=1", 8, "';' or ')'"),
        ("A($top=1;top=2)", 9, "each option once"),
        ("A($top=-1)", 7, "a whole number from 0 to 2147483647"),
        ("A($count=1)", 9, "true or false"),
        ("A($filter=B eq)", 14, "a column"),
        ("A($expand=A($expand=A($expand=A($expand=A($expand=A)))))", 50, "at most 5 levels"),
    ],
)
def test_a_faulty_expansion_is_refused_with_the_place_of_the_fault(text, position, expected):
    assert_refused(parser.parse_expand, text, "$expand", position, expected)


@pytest.mark.parametrize("name", ["search", "levels", "compute", "apply"])
def test_an_option_that_expansions_do_not_have_yet_is_refused_by_name(name):
    with pytest.raises(errors.NotSupported, match=rf"^\${name} inside \$expand is not supported\.$"):
        parser.parse_expand(f"A(${name}=1)")


@pytest.mark.parametrize(("text", "number"), [("0", 0), (" 10 ", 10), ("0010", 10), ("99", 99)])
def test_a_whole_number_up_to_its_bound_is_read(text, number):
    assert parser.parse_number(text, option="$top", maximum=99) == number


@pytest.mark.parametrize("text", ["", "-1", "abc", "1.0", "1e1", "'1'", "null", "100", "9" * 5000, "1 2", "٣"])
def test_what_is_no_such_number_is_refused(text):
    with pytest.raises(errors.QuerySyntaxError, match=r"In \$top, at position"):
        parser.parse_number(text, option="$top", maximum=99)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), (" TRUE ", True)])
def test_a_boolean_is_read_in_any_case(text, value):
    assert parser.parse_boolean(text, option="$count") is value


@pytest.mark.parametrize("text", ["", "1", "yes", "'true'", "true false"])
def test_what_is_no_boolean_is_refused(text):
    with pytest.raises(errors.QuerySyntaxError, match=r"In \$count, at position"):
        parser.parse_boolean(text, option="$count")
