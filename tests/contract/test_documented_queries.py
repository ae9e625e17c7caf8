"""The queries that the vendor documents, as printed there, through its published client and over bare HTTP.

https://learn.microsoft.com/dynamics365/customer-insights/data/odata-examples; ids and names are those of the sample.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from tests.contract.installation import Server
from tests.contract.published_client import Outcome, PublishedClient

Row = dict[str, Any]
Ask = Callable[[str], list[Row]]
KEY = "eCommerce_eCommerceContacts_ContactId"
READ = "get_entities_with_odata_path"


@dataclass(frozen=True)
class Rows:
    """Everything there is, in the order in which it is read."""

    customers: list[Row]
    activities: list[Row]
    measures: list[Row]

    @property
    def another(self) -> str:
        """The CustomerId of somebody with an id in the contacts, who is not Abbie."""
        return next(str(row["CustomerId"]) for row in self.customers if row[KEY] == "CNTID_1005")


def read_over_http(server: Server, address: str, status: int = 200) -> dict[str, Any]:
    with server.client() as client:
        answer = client.get(f"{server.api}/data/{address}")
    assert answer.status_code == status, answer.text
    content: dict[str, Any] = answer.json()
    return content


@pytest.fixture(scope="module")
def rows(server: Server) -> Rows:
    tables = ("Customer", "UnifiedActivity", "Customer_Measure")
    return Rows(*(read_over_http(server, f"{table}?$top=1000")["value"] for table in tables))


def read(client: PublishedClient, relative_path: str, **options: Any) -> list[Row]:
    outcome = client.call(READ, relative_path=relative_path, **options)
    assert outcome.type == "ODataEntityPayload", outcome
    found: list[Row] = outcome.value["value"]
    return found


@pytest.fixture(params=["client", "query string"])
def ask(request: pytest.FixtureRequest, published_client: PublishedClient, server: Server) -> Ask:
    """Both ways of an address: packed into one segment by the client, and as anybody else sends it."""
    if request.param == "client":
        return lambda address: read(published_client, address)
    return lambda address: list(read_over_http(server, address)["value"])


def refused(client: PublishedClient, relative_path: str, status: int, **options: Any) -> Outcome:
    """The client returns an ODataError; its fields are filled because they are flat."""
    outcome = client.call(READ, relative_path=relative_path, raw=True, **options)
    assert (outcome.type, outcome.status) == ("ODataError", status), outcome
    assert outcome.value["error_code"]
    assert outcome.value["message"]
    return outcome


def ids(found: list[Row], column: str = "CustomerId") -> list[str]:
    return [row[column] for row in found]


def test_a_table_is_a_context_and_its_rows(published_client: PublishedClient, rows: Rows) -> None:
    """GET data/Customer."""
    outcome = published_client.call(READ, relative_path="Customer")

    assert outcome.type == "ODataEntityPayload"
    assert outcome.value["odatacontext"].endswith("/data/$metadata#Customer")
    assert outcome.value["value"] == rows.customers


def test_without_top_there_are_a_hundred_rows_at_most(published_client: PublishedClient, rows: Rows) -> None:
    found = read(published_client, "UnifiedActivity")

    assert len(rows.activities) > 100
    assert found == rows.activities[:100]


def test_skip_100_leads_to_the_rows_after_the_first_page(published_client: PublishedClient, rows: Rows) -> None:
    assert read(published_client, "UnifiedActivity?$skip=100") == rows.activities[100:]
    assert read(published_client, "UnifiedActivity", skip="100") == rows.activities[100:]


def test_top_10_and_skip_0_are_the_first_ten_rows(published_client: PublishedClient, rows: Rows) -> None:
    assert read(published_client, "Customer?$top=10&$skip=0") == rows.customers[:10]


@pytest.mark.parametrize(("skip", "top"), [("2", "5"), (2, 5), ("2", 5)])
def test_skip_and_top_mean_the_same_as_text_and_as_numbers(
    published_client: PublishedClient, rows: Rows, skip: Any, top: Any
) -> None:
    assert read(published_client, "Customer", skip=skip, top=top) == rows.customers[2:7]


def test_the_skiptoken_of_a_page_leads_to_the_following_page(published_client: PublishedClient, rows: Rows) -> None:
    first = published_client.call(READ, relative_path="UnifiedActivity")
    link = first.value["additional_properties"]["@odata.nextLink"]
    token = dict(parse_qsl(urlsplit(link).query))["$skiptoken"]

    following = read(published_client, "UnifiedActivity", skiptoken=token)

    assert first.value["value"] + following == rows.activities


@dataclass(frozen=True)
class Example:
    """A published address with `{abbie}` and `{another}` for its ids, and which rows of which table it means."""

    text: str
    table: str
    is_meant: Callable[[Row, str, str], bool]


EXAMPLES = [
    Example("Customer?$filter=CustomerId eq '{abbie}'", "customers", lambda row, c1, c2: row["CustomerId"] == c1),
    Example(
        "Customer?$select=CustomerId,FullName&$filter=customerid eq '{abbie}'",
        "customers",
        lambda row, c1, c2: row["CustomerId"] == c1,
    ),
    Example(
        "Customer?$filter=CustomerId in ('{abbie}',’{another}’)",
        "customers",
        lambda row, c1, c2: row["CustomerId"] in (c1, c2),
    ),
    Example(f"Customer?$filter={KEY} eq 'CNTID_1003'", "customers", lambda row, c1, c2: row[KEY] == "CNTID_1003"),
    Example(
        f"Customer?$filter={KEY} in ('CNTID_1001','CNTID_1005')",
        "customers",
        lambda row, c1, c2: row[KEY] in ("CNTID_1001", "CNTID_1005"),
    ),
    Example(
        "UnifiedActivity?$filter=CustomerId eq '{abbie}'", "activities", lambda row, c1, c2: row["CustomerId"] == c1
    ),
    Example(
        "UnifiedActivity?$filter=CustomerId eq '{abbie}' and ActivityTime gt 2022-01-01T00:00:00.000Z"
        " and ActivityTime lt 2025-01-01T00:00:00.000Z",
        "activities",
        lambda row, c1, c2: row["CustomerId"] == c1 and "2022-01-01" < row["ActivityTime"] < "2025-01-01",
    ),
    Example(
        "UnifiedActivity?$filter=CustomerId eq '{abbie}' and ActivityType eq 'SalesOrder'",
        "activities",
        lambda row, c1, c2: row["CustomerId"] == c1 and row["ActivityType"] == "SalesOrder",
    ),
    Example(
        "UnifiedActivity?$filter=CustomerId eq ‘{abbie}’ and ActivityTypeDisplay eq ‘Store purchase’",
        "activities",
        lambda row, c1, c2: row["CustomerId"] == c1 and row["ActivityTypeDisplay"] == "Store purchase",
    ),
    Example(
        "Customer_Measure?$filter=CustomerId eq '{abbie}'", "measures", lambda row, c1, c2: row["CustomerId"] == c1
    ),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.text)
def test_a_published_example_is_answered(ask: Ask, rows: Rows, abbie: str, example: Example) -> None:
    address = example.text.format(abbie=abbie, another=rows.another)
    table: list[Row] = getattr(rows, example.table)
    meant = [row for row in table if example.is_meant(row, abbie, rows.another)]

    found = ask(address)

    assert 0 < len(meant) < len(table)
    names = ("CustomerId", "FullName") if "$select" in example.text else tuple(table[0])
    assert found == [{name: row[name] for name in names} for row in meant]


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_activities_are_ordered_by_their_time_either_way(
    published_client: PublishedClient, rows: Rows, abbie: str, direction: str
) -> None:
    found = read(
        published_client, f"UnifiedActivity?$filter=CustomerId eq ‘{abbie}’ & $orderby=ActivityTime {direction}"
    )

    own = [row["ActivityTime"] for row in rows.activities if row["CustomerId"] == abbie]
    assert len(own) > 2
    assert ids(found, "ActivityTime") == sorted(own, reverse=direction == "desc")


def test_select_leaves_only_the_columns_it_names(published_client: PublishedClient, rows: Rows) -> None:
    found = read(published_client, "Customer?$select=CustomerId,FullName")

    assert found == [{name: row[name] for name in ("CustomerId", "FullName")} for row in rows.customers]


def test_select_of_all_without_the_dollar_is_tolerated(published_client: PublishedClient, rows: Rows) -> None:
    found = read(published_client, "Customer?select=*&$filter=IsMemberOfSegment('HighValue')&$top=10")

    assert found == [row for row in rows.customers if row["CustomerId"] in members(rows)][:10]


def members(rows: Rows) -> list[str]:
    """Of the segment HighValue, by its definition."""
    return [row["CustomerId"] for row in rows.measures if row["LifetimeSpend"] >= 400]


@pytest.mark.parametrize("top", [2, 10])
def test_a_segment_gives_up_to_so_many_of_its_members(published_client: PublishedClient, rows: Rows, top: int) -> None:
    found = read(published_client, f"Customer?$filter=IsMemberOfSegment('HighValue')&$top={top}")

    assert 2 < len(members(rows)) < len(rows.customers)
    assert ids(found) == [row["CustomerId"] for row in rows.customers if row["CustomerId"] in members(rows)][:top]


def test_a_segment_glued_on_as_an_item_of_its_own_is_a_condition(ask: Ask, rows: Rows) -> None:
    member = members(rows)[0]
    stranger = next(row["CustomerId"] for row in rows.customers if row["CustomerId"] not in members(rows))
    addresses = [f"Customer?$filter=CustomerId eq '{c}'&IsMemberOfSegment('HighValue')" for c in (member, stranger)]

    found = [ask(address) for address in addresses]

    assert [ids(page) for page in found] == [[member], []]


def test_a_segment_that_is_not_there_is_refused_with_a_suggestion(published_client: PublishedClient) -> None:
    outcome = refused(published_client, "Customer?$filter=IsMemberOfSegment('HighValeu')&$top=10", 400)

    assert "did you mean 'HighValue'?" in outcome.value["message"]


def test_time_literals_stand_without_quotes_and_bound_the_activities(
    published_client: PublishedClient, rows: Rows
) -> None:
    window = "ActivityTime gt 2024-01-01T00:00:00.000Z and ActivityTime lt 2025-01-01T00:00:00.000Z"

    found = read(published_client, f"UnifiedActivity?$filter={window}")

    meant = [row for row in rows.activities if "2024-01-01" < row["ActivityTime"] < "2025-01-01"]
    assert 0 < len(meant) <= 100
    assert found == meant


@pytest.mark.parametrize(
    ("column", "value"), [("ActivityType", "Feedback"), ("ActivityTypeDisplay", "Loyalty enrolment")]
)
def test_activities_are_filtered_by_type_and_by_its_display_name(
    published_client: PublishedClient, rows: Rows, column: str, value: str
) -> None:
    found = read(published_client, f"UnifiedActivity?$filter={column} eq '{value}'")

    meant = [row for row in rows.activities if row[column] == value]
    assert 0 < len(meant) <= 100
    assert found == meant


@pytest.mark.parametrize("form", ["CustomerId eq '{abbie}'", "CustomerId in ('{abbie}', '{another}')"])
def test_expanded_activities_and_measures_stand_in_the_customers_row(
    published_client: PublishedClient, rows: Rows, abbie: str, form: str
) -> None:
    condition = form.format(abbie=abbie, another=rows.another)

    found = read(published_client, f"Customer?$expand=UnifiedActivity,Customer_Measure&$filter={condition}")

    wanted = [row for row in rows.customers if row["CustomerId"] in condition]
    assert len(found) == len(wanted) == condition.count("', '") + 1
    for row, plain in zip(found, wanted, strict=True):
        own = [a for a in rows.activities if a["CustomerId"] == plain["CustomerId"]]
        (measured,) = [m for m in rows.measures if m["CustomerId"] == plain["CustomerId"]]
        assert own
        assert row == plain | {"UnifiedActivity": own, "Customer_Measure": measured}


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ('Customer?$expand=UnifiedActivity&$search="string"', "$expand cannot be combined with $search"),
        ("Customer?$expand=UnifiedActivity&$select=CustomerId", "$expand cannot be combined with a $select"),
        ("Customer?$expand=BrandShareOfVoiceFromMicrosoft", "names BrandShareOfVoiceFromMicrosoft, which is not"),
        ("PoS_posPurchases?$filter=PurchaseId eq 'POS_100001'", "$filter is not supported on PoS_posPurchases"),
    ],
)
def test_what_the_documentation_rules_out_is_refused(
    published_client: PublishedClient, address: str, message: str
) -> None:
    outcome = refused(published_client, address, 400)

    assert outcome.value["error_code"] == "OptionInvalid"
    assert message in outcome.value["message"]


@pytest.mark.parametrize(
    "address",
    [
        "Nope",
        "Output?filter=CustomerId eq 'c1'",
        "BrandShareOfVoiceFromMicrosoft?$filter=CustomerId eq 'c1'",
        f"CustomerChurnPrediction?$filter={KEY} eq 'CNTID_1001'",
    ],
)
def test_a_table_that_is_not_there_is_404_with_its_name(published_client: PublishedClient, address: str) -> None:
    outcome = refused(published_client, address, 404)

    assert outcome.value["error_code"] == "TableNotFound"
    assert f"'{address.partition('?')[0]}'" in outcome.value["message"]


def test_a_source_table_is_read_as_its_data_source_brought_it(published_client: PublishedClient) -> None:
    records = read(published_client, "PoS_posPurchases?$top=2")

    assert [record["PurchaseId"] for record in records] == ["POS_100001", "POS_100002"]


def test_a_malformed_filter_is_an_error_with_its_place(published_client: PublishedClient) -> None:
    outcome = refused(published_client, "Customer?$filter=CustomerId equals 'x'", 400)

    assert "In $filter, at position 11: found 'equals'" in outcome.value["message"]


def test_the_example_that_was_published_without_its_question_mark_is_told_so(
    published_client: PublishedClient, abbie: str
) -> None:
    address = f"UnifiedActivity$filter=CustomerId eq ‘{abbie}’ and ActivityTypeDisplay eq ‘Store purchase’"

    outcome = refused(published_client, address, 400)

    assert "at position 15: found '$filter', expected '?'" in outcome.value["message"]


@pytest.mark.parametrize("accept", ["text/csv", "application/xml;q=1, application/json;q=0"])
def test_an_accept_that_json_cannot_serve_is_406(server: Server, accept: str) -> None:
    with server.client() as client:
        answer = client.get(f"{server.api}/data/Customer", headers={"Accept": accept})

    assert answer.status_code == 406
    assert answer.json()["errorCode"] == "MediaTypeNotAcceptable"


@pytest.mark.parametrize("name", ["%24filter", "filter", "$filter"])
def test_a_query_inside_the_segment_is_read_with_and_without_the_dollar(server: Server, abbie: str, name: str) -> None:
    found = read_over_http(server, f"Customer%3F{name}%3DCustomerId%20eq%20'{abbie}'")["value"]

    assert ids(found) == [abbie]


def test_what_the_client_was_seen_to_send_is_one_timeline(
    published_client: PublishedClient, rows: Rows, abbie: str
) -> None:
    found = read(published_client, f"Customer('{abbie}')/UnifiedActivity")

    assert found == [row for row in rows.activities if row["CustomerId"] == abbie]


def test_columns_are_found_whatever_their_case(published_client: PublishedClient, abbie: str) -> None:
    found = read(published_client, f"Customer?$filter=customerid eq '{abbie}' and CITY eq 'Seattle'")

    assert ids(found) == [abbie]


def test_nothing_found_is_an_empty_list(published_client: PublishedClient) -> None:
    assert read(published_client, "Customer?$filter=CustomerId eq 'nobody'") == []


def test_nulls_numbers_and_nested_values_pass_the_client_unchanged(
    published_client: PublishedClient, server: Server
) -> None:
    address = "Customer?$expand=UnifiedActivity,Customer_Measure&$top=30"

    found = read(published_client, address)

    assert found == read_over_http(server, address)["value"]
    kinds = {type(value) for row in found for value in row.values()}
    assert kinds == {str, int, float, bool, type(None), list, dict}


def test_every_option_of_the_client_at_once_is_what_each_of_them_means(
    published_client: PublishedClient, rows: Rows
) -> None:
    """As it was captured, without what excludes each other."""
    found = read(
        published_client,
        "Customer",
        force_search=True,
        proxy=False,
        select="CustomerId,FullName",
        skip="1",
        filter="City ne 'c 1'",
        orderby="FullName desc",
        top="3",
    )

    names = sorted((row["FullName"] for row in rows.customers), reverse=True)
    assert [row["FullName"] for row in found] == names[1:4]
    assert all(set(row) == {"CustomerId", "FullName"} for row in found)


def test_a_token_that_no_page_gave_is_refused(published_client: PublishedClient) -> None:
    """The client's capture has `tok=1`."""
    outcome = refused(published_client, "Customer", 400, skiptoken="tok=1", top="10")

    assert outcome.value["target"] == "$skiptoken"


def test_quotes_inside_a_value_are_doubled(published_client: PublishedClient, rows: Rows) -> None:
    found = read(published_client, "Customer?$filter=LastName eq 'O''Brien'")

    assert ids(found) == [row["CustomerId"] for row in rows.customers if row["LastName"] == "O'Brien"]
    assert found


def test_a_blank_may_be_a_plus_in_a_query_string(server: Server, abbie: str) -> None:
    assert ids(read_over_http(server, f"Customer?$filter=CustomerId+eq+{quote(repr(abbie))}")["value"]) == [abbie]
