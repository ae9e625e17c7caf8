"""Keys that sign what callers bring back: shared by all workers, kept over restarts."""

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import text

from topcoat.clock import to_microseconds
from topcoat.store.engine import Store


def _random_key() -> bytes:
    return secrets.token_bytes(32)


async def get_signing_key(store: Store, purpose: str, now: datetime, make: Callable[[], bytes] = _random_key) -> bytes:
    """The key of a purpose, made at its first use; when two workers make it at once, one of the two stays."""
    async with store.glancing() as connection:
        row = await connection.fetch_one(_FIND, {"purpose": purpose})
    if row is None:
        secret = await asyncio.to_thread(make)
        async with store.writing() as writing:
            values = {"purpose": purpose, "secret": secret, "created_at": to_microseconds(now)}
            await writing.run(_MAKE, values)
            row = await writing.fetch_one(_FIND, {"purpose": purpose})
    assert row is not None  # it was just made
    return bytes(row.secret)


_FIND = text("SELECT secret FROM signing_key WHERE purpose = :purpose")
_MAKE = text(
    "INSERT INTO signing_key (purpose, secret, created_at) VALUES (:purpose, :secret, :created_at)"
    " ON CONFLICT (purpose) DO NOTHING"
)
