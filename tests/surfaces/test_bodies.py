"""What a body may be, for both writes."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.surfaces.state import activity, read_everything, read_profile

MIB = 1024 * 1024


def nested(levels: int) -> bytes:
    return b'{"City":' * (levels - 1) + b"{}" + b"}" * (levels - 1)


BAD_BODIES = [
    (b"", "The body is empty; expected one JSON object"),
    (b"  \n", "The body is empty"),
    (b"City=Paris", "not JSON (unexpected"),
    (b'{"City": "Paris"', "not JSON"),
    (b'{"City": "Paris"} {}', "line 1, column"),
    (b"{'City': 'Paris'}", "json.dumps"),
    (json.dumps(str({"City": "Paris"})).encode(), "json.dumps"),
    (json.dumps("not json").encode(), "inside a JSON string"),
    (json.dumps(json.dumps(json.dumps({"City": "Paris"}))).encode(), "the string"),
    (json.dumps("").encode(), "inside a JSON string"),
    (b"[]", "The body is an array; expected one JSON object"),
    (b'[{"op": "replace", "path": "/City", "value": "Paris"}]', "an array"),
    (b"5", "the number 5"),
    (b"true", "the boolean true"),
    (b"null", "null"),
    (b'{"City": "\xff"}', "not valid UTF-8"),
    (b'{"City": "\\ud800"}', "not JSON"),
    (b'{"TotalSpend": NaN}', "not JSON"),
    (b'{"TotalSpend": Infinity}', "not JSON"),
    (b'{"TotalSpend": 1e999}', "not JSON"),
    (nested(33), "nested deeper than 32 levels"),
    (nested(1000), "nested deeper than 32 levels"),
    (b"[" * 100_000, "nested deeper than 32 levels"),
    (json.dumps("[" * 100_000).encode(), "nested deeper than 32 levels"),
]


@pytest.mark.parametrize(("body", "message"), BAD_BODIES)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_body_that_is_no_object_is_refused_and_nothing_is_stored(
    client: httpx.AsyncClient, base: str, abbie: str, method: str, body: bytes, message: str
) -> None:
    before = await read_everything(client, base, abbie)
    path = "UnifiedActivity" if method == "POST" else f"Customer/{abbie}"

    answer = await client.request(method, f"{base}/data/{path}", content=body)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["errorCode"] == "BodyUnreadable"
    assert message in answer.json()["message"]
    assert "expected one JSON object" in answer.json()["message"]
    assert await read_everything(client, base, abbie) == before


async def test_nesting_up_to_the_limit_is_judged_by_the_column(
    client: httpx.AsyncClient, base: str, abbie: str
) -> None:
    answer = await client.patch(f"{base}/data/Customer/{abbie}", content=nested(32))

    assert answer.json()["errorCode"] == "WrongType"


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """Sent without a Content-Length."""
    for start in range(0, len(body), 64 * 1024):
        yield body[start : start + 64 * 1024]


@pytest.mark.parametrize("is_announced", [True, False])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_body_over_one_mebibyte_is_too_large(
    client: httpx.AsyncClient, base: str, abbie: str, method: str, is_announced: bool
) -> None:
    before = await read_everything(client, base, abbie)
    path = "UnifiedActivity" if method == "POST" else f"Customer/{abbie}"
    body = json.dumps({"City": "x" * MIB}).encode()

    content = body if is_announced else in_pieces(body)
    answer = await client.request(method, f"{base}/data/{path}", content=content)

    assert answer.status_code == 413
    assert answer.json()["errorCode"] == "BodyTooLarge"
    assert "1048576" in answer.json()["message"]
    assert await read_everything(client, base, abbie) == before


async def test_a_body_of_exactly_one_mebibyte_is_read(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    body = b'{"City": "Paris"}'.ljust(MIB)

    answer = await client.patch(f"{base}/data/Customer/{abbie}", content=body)

    assert answer.status_code == 204


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "application/json",
        "application/json; charset=utf-8",
        "application/json-patch+json; charset=utf-8",
        "APPLICATION/JSON-PATCH+JSON",
        "text/json",
    ],
)
@pytest.mark.parametrize("is_double_encoded", [False, True])
async def test_objects_come_under_three_media_types_plain_or_double_encoded(
    client: httpx.AsyncClient, base: str, abbie: str, content_type: str | None, is_double_encoded: bool
) -> None:
    document = json.dumps({"City": "Orléans"})
    body = json.dumps(document) if is_double_encoded else document
    headers = {} if content_type is None else {"Content-Type": content_type}

    answer = await client.patch(f"{base}/data/Customer/{abbie}", content=body.encode(), headers=headers)

    assert answer.status_code == 204
    assert (await read_profile(client, base, abbie))["City"] == "Orléans"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data", ";"]
)
async def test_other_media_types_are_not_read(
    client: httpx.AsyncClient, base: str, abbie: str, content_type: str
) -> None:
    before = await read_everything(client, base, abbie)

    answer = await client.post(
        f"{base}/data/UnifiedActivity",
        content=json.dumps(activity(abbie)).encode(),
        headers={"Content-Type": content_type},
    )

    assert answer.status_code == 415
    assert answer.json()["errorCode"] == "ContentTypeNotSupported"
    assert "application/json" in answer.json()["message"]
    assert await read_everything(client, base, abbie) == before
