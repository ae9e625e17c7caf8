"""Writes of both sorts, sent by many concurrent callers, and the question whether a service shows them."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

import httpx

from tests.contract.installation import Server, headers

CALLERS: Final = 32
PAGES_MAX: Final = 1_000

Job = TypeVar("Job")


@dataclass(frozen=True, slots=True)
class ActivityPost:
    activity_id: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class ProfileChange:
    customer_id: str
    telephone: str


Write = ActivityPost | ProfileChange


@asynccontextmanager
async def connected(service: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose addresses are relative to the sample instance."""
    limits = httpx.Limits(max_connections=CALLERS, max_keepalive_connections=CALLERS)
    async with httpx.AsyncClient(
        base_url=service.api, headers=headers(), limits=limits, timeout=60, trust_env=False
    ) as client:
        yield client


async def send(client: httpx.AsyncClient, write: Write) -> int:
    """The status of the answer."""
    match write:
        case ActivityPost(activity_id, customer_id):
            record = {
                "ActivityId": activity_id,
                "CustomerId": customer_id,
                "ActivityTime": "2026-11-01T09:30:00Z",
                "ActivityType": "SalesOrder",
            }
            return (await client.post("data/UnifiedActivity", json=record)).status_code
        case ProfileChange(customer_id, telephone):
            return (await client.patch(f"data/Customer/{customer_id}", json={"Telephone": telephone})).status_code


async def count_activity(client: httpx.AsyncClient, post: ActivityPost) -> int:
    """How often the service shows an activity."""
    query = f"CustomerId eq '{post.customer_id}' and ActivityId eq '{post.activity_id}'"
    answer = await client.get("data/UnifiedActivity", params={"$filter": query})
    assert answer.status_code == 200, answer.text
    return len(answer.json()["value"])


async def read_telephone(client: httpx.AsyncClient, customer_id: str) -> str | None:
    answer = await client.get(f"data/Customer('{customer_id}')")
    assert answer.status_code == 200, answer.text
    telephone: str | None = answer.json()["Telephone"]
    return telephone


async def list_customer_ids(client: httpx.AsyncClient) -> list[str]:
    return [str(record["CustomerId"]) for record in await list_records(client, "data/Customer")]


async def list_records(client: httpx.AsyncClient, address: str) -> list[dict[str, object]]:
    """All pages, joined."""
    records: list[dict[str, object]] = []
    for _ in range(PAGES_MAX):
        answer = await client.get(address)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        records += page["value"]
        if "@odata.nextLink" not in page:
            return records
        address = page["@odata.nextLink"]
    raise AssertionError(f"more than {PAGES_MAX} pages")


async def share_out(jobs: Iterable[Job], work: Callable[[Job], Awaitable[None]]) -> None:
    """Let concurrent callers take one job after the other until none is left."""
    waiting = deque(jobs)

    async def caller() -> None:
        while waiting:
            await work(waiting.popleft())

    async with asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(caller())


@dataclass(slots=True)
class Ledger:
    """What was acknowledged, by customer, and which values a change without an answer may have left."""

    activities: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    telephones: dict[str, set[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self.activities.values())) + len(self.telephones)

    def acknowledge(self, write: Write) -> None:
        match write:
            case ActivityPost(activity_id, customer_id):
                self.activities[customer_id].append(activity_id)
            case ProfileChange(customer_id, telephone):
                self.telephones[customer_id] = {telephone}

    def doubt(self, write: Write) -> None:
        """A write without an answer may or may not exist (S30)."""
        if isinstance(write, ProfileChange) and write.customer_id in self.telephones:
            self.telephones[write.customer_id].add(write.telephone)

    async def find_lost(self, client: httpx.AsyncClient) -> list[object]:
        """What the service does not show, or shows twice, although it was acknowledged."""
        lost: list[object] = []

        async def check_timeline(customer: str) -> None:
            timeline = await list_records(client, f"data/Customer('{customer}')/UnifiedActivity")
            shown = Counter(record["ActivityId"] for record in timeline)
            lost.extend((customer, activity) for activity in self.activities[customer] if shown[activity] != 1)

        async def check_telephone(customer: str) -> None:
            found = await read_telephone(client, customer)
            if found not in self.telephones[customer]:
                lost.append((customer, found, self.telephones[customer]))

        await share_out(list(self.activities), check_timeline)
        await share_out(self.telephones, check_telephone)
        return lost
