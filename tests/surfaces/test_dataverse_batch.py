"""POST $batch: what is read, what is refused before anything is done, and how the parts are answered."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.conftest import INSTANCE, open_client
from tests.surfaces.batching import (
    API,
    BOUNDARY,
    CHANGESET,
    MIXED,
    SERVICE,
    changeset,
    joined,
    operation,
    read_answers,
    send,
)
from topcoat.core import errors
from topcoat.flows.query import Query
from topcoat.settings import Settings
from topcoat.surfaces.dataverse import batch, links
from topcoat.surfaces.dataverse.batch_requests import Changeset, Item, Operation, read_batch

PROFILES = "msdynci_customerprofiles"
ACTIVITIES = "msdynci_unifiedactivities"
GET = operation(f"GET {SERVICE}/{PROFILES}")
PAYLOAD = "0x80048d19"

SENT_BY_PYTHON = (
    f"--{BOUNDARY}\r\n"
    "Content-Type: application/http\r\n"
    "Content-Transfer-Encoding: binary\r\n"
    "\r\n"
    "GET https://org/api/data/v9.2/x?$filter=msdynci_age gt 1 and name eq 'Zoë'&$top=2 HTTP/1.1\r\n"
    "\r\n"
    f"--{BOUNDARY}\r\n"
    f'Content-Type: multipart/mixed; boundary="{CHANGESET}"\r\n'
    "\r\n"
    f"--{CHANGESET}\r\n"
    "Content-Type: application/http\r\n"
    "Content-Transfer-Encoding: binary\r\n"
    "Content-ID: 1\r\n"
    "\r\n"
    "POST https://org/api/data/v9.2/x HTTP/1.1\r\n"
    "Content-Type: application/json; type=entry\r\n"
    "\r\n"
    '{"name": "Zoë"}\r\n'
    f"--{CHANGESET}\r\n"
    "Content-Type: application/http\r\n"
    "Content-Transfer-Encoding: binary\r\n"
    "Content-ID: 2\r\n"
    "\r\n"
    "PATCH $1 HTTP/1.1\r\n"
    "Content-Type: application/json; type=entry\r\n"
    "If-Match: *\r\n"
    "\r\n"
    '{"age": 7}\r\n'
    f"--{CHANGESET}\r\n"
    "Content-Type: application/http\r\n"
    "Content-Transfer-Encoding: binary\r\n"
    "Content-ID: 3\r\n"
    "\r\n"
    "DELETE https://org/api/data/v9.2/x(1) HTTP/1.1\r\n"
    "If-Match: *\r\n"
    "\r\n"
    f"--{CHANGESET}--\r\n"
    "\r\n"
    f"--{BOUNDARY}--\r\n"
).encode()

SENT_BY_NODE = (
    b"\r\n--dwa_batch_1\r\n"
    b"Content-Type: application/http\r\n"
    b"Content-Transfer-Encoding: binary\r\n"
    b"\r\n"
    b"GET https://org/api/data/v9.2/x?$filter=name%20eq%20%27a%27 HTTP/1.1\r\n"
    b"Accept: application/json\r\n"
    b"\r\n"
    b"--dwa_batch_1\r\n"
    b"Content-Type: multipart/mixed;boundary=changeset_2\r\n"
    b"\r\n"
    b"--changeset_2\r\n"
    b"Content-Type: application/http\r\n"
    b"Content-Transfer-Encoding: binary\r\n"
    b"Content-ID: 100001\r\n"
    b"\r\n"
    b"POST https://org/api/data/v9.2/x HTTP/1.1\r\n"
    b"Content-Type: application/json\r\n"
    b"Accept: application/json\r\n"
    b"\r\n"
    b'{"nav@odata.bind":"$1"}\r\n'
    b"\r\n"
    b"--changeset_2--\r\n"
    b"\r\n"
    b"--dwa_batch_1--\r\n"
)


@pytest.fixture
async def writing(sqlite_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A Contributor on a service that takes writes."""
    async with open_client(Settings(home=tmp_path, database_url=sqlite_url, dataverse_writes=True)) as opened:
        yield opened


def shown(item: Operation) -> tuple[str, str, dict[str, str], bytes, str | None]:
    return item.method, item.address, dict(item.headers), item.body, item.content_id


def read(content_type: str, body: bytes) -> list[Any]:
    return [
        [shown(inner) for inner in item.operations] if isinstance(item, Changeset) else shown(item)
        for item in read_batch(content_type, body)
    ]


