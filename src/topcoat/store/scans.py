"""Statements that may read much: off the event loop, on connections of their own, stopped at a time limit."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

import asyncpg
import sqlalchemy

from topcoat.core import errors
from topcoat.store import point
from topcoat.store.point import BUSY_TIMEOUT_SECONDS, PointStatement, Rows, unreachable
from topcoat.store.pool import STATEMENTS_KEPT, PostgresqlPool

CONNECTIONS_MAX: Final = 4
_INSTRUCTIONS_BETWEEN_LOOKS: Final = 10_000


class ScanReader(Protocol):
    """What runs a statement against a view that its parameters pin."""

    @property
    def is_postgresql(self) -> bool: ...

    async def fetch(self, statement: PointStatement, values: Mapping[str, Any]) -> Rows: ...

    async def close(self) -> None: ...


class SqliteScanReader:
    """A few threads, each with a connection; a statement beyond the time limit is interrupted."""

    is_postgresql = False

    def __init__(self, url: sqlalchemy.URL, *, timeout_seconds: float) -> None:
        self._path = str(url.database)
        self._timeout_seconds = timeout_seconds
        self._threads = ThreadPoolExecutor(CONNECTIONS_MAX, thread_name_prefix="scan")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []

    async def fetch(self, statement: PointStatement, values: Mapping[str, Any]) -> Rows:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._fetch, statement, dict(values))

    async def close(self) -> None:
        self._threads.shutdown()
        for connection in self._opened:
            connection.close()
        self._opened.clear()

    def _fetch(self, statement: PointStatement, values: dict[str, Any]) -> Rows:
        connection = self._connection()
        deadline = time.monotonic() + self._timeout_seconds
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _INSTRUCTIONS_BETWEEN_LOOKS)
        try:
            return connection.execute(statement.sql, values).fetchall()
        except sqlite3.OperationalError as error:
            if str(error) == "interrupted":
                raise errors.QueryTooSlow(seconds=f"{self._timeout_seconds:g}") from None
            raise unreachable(error) from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                self._path,
                timeout=BUSY_TIMEOUT_SECONDS,
                isolation_level=None,
                check_same_thread=False,  # closed by the thread that closes the store
                cached_statements=STATEMENTS_KEPT,
            )
            connection.execute("PRAGMA query_only=ON")
            connection.execute("PRAGMA mmap_size=268435456")
            self._local.connection = connection
            self._opened.append(connection)
        return connection


class PostgresqlScanReader:
    """Unlike those of the look-ups by key, plans follow the statistics, and the parameters where these may matter."""

    is_postgresql = True

    def __init__(self, url: sqlalchemy.URL, *, timeout_seconds: float) -> None:
        settings = {
            "jit": "off",
            "default_transaction_read_only": "on",
            "statement_timeout": str(int(timeout_seconds * 1000)),
        }
        planned = settings | {"plan_cache_mode": "force_generic_plan", "enable_sort": "off"}
        self._timeout_seconds = timeout_seconds
        self._planning = PostgresqlPool(url, size_max=CONNECTIONS_MAX, settings=settings)
        self._planned = PostgresqlPool(url, size_max=CONNECTIONS_MAX, settings=planned)

    async def fetch(self, statement: PointStatement, values: Mapping[str, Any]) -> Rows:
        try:
            return await point.fetch(self._planned if statement.has_one_plan else self._planning, statement, values)
        except asyncpg.QueryCanceledError:
            raise errors.QueryTooSlow(seconds=f"{self._timeout_seconds:g}") from None
        except point.POSTGRESQL_ERRORS as error:
            raise unreachable(error) from error

    async def close(self) -> None:
        await self._planning.close()
        await self._planned.close()
