"""The options of a query as a whole."""

import pytest

from topcoat.core import errors
from topcoat.core.odata import options
from topcoat.core.odata.options import QueryOptions
from topcoat.core.odata.syntax import (
    Column,
    Comparison,
    Expand,
    Integer,
    IsMemberOfSegment,
    Operator,
    OrderBy,
    SearchTerm,
    String,
)

C1 = Comparison(Column("CustomerId"), Operator.EQ, String("c1"))


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], QueryOptions()),
        ([("$filter", "CustomerId eq 'c1'")], QueryOptions(filter=C1)),
        ([("filter", "CustomerId eq 'c1'")], QueryOptions(filter=C1)),
        ([(" $FILTER ", "CustomerId eq 'c1' ")], QueryOptions(filter=C1)),
        ([("select", "*")], QueryOptions()),
        ([("$select", "A,B")], QueryOptions(select=("A", "B"))),
        ([("$orderBy", "A desc")], QueryOptions(orderby=(OrderBy(Column("A"), descending=True),))),
        ([("$top", "0"), ("$skip", "100000")], QueryOptions(top=0, skip=100_000)),
        ([("$top", "2147483647")], QueryOptions(top=2**31 - 1)),
        ([("$skiptoken", "tok=1")], QueryOptions(skiptoken="tok=1")),
        ([("$count", "true")], QueryOptions(count=True)),
        ([("$count", "false")], QueryOptions()),
        ([("$search", "ada")], QueryOptions(search=SearchTerm("ada"))),
        ([("$expand", "UnifiedActivity")], QueryOptions(expand=(Expand("UnifiedActivity"),))),
        ([("forceSearch", "true"), ("proxy", "false")], QueryOptions(force_search=True)),
        ([("asof", "2026-12-01"), ("explain", "true")], QueryOptions(as_of="2026-12-01", explain=True)),
        ([("IsMemberOfSegment('S')", ""), ("ismemberofsegment('T') ", "")], QueryOptions(segments=("S", "T"))),
        ([("IsMemberOfSegment('a", "b')")], QueryOptions(segments=("a=b",))),
        ([("$filter", "IsMemberOfSegment('S')")], QueryOptions(filter=IsMemberOfSegment("S"))),
        ([("@n", "5"), ("$orderby", "@n")], QueryOptions(orderby=(OrderBy(Integer(5)),))),
        ([("$filter", "CustomerId eq @c"), ("@c", "'c1'")], QueryOptions(filter=C1)),
        ([("caller", "x"), ("caller", "x"), ("skipNull", ""), ("", "")], QueryOptions()),
    ],
)
def test_items_are_read_as_options(items, expected):
    assert options.parse_options(items) == expected


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([("$foo", "1")], "$foo is unknown; the options are $count, $expand,"),
        ([("$forceSearch", "true")], "$forceSearch is unknown; the options are"),
        ([("$top", "1"), ("$top", "1")], "$top is given twice; expected at most once."),
        ([("$top", "1"), ("TOP", "2")], "$top is given twice"),
        ([("asOf", "x"), ("asof", "y")], "asOf is given twice"),
        ([("@p", "1"), ("@p", "2")], "@p is given twice"),
        ([("IsMemberOfSegment('S') or true", "")], "IsMemberOfSegment is not alone"),
        ([("IsMemberOfSegment('S')", "")] * 33, "IsMemberOfSegment is given more than 32 times"),
    ],
)
def test_options_that_cannot_be_are_refused_by_name(items, message):
    with pytest.raises(errors.OptionInvalid) as caught:
        options.parse_options(items)

    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("name", "text", "position"),
    [
        ("$filter", "", 0),
        ("$top", "-1", 0),
        ("$top", "abc", 0),
        ("$top", "2147483648", 0),
        ("$skip", "100001", 0),
        ("$skip", " -1", 1),
        ("$count", "maybe", 0),
        ("explain", "1", 0),
        ("forceSearch", "", 0),
        ("$search", "(", 1),
        ("$select", "A;B", 1),
        ("$orderby", "A B", 2),
        ("$expand", "A(", 2),
    ],
)
def test_a_faulty_option_is_refused_with_the_place_of_the_fault(name, text, position):
    with pytest.raises(errors.QuerySyntaxError) as caught:
        options.parse_options([(name, text)])

    assert (caught.value.target, caught.value.parts["position"]) == (name, position)


def test_a_faulty_segment_condition_is_refused_with_the_place_of_the_fault():
    with pytest.raises(errors.QuerySyntaxError, match="In IsMemberOfSegment, at position 18: found 'S'"):
        options.parse_options([("IsMemberOfSegment(S)", "")])


@pytest.mark.parametrize("name", ["$format", "$apply", "$compute", "format"])
def test_what_is_not_supported_is_refused_by_name(name):
    with pytest.raises(errors.NotSupported, match=r"^\$(format|apply|compute) is not supported"):
        options.parse_options([(name, "json")])