def test_a_batch_of_the_vendors_python_client_is_read_byte_by_byte() -> None:
    typed = {"content-type": "application/json; type=entry"}

    first, changes = read(MIXED, SENT_BY_PYTHON)

    address = "https://org/api/data/v9.2/x?$filter=msdynci_age gt 1 and name eq 'Zoë'&$top=2"
    assert first == ("GET", address, {}, b"", None)
    assert changes == [
        ("POST", "https://org/api/data/v9.2/x", typed, '{"name": "Zoë"}'.encode(), "1"),
        ("PATCH", "$1", typed | {"if-match": "*"}, b'{"age": 7}', "2"),
        ("DELETE", "https://org/api/data/v9.2/x(1)", {"if-match": "*"}, b"", "3"),
    ]


def test_a_batch_of_the_javascript_client_is_read_byte_by_byte() -> None:
    first, changes = read("multipart/mixed;boundary=dwa_batch_1", SENT_BY_NODE)

    accepts = {"accept": "application/json"}
    address = "https://org/api/data/v9.2/x?$filter=name%20eq%20%27a%27"
    bound = b'{"nav@odata.bind":"$1"}\r\n'
    assert first == ("GET", address, accepts, b"", None)
    assert changes == [
        ("POST", "https://org/api/data/v9.2/x", {"content-type": "application/json"} | accepts, bound, "100001")
    ]


def test_a_content_id_may_stand_among_the_headers_of_the_request() -> None:
    (found,) = read(MIXED, joined([operation("POST x", "Content-ID: 7", body={})]))

    assert found[4] == "7"


@pytest.mark.parametrize(
    "content_type",
    [MIXED, f"Multipart/Mixed;Boundary={BOUNDARY}", f"multipart/mixed; charset=utf-8; boundary={BOUNDARY}; x=y"],
)
def test_a_boundary_comes_with_quotes_or_without(content_type: str) -> None:
    assert len(read(content_type, joined([GET]))) == 1


def test_text_before_the_first_delimiter_and_after_the_last_is_passed_over() -> None:
    body = b"This is a batch.\r\n" + joined([GET]) + b"That was it.\n"

    assert len(read(MIXED, body)) == 1


def test_delimiters_may_end_with_blanks() -> None:
    body = joined([GET, GET]).replace(f"--{BOUNDARY}".encode(), f"--{BOUNDARY} \t".encode(), 2)

    assert len(read(MIXED, body)) == 2


def test_a_delimiter_inside_a_line_is_text() -> None:
    body = {"note": f"--{BOUNDARY} and --{CHANGESET}--"}

    (changes,) = read(MIXED, joined([changeset(operation("POST x", body=body))]))

    assert json.loads(changes[0][3]) == body


addresses = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30)
ids = st.none() | st.integers(1, 9).map(str)
written = st.tuples(st.sampled_from(["POST", "PATCH", "DELETE"]), addresses, ids)


@given(st.lists(written, min_size=1, max_size=5, unique_by=lambda one: one[2] or object()))
def test_what_is_written_is_read(operations: list[tuple[str, str, str | None]]) -> None:
    parts = [operation(f"{method} x{address}", body={}, content_id=id_) for method, address, id_ in operations]

    alone, together = read(MIXED, joined(parts)), read(MIXED, joined([changeset(*parts)]))

    assert alone == together[0]
    assert [(method, address, id_) for method, address, _, _, id_ in alone] == [
        (method, f"x{address}", id_) for method, address, id_ in operations
    ]


pieces = st.sampled_from(
    [
        *(b"--b", b"--b--", b"--c", b"--c--", b"\r\n", b"\n", b"\r", b" ", b"\xff", b"{}", b"x: y"),
        *(b"Content-Type: application/http", b"Content-Transfer-Encoding: binary", b"Content-ID: 1"),
        *(b"Content-Type: multipart/mixed; boundary=c", b"GET x HTTP/1.1", b"PATCH $1 HTTP/1.1"),
    ]
)


@given(st.lists(pieces, max_size=40).map(b"".join))
def test_whatever_comes_is_a_batch_or_refused_in_a_sentence(body: bytes) -> None:
    refusal = ""
    found: list[Item] = []
    try:
        found = read_batch("multipart/mixed; boundary=b", body)
    except errors.BatchInvalid as error:
        refusal = error.message

    assert found or (refusal[0].isupper() and refusal.endswith("."))


