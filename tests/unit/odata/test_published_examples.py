"""The addresses that the vendor publishes (https://learn.microsoft.com/dynamics365/customer-insights/data/odata-examples),
with ids in place of the braces, read both ways in which they arrive: packed into one segment, and as a query string."""

from urllib.parse import quote

import pytest

from topcoat.core import errors
from topcoat.core.odata import address, options, printer

EXAMPLES = [
    ("Customer?$filter=CustomerId eq 'c1'", "CustomerId eq 'c1'"),
    ("Customer?$filter=DS_Contacts_ContactId eq 'CNTID_1002'", "DS_Contacts_ContactId eq 'CNTID_1002'"),
    ("Customer?$select=CustomerId,FullName&$filter=customerid eq '1'", "customerid eq '1'"),
    ("Customer?$filter=CustomerId in ('c1',’c2’)", "CustomerId in ('c1', 'c2')"),
    ("Customer?$filter=DS_Contacts_ContactId in ('k1','k2')", "DS_Contacts_ContactId in ('k1', 'k2')"),
    ('Customer?$top=10&$skip=0&$search="string"', None),
    ("Customer?select=*&$filter=IsMemberOfSegment('S')&$top=10", "IsMemberOfSegment('S')"),
    ("Customer?$filter=CustomerId eq 'c1'&IsMemberOfSegment('S')", "CustomerId eq 'c1'"),
    ("UnifiedActivity?$filter=CustomerId eq 'c1'", "CustomerId eq 'c1'"),
    (
        "UnifiedActivity?$filter=CustomerId eq 'c1' and ActivityTime gt 2017-01-01T00:00:00.000Z"
        " and ActivityTime lt 2020-01-01T00:00:00.000Z",
        "CustomerId eq 'c1' and ActivityTime gt 2017-01-01T00:00:00Z and ActivityTime lt 2020-01-01T00:00:00Z",
    ),
    (
        "UnifiedActivity?$filter=CustomerId eq 'c1' and ActivityType eq 'Visit'",
        "CustomerId eq 'c1' and ActivityType eq 'Visit'",
    ),
    (
        "UnifiedActivity?$filter=CustomerId eq ‘c1’ and ActivityTypeDisplay eq ‘Store visit’",
        "CustomerId eq 'c1' and ActivityTypeDisplay eq 'Store visit'",
    ),
    ("UnifiedActivity?$filter=CustomerId eq ‘c1’ & $orderby=ActivityTime asc", "CustomerId eq 'c1'"),
    ("Customer?$expand=UnifiedActivity,Customer_Measure&$filter=CustomerId eq 'c1'", "CustomerId eq 'c1'"),
    ("Customer_Measure?$filter=CustomerId eq 'c1'", "CustomerId eq 'c1'"),
    ("BrandShareOfVoiceFromMicrosoft?$filter=CustomerId eq 'c1'", "CustomerId eq 'c1'"),
    (
        "Customer?$expand=UnifiedActivity,Customer_Measure&$filter=CustomerId in ('c1', 'c2')",
        "CustomerId in ('c1', 'c2')",
    ),
    ("Output?filter=CustomerId eq 'c1'", "CustomerId eq 'c1'"),
]


@pytest.mark.parametrize(("text", "condition"), EXAMPLES)
def test_a_published_example_means_the_same_packed_or_not(text, condition):
    path, items = address.split_query(text)
    raw = quote(text.partition("?")[2], safe="$&='(),*")

    read = options.parse_options(items)

    assert address.parse_address(path).table == text.partition("?")[0]
    assert (None if read.filter is None else printer.print_expression(read.filter)) == condition
    assert options.parse_options(address.parse_query_string(raw)) == read


def test_the_example_without_its_question_mark_is_refused_where_the_mark_is_missing():
    path, _ = address.split_query("UnifiedActivity$filter=CustomerId eq ‘c1’ and ActivityTypeDisplay eq ‘Visit’")

    with pytest.raises(errors.QuerySyntaxError, match=r"position 15: found '\$filter', expected '\?'"):
        address.parse_address(path)


def test_everything_the_published_client_sends_is_read():
    raw = (
        "forceSearch=true&proxy=false&$search=%22smith%22&$select=CustomerId%2CFullName&$skip=0&$skiptoken=tok%3D1"
        "&$filter=CustomerId%20eq%20%27c%201%27&$orderby=ActivityTime%20asc"
        "&$expand=UnifiedActivity%2CCustomer_Measure&$top=10"
    )

    read = options.parse_options(address.parse_query_string(raw))

    assert (read.force_search, read.proxy, read.skiptoken, read.top, read.skip) == (True, False, "tok=1", 10, 0)
    assert read.select == ("CustomerId", "FullName")
    assert [expand.table for expand in read.expand] == ["UnifiedActivity", "Customer_Measure"]
