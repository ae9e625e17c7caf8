"""What is wrong with a query is told flat, with its place and what was expected; never a 500."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import INSTANCE, Service, open_service
from tests.flows import asking
from tests.flows.test_segments_and_measures import OTHER_INSTANCE, environment
from tests.surfaces.bare import get_bare
from tests.surfaces.test_reading import add_activities
from topcoat.app import create_app
from topcoat.core.odata import address, options
from topcoat.flows.query import continuation
from topcoat.flows.query.continuation import Continuation
from topcoat.settings import Settings
from topcoat.store import signing_keys
from topcoat.surfaces.access import ADDRESS_BYTES_MAX

ODATA_ERROR = [
    "errorCode",
    "message",
    "target",
    "details",
    "innerError",
    "instanceAnnotations",
    "typeAnnotation",
]


@pytest.fixture
async def beside(client: httpx.AsyncClient, sqlite_url: str) -> AsyncIterator[Service]:
    """The flows on the database that the client's service has."""
    async with open_service(sqlite_url) as opened:
        yield opened


async def read_problem(client: httpx.AsyncClient, url: str, status: int) -> dict[str, Any]:
    answer = await client.get(url)
    assert answer.status_code == status, answer.text
    problem: dict[str, Any] = answer.json()
    assert list(problem) == ODATA_ERROR
    return problem


SYNTAX = [
    ("City eq 'Seattle", 8, "a string that does not end, expected its closing '"),
    ("City eq 'O'Brien'", 11, "found 'Brien'"),
    ("(City eq 'Seattle'", 18, "found the end, expected an operator or ')'"),
    ("City eq 'Seattle')", 17, "found ')', expected an operator or the end"),
    ("City in ('Oslo'", 15, "found the end"),
    ("City eq", 7, "found the end"),
    ("City = 'Oslo'", 5, "found '='"),
    ('City eq "Oslo"', 8, "expected single quotes around a string"),
    ("upper(City) eq 'X'", 0, "found the function 'upper', expected one of the functions contains, startswith"),
    ("length() eq 3", 0, "found length with 0, expected 1"),
    ("length(City,LastName) eq 3", 0, "found length with 2, expected 1"),
    ("FullName ne '' and contains(City)", 19, "found contains with 1, expected 2"),
    ("length(RewardsPoints) eq 3", 7, "found the integer column RewardsPoints, expected a string"),
    ("City eq 5", 5, "found the number 5 beside the string column City, expected a string in single quotes"),
    ("RewardsPoints gt '5'", 14, "found the string '5' beside the integer column RewardsPoints"),
    ("CustomerSince gt '2026-01-01'", 14, "expected a date-time such as"),
    ("City add 1 eq 2", 0, "found the string column City, expected a number"),
    ("EmailOptIn gt true", 11, "found 'gt' between booleans, expected 'eq' or 'ne'"),
    ("City", 0, "expected a condition such as"),
    ("City\x00eq 'x'", 4, "found the character U+0000"),
    (f"{'(' * 101}true{')' * 101}", 100, "nesting deeper than 100 levels"),
    (f"{'not ' * 101}true", 400, "nesting deeper than 100 levels"),
]