LF = "ends with LF or CR alone; expected CRLF"
CASES: dict[str, tuple[str, bytes, str]] = {
    "no type": ("", joined([GET]), "The batch has no Content-Type; expected multipart/mixed; boundary="),
    "another type": ("application/json", joined([GET]), "The batch has the Content-Type 'application/json'; expected"),
    "no boundary": ("multipart/mixed", joined([GET]), "The batch has the Content-Type 'multipart/mixed'; expected"),
    "an empty boundary": ('multipart/mixed; boundary=""', joined([GET]), "expected multipart/mixed; boundary="),
    "a long boundary": (f"multipart/mixed; boundary={'b' * 71}", joined([GET]), "with 1 to 70 letters"),
    "another boundary": ("multipart/mixed; boundary=b", joined([GET]), "lacks the line '--b', which begins its parts"),
    "empty": (MIXED, b"", f"lacks the line '--{BOUNDARY}', which begins"),
    "no parts": (MIXED, f"--{BOUNDARY}--\r\n".encode(), "The batch has no parts."),
    "no end": (MIXED, joined([GET])[:-6], f"lacks the line '--{BOUNDARY}--', which ends its parts"),
    "LF": (MIXED, joined([GET]).replace(b"\r\n", b"\n"), f"The batch has a line that {LF}."),
    "CR": (MIXED, joined([GET]).replace(b"\r\n", b"\r"), LF),
    "LF behind a delimiter": (MIXED, joined([GET]).replace(b"\r\n", b"\n", 1), LF),
    "LF among headers": (MIXED, joined([GET.replace(b"\r\n", b"\n", 1)]), f"Part 1 of the batch has a line that {LF}"),
    "LF behind a request line": (MIXED, joined([operation("GET x", "A: b").replace(b"1.1\r\n", b"1.1\n")]), LF),
    "an empty part": (MIXED, joined([b""]), "Part 1 of the batch has no blank line behind its headers."),
    "no blank line": (MIXED, joined([b"Content-Type: application/http"]), "has no blank line behind its headers"),
    "no headers": (MIXED, joined([b"\r\nGET x HTTP/1.1"]), "has no Content-Type; expected application/http"),
    "a broken header": (MIXED, joined([b"Content-Type\r\n\r\n"]), "has the line 'Content-Type'; expected a header"),
    "no encoding": (
        MIXED,
        joined([b"Content-Type: application/http\r\n\r\nGET x HTTP/1.1\r\n"]),
        "has no Content-Transfer-Encoding; expected binary",
    ),
    "a part of JSON": (
        MIXED,
        joined([GET.replace(b"application/http", b"application/json")]),
        "has the Content-Type 'application/json'; expected application/http",
    ),
    "no request": (MIXED, joined([operation("x").replace(b"x HTTP/1.1", b"")]), "begins with ''; expected GET, POST"),
    "no version": (MIXED, joined([operation("GET x").replace(b" HTTP/1.1", b"")]), "begins with 'GET x'; expected"),
    "an older version": (MIXED, joined([operation("GET x").replace(b"1.1", b"1.0")]), "begins with 'GET x HTTP/1.0'"),
    "no address": (MIXED, joined([operation("GET ")]), "an address and HTTP/1.1"),
    "another method": (MIXED, joined([operation("TRACE x")]), "begins with 'TRACE x HTTP/1.1'; expected GET, POST,"),
    "a method in lower case": (MIXED, joined([operation("get x")]), "begins with 'get x HTTP/1.1'"),
    "a broken header of a request": (MIXED, joined([operation("GET x", "a b")]), "has the line 'a b'"),
    "no UTF-8": (MIXED, joined([operation("GET é").replace("é".encode(), b"\xe9")]), "an address that is not UTF-8"),
    "a long address": (MIXED, joined([operation(f"GET {'x' * 65_537}")]), "an address of 65537 bytes; expected"),
    "a batch": (MIXED, joined([operation(f"POST {SERVICE}/$batch?x=y", body={})]), "is a batch itself"),
    "a batch, encoded": (MIXED, joined([operation("POST %24batch/", body={})]), "is a batch itself; batches are not"),
    "a strange Content-ID": (MIXED, joined([operation("GET x", content_id="{1}")]), "has the Content-ID '{1}'"),
    "a changeset without parts": (
        MIXED,
        joined([b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n"]),
        "Part 1 of the batch has no parts.",
    ),
    "a changeset without a boundary": (
        MIXED,
        joined([GET, b"Content-Type: multipart/mixed\r\n\r\n"]),
        "Part 2 of the batch has the Content-Type 'multipart/mixed'; expected",
    ),
    "a changeset in a changeset": (
        MIXED,
        joined([changeset(b"Content-Type: multipart/mixed; boundary=c\r\n\r\n")]),
        "Part 1 of part 1 of the batch is multipart/mixed inside a changeset, where requests are expected.",
    ),
    "a GET in a changeset": (MIXED, joined([changeset(GET)]), "is a GET inside a changeset; expected POST, PATCH"),
    "a batch in a changeset": (MIXED, joined([changeset(operation("POST $batch", body={}))]), "is a batch itself"),
    "a Content-ID twice": (
        MIXED,
        joined([changeset(*[operation("POST x", body={}, content_id="1")] * 2)]),
        "Part 1 of the batch has the Content-ID '1' twice; expected it once.",
    ),
    "1,001 operations": (
        MIXED,
        joined([*[operation("GET x")] * 500, changeset(*[operation("POST x", body={})] * 501)]),
        "The batch has 1001 operations; expected at most 1000.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content_type", "body", "message"), CASES.values(), ids=CASES)
def test_what_cannot_be_read_is_refused_in_a_sentence(content_type: str, body: bytes, message: str) -> None:
    with pytest.raises(errors.BatchInvalid) as raised:
        read_batch(content_type, body)

    assert message in raised.value.message


def test_a_thousand_operations_are_read() -> None:
    assert len(read_batch(MIXED, joined([operation("GET x")] * 1000))) == 1000


REFERENCES = {"1": f"{SERVICE}/{PROFILES}(7)", "a-b": f"{SERVICE}/x(1)"}


@pytest.mark.parametrize(
    ("address", "path", "query"),
    [
        (f"{SERVICE}/x", "x", ""),
        (f"{SERVICE}", "", ""),
        (f"{SERVICE}/", "", ""),
        (f"HTTPS://TestServer:443{API}/x?$top=1", "x", "$top=1"),
        (f"{API}/x(name='a?')", "x(name='a", "')"),
        ("x?a=b?c", "x", "a=b?c"),
        ("x(name='Zoë b')", "x(name='Zoë b')", ""),
        ("x(name='Zo%C3%AB%20b%2F')", "x(name='Zoë b/')", ""),
        ("x(name='100%')", "x(name='100%')", ""),
        ("$metadata", "$metadata", ""),
        ("$1", f"{PROFILES}(7)", ""),
        ("$1/name?$top=1", f"{PROFILES}(7)/name", "$top=1"),
        ("$a-b", "x(1)", ""),
    ],
)
def test_addresses_are_whole_or_relative_or_begin_with_a_reference(address: str, path: str, query: str) -> None:
    assert links.resolve(address, SERVICE, REFERENCES) == (path, query)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://other/api/data/v9.2/x", f"The address 'http://other/api/data/v9.2/x' is not under {SERVICE}."),
        (f"http://testserver:8300{API}/x", "is not under"),
        (f"http://me@testserver{API}/x", "is not under"),
        (f"http://testserver/dataverse/{INSTANCE}{API}/x", "is not under"),
        (f"/dataverse/{INSTANCE}{API}/x", "is not under"),
        ("http://testserver/api/data/v9.20/x", "is not under"),
        ("/x", "is not under"),
        ("//testserver/x", "is not under"),
        ("x%FF", "The address 'x%FF' is not UTF-8."),
        ("$2", "Content-ID Reference: '$2' does not exist in the batch context"),
    ],
)
def test_addresses_that_lead_elsewhere_are_refused(address: str, message: str) -> None:
    with pytest.raises(errors.OptionInvalid) as raised:
        links.resolve(address, SERVICE, REFERENCES)

    assert message in raised.value.message


