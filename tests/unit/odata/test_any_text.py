"""Whatever a caller sends is read or refused; nothing else happens."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topcoat.core import errors
from topcoat.core.odata import address, options, parser

FRAGMENTS = [
    *("A", "eq", "and", "or", "not", "in", "add", "null", "true", "now()", "contains(", "IsMemberOfSegment(", "desc"),
    *("(", ")", ",", ";", "=", "-", "*", "/", "@p", "$filter=", "$top", "$count", "?", "&", "%", "%20", "+"),
    *("'", "''", "'x'", "‘", "’", '"', "\\", "1", "-5", "1.5e3", "2017-01-01", "2017-01-01T00:00:00Z", "AND", "OR"),
    *("ce759201-f786-d590-bf21-34bff576c369", "\0", "\ud800", "\n", "🦀", "é", " ", ""),
]
texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=12).map(" ".join) | st.lists(
    st.sampled_from(FRAGMENTS), max_size=12
).map("".join)


@pytest.mark.parametrize(
    "parse",
    [
        parser.parse_filter,
        parser.parse_orderby,
        parser.parse_select,
        parser.parse_search,
        parser.parse_expand,
        address.parse_address,
        address.split_query,
        address.parse_query_string,
    ],
)
@given(text=texts)
def test_any_text_is_read_or_refused(parse, text):
    with contextlib.suppress(errors.BadInput, errors.NotSupported):
        parse(text)


@given(st.lists(st.tuples(st.sampled_from(["$filter", "@p", "$top", "$expand", "explain"]) | texts, texts), max_size=4))
def test_any_items_are_read_or_refused(items):
    with contextlib.suppress(errors.BadInput, errors.NotSupported):
        options.parse_options(items)
