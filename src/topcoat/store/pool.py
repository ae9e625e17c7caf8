"""Connections of asyncpg, kept for statements that leave nothing behind.

asyncpg's own pool shields each release with a task and wraps each connection, which takes longer than a look-up by key
does: 75 µs of CPU, of which the statement's own share is 20.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import asyncpg
import sqlalchemy

CONNECT_TIMEOUT_SECONDS: Final = 10
STATEMENTS_KEPT: Final = 256


class PostgresqlPool:
    """Connections are opened as they are needed; the one that was used last is used next."""

    def __init__(self, url: sqlalchemy.URL, *, size_max: int, settings: Mapping[str, str]) -> None:
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._size_max = size_max
        self._settings = dict(settings)
        self._places = asyncio.Semaphore(size_max)
        self._idle: list[asyncpg.Connection] = []

    async def take(self, *, timeout_seconds: float | None = None) -> asyncpg.Connection:
        """To be given back whatever happens; raise `TimeoutError` where none comes free."""
        if self._places.locked():
            async with asyncio.timeout(timeout_seconds):
                await self._places.acquire()
        else:
            await self._places.acquire()
        try:
            return self._find_idle() or await self._connect()
        except BaseException:
            self._places.release()
            raise

    def give_back(self, connection: asyncpg.Connection) -> None:
        """Closed, or fit for the next statement."""
        if not connection.is_closed():
            self._idle.append(connection)
        self._places.release()

    async def close(self) -> None:
        """When all are back."""
        for _ in range(self._size_max):
            await self._places.acquire()
        while self._idle:
            await self._idle.pop().close()
        for _ in range(self._size_max):
            self._places.release()

    def _find_idle(self) -> asyncpg.Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(
            self._url,
            timeout=CONNECT_TIMEOUT_SECONDS,
            statement_cache_size=STATEMENTS_KEPT,
            server_settings=self._settings,
        )