async def test_parts_are_answered_in_order_as_they_would_be_alone(client: httpx.AsyncClient, abbie: str) -> None:
    condition = f"msdynci_customerid eq '{abbie}'"
    lines = [
        f"GET {SERVICE}/{PROFILES}?$filter={condition}&$select=msdynci_fullname",
        f"GET {SERVICE}/{PROFILES}?%24filter={quote(condition)}&%24select=msdynci_fullname",
        f"GET {PROFILES}(msdynci_customerid='{abbie}')?$select=msdynci_fullname",
        f"GET {API}/{PROFILES}/$count",
    ]

    answer = await send(client, *map(operation, lines))

    *rows, count = read_answers(answer)
    assert answer.status_code == 200
    assert [part.status for part in rows] == [200, 200, 200]
    shown = [part.content.get("value", [part.content])[0]["msdynci_fullname"] for part in rows]
    assert shown == ["Abbie Moss"] * 3
    assert rows[0].headers["Content-Type"] == "application/json; odata.metadata=minimal"
    assert rows[0].headers["OData-Version"] == "4.0"
    assert rows[2].headers["ETag"].startswith('W/"')
    assert count.headers["Content-Type"].startswith("text/plain")
    assert count.content == "20"
    for part in rows:
        assert "Content-Length" not in part.headers


