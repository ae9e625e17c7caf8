"""Two services on one database: what one acknowledges the other shows."""

import asyncio
import random
from collections import defaultdict

import httpx

from tests.contract import traffic
from tests.contract.installation import Installation, Server
from tests.contract.traffic import ActivityPost, ProfileChange

DOUBLES = 500
TRIPLES = 100
CHANGES = 700


async def test_of_two_thousand_mixed_writes_every_acknowledged_one_is_read_by_the_other_process_at_once(
    installation: Installation, server: Server
) -> None:
    """S6, S13, S23, S30: and of equal ids, sent to both at the same time, exactly one is created."""
    other = installation.serve()
    async with traffic.connected(server) as first, traffic.connected(other) as second:
        exchange = Exchange(first, second)
        customers = await traffic.list_customer_ids(first)

        await traffic.share_out(mixed_jobs(customers), exchange.do)

        assert exchange.unseen == []
        assert exchange.sent == 2 * DOUBLES + 3 * TRIPLES + CHANGES == 2_000
        answers_by_id = {tuple(sorted(answers)) for answers in exchange.created.values()}
        assert answers_by_id == {(201, 409), (201, 409, 409)}
        assert set(exchange.changed) == {204}
        assert await exchange.merged(first, customers) == await exchange.merged(second, customers)


def mixed_jobs(customers: list[str]) -> list[list[ActivityPost] | ProfileChange]:
    """Equal activities stand in one list, to be sent at once; the order is the same in every run."""
    copies = [2] * DOUBLES + [3] * TRIPLES
    posts = [[ActivityPost(f"mixed-{n}", customers[n % len(customers)])] * copy for n, copy in enumerate(copies)]
    changes = [ProfileChange(customers[n % len(customers)], f"555-{n:04}") for n in range(CHANGES)]
    jobs: list[list[ActivityPost] | ProfileChange] = [*posts, *changes]
    random.Random(1).shuffle(jobs)
    return jobs


class Exchange:
    """Sends to one process, asks the other."""

    def __init__(self, first: httpx.AsyncClient, second: httpx.AsyncClient) -> None:
        self._pair = (first, second)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.sent = 0
        self.created: dict[str, list[int]] = {}
        self.changed: list[int] = []
        self.unseen: list[object] = []

    async def do(self, job: list[ActivityPost] | ProfileChange) -> None:
        if isinstance(job, ProfileChange):
            async with self._turns[job.customer_id]:  # so that its own value is the one to be read
                await self._change(job)
        else:
            await self._create(job)

    async def _change(self, change: ProfileChange) -> None:
        here, there = self._turned()
        self.changed.append(await traffic.send(here, change))
        found = await traffic.read_telephone(there, change.customer_id)
        if found != change.telephone:
            self.unseen.append((change, found))

    async def _create(self, copies: list[ActivityPost]) -> None:
        self.created[copies[0].activity_id] = list(await asyncio.gather(*map(self._create_one, copies)))

    async def _create_one(self, post: ActivityPost) -> int:
        here, there = self._turned()
        status = await traffic.send(here, post)
        if await traffic.count_activity(there, post) != 1:
            self.unseen.append((post, status))
        return status

    def _turned(self) -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
        """Where to send and where to ask, the other way round each time."""
        self.sent += 1
        return self._pair if self.sent % 2 else self._pair[::-1]

    async def merged(self, client: httpx.AsyncClient, customers: list[str]) -> list[object]:
        timelines = [await traffic.list_records(client, f"data/Customer('{c}')/UnifiedActivity") for c in customers]
        return [await traffic.list_records(client, "data/Customer"), timelines]
