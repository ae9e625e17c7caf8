"""GET data/…: pages, single records, links, and what is refused."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest

from tests.conftest import INSTANCE, open_service
from tests.flows.test_refresh import customer, environment, key
from tests.flows.test_segments_and_measures import OTHER_INSTANCE
from tests.flows.test_segments_and_measures import environment as plain_environment
from tests.surfaces.state import activity, read_profile

FILTER = "CustomerId eq '{}'"


async def add_activities(client: httpx.AsyncClient, base: str, customer_id: str, count: int) -> None:
    """One a minute, A-000 the oldest, all after those of the snapshot."""
    records = [
        activity(customer_id, ActivityId=f"A-{n:03}", ActivityTime=f"2026-11-2{n // 60}T10:{n % 60:02}:00Z")
        for n in range(count)
    ]
    answers = await asyncio.gather(*(client.post(f"{base}/data/UnifiedActivity", json=record) for record in records))
    assert {answer.status_code for answer in answers} == {201}


async def read_pages(client: httpx.AsyncClient, address: str) -> list[dict[str, Any]]:
    pages = []
    following: str | None = address
    while following is not None:
        answer = await client.get(following)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        following = pages[-1].get("@odata.nextLink")
    return pages


def ids_of(page: dict[str, Any], column: str = "ActivityId") -> list[str]:
    return [record[column] for record in page["value"]]


async def test_a_table_is_a_list_with_its_context(client: httpx.AsyncClient, base: str) -> None:
    answer = await client.get(f"{base}/data/Customer")

    page = answer.json()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert list(page) == ["@odata.context", "value"]
    assert page["@odata.context"] == f"http://testserver{base}/data/$metadata#Customer"
    assert len(page["value"]) == 20


async def test_a_key_leads_to_the_bare_record(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    answer = await client.get(f"{base}/data/Customer('{abbie}')")

    record = answer.json()
    assert answer.status_code == 200
    assert next(iter(record)) == "@odata.context"
    assert record["@odata.context"] == f"http://testserver{base}/data/$metadata#Customer/$entity"
    assert record["CustomerId"] == abbie
    assert record["City"] == "Seattle"
    assert "value" not in record


async def test_every_column_is_in_every_record_in_catalog_order(
    client: httpx.AsyncClient, base: str, abbie: str
) -> None:
    """S8."""
    table = (await client.get(f"{base}/manage/tables/Customer")).json()
    page = (await client.get(f"{base}/data/Customer")).json()

    columns = [attribute["name"] for attribute in table["attributes"]]
    assert all(list(record) == columns for record in page["value"])
    assert list(await read_profile(client, base, abbie)) == columns


@pytest.mark.parametrize("prefix", ["/api", "/v1"])
async def test_links_keep_the_address_of_the_call(client: httpx.AsyncClient, base: str, prefix: str) -> None:
    base = base.replace("/api", prefix)

    answer = await client.get(f"{base}/data/Customer", headers={"Host": "contoso.example:8300"})

    assert answer.json()["@odata.context"].startswith(f"http://contoso.example:8300{prefix}/instances/")


@pytest.mark.parametrize(
    "form",
    [
        "Customer?$filter={}",
        "Customer?%24filter={}",
        "Customer%3F%24filter%3D{}",
        "Customer%3Ffilter%3D{}",
        "Customer%3F%24filter%3D{}%26%24top%3D5",
        "Customer%3F%24filter%3D{}?$top=5",
    ],
)
async def test_options_come_as_a_query_or_inside_the_segment(
    client: httpx.AsyncClient, base: str, abbie: str, form: str
) -> None:
    condition = quote(FILTER.format(abbie), safe="")

    answer = await client.get(f"{base}/data/{form.format(condition)}")

    assert answer.status_code == 200, answer.text
    assert ids_of(answer.json(), "CustomerId") == [abbie]


@pytest.mark.parametrize("form", ["Customer('{}')/UnifiedActivity", "Customer%28%27{}%27%29%2FUnifiedActivity"])
async def test_a_profile_leads_to_its_activities(client: httpx.AsyncClient, base: str, abbie: str, form: str) -> None:
    """S17."""
    await add_activities(client, base, abbie, 3)

    answer = await client.get(f"{base}/data/{form.format(abbie)}")

    page = answer.json()
    assert page["@odata.context"] == f"http://testserver{base}/data/$metadata#UnifiedActivity"
    assert ids_of(page)[:3] == ["A-002", "A-001", "A-000"]
    assert {record["CustomerId"] for record in page["value"]} == {abbie}


async def test_joined_pages_are_the_unpaged_answer(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    """S25."""
    await add_activities(client, base, abbie, 130)
    address = f"{base}/data/UnifiedActivity?$filter={quote(FILTER.format(abbie))}"

    pages = await read_pages(client, address)

    unpaged = (await client.get(f"{address}&$top=1000")).json()
    assert len(pages) == 2
    assert len(pages[0]["value"]) == 100
    assert "@odata.nextLink" not in pages[-1]
    assert [i for page in pages for i in ids_of(page)] == ids_of(unpaged)


@pytest.mark.parametrize("form", ["UnifiedActivity?{}", "UnifiedActivity%3F{}"])
async def test_a_next_link_keeps_the_options_and_leaves_skip_out(
    client: httpx.AsyncClient, base: str, abbie: str, form: str
) -> None:
    await add_activities(client, base, abbie, 130)
    query = f"$filter={FILTER.format(abbie)}&$select=ActivityId&$orderby=ActivityTime asc&$skip=10"
    encoded = quote(query, safe="$=&") if "?" in form else quote(query, safe="")

    pages = await read_pages(client, f"{base}/data/{form.format(encoded)}")

    link = unquote(pages[0]["@odata.nextLink"])
    kept = query.removesuffix("&$skip=10")
    unpaged = (await client.get(f"{base}/data/UnifiedActivity?{kept}&$top=1000")).json()
    assert link.startswith(f"http://testserver{base}/data/UnifiedActivity?{kept}&$skiptoken=")
    assert [i for page in pages for i in ids_of(page)] == ids_of(unpaged)[10:]


async def test_writes_between_two_pages_do_not_show(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    """S25."""
    await add_activities(client, base, abbie, 101)
    first = (await client.get(f"{base}/data/Customer('{abbie}')/UnifiedActivity")).json()
    late = activity(abbie, ActivityId="late", ActivityTime="2020-01-01T00:00:00Z")
    await client.post(f"{base}/data/UnifiedActivity", json=late)

    rest = await read_pages(client, first["@odata.nextLink"])

    assert "late" not in [i for page in rest for i in ids_of(page)]


@pytest.mark.parametrize(
    ("query", "status", "code", "message"),
    [
        ("Nope", 404, "TableNotFound", "'Nope' does not exist"),
        ("customer", 404, "TableNotFound", "did you mean 'Customer'?"),
        ("Customer('nobody')", 404, "RecordNotFound", "'nobody'"),
        ("Customer('it''s / %F0%9F%A5%90')", 404, "RecordNotFound", "it's / 🥐"),
        (f"Customer('{'x' * 1000}')", 404, "RecordNotFound", "Customer"),
        ("Customer?$filter=CustomerId eq", 400, "QuerySyntaxError", "In $filter, at position 13"),
        ("Customer?$filter=CustomerId%00eq%20'x'", 400, "", "$filter"),
        ("Customer?$top=-1", 400, "QuerySyntaxError", "In $top, at position 0"),
        ("Customer?$top=two", 400, "QuerySyntaxError", "In $top, at position 0"),
        ("Customer?$colour=blue", 400, "OptionInvalid", "$colour"),
        ("Customer?$top=1&$top=2", 400, "OptionInvalid", "$top"),
        ("Customer%3F$top=1?$top=2", 400, "OptionInvalid", "$top"),
        ("Customer?$select=Town", 400, "UnknownColumn", "Town"),
        ("Customer?$skiptoken=forged", 400, "ContinuationInvalid", "$skiptoken"),
        ("Customer?$filter=%FF", 400, "", ""),
        ("UnifiedActivity?$orderby=length(Title)", 501, "NotSupported", "length(Title) of UnifiedActivity"),
        ("Customer?$orderby=IsMemberOfSegment('x')", 501, "NotSupported", "IsMemberOfSegment('x') of Customer"),
        ("PoS_posPurchases?$orderby=length(StoreName)", 400, "OptionInvalid", "its key, PurchaseId"),
        ("Customer?$apply=x", 501, "NotSupported", "$apply"),
        ("PoS_posPurchases?$filter=PurchaseId eq 'x'", 400, "OptionInvalid", "can be read, but not filtered"),
        ("PoS_posPurchases?$search=x", 400, "OptionInvalid", "$search"),
        ("PoS_posPurchases?$orderby=StoreName", 400, "OptionInvalid", "its key, PurchaseId"),
        ("PoS_posPurchases?$expand=UnifiedActivity", 400, "OptionInvalid", "$expand"),
        ("PoS_posPurchases('POS_1')", 404, "RecordNotFound", "'POS_1'"),
        ("PoS_posPurchases(StoreName='Pier')", 400, "OptionInvalid", "is no key"),
    ],
)
async def test_what_cannot_be_answered_is_refused_by_name(
    client: httpx.AsyncClient, base: str, query: str, status: int, code: str, message: str
) -> None:
    """S32."""
    answer = await client.get(f"{base}/data/{query}")

    problem = answer.json()
    assert answer.status_code == status
    assert list(problem) == [
        "errorCode",
        "message",
        "target",
        "details",
        "innerError",
        "instanceAnnotations",
        "typeAnnotation",
    ]
    assert code in problem["errorCode"]
    assert message in problem["message"]


async def test_an_empty_result_is_an_empty_list(client: httpx.AsyncClient, base: str) -> None:
    answer = await client.get(f"{base}/data/Customer?$filter=CustomerId eq 'nobody'")

    assert answer.status_code == 200
    assert answer.json()["value"] == []


async def test_options_that_the_vendors_client_sends_are_accepted(
    client: httpx.AsyncClient, base: str, abbie: str
) -> None:
    """S32."""
    query = f"forceSearch=true&proxy=false&select=*&$skip=0&$top=10&$filter={FILTER.format(abbie)}"

    answer = await client.get(f"{base}/data/Customer?{query}")

    assert answer.status_code == 200, answer.text
    assert ids_of(answer.json(), "CustomerId") == [abbie]


async def test_an_activity_that_is_hidden_from_the_timeline_is_stored_but_never_read(
    client: httpx.AsyncClient, base: str, sqlite_url: str, tmp_path: Path
) -> None:
    """S16."""
    async with open_service(sqlite_url) as beside:
        await beside.refresh(environment(tmp_path, [customer("c1")], keys=[key("m1", "c1")]))
    visit = {"VisitId": "v1", "MemberId": "m1", "VisitedOn": "2026-11-24T11:00:00Z"}

    first = await client.post(f"{base}/data/Web_visits", json=visit)
    again = await client.post(f"{base}/data/Web_visits", json=visit)

    assert (first.status_code, again.status_code) == (201, 409)
    assert (await client.get(f"{base}/data/UnifiedActivity")).json()["value"] == []
    assert (await client.get(f"{base}/data/UnifiedActivity/$count")).text == "0"
    assert (await client.get(f"{base}/data/Customer('c1')/UnifiedActivity")).json()["value"] == []
    activity_id = first.json()["value"]["ActivityId"]
    assert (await client.get(f"{base}/data/UnifiedActivity('{activity_id}')")).status_code == 404


async def test_without_a_searchable_column_a_search_finds_nothing(
    client: httpx.AsyncClient, base: str, sqlite_url: str, tmp_path: Path
) -> None:
    async with open_service(sqlite_url) as beside:
        await beside.refresh(plain_environment(tmp_path, [customer("c1", "Oslo")], instance=OTHER_INSTANCE))
    elsewhere = base.replace(INSTANCE, OTHER_INSTANCE)

    found = await client.get(f"{elsewhere}/data/Customer?$search=oslo")

    assert found.status_code == 200, found.text
    assert found.json()["value"] == []
    assert ids_of((await client.get(f"{elsewhere}/data/Customer")).json(), "CustomerId") == ["c1"]
