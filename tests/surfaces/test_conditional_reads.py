"""ETags: what is shown decides, so a lapse is a change like any other; and counts, as plain text."""

from datetime import timedelta

import httpx
import pytest

from tests.conftest import NOW
from topcoat.core.catalog import format_instant

QUESTIONS = [
    "Customer('{}')",
    "Customer?$filter=CustomerId eq '{}'",
    "Customer?$filter=CustomerId eq '{}'&$expand=UnifiedActivity",
    "Customer?$orderby=City&$top=100",
    "Customer/$count?$filter=City eq 'Paris'",
]


async def change_city(client: httpx.AsyncClient, base: str, customer_id: str, lifetime: timedelta) -> None:
    answer = await client.patch(
        f"{base}/data/Customer/{customer_id}?validUntil={format_instant(NOW + lifetime)}", json={"City": "Paris"}
    )
    assert answer.status_code == 204


async def advance(client: httpx.AsyncClient, admin: dict[str, str], duration: str) -> None:
    answer = await client.post("/_topcoat/clock", json={"advance": duration}, headers=admin)
    assert answer.status_code == 200


@pytest.mark.parametrize("question", QUESTIONS)
async def test_what_is_shown_already_is_not_sent_again(
    client: httpx.AsyncClient, base: str, abbie: str, question: str
) -> None:
    first = await client.get(f"{base}/data/{question.format(abbie)}")

    again = await client.get(f"{base}/data/{question.format(abbie)}", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["etag"].startswith('W/"')
    assert first.headers["cache-control"] == "private, no-cache"
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_change_and_its_lapse_each_make_another_tag(
    client: httpx.AsyncClient, base: str, abbie: str, admin: dict[str, str], question: str
) -> None:
    async def tag() -> str:
        answer = await client.get(f"{base}/data/{question.format(abbie)}")
        return str(answer.headers["etag"])

    before = await tag()
    await change_city(client, base, abbie, timedelta(hours=1))
    changed = await tag()
    await advance(client, admin, "PT1H")

    assert changed != before
    assert await tag() == before


async def test_the_shape_that_is_asked_for_is_part_of_the_tag(client: httpx.AsyncClient, base: str, abbie: str) -> None:
    whole = await client.get(f"{base}/data/Customer('{abbie}')")
    part = await client.get(f"{base}/data/Customer('{abbie}')?$select=City")

    assert whole.headers["etag"] != part.headers["etag"]


@pytest.mark.parametrize(
    ("condition", "status"),
    [("{}", 304), ('"other", {}', 304), ("*", 304), ('"other"', 200), ("", 200), ("rubbish", 200)],
)
async def test_any_of_several_tags_may_match(
    client: httpx.AsyncClient, base: str, abbie: str, condition: str, status: int
) -> None:
    address = f"{base}/data/Customer('{abbie}')"
    tag = (await client.get(address)).headers["etag"]

    answer = await client.get(address, headers={"If-None-Match": condition.format(tag)})

    assert answer.status_code == status


async def test_a_page_with_more_behind_it_keeps_its_tag(client: httpx.AsyncClient, base: str) -> None:
    """The token in its link is another each time."""
    first = await client.get(f"{base}/data/UnifiedActivity?$top=1000")
    tags = {(await client.get(f"{base}/data/Customer?$skip=1&$top=5")).headers["etag"] for _ in range(2)}

    assert first.status_code == 200
    assert len(tags) == 1


async def test_a_count_is_a_number_in_plain_text(client: httpx.AsyncClient, base: str) -> None:
    answer = await client.get(f"{base}/data/Customer/$count", headers={"Accept": "text/plain"})

    assert (answer.status_code, answer.text) == (200, "20")
    assert answer.headers["content-type"].startswith("text/plain")