async def test_letters_that_are_not_ascii_may_come_as_they_are(client: httpx.AsyncClient) -> None:
    answer = await send(
        client, operation(f"GET {PROFILES}?$filter=msdynci_city eq 'Zürich é' and contains(msdynci_city,'%')")
    )

    (part,) = read_answers(answer)
    assert (part.status, part.content["value"]) == (200, [])


async def test_a_part_has_preferences_of_its_own(client: httpx.AsyncClient) -> None:
    answer = await send(
        client, operation(f"GET {PROFILES}", "Prefer: odata.maxpagesize=2"), operation(f"GET {PROFILES}")
    )

    first, second = read_answers(answer)
    assert len(first.content["value"]) == 2
    assert first.headers["Preference-Applied"] == "odata.maxpagesize=2"
    assert first.content["@odata.nextLink"].startswith(f"{SERVICE}/{PROFILES}?$skiptoken=")
    assert len(second.content["value"]) == 20


async def test_a_failing_part_ends_the_batch(client: httpx.AsyncClient) -> None:
    answer = await send(client, GET, operation("GET nonsense"), GET)

    assert answer.status_code == 400
    parts = read_answers(answer)
    assert [part.status for part in parts] == [200, 404]
    assert parts[1].content["error"]["message"] == "Resource not found for the segment 'nonsense'."


async def test_a_batch_goes_on_where_that_is_preferred(client: httpx.AsyncClient) -> None:
    answer = await send(client, GET, operation("GET nonsense"), GET, Prefer="odata.continue-on-error")

    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "odata.continue-on-error"
    assert [part.status for part in read_answers(answer)] == [200, 404, 200]


async def test_what_leads_elsewhere_is_refused_in_its_place(client: httpx.AsyncClient) -> None:
    foreign = operation(f"GET https://elsewhere.example{API}/{PROFILES}")

    answer = await send(client, foreign, GET, Prefer="odata.continue-on-error")

    refused, read = read_answers(answer)
    assert (refused.status, read.status) == (400, 200)
    assert refused.content["error"]["message"].endswith(f"is not under {SERVICE}.")


async def test_an_instance_is_addressed_by_the_batch_as_a_whole(client: httpx.AsyncClient) -> None:
    service = f"/dataverse/{INSTANCE}{API}"

    answer = await send(
        client,
        operation(f"GET http://testserver{service}/{PROFILES}/$count"),
        operation(f"GET {PROFILES}/$count"),
        operation(f"GET {SERVICE}/{PROFILES}/$count"),
        service=service,
    )

    assert [part.status for part in read_answers(answer)] == [200, 200, 400]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/mixed", joined([GET])),
        (MIXED, joined([GET]).replace(b"\r\n", b"\n")),
        (MIXED, joined([operation("POST $batch", body={})])),
        (MIXED, joined([operation("GET x")] * 1001)),
    ],
)
async def test_a_batch_that_cannot_be_read_is_400_in_the_envelope(
    client: httpx.AsyncClient, content_type: str, body: bytes
) -> None:
    answer = await client.post(f"{API}/$batch", content=body, headers={"Content-Type": content_type})

    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/json")
    assert list(answer.json()["error"]) == ["code", "message"]
    assert answer.json()["error"]["code"] == PAYLOAD


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_a_batch_is_posted(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, f"{API}/$batch")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_strangers_are_told_nothing(client: httpx.AsyncClient) -> None:
    answer = await send(client, GET, Authorization="Bearer nobody")

    assert answer.status_code == 401


