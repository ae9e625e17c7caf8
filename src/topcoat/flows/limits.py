"""Limits to calls, the same over all workers: each call is counted in the database before it is answered."""

import asyncio
import hashlib
import secrets
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from topcoat.clock import Clock
from topcoat.core import errors, limits
from topcoat.core.limits import LIMITS, Ledger, Limit, LimitName, Standing
from topcoat.store import ledgers
from topcoat.store.engine import Store
from topcoat.store.ledgers import KeptLedger

ATTEMPTS_MAX: Final = 100
CALLERS_KEPT_MAX: Final = 10_000
_DIGEST_BYTES: Final = 20

Change = Callable[..., Ledger]


@dataclass(frozen=True, slots=True)
class Connection:
    """What the connector's limit is for: a subscription key in the hands of a principal; Dataverse's is for the
    principal."""

    instance: str
    principal: str
    subscription_key: str

    def caller(self, name: LimitName) -> str:
        """A digest; keys and names stay out of the database."""
        key = self.subscription_key if name is LimitName.CONNECTOR else ""
        parts = (name.value, self.instance, self.principal, key)
        text = "".join(f"{len(part)}:{part}" for part in parts)
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).hexdigest()


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that counts; `is_running` until it has ended, which a refused one has."""

    connection: Connection
    began_at: float
    standings: list[Standing]
    is_running: bool = True


class Limits:
    """`chosen` are those that hold; none is the default."""

    def __init__(self, store: Store, clock: Clock, chosen: Collection[LimitName] = ()) -> None:
        self._store = store
        self._clock = clock
        self._chosen = [name for name in LimitName if name in chosen]
        self._worker = secrets.token_hex(8)
        self._kept: dict[str, KeptLedger] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def are_on(self) -> bool:
        return bool(self._chosen)

    async def begin(self, connection: Connection) -> Admission:
        """Count a call against every limit chosen; raise `LimitExceeded`, which counts for none from the one that
        refused on."""
        began_at = self._clock.monotonic_seconds()
        for name in self._chosen:
            change = partial(limits.begin_call, limit=LIMITS[name], worker=self._worker)
            await self._change(connection.caller(name), LIMITS[name], change)
        return Admission(connection, began_at, self.list_standings(connection))

    async def end(self, admission: Admission) -> None:
        """Count what a call took, where that matters."""
        duration = timedelta(seconds=self._clock.monotonic_seconds() - admission.began_at)
        for name in self._chosen:
            if limits.settles(LIMITS[name]):
                change = partial(limits.end_call, limit=LIMITS[name], worker=self._worker, duration=duration)
                await self._change(admission.connection.caller(name), LIMITS[name], change)

    def list_standings(self, connection: Connection) -> list[Standing]:
        """As this worker last saw them."""
        now = self._clock.system_now()
        return [
            standing
            for name in self._chosen
            for standing in limits.list_standings(self._last_seen(connection.caller(name)).ledger, LIMITS[name], now)
        ]

    async def prune(self) -> int:
        return await ledgers.prune_ledgers(self._store.unsynced, self._clock.system_now())

    async def _change(self, caller: str, limit: Limit, change: Change) -> None:
        """In this worker one after the other; where another worker was quicker, once more from what it left."""
        if len(self._turns) > CALLERS_KEPT_MAX:
            self._forget()
        async with self._turns[caller]:
            for _ in range(ATTEMPTS_MAX):
                if await self._try(caller, limit, change):
                    return
                self._kept[caller] = await ledgers.read_ledger(self._store.unsynced, caller)
        raise errors.StoreUnreachable(reason="many workers counted calls of one caller at once")

    async def _try(self, caller: str, limit: Limit, change: Change) -> bool:
        """What refuses a call by what was seen last, others can only have used up more of, concurrency excepted."""
        now = self._clock.system_now()
        seen = self._last_seen(caller)
        try:
            changed = change(seen.ledger, now=now)
        except errors.TooManyConcurrentCalls:
            newest = self._kept[caller] = await ledgers.read_ledger(self._store.unsynced, caller)
            changed = change(newest.ledger, now=now)
            seen = newest
        kept_until = now + limit.window + limit.slot
        written = await ledgers.write_ledger(
            self._store.unsynced, caller, changed, seen=seen.version, kept_until=kept_until
        )
        if written is None:
            return False
        self._kept[caller] = written
        return True

    def _last_seen(self, caller: str) -> KeptLedger:
        return self._kept.get(caller) or KeptLedger(0, Ledger())

    def _forget(self) -> None:
        """All callers of whom nothing is under way."""
        for caller in [caller for caller, turn in self._turns.items() if not turn.locked()]:
            del self._turns[caller]
            self._kept.pop(caller, None)