@pytest.mark.parametrize(("text", "position", "message"), SYNTAX, ids=[text[:40] for text, _, _ in SYNTAX])
async def test_a_fault_in_a_filter_is_told_with_its_position(
    client: httpx.AsyncClient, base: str, text: str, position: int, message: str
) -> None:
    problem = await read_problem(client, f"{base}/data/Customer?$filter={quote(text)}", 400)

    assert problem["errorCode"] == "QuerySyntaxError"
    assert problem["target"] == "$filter"
    assert f"In $filter, at position {position}: " in problem["message"]
    assert message in problem["message"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("$top=-1", "In $top, at position 0: found '-1', expected a whole number from 0"),
        ("$top=abc", "In $top, at position 0: found 'abc', expected a whole number from 0"),
        ("$top=1.5", "In $top, at position 0: found '1.5'"),
        ("$top=", "In $top, at position 0: found the end"),
        ("$top=99999999999999999999", "In $top, at position 0"),
        ("$skip=100001", "In $skip, at position 0: found '100001', expected a whole number from 0 to 100000"),
        ("$skip=-1", "In $skip, at position 0: found '-1'"),
        ("$count=maybe", "In $count, at position 0: found 'maybe', expected true or false"),
        ("explain=perhaps", "In explain, at position 0: found 'perhaps', expected true or false"),
        ("$orderby=City sideways", "In $orderby, at position 5: found 'sideways'"),
        ("$orderby=", "In $orderby, at position 0: found the end"),
        ("$select=City,,LastName", "In $select, at position 5: found ','"),
        ("$expand=UnifiedActivity($top=x)", "In $expand, at position 21: found 'x'"),
        ("$expand=UnifiedActivity,UnifiedActivity", "In $expand, at position 16"),
        ('$search="abc', "In $search, at position 0: found a string that does not end"),
        ("$search=abbie AND", "In $search, at position"),
    ],
)
async def test_a_fault_in_another_option_is_told_with_its_position(
    client: httpx.AsyncClient, base: str, query: str, message: str
) -> None:
    problem = await read_problem(client, f"{base}/data/Customer?{query}", 400)

    assert problem["errorCode"] == "QuerySyntaxError"
    assert message in problem["message"]


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("Customer?$filter=Citty eq 'x'", "UnknownColumn", "no column 'Citty' (did you mean 'City'?)"),
        ("Customer?$filter=not (Citty eq 'x')", "UnknownColumn", "no column 'Citty' (did you mean 'City'?)"),
        ("Customer?$select=CustomerId,Citty", "UnknownColumn", "no column 'Citty' (did you mean 'City'?)"),
        ("Customer?$orderby=Citty", "UnknownColumn", "no column 'Citty' (did you mean 'City'?)"),
        ("Customer(Citty='x')", "UnknownColumn", "no column 'Citty' (did you mean 'City'?)"),
        ("UnifiedActivity?$orderby=ActivityTimes", "UnknownColumn", "(did you mean 'ActivityTime'?)"),
        ("Customer?$filter=IsMemberOfSegment('HighVlue')", "UnknownSegment", "(did you mean 'HighValue'?)"),
        ("Customer?$filter=true&IsMemberOfSegment('Nope')", "UnknownSegment", "There is no segment 'Nope'"),
        ("Customer?$colour=blue", "OptionInvalid", "$colour is unknown; the options are $count, $expand"),
        ("Customer?$top=1&$top=2", "OptionInvalid", "$top is given twice"),
        ("Customer?$top=1&top=2", "OptionInvalid", "$top is given twice"),
        ("Customer?$TOP=1&$top=2", "OptionInvalid", "$top is given twice"),
        ("Customer%3F$top=1?$top=2", "OptionInvalid", "$top is given twice"),
        ("Customer?filter=true&$filter=true", "OptionInvalid", "$filter is given twice"),
        ("Customer?asOf=2026-11-24&asof=2026-11-24", "OptionInvalid", "asOf is given twice"),
        ("Customer?$expand=Nope", "OptionInvalid", "takes UnifiedActivity and Customer_Measure"),
        ("Customer?$expand=PoS_posPurchases", "OptionInvalid", "takes UnifiedActivity and Customer_Measure"),
        ("UnifiedActivity?$expand=Customer", "OptionInvalid", "not supported on UnifiedActivity"),
        ("UnifiedActivity?$search=x", "OptionInvalid", "$search is not supported on UnifiedActivity"),
        ("Customer?$filter=City eq '%ED%A0%80'", "OptionInvalid", "$filter is encoded badly: %ED is not UTF-8"),
        ("Customer?$filter=City eq '%C3%28'", "OptionInvalid", "$filter is encoded badly: %C3 is not UTF-8"),
        ("Customer?%C3%28=1", "OptionInvalid", "encoded badly"),
        ("Customer?" + "&".join(f"x{n}=" for n in range(201)), "OptionInvalid", "201 items; at most 200"),
        ("Customer('x", "QuerySyntaxError", "In the address, at position 9"),
        ("Customer(7)", "QuerySyntaxError", "In the address, at position 9: found '7', expected an id in quotes"),
        ("Customer?asOf=yesterday", "ParameterInvalid", "asOf is 'yesterday'; expected an RFC 3339 date-time"),
        ("Customer?asOf=", "ParameterInvalid", "asOf is ''"),
        ("Customer('x')?asOf=2026-13-01T00:00:00Z", "ParameterInvalid", "asOf is '2026-13-01T00:00:00Z'"),
        ("Customer/$count?asOf=0", "ParameterInvalid", "asOf is '0'"),
        ("Customer?$skiptoken=forged", "ContinuationInvalid", "$skiptoken is not usable"),
        ("Customer?$skiptoken=", "ContinuationInvalid", "$skiptoken is not usable"),
        ("Customer?$skiptoken=%F0%9F%A5%90", "ContinuationInvalid", "$skiptoken is not usable"),
    ],
)
async def test_what_a_query_gets_wrong_is_named(
    client: httpx.AsyncClient, base: str, query: str, code: str, message: str
) -> None:
    problem = await read_problem(client, f"{base}/data/{query}", 400)

    assert problem["errorCode"] == code
    assert message in problem["message"]


