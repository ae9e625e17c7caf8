"""Connections of asyncpg, kept for statements that leave nothing behind."""

import asyncio
from collections.abc import Mapping
from typing import Final

import asyncpg
import sqlalchemy

CONNECT_TIMEOUT_SECONDS: Final = 10
STATEMENTS_KEPT: Final = 256


class PostgresqlPool:
    """Opened at its first use, by whoever is first."""

    def __init__(self, url: sqlalchemy.URL, *, size_max: int, settings: Mapping[str, str]) -> None:
        self._url = url.set(drivername="postgresql")
        self._size_max = size_max
        self._settings = dict(settings)
        self._turn = asyncio.Lock()
        self._pool: asyncpg.Pool | None = None

    async def get(self) -> asyncpg.Pool:
        return self._pool or await self._open()

    async def close(self) -> None:
        async with self._turn:
            if self._pool is not None:
                await self._pool.close()
                self._pool = None

    async def _open(self) -> asyncpg.Pool:
        async with self._turn:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url.render_as_string(hide_password=False),
                    min_size=0,
                    max_size=self._size_max,
                    timeout=CONNECT_TIMEOUT_SECONDS,
                    statement_cache_size=STATEMENTS_KEPT,
                    server_settings=self._settings,
                    reset=_give_back_unchanged,
                )
            return self._pool


async def _give_back_unchanged(_connection: asyncpg.Connection) -> None:
    """Neither a single read nor a finished transaction leaves anything behind that a round trip would have to reset."""