async def test_a_defect_costs_one_part(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(Query, "count_records", fail)

    with capture_logs() as events:
        answer = await send(client, operation(f"GET {PROFILES}/$count"), GET, Prefer="odata.continue-on-error")

    broken, read = read_answers(answer)
    assert (broken.status, read.status) == (500, 200)
    assert "went wrong in the service" in broken.content["error"]["message"]
    assert [event["event"] for event in events if event["log_level"] == "error"] == ["part_failed"]


async def test_answers_have_a_limit_together(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "ANSWERS_BYTES_MAX", 1)

    answer = await send(client, GET, GET)

    first, second = read_answers(answer)
    assert (first.status, second.status) == (200, 400)
    assert second.content["error"]["message"] == "The answers of the batch so far are larger than the limit of 1 bytes."


async def test_each_write_of_a_changeset_is_refused_where_writes_are_off(client: httpx.AsyncClient, abbie: str) -> None:
    change = operation(
        f"PATCH {PROFILES}(msdynci_customerid='{abbie}')", body={"msdynci_city": "Paris"}, content_id="4"
    )
    removal = operation(f"DELETE {PROFILES}(msdynci_customerid='{abbie}')", content_id="5")

    stopped = await send(client, GET, changeset(change, removal), GET)
    whole = await send(client, GET, changeset(change, removal), GET, Prefer="odata.continue-on-error")

    assert (stopped.status_code, whole.status_code) == (400, 200)
    assert [(part.status, part.content_id) for part in read_answers(stopped)] == [(200, None), (403, "4")]
    assert [(part.status, part.content_id) for part in read_answers(whole)] == [
        (200, None),
        (403, "4"),
        (403, "5"),
        (200, None),
    ]


async def test_a_changeset_writes_and_is_referred_to(writing: httpx.AsyncClient, abbie: str) -> None:
    profile = f"{PROFILES}(msdynci_customerid='{abbie}')"
    purchase = {
        "msdynci_activityid": "A-1",
        "msdynci_activitytype": "SalesOrder",
        "msdynci_activitytime": "2026-11-24T11:00:00Z",
        "msdynci_title": "Grüße",
        "msdynci_lookupfield_customer@odata.bind": "$1",
    }

    answer = await send(
        writing,
        changeset(
            operation(f"PATCH {SERVICE}/{profile}", "If-Match: *", body={"msdynci_city": "Paris"}, content_id="1"),
            operation("PATCH $1", body={"msdynci_firstname": "Zoë"}, content_id="2"),
            operation(f"POST {SERVICE}/{ACTIVITIES}", body=purchase, content_id="3"),
        ),
        operation("GET $1?$select=msdynci_city,msdynci_firstname"),
        operation("GET $3/msdynci_lookupfield_customer?$select=msdynci_customerid"),
    )

    *changes, shown, customer = read_answers(answer)
    assert answer.status_code == 200, answer.text
    assert [(part.status, part.content_id, part.content) for part in changes] == [
        (204, "1", ""),
        (204, "2", ""),
        (204, "3", ""),
    ]
    assert changes[0].headers["OData-EntityId"] == changes[1].headers["OData-EntityId"]
    assert changes[2].headers["OData-EntityId"] == changes[2].headers["Location"]
    assert (shown.content["msdynci_city"], shown.content["msdynci_firstname"]) == ("Paris", "Zoë")
    assert customer.content["msdynci_customerid"] == abbie


async def test_what_a_changeset_did_before_it_failed_is_done(writing: httpx.AsyncClient, abbie: str) -> None:
    """Elastic tables have no transactions of several rows."""
    profile = f"{PROFILES}(msdynci_customerid='{abbie}')"

    answer = await send(
        writing,
        changeset(
            operation(f"PATCH {profile}", body={"msdynci_city": "Paris"}, content_id="1"),
            operation("PATCH $9", body={"msdynci_city": "Rome"}, content_id="2"),
            operation(f"PATCH {profile}", body={"msdynci_city": "Oslo"}, content_id="3"),
        ),
    )

    done, refused = read_answers(answer)
    city = await writing.get(f"{API}/{profile}/msdynci_city")
    assert (answer.status_code, done.status, refused.status) == (400, 204, 400)
    assert "'$9' does not exist in the batch context" in refused.content["error"]["message"]
    assert city.json()["value"] == "Paris"


async def test_a_batch_of_1001_writes_does_nothing(writing: httpx.AsyncClient, abbie: str) -> None:
    change = operation(f"PATCH {PROFILES}(msdynci_customerid='{abbie}')", body={"msdynci_city": "Paris"})

    answer = await send(writing, changeset(*[change] * 1001))

    city = await writing.get(f"{API}/{PROFILES}(msdynci_customerid='{abbie}')/msdynci_city")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, PAYLOAD)
    assert city.json()["value"] == "Seattle"
