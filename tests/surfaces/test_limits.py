"""Limits to calls, over HTTP."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import open_client
from topcoat.core import errors
from topcoat.flows.limits import Limits
from topcoat.settings import Settings

QUOTA = 100


@pytest.fixture
async def limited(sqlite_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(Settings(home=tmp_path, database_url=sqlite_url, limits="connector")) as opened:
        yield opened


async def test_calls_are_not_limited_unless_it_is_chosen(client: httpx.AsyncClient, base: str) -> None:
    answer = await client.get(f"{base}/data/Customer")

    assert not [name for name in answer.headers if name.startswith("ratelimit")]


async def test_every_answer_to_a_known_caller_tells_the_budget_left(
    limited: httpx.AsyncClient, base: str, abbie: str
) -> None:
    answers = [
        await limited.get(f"{base}/data/Customer('{abbie}')"),
        await limited.patch(f"{base}/data/Customer/{abbie}", json={"City": "Paris"}),
        await limited.get(f"{base}/data/Nonsense"),
        await limited.delete(f"{base}/manage/search"),
        await limited.get(f"{base}/manage/apiusage"),
        await limited.get(f"{base}/nowhere"),
    ]
    stranger = await limited.get(f"{base}/data/Customer", headers={"Authorization": "Bearer nobody"})

    assert [answer.status_code for answer in answers] == [200, 204, 404, 405, 403, 404]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"connector";q=100;w=60'}
    left = [re.fullmatch(r'"connector";r=(\d+);t=(\d+)', answer.headers["ratelimit"]) for answer in answers]
    assert [found and int(found[1]) for found in left] == [99, 98, 97, 96, 95, 94]
    assert all(found and 0 < int(found[2]) <= 60 for found in left)
    assert "ratelimit" not in stranger.headers


async def test_the_call_beyond_the_budget_of_a_connection_is_429_and_changes_nothing(
    limited: httpx.AsyncClient, base: str, abbie: str
) -> None:
    for _ in range(QUOTA):
        await limited.get(f"{base}/data/Nonsense")

    data = await limited.patch(f"{base}/data/Customer/{abbie}", json={"City": "Paris"})
    other = await limited.get("/api/instances")
    metadata = await limited.get(f"{base}/manage/tables")
    another_key = {"Ocp-Apim-Subscription-Key": "topcoat-secondary-key"}
    profile = await limited.get(f"{base}/data/Customer('{abbie}')", headers=another_key)

    assert data.status_code == metadata.status_code == 429
    assert data.json()["errorCode"] == metadata.json()["errorCode"] == "TooManyCalls"
    assert metadata.json()["httpStatusCode"] == "429"
    assert 0 < int(data.headers["retry-after"]) <= 60
    assert data.headers["ratelimit"] == f'"connector";r=0;t={data.headers["retry-after"]}'
    assert other.status_code == 200
    assert profile.status_code == 200
    assert profile.json()["City"] == "Seattle"


async def test_the_limits_of_dataverse_are_told_each(sqlite_url: str, tmp_path: Path, base: str, abbie: str) -> None:
    async with open_client(Settings(home=tmp_path, database_url=sqlite_url, limits="dataverse")) as limited:
        await limited.get(f"{base}/data/Customer('{abbie}')")
        answer = await limited.get(f"{base}/data/Customer('{abbie}')")

    assert answer.headers["ratelimit-policy"] == (
        '"dataverse-requests";q=6000;w=300, "dataverse-time";q=1200000;qu="milliseconds";w=300,'
        ' "dataverse-concurrency";q=52;qu="concurrent-requests"'
    )
    found = re.fullmatch(
        r'"dataverse-requests";r=5998;t=\d+, "dataverse-time";r=(\d+);t=\d+, "dataverse-concurrency";r=51',
        answer.headers["ratelimit"],
    )
    assert found is not None
    assert int(found[1]) <= 1_200_000


async def test_an_answer_is_given_though_its_end_cannot_be_counted(
    sqlite_url: str, tmp_path: Path, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise errors.StoreUnreachable(reason="gone")

    monkeypatch.setattr(Limits, "end", fail)
    async with open_client(Settings(home=tmp_path, database_url=sqlite_url, limits="dataverse")) as limited:
        answer = await limited.get(f"{base}/data/Customer")

    assert answer.status_code == 200
