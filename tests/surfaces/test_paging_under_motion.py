"""Pages that were asked for while the data moved are together what one answer was before it did (S25)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import INSTANCE, Service, open_client, open_service
from tests.flows import asking
from tests.surfaces.state import activity
from topcoat import sample
from topcoat.settings import Settings

SIZE, LATER_SIZE = 190, 175
DATA = f"/api/instances/{INSTANCE}/data"
WALKS = [
    "Customer",
    "Customer?$orderby=LastName desc",
    "Customer?$filter=City ne 'Seattle'",
    "Customer?$filter=startswith(AddressLine1,'1')  or City eq 'Paris'&$orderby=LastName desc",
    "UnifiedActivity",
    "UnifiedActivity?$orderby=ActivityTypeDisplay desc",
    "UnifiedActivity?$filter=ActivityType eq 'SalesOrder'",
    "UnifiedActivity?$filter=ActivityType ne 'Feedback'&$orderby=Title",
]

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Contoso Coffee in two sizes: the smaller one lacks people, and their activities."""
    folder = tmp_path_factory.mktemp("samples")
    large, small = (sample.write_sample(folder / str(size), size) for size in (SIZE, LATER_SIZE))
    return large, small


@pytest.fixture
async def mover(database_url: str, samples: tuple[Path, Path]) -> AsyncIterator[Service]:
    async with open_service(database_url) as opened:
        await opened.refresh(samples[0])
        yield opened


@pytest.fixture
async def reader(database_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(Settings(home=tmp_path, database_url=database_url)) as opened:
        yield opened


async def read_page(reader: httpx.AsyncClient, address: str) -> tuple[Rows, str | None]:
    answer = await reader.get(address)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    return page["value"], page.get("@odata.nextLink")


async def read_unpaged(reader: httpx.AsyncClient, walk: str) -> Rows:
    rows, _ = await read_page(reader, f"{DATA}/{walk}{'&' if '?' in walk else '?'}$top=1000")
    assert len(rows) < 1000
    return rows


async def write(reader: httpx.AsyncClient, round_: int, valid_until: str) -> None:
    """Changes that move customers through every order and filter, and activities at either end of time."""
    customers = await read_unpaged(reader, "Customer")
    for row in customers[round_ :: len(customers) // 4]:
        id_ = row["CustomerId"]
        changed = {"LastName": f"{'AZ'[round_ % 2]}{round_}", "City": ("Paris", "Seattle")[round_ % 2]}
        answer = await reader.patch(f"{DATA}/Customer/{id_}?validUntil={valid_until}", json=changed)
        assert answer.status_code == 204, answer.text
        for time in ("2016-01-01T00:00:00Z", "2024-06-01T00:00:00Z", "2026-11-24T11:00:00Z"):
            record = activity(id_, ActivityId=f"{round_}-{time}", ActivityTime=time)
            answer = await reader.post(f"{DATA}/UnifiedActivity?validUntil={valid_until}", json=record)
            assert answer.status_code == 201, answer.text


async def test_joined_pages_are_the_unpaged_answer_whatever_happens_between_them(
    mover: Service, reader: httpx.AsyncClient, samples: tuple[Path, Path], tmp_path: Path
) -> None:
    await write(reader, 0, "2026-11-24T13:00:00Z")  # lapses under way
    unpaged = {walk: await read_unpaged(reader, walk) for walk in WALKS}
    pages = {walk: await read_page(reader, f"{DATA}/{walk}") for walk in WALKS}
    moved = asking.changed_sample(samples[0].parent, tmp_path, {"Seattle": "Oslo", "Toronto": "Bergen"})
    refreshes = {1: samples[1], 3: moved}
    rounds = 0

    while any(following is not None for _, following in pages.values()):
        rounds += 1
        await write(reader, rounds, "2026-12-01T00:00:00Z")
        await mover.advance(timedelta(minutes=45))
        if rounds in refreshes:
            await mover.refresh(refreshes[rounds])
        for walk, (rows, following) in pages.items():
            if following is not None:
                more, next_link = await read_page(reader, following)
                pages[walk] = [*rows, *more], next_link

    assert rounds >= 3
    for walk, (rows, _) in pages.items():
        assert len(rows) > 100, walk
        assert rows == unpaged[walk], walk
        assert await read_unpaged(reader, walk) != rows, walk
