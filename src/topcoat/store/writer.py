"""Group commit: many concurrent writes, one transaction, each acknowledged after it (S30, S31)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
from sqlalchemy import exc

from topcoat.clock import Clock
from topcoat.core import errors, usage
from topcoat.core.idempotency import RequestKey
from topcoat.core.usage import Counted, Counts
from topcoat.store import batches, engine, idempotency, instances
from topcoat.store.batches import ActivityWrite, Outcome, OverrideWrite, WithdrawalWrite, WriteRequest, Written
from topcoat.store.engine import Store
from topcoat.store.idempotency import KeptAnswer

log: structlog.stdlib.BoundLogger = structlog.get_logger()

ATTEMPTS_MAX: Final = 5
_NAMES: Final = {OverrideWrite: "change", ActivityWrite: "activity", WithdrawalWrite: "withdrawal"}
_RETRY_PAUSE_SECONDS: Final = 0.02
_RETRIED_SQLSTATES: Final = frozenset({"40P01", "40001", "55P03"})  # deadlock, serialisation, lock time-out


class CommitUnknown(Exception):
    """The connection broke during the commit: the writes may or may not have landed."""


@dataclass(slots=True, eq=False)
class _Pending:
    write: WriteRequest
    answer: asyncio.Future[Outcome]


@dataclass(slots=True)
class _Lane:
    """The writes of one instance: one batch at a time, as its lock would force anyway."""

    queue: asyncio.Queue[_Pending] = field(default_factory=asyncio.Queue)
    task: asyncio.Task[None] | None = None


class Writer:
    """Takes writes of many callers; `queue_max` bounds those waiting over all instances."""

    def __init__(self, store: Store, clock: Clock, *, queue_max: int, batch_max: int) -> None:
        self._store = store
        self._clock = clock
        self._queue_max = queue_max
        self._batch_max = batch_max
        self._lanes: dict[str, _Lane] = {}
        self._waiting = 0
        self.counts: Counts = {}
        self._is_closed = False

    async def find_answer(self, guid: str, key: RequestKey) -> KeptAnswer | None:
        """What a live write with the key was answered; raise `IdempotencyKeyReused`."""
        kept = await idempotency.find_answer(self._store.point, guid, key, self._clock)
        return None if kept is None else idempotency.answer_again(key, kept)

    async def write(self, guid: str, request: WriteRequest) -> Written | KeptAnswer:
        """Answer after the commit; raise what refused the write, or `GenerationMoved`."""
        if self._is_closed or self._waiting >= self._queue_max:
            raise errors.Overloaded
        pending = _Pending(request, asyncio.get_running_loop().create_future())
        self._enqueue(guid, pending)
        outcome = await pending.answer
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def close(self) -> None:
        """Refuse new writes and finish those taken."""
        self._is_closed = True
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        await asyncio.gather(*tasks)

    def _enqueue(self, guid: str, pending: _Pending) -> None:
        lane = self._lanes.setdefault(guid, _Lane())
        lane.queue.put_nowait(pending)
        self._waiting += 1
        if lane.task is None or lane.task.done():
            lane.task = asyncio.get_running_loop().create_task(self._work(guid, lane))

    async def _work(self, guid: str, lane: _Lane) -> None:
        """Commit batch after batch until the lane is empty."""
        while not lane.queue.empty():
            taken = self._take(lane.queue)
            try:
                outcomes = await self._commit([p.write for p in taken], guid)
            except Exception:  # the edge of the loop: the callers must have an answer, and the lane goes on
                log.exception("batch_failed", size=len(taken))
                outcomes = [errors.StoreUnreachable(reason="the batch failed")] * len(taken)
            self._waiting -= len(taken)
            self._count(taken, outcomes)
            for pending, outcome in zip(taken, outcomes, strict=True):
                if not pending.answer.cancelled():  # its caller went away; the write stays
                    pending.answer.set_result(outcome)
        self._lanes.pop(guid, None)

    def _count(self, taken: Sequence[_Pending], outcomes: Sequence[Outcome]) -> None:
        """What was committed, since the start of this process."""
        written = [
            _NAMES[type(p.write)] for p, outcome in zip(taken, outcomes, strict=True) if type(outcome) is Written
        ]
        for name in written:
            usage.add_count(self.counts, Counted(usage.WRITES, (name,)), 1)
        if written:
            usage.add_count(self.counts, Counted(usage.BATCHES), 1)

    def _take(self, queue: asyncio.Queue[_Pending]) -> list[_Pending]:
        """The next batch; of writes with the same idempotency key one, and the others wait for its outcome."""
        taken: dict[object, _Pending] = {}
        for _ in range(min(queue.qsize(), self._batch_max)):
            pending = queue.get_nowait()
            key = pending.write.key
            place = pending if key is None else key.key
            if place in taken:
                queue.put_nowait(pending)
            else:
                taken[place] = pending
        return list(taken.values())

    async def _commit(self, writes: Sequence[WriteRequest], guid: str) -> list[Outcome]:
        """Commit together; when the database refuses a row, by halves, so that a bad row fails alone."""
        try:
            return await self._commit_retrying(writes, guid)
        except CommitUnknown:
            return [errors.StoreUnreachable(reason="the connection broke")] * len(writes)
        except exc.DBAPIError as error:
            if len(writes) == 1:
                too_long = engine.find_too_long(error)
                if too_long is not None:
                    return [too_long]
                log.warning("write_refused_by_database", reason=type(error.orig).__name__)
                return [errors.StoreUnreachable(reason=type(error.orig).__name__)]
            middle = len(writes) // 2
            first = await self._commit(writes[:middle], guid)
            return first + await self._commit(writes[middle:], guid)

    async def _commit_retrying(self, writes: Sequence[WriteRequest], guid: str) -> list[Outcome]:
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return await self._commit_once(writes, guid)
            except (exc.DBAPIError, OSError) as error:
                if attempt == ATTEMPTS_MAX or not _is_passing(error):
                    raise
                log.warning("batch_retried", attempt=attempt, reason=type(error).__name__)
                await asyncio.sleep(_RETRY_PAUSE_SECONDS * attempt)
        raise AssertionError  # the last attempt returned or raised

    async def _commit_once(self, writes: Sequence[WriteRequest], guid: str) -> list[Outcome]:
        is_done = False
        try:
            async with self._store.writing_locked(instances.lock_of(guid)) as connection:
                outcomes = await batches.commit_batch(connection, guid, writes, self._clock)
                is_done = True
            return outcomes
        except (exc.DBAPIError, OSError) as error:
            if is_done and _is_connection_lost(error):
                raise CommitUnknown from error
            raise


def _is_passing(error: Exception) -> bool:
    """Whether the same batch may well succeed a moment later."""
    if not isinstance(error, exc.DBAPIError):
        return True
    is_busy = "database is locked" in str(error.orig)
    return is_busy or _is_connection_lost(error) or engine.sqlstate(error) in _RETRIED_SQLSTATES


def _is_connection_lost(error: Exception) -> bool:
    if not isinstance(error, exc.DBAPIError):
        return isinstance(error, OSError)
    return error.connection_invalidated or isinstance(error, exc.InterfaceError)
