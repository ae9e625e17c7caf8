"""Work that one process at a time may do, on an instance or (0) on all, by a lock that dies with the process."""

import asyncio
import enum
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import filelock
from sqlalchemy import text

from topcoat.store.engine import Session

_TRIED_AGAIN_SECONDS: Final = 0.1


class Work(enum.Enum):
    """The value is the first half of PostgreSQL's advisory lock key; the second is the instance."""

    REFRESH = 0x726566
    SEARCH = 0x736561
    INDEXES = 0x696E64
    CLOCK = 0x636C6B


@asynccontextmanager
async def tried(session: Session, work: Work, instance_id: int) -> AsyncIterator[bool]:
    """Give whether the work is owned while the block runs; it is not if another process has it."""
    if session.is_postgresql:
        is_owned = await _call(session, "pg_try_advisory_lock", work, instance_id)
        try:
            yield is_owned
        finally:
            if is_owned:
                await _call(session, "pg_advisory_unlock", work, instance_id)
        return
    lock = filelock.FileLock(f"{session.database}.{work.name.lower()}-{instance_id}.lock", blocking=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


@asynccontextmanager
async def waited_for(session: Session, work: Work, instance_id: int) -> AsyncIterator[None]:
    """Own the work, as soon as nobody else does.

    It is tried again and again, because a statement that waits inside PostgreSQL would hold up the very CREATE INDEX
    CONCURRENTLY that it may be waiting for.
    """
    while True:
        async with tried(session, work, instance_id) as is_owned:
            if is_owned:
                yield
                return
        await asyncio.sleep(_TRIED_AGAIN_SECONDS)


async def _call(session: Session, function: str, work: Work, instance_id: int) -> bool:
    async with session.scratch() as connection:
        row = await connection.fetch_one(
            text(f"SELECT {function}(:work, :instance_id)"), {"work": work.value, "instance_id": instance_id}
        )
    return row is not None and bool(row[0])
