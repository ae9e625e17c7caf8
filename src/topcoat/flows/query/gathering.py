"""A page gathered from chunks of candidates, of which not all need belong to it; nothing beyond a chunk is kept."""

import heapq
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from typing import Any, Final, Generic, TypeVar

from topcoat.clock import Clock
from topcoat.core import errors

CHUNK_MIN: Final = 16
CHUNK_MAX: Final = 1000

Item = TypeVar("Item")
Position = TypeVar("Position")
Placed = tuple[tuple[Any, ...], Item]
"""The values that something is sorted by, and that."""


@dataclass(frozen=True, slots=True)
class Chunk(Generic[Item, Position]):
    """The candidates that belong, in order; `last` is where to go on, None at the end."""

    items: list[Item]
    last: Position | None


@dataclass(slots=True)
class Gathered(Generic[Item]):
    items: list[Item] = field(default_factory=list)
    has_more: bool = False


class Deadline:
    """All statements of one read together get the time that one may take."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._ends_at = clock.monotonic_seconds() + seconds

    def check(self) -> None:
        if self._clock.monotonic_seconds() > self._ends_at:
            raise errors.QueryTooSlow(seconds=f"{self._seconds:g}")


async def gather(
    fetch: Callable[[Position | None, int], Awaitable[Chunk[Item, Position]]],
    *,
    after: Position | None,
    skip: int,
    size: int,
    spare: int = 0,
    deadline: Deadline,
) -> Gathered[Item]:
    """`size` items behind the first `skip`; `fetch` reads a chunk of candidates from behind a position on.

    `spare` more candidates are read at once, where some are likely not to belong.
    """
    gathered: Gathered[Item] = Gathered()
    wanted = size + 1
    limit = min(skip + wanted + spare, CHUNK_MAX)
    asked = belonging = 0
    while True:
        chunk = await fetch(after, limit)
        asked, belonging = asked + limit, belonging + len(chunk.items)
        skipped = min(skip, len(chunk.items))
        skip -= skipped
        gathered.items += chunk.items[skipped : skipped + wanted - len(gathered.items)]
        if len(gathered.items) == wanted or chunk.last is None:
            break
        deadline.check()
        missing = skip + wanted - len(gathered.items)
        after, limit = chunk.last, _next_limit(missing, asked=asked, belonging=belonging)
    gathered.has_more = len(gathered.items) > size
    del gathered.items[size:]
    return gathered


def _next_limit(missing: int, *, asked: int, belonging: int) -> int:
    """How many candidates are likely to hold what is missing, if they are like those before.

    A power of two, because the number stands in the statement, and each statement is planned anew.
    """
    if not belonging:
        return CHUNK_MAX
    likely = missing * asked // belonging + missing + CHUNK_MIN
    return min(1 << likely.bit_length(), CHUNK_MAX)


async def foremost(
    fetch: Callable[[Position | None, int], Awaitable[Chunk[Placed[Item], Position]]], number: int, deadline: Deadline
) -> list[Placed[Item]]:
    """Those with the least places of all, in order, where the candidates come in another."""
    kept: list[Placed[Item]] = []
    async for items in read_all(fetch, deadline):
        kept = heapq.nsmallest(number, chain(kept, items), key=itemgetter(0))
    return kept


async def count(fetch: Callable[[Position | None, int], Awaitable[Chunk[Item, Position]]], deadline: Deadline) -> int:
    """How many candidates belong."""
    total = 0
    async for items in read_all(fetch, deadline):
        total += len(items)
    return total


async def read_all(
    fetch: Callable[[Position | None, int], Awaitable[Chunk[Item, Position]]], deadline: Deadline
) -> AsyncIterator[list[Item]]:
    """All candidates that belong, chunk by chunk."""
    after: Position | None = None
    while True:
        chunk = await fetch(after, CHUNK_MAX)
        yield chunk.items
        if chunk.last is None:
            return
        deadline.check()
        after = chunk.last