@pytest.fixture
async def app(sqlite_url: str, tmp_path: Path) -> AsyncIterator[FastAPI]:
    opened = create_app(Settings(home=tmp_path, database_url=sqlite_url))
    async with opened.router.lifespan_context(opened):
        yield opened


async def read_bare_problem(app: FastAPI, target: str, status: int) -> dict[str, Any]:
    answered, body = await get_bare(app, target)
    assert answered == status, body
    problem: dict[str, Any] = json.loads(body)
    return problem


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("$filter=City eq '%zz'", "$filter is encoded badly: '%zz' is no % with two hexadecimal digits"),
        ("$filter=City eq '%C3%28'", "$filter is encoded badly: %C3 is not UTF-8"),
        ("$filter=City eq '%4'", "$filter is encoded badly: '%4'"),
        ("$top=1%", "$top is encoded badly: '%'"),
        ("%zz=1", "The query string is encoded badly: '%zz'"),
        ("$filter=City eq '\udcff'", "$filter is encoded badly: %FF is not UTF-8"),
        ("\udcff=1", "The query string is encoded badly: %FF is not UTF-8"),
    ],
)
async def test_a_fault_in_the_encoding_is_told_with_its_option(
    app: FastAPI, base: str, query: str, message: str
) -> None:
    problem = await read_bare_problem(app, f"{base}/data/Customer?{query}", 400)

    assert list(problem) == ODATA_ERROR
    assert problem["errorCode"] == "OptionInvalid"
    assert message in problem["message"]


@pytest.mark.parametrize("segment", ["%FF", "Customer%C3%28", "Customer('\udcff')", "Customer%3F$filter=%FF"])
async def test_a_path_that_is_not_utf8_leads_nowhere(app: FastAPI, base: str, segment: str) -> None:
    problem = await read_bare_problem(app, f"{base}/data/{segment}", 404)

    assert list(problem) == ODATA_ERROR
    assert problem["errorCode"] == "AddressNotFound"


async def test_five_thousand_alternatives_are_answered(app: FastAPI, base: str, abbie: str) -> None:
    terms = [*(f"City eq '{n}'" for n in range(4999)), "City eq 'Seattle'"]

    status, body = await get_bare(app, f"{base}/data/Customer?$filter={quote(' or '.join(terms))}")

    assert status == 200, body
    records = json.loads(body)["value"]
    assert abbie in [record["CustomerId"] for record in records]
    assert {record["City"] for record in records} == {"Seattle"}


