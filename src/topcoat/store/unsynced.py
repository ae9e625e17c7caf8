"""Single statements that write what a crash may take back: each is a transaction that does not wait for the disk."""

import asyncio
import sqlite3
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import sqlalchemy

from topcoat.store.locked import SQLITE_BUSY_TIMEOUT_MS
from topcoat.store.point import PointStatement, PostgresqlPoint, Rows, unreachable

UNSYNCED_MAX: Final = 2


class SqliteUnsynced:
    """On a thread of its own, for it may have to wait while others write."""

    is_postgresql = False

    def __init__(self, url: sqlalchemy.URL) -> None:
        self._path = str(url.database)
        self._driver: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-unsynced")

    async def fetch_point(self, statement: PointStatement, values: Mapping[str, Any]) -> Rows:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, statement.sql, dict(values))

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _run(self, sql: str, values: dict[str, Any]) -> Rows:
        try:
            if self._driver is None:
                self._driver = self._open()
            return self._driver.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            raise unreachable(error) from error

    def _open(self) -> sqlite3.Connection:
        driver = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        driver.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_TIMEOUT_MS}")
        driver.execute("PRAGMA journal_mode=WAL")
        driver.execute("PRAGMA synchronous=NORMAL")
        return driver

    def _close(self) -> None:
        if self._driver is not None:
            self._driver.close()
            self._driver = None


UNSYNCED_SETTINGS: Final = {"synchronous_commit": "off"}

Unsynced = SqliteUnsynced | PostgresqlPoint
