"""Following a profile: whoever does is woken by a write, by a refresh, by the clock, and by a lapse."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from topcoat.clock import Clock
from topcoat.core import catalog, errors
from topcoat.flows.query.sight import Sights
from topcoat.store import clock as service_time_store
from topcoat.store import lapses, profiles
from topcoat.store.changes import Change
from topcoat.store.engine import Store
from topcoat.store.listening import Listening

_WAKE_BEHIND = timedelta(milliseconds=2)


@dataclass(eq=False, slots=True)
class _Watcher:
    """One who follows a profile, under all its ids."""

    event: asyncio.Event = field(default_factory=asyncio.Event)
    keys: frozenset[tuple[int, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a profile is, and for how long nothing changes by itself."""

    keys: frozenset[tuple[int, str]]
    seconds: float | None


class Watch:
    def __init__(self, store: Store, sights: Sights, clock: Clock) -> None:
        self._store = store
        self._sights = sights
        self._clock = clock
        self._listening = Listening(store)
        self._watchers: dict[tuple[int, str], set[_Watcher]] = defaultdict(set)
        self._followers = 0
        self._is_stopped = False

    async def follow(self, instance: str, customer_id: str) -> AsyncGenerator[None, None]:
        """Once at the beginning, and again whenever something may have changed; raise `RecordNotFound` when the profile
        is no more."""
        watcher = _Watcher()
        self._followers += 1  # from now on: it is placed only when its profile is known
        try:
            await self._listening.begin(self._hear)
            while not self._is_stopped:
                standing = await self._standing(instance, customer_id)
                self._place(watcher, standing.keys)
                yield
                await self._wait(watcher, standing)
        finally:
            self._place(watcher, frozenset())
            self._followers -= 1
            if self._followers == 0:
                self._listening.end(self._hear)

    @property
    def followers(self) -> int:
        return self._followers

    def stop(self) -> None:
        """Let everybody who follows go."""
        self._is_stopped = True
        self._hear(Change())

    async def close(self) -> None:
        await self._listening.close()

    async def _wait(self, watcher: _Watcher, standing: _Standing) -> None:
        """What happened since the last look is not missed: the event stays set."""
        try:
            async with asyncio.timeout(standing.seconds):
                await watcher.event.wait()
        except TimeoutError:
            pass
        watcher.event.clear()

    def _place(self, watcher: _Watcher, keys: frozenset[tuple[int, str]]) -> None:
        for key in watcher.keys - keys:
            self._watchers[key].discard(watcher)
            if not self._watchers[key]:
                del self._watchers[key]
        for key in keys - watcher.keys:
            self._watchers[key].add(watcher)
        watcher.keys = keys

    def _hear(self, change: Change) -> None:
        if change.instance_id is not None and change.customer_ids is not None:
            keys = [(change.instance_id, customer_id) for customer_id in change.customer_ids]
            found = [watcher for key in keys for watcher in self._watchers.get(key, ())]
        else:
            found = [
                watcher
                for (instance_id, _), watchers in self._watchers.items()
                if change.instance_id in (None, instance_id)
                for watcher in watchers
            ]
        for watcher in found:
            watcher.event.set()

    async def _standing(self, instance: str, customer_id: str) -> _Standing:
        sight = await self._sights.look(instance)
        where = {"instance_id": sight.instance_id, "generation": sight.view.generation}
        survivor = await profiles.find_survivor(self._store.point, **where, customer_id=customer_id)
        if survivor is None:
            raise errors.RecordNotFound(table=catalog.CUSTOMER, record_id=catalog.shown(customer_id))
        family = await profiles.list_family(self._store.point, **where, customer_ids=[survivor])
        ids = family[survivor]
        lapses_at = await lapses.find_next_lapse(self._store.point, sight.instance_id, ids, sight.view.now)
        keys = frozenset((sight.instance_id, customer_id) for customer_id in (*ids, survivor))
        return _Standing(keys, await self._seconds_until(lapses_at, sight.view.now))

    async def _seconds_until(self, lapses_at: datetime | None, now: datetime) -> float | None:
        """None where nothing lapses, or time stands still."""
        if lapses_at is None:
            return None
        if self._clock.is_adjustable:
            async with self._store.glancing() as connection:
                service_time = await service_time_store.read_service_time(connection)
            if service_time.frozen_at is not None:
                return None
        return (lapses_at - now + _WAKE_BEHIND).total_seconds()