async def test_more_than_ten_thousand_terms_are_too_many(app: FastAPI, base: str) -> None:
    terms = quote(" or ".join(["1 eq 1"] * 10_002))

    problem = await read_bare_problem(app, f"{base}/data/Customer?$filter={terms}", 400)

    assert problem["target"] == "$filter"
    assert "at most 10000" in problem["message"]


async def test_a_filter_beyond_its_length_is_refused_whatever_it_says(app: FastAPI, base: str) -> None:
    problem = await read_bare_problem(app, f"{base}/data/Customer?$filter={'x' * 200_001}", 400)

    assert problem["errorCode"] == "OptionInvalid"
    assert problem["target"] == "$filter"
    assert "200001 characters; at most 200000" in problem["message"]


@pytest.mark.parametrize("address", ["Customer?$filter={}", "Customer('{}')", "Customer%3F$filter={}"])
async def test_an_address_beyond_the_servers_limit_is_414(app: FastAPI, base: str, address: str) -> None:
    problem = await read_bare_problem(app, f"{base}/data/{address.format('x' * ADDRESS_BYTES_MAX)}", 414)

    assert problem["errorCode"] == "AddressTooLong"
    assert f"the limit of {ADDRESS_BYTES_MAX} bytes" in problem["message"]


async def test_as_of_before_the_first_refresh_says_so(client: httpx.AsyncClient, base: str) -> None:
    """S28."""
    problem = await read_problem(client, f"{base}/data/Customer?asOf=2026-11-24T11:59:59Z", 404)

    assert problem["target"] == "asOf"
    assert "it is before the first refresh" in problem["message"]


@pytest.mark.parametrize("address", ["Customer", "UnifiedActivity", "Customer_Measure", "Customer('{}')"])
async def test_as_of_before_the_horizon_says_since_when_answers_are_kept(
    client: httpx.AsyncClient, base: str, abbie: str, address: str
) -> None:
    """S28."""
    problem = await read_problem(client, f"{base}/data/{address.format(abbie)}?asOf=2026-11-17T11:59:59Z", 404)

    assert problem["target"] == "asOf"
    assert "nothing is kept from before 2026-11-17T12:00:00Z" in problem["message"]


async def test_as_of_within_a_refresh_that_was_undone_says_so(
    client: httpx.AsyncClient, base: str, beside: Service, sample_folder: Path, tmp_path: Path
) -> None:
    """S21, S28."""
    await beside.advance(timedelta(hours=1))
    await beside.refresh(asking.changed_sample(sample_folder, tmp_path, {"Seattle": "Paris"}))
    await beside.advance(timedelta(hours=1))
    await beside.undo()

    problem = await read_problem(client, f"{base}/data/Customer?asOf=2026-11-24T13:30:00Z", 404)

    assert problem["target"] == "asOf"
    assert "the refresh that was active then was undone" in problem["message"]
    for instant in ("2026-11-24T12:30:00Z", "2026-11-24T14:00:00Z"):
        assert (await client.get(f"{base}/data/Customer?asOf={instant}")).status_code == 200


async def a_token(client: httpx.AsyncClient, base: str, customer_id: str, query: str = "UnifiedActivity") -> str:
    """Of a first page, which has more behind it."""
    await add_activities(client, base, customer_id, 40)
    page = (await client.get(f"{base}/data/{query}")).json()
    return dict(parse_qsl(urlsplit(page["@odata.nextLink"]).query))["$skiptoken"]


