"""Open customer cards: how long after a POST each is told and has read again, and what they cost the worker."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
from rich.console import Console

from benchmarks import databases, figures, subjects
from benchmarks.subjects import INSTANCE, Subject

WRITES: Final = 400
PAUSE_SECONDS: Final = 0.05
TOLD_SECONDS_MAX: Final = 10.0
CARD: Final = f"/card/api/{INSTANCE}"


@dataclass(frozen=True, slots=True)
class CardFigures:
    """Milliseconds from the acknowledgement on: until the card is told, and until it has read what changed."""

    kind: databases.Kind
    cards: int
    told: Sequence[float]
    read: Sequence[float]
    memory_before_mb: float
    memory_mb: float


@dataclass(slots=True)
class _Card:
    """One stream, on a connection of its own."""

    customer_id: str
    told: asyncio.Event = field(default_factory=asyncio.Event)
    told_at: float = 0.0


def measure(kind: databases.Kind, cards: int, size: int, console: Console) -> CardFigures:
    with subjects.topcoat_installed(kind, size) as installation:
        console.print(f"{kind.value}: {cards:,} open cards …")
        return asyncio.run(_measure(kind, installation.subject, cards))


async def _measure(kind: databases.Kind, subject: Subject, number: int) -> CardFigures:
    memory_before = subject.server.peak_memory_mb() or 0.0
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=subject.server.address, headers=subject.headers, trust_env=False)
        )
        customers = [subject.customers[place % len(subject.customers)] for place in range(number)]
        cards = [await stack.enter_async_context(_open_card(subject, customer)) for customer in customers]
        told, read = [], []
        for place in range(WRITES):
            one = await _write_and_wait(client, random.Random(place).choice(cards), place)
            told.append(one[0])
            read.append(one[1])
            await asyncio.sleep(PAUSE_SECONDS)
        return CardFigures(kind, number, told, read, memory_before, subject.server.peak_memory_mb() or 0.0)


async def _write_and_wait(client: httpx.AsyncClient, card: _Card, place: int) -> tuple[float, float]:
    card.told.clear()
    record = {
        "ActivityId": f"card-{place}-{time.time_ns()}",
        "CustomerId": card.customer_id,
        "ActivityTime": "2026-11-20T10:00:00Z",
        "ActivityType": "Note",
    }
    answer = await client.post(f"{subjects.BASE}/data/UnifiedActivity", json=record)
    acknowledged = time.perf_counter()
    assert answer.status_code == 201, answer.text
    async with asyncio.timeout(TOLD_SECONDS_MAX):
        await card.told.wait()
        address = f"{CARD}/timeline"
        while record["ActivityId"] not in await _shown(client, address, card.customer_id):
            card.told.clear()
            await card.told.wait()
    return max(0.0, card.told_at - acknowledged) * 1000, (time.perf_counter() - acknowledged) * 1000


async def _shown(client: httpx.AsyncClient, address: str, customer_id: str) -> list[str]:
    parameters = {"customer": customer_id, "from": "2026-11-20T00:00:00Z", "to": "2026-11-21T00:00:00Z", "top": "100"}
    activities: list[dict[str, Any]] = json.loads((await client.get(address, params=parameters)).content)["activities"]
    return [activity["id"] for activity in activities]


@asynccontextmanager
async def _open_card(subject: Subject, customer_id: str) -> AsyncIterator[_Card]:
    """A stream that is read by hand: a client library would take more than the server does."""
    where = urlsplit(subject.server.address)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    request = f"GET {CARD}/events?customer={quote(customer_id, safe='')} HTTP/1.1\r\nHost: {where.netloc}\r\n"
    writer.write((request + f"Authorization: {subject.headers['Authorization']}\r\n\r\n").encode())
    card = _Card(customer_id)
    listening = asyncio.create_task(_listen(reader, card))
    await card.told.wait()
    try:
        yield card
    finally:
        listening.cancel()
        writer.close()


async def _listen(reader: asyncio.StreamReader, card: _Card) -> None:
    while line := await reader.readline():
        if line.startswith(b"event: changed"):
            card.told_at = time.perf_counter()
            card.told.set()


HEADER: Final = (
    "database, open cards",
    "told, p50 ms",
    "p99 ms",
    "**has read it**, p50 ms",
    "p99 ms",
    "memory before, MB",
    "peak memory, MB",
)


def line(measured: CardFigures) -> figures.Line:
    shown = [figures.milliseconds(value) for values in (measured.told, measured.read) for value in _percentiles(values)]
    memory = (figures.megabytes(measured.memory_before_mb), figures.megabytes(measured.memory_mb))
    return (f"{measured.kind.value}, {measured.cards:,}", *shown, *memory)


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    """The median, and what one in a hundred exceeds."""
    cuts = quantiles(values, n=100)
    return cuts[49], cuts[98]
