"""Addresses, packed queries and raw query strings."""

import pytest

from topcoat.core import errors
from topcoat.core.odata import address
from topcoat.core.odata.address import RecordAddress


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Customer", RecordAddress("Customer")),
        ("PoS_pos Purchases", RecordAddress("PoS_pos Purchases")),
        ("🦀", RecordAddress("🦀")),
        ("Customer('id')", RecordAddress("Customer", "id")),
        ("Customer( 'id' )", RecordAddress("Customer", "id")),
        ("Customer('')", RecordAddress("Customer", "")),
        ("Customer('a''b/?(🦀)')", RecordAddress("Customer", "a'b/?(🦀)")),
        ("Customer(‘id’)", RecordAddress("Customer", "id")),
        ("Customer(CustomerId='id')", RecordAddress("Customer", "id", key_column="CustomerId")),
        ("Customer('id')/UnifiedActivity", RecordAddress("Customer", "id", "UnifiedActivity")),
        ("Customer('id')/UnifiedActivity/$count", RecordAddress("Customer", "id", "UnifiedActivity", is_count=True)),
        ("Customer/$count", RecordAddress("Customer", is_count=True)),
    ],
)
def test_an_address_is_read_as_its_parts(text, expected):
    assert address.parse_address(text) == expected


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 0, "the name of a table"),
        ("$metadata", 0, "the name of a table"),
        ("('id')", 0, "the name of a table"),
        ("Customer/", 9, "'$count'"),
        ("Customer/UnifiedActivity", 9, "'$count'"),
        ("Customer/$count/x", 15, "'?' or the end"),
        ("Customer('id'", 13, "')'"),
        ("Customer('id", 9, "its closing '"),
        ("Customer()", 9, "an id in quotes"),
        ("Customer(5)", 9, "an id in quotes"),
        ("Customer(CustomerId)", 19, "'='"),
        ("Customer(CustomerId=5)", 20, "an id in quotes"),
        ("Customer(A='x',B='y')", 14, "')'"),
        ("Customer('id')x", 14, "'?', '(', '/' or the end"),
        ("Customer('id')/", 15, "the name of what belongs to the record"),
        ("Customer('id')/$count", 15, "the name of what belongs to the record"),
        ("Customer('id')/UnifiedActivity/x", 31, "'$count'"),
        ("UnifiedActivity$filter=A eq 'x'", 15, "'?', '(', '/' or the end"),
        ("Customer\0", 8, "without NUL"),
        ("Customer('a\0')", 11, "without NUL"),
    ],
)
def test_a_faulty_address_is_refused_with_the_place_of_the_fault(text, position, expected):
    with pytest.raises(errors.QuerySyntaxError) as caught:
        address.parse_address(text)

    assert (caught.value.parts["option"], caught.value.parts["position"]) == ("the address", position)
    assert expected in caught.value.parts["expected"]


@pytest.mark.parametrize(
    ("text", "path", "items"),
    [
        ("Customer", "Customer", []),
        ("Customer?", "Customer", []),
        ("Customer('id')/UnifiedActivity", "Customer('id')/UnifiedActivity", []),
        (
            "Customer?$filter=CustomerId eq 'a&b'&$top=5",
            "Customer",
            [("$filter", "CustomerId eq 'a&b'"), ("$top", "5")],
        ),
        ("Customer?filter=CustomerId eq 'x'", "Customer", [("filter", "CustomerId eq 'x'")]),
        ("Customer?filter=A eq 'it''s&' or B&&top=1&", "Customer", [("filter", "A eq 'it''s&' or B"), ("top", "1")]),
        ("Customer('a?b')?$top=1", "Customer('a?b')", [("$top", "1")]),
        ("Customer?$filter=A eq ‘a&b’ & $top=1", "Customer", [("$filter", "A eq ‘a&b’ "), (" $top", "1")]),
        ("Customer?$filter=A eq 'a&$top=1", "Customer", [("$filter", "A eq 'a&$top=1")]),
        ("Customer?$filter=A eq 'x?y'", "Customer", [("$filter", "A eq 'x?y'")]),
        ("Customer?$search=O'Brien&$top=1", "Customer", [("$search", "O'Brien"), ("$top", "1")]),
        ('Customer?Search="a&\\"b"&$top=1', "Customer", [("Search", '"a&\\"b"'), ("$top", "1")]),
        ('Customer?$search="a&b', "Customer", [("$search", '"a&b')]),
        ("Customer?IsMemberOfSegment('a&b=c')", "Customer", [("IsMemberOfSegment('a&b", "c')")]),
    ],
)
def test_a_packed_query_is_split_outside_quotes(text, path, items):
    assert address.split_query(text) == (path, items)


@pytest.mark.parametrize(
    ("raw", "items"),
    [
        ("", []),
        ("&", []),
        ("$top=5&$skip=0", [("$top", "5"), ("$skip", "0")]),
        ("%24top=%35", [("$top", "5")]),
        ("$filter=A%20eq+'x'", [("$filter", "A eq 'x'")]),
        ("$filter=A eq ‘%E2%9C%93’", [("$filter", "A eq ‘✓’")]),
        ("$filter=a%2Bb%26c", [("$filter", "a+b&c")]),
        ("$filter='a&b'", [("$filter", "'a"), ("b'", "")]),
        ("IsMemberOfSegment('S')", [("IsMemberOfSegment('S')", "")]),
        ("$skiptoken=a==", [("$skiptoken", "a==")]),
    ],
)
def test_a_raw_query_string_is_decoded(raw, items):
    assert address.parse_query_string(raw) == items


def test_bytes_that_came_unescaped_are_read_as_if_they_had_been_escaped() -> None:
    query = address.ascii_query("q=%41+Zürich&x=%".encode() + b"\xff")

    assert query == "q=%41+Z%C3%BCrich&x=%%FF"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("$filter=a%2", "$filter is encoded badly: '%2' is no % with two hexadecimal digits."),
        ("$filter=100%", "$filter is encoded badly: '%' is no %"),
        ("$filter=%zz", "$filter is encoded badly: '%zz' is no %"),
        ("%u0041=1", "The query string is encoded badly: '%u0' is no %"),
        ("$filter=%ff", "$filter is encoded badly: %FF is not UTF-8 there."),
        ("$filter=%E2%9C", "$filter is encoded badly: %E2 is not UTF-8 there."),
        ("$filter=\udcff", "$filter is encoded badly: %ED is not UTF-8 there."),
        ("%ed%a0%80=1", "The query string is encoded badly: %ED is not UTF-8 there."),
        ("a=1&" * 201, "The query string has 201 items; at most 200 are read."),
    ],
)
def test_a_badly_encoded_query_string_is_refused(raw, message):
    with pytest.raises(errors.OptionInvalid) as caught:
        address.parse_query_string(raw)

    assert caught.value.message.startswith(message)


def test_a_packed_query_of_too_many_items_is_refused():
    with pytest.raises(errors.OptionInvalid, match="has 201 items"):
        address.split_query("Customer?" + "a=1&" * 201)