async def test_a_token_that_was_changed_is_refused(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    """S25."""
    token = await a_token(client, base, abbie)
    changed = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in (0, 30, len(token) // 2)]

    for forged in [*changed, token[:-4], token + "AAAA"]:
        problem = await read_problem(client, f"{base}/data/UnifiedActivity?$skiptoken={forged}", 400)
        assert problem["errorCode"] == "ContinuationInvalid"
        assert problem["target"] == "$skiptoken"
    assert (await client.get(f"{base}/data/UnifiedActivity?$skiptoken={token}")).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "UnifiedActivity?$orderby=ActivityId&",
        "UnifiedActivity?$filter=ActivityType eq 'SalesOrder'&",
        "UnifiedActivity?$select=ActivityId&",
        "UnifiedActivity?$top=50&",
        "UnifiedActivity?asOf=2026-11-24T12:00:00Z&",
        "Customer('{}')/UnifiedActivity?",
        "Customer?",
    ],
)
async def test_a_token_of_another_query_is_refused(
    client: httpx.AsyncClient, base: str, abbie: str, query: str
) -> None:
    """S25."""
    token = await a_token(client, base, abbie)

    problem = await read_problem(client, f"{base}/data/{query.format(abbie)}$skiptoken={token}", 400)

    assert problem["errorCode"] == "ContinuationInvalid"
    assert "belongs to another query" in problem["message"]


async def test_a_token_of_another_instance_is_refused(
    client: httpx.AsyncClient, base: str, abbie: str, beside: Service, tmp_path: Path
) -> None:
    """S25, S33."""
    await beside.refresh(environment(tmp_path, [{"CustomerId": abbie}], instance=OTHER_INSTANCE))
    token = await a_token(client, base, abbie)
    elsewhere = base.replace(INSTANCE, OTHER_INSTANCE)

    problem = await read_problem(client, f"{elsewhere}/data/UnifiedActivity?$skiptoken={token}", 400)

    assert problem["errorCode"] == "ContinuationInvalid"
    assert (await client.get(f"{elsewhere}/data/UnifiedActivity")).status_code == 200


async def signed_at(service: Service, token: str, age: timedelta) -> str:
    """The same token as if it had been given out so long ago."""
    question = repr((INSTANCE, address.parse_address("UnifiedActivity"), options.parse_options([])))
    now = service.clock.system_now()
    secret = await signing_keys.get_signing_key(service.store, continuation.PURPOSE, now)
    known: Continuation = continuation.verify(token, question=question, secret=secret, system_now=now)
    return continuation.sign(known, question=question, secret=secret, system_now=now - age)


async def test_a_token_is_refused_after_an_hour_of_system_time(
    client: httpx.AsyncClient, base: str, abbie: str, beside: Service
) -> None:
    """S25."""
    token = await a_token(client, base, abbie)
    young = await signed_at(beside, token, timedelta(minutes=59))
    old = await signed_at(beside, token, timedelta(minutes=61))

    problem = await read_problem(client, f"{base}/data/UnifiedActivity?$skiptoken={old}", 400)

    assert "it is older than one hour" in problem["message"]
    assert (await client.get(f"{base}/data/UnifiedActivity?$skiptoken={young}")).status_code == 200


async def test_a_token_is_refused_once_what_it_pinned_is_no_longer_kept(
    client: httpx.AsyncClient, base: str, abbie: str, beside: Service
) -> None:
    """S25: its instant is before the horizon."""
    token = await a_token(client, base, abbie)
    await beside.advance(timedelta(days=7, seconds=1))

    problem = await read_problem(client, f"{base}/data/UnifiedActivity?$skiptoken={token}", 400)

    assert "what it pinned is no longer kept" in problem["message"]


async def test_a_token_is_refused_once_its_refresh_is_undone(
    client: httpx.AsyncClient, base: str, abbie: str, beside: Service, sample_folder: Path, tmp_path: Path
) -> None:
    """S21."""
    await beside.refresh(asking.changed_sample(sample_folder, tmp_path, {"Seattle": "Paris"}))
    token = await a_token(client, base, abbie)
    await beside.undo()

    problem = await read_problem(client, f"{base}/data/UnifiedActivity?$skiptoken={token}", 400)

    assert problem["errorCode"] == "ContinuationInvalid"
    assert "undone" in problem["message"]
