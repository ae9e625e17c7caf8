"""Transactions that hold an instance's lock, straight through the driver: those of the group commit (S6, S30).

On PostgreSQL the lock travels with BEGIN and the last statement with COMMIT: two round trips instead of four.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeVar

import asyncpg
import sqlalchemy
from sqlalchemy import exc

from topcoat.store.changes import Change, Hearers, notice_sql
from topcoat.store.point import LOOKUP_SETTINGS, PointStatement, Rows, unreachable
from topcoat.store.pool import PostgresqlPool

SQLITE_BUSY_TIMEOUT_MS: Final = 30_000
SQLITE_READ_SETTINGS: Final = ("PRAGMA cache_size=-32768", "PRAGMA mmap_size=268435456")
SQLITE_WRITE_SETTINGS: Final = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", *SQLITE_READ_SETTINGS)
POOL_SIZE_MAX: Final = 6  # one for each instance that is written to at the moment
TAKE_TIMEOUT_SECONDS: Final = 10

_POSTGRESQL_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)

Result = TypeVar("Result")


class SqliteTransaction:
    is_postgresql = False

    def __init__(self, driver: sqlite3.Connection) -> None:
        self._driver = driver
        self.announced: list[Change] = []

    async def fetch_point(self, statement: PointStatement, values: Mapping[str, Any]) -> Rows:
        return self._run(statement.sql, values)

    async def run_last(self, sql: str) -> None:
        self._run(sql, {})

    async def announce(self, change: Change) -> None:
        self.announced.append(change)

    def _run(self, sql: str, values: Mapping[str, Any]) -> Rows:
        try:
            return self._driver.execute(sql, dict(values)).fetchall()
        except sqlite3.Error as error:
            raise _refused(error) from error


class SqliteLocked:
    """One connection, for SQLite has one writer at a time anyway.

    Statements run on the calling thread, where they take less time than a hop to another; what waits for another
    process or for the disk does so on a thread of its own.
    """

    def __init__(self, url: sqlalchemy.URL, hearers: Hearers) -> None:
        self._path = str(url.database)
        self._hearers = hearers
        self._driver: sqlite3.Connection | None = None
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")

    @asynccontextmanager
    async def transaction(self, _lock: str) -> AsyncIterator[SqliteTransaction]:
        async with self._turn:
            try:
                driver = await self._begin()
                transaction = SqliteTransaction(driver)
                yield transaction
                await self._aside(driver.commit)
                for change in transaction.announced:
                    self._hearers.tell(change)
            except BaseException as error:
                await self._aside(self._roll_back)
                if isinstance(error, sqlite3.Error):
                    raise _refused(error) from error
                raise

    async def close(self) -> None:
        async with self._turn:
            if self._driver is not None:
                self._driver.close()
                self._driver = None
            self._thread.shutdown()

    async def _begin(self) -> sqlite3.Connection:
        if self._driver is None:
            self._driver = await self._aside(self._open)
        try:
            self._driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            await self._aside(self._begin_patiently)
        return self._driver

    def _begin_patiently(self) -> None:
        """Wait while another process writes."""
        assert self._driver is not None  # see _begin
        self._driver.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_TIMEOUT_MS}")
        try:
            self._driver.execute("BEGIN IMMEDIATE")
        finally:
            self._driver.execute("PRAGMA busy_timeout=0")

    def _open(self) -> sqlite3.Connection:
        driver = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        driver.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_TIMEOUT_MS}")
        for setting in SQLITE_WRITE_SETTINGS:
            driver.execute(setting)
        driver.execute("PRAGMA busy_timeout=0")
        return driver

    def _roll_back(self) -> None:
        if self._driver is not None and self._driver.in_transaction:
            self._driver.rollback()

    async def _aside(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


class PostgresqlTransaction:
    is_postgresql = True

    def __init__(self, driver: asyncpg.Connection) -> None:
        self._driver = driver
        self.last: list[str] = []

    async def fetch_point(self, statement: PointStatement, values: Mapping[str, Any]) -> Rows:
        arguments = [values[name] for name in statement.names]
        try:
            rows: Rows = await self._driver.fetch(statement.numbered, *arguments)
        except _POSTGRESQL_ERRORS as error:
            raise _refused(error, is_lost=_is_lost(self._driver, error)) from error
        return rows

    async def run_last(self, sql: str) -> None:
        self.last.append(sql)

    async def announce(self, change: Change) -> None:
        self.last.append(notice_sql(change))


class PostgresqlLocked:
    def __init__(self, url: sqlalchemy.URL) -> None:
        self._pool = PostgresqlPool(url, size_max=POOL_SIZE_MAX, settings=LOOKUP_SETTINGS)

    @asynccontextmanager
    async def transaction(self, lock: str) -> AsyncIterator[PostgresqlTransaction]:
        driver = await self._take()
        try:
            transaction = PostgresqlTransaction(driver)
            await execute(driver, f"BEGIN; SELECT {lock}")
            yield transaction
            await execute(driver, "; ".join((*transaction.last, "COMMIT")))
        except BaseException:
            await _roll_back(driver)
            raise
        finally:
            self._pool.give_back(driver)

    async def close(self) -> None:
        await self._pool.close()

    async def _take(self) -> asyncpg.Connection:
        try:
            return await self._pool.take(timeout_seconds=TAKE_TIMEOUT_SECONDS)
        except TimeoutError as error:
            raise unreachable(error) from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _refused(error, is_lost=True) from error


Locked = SqliteLocked | PostgresqlLocked


async def execute(driver: asyncpg.Connection, sql: str) -> None:
    """One or several statements in one round trip, with the errors that SQLAlchemy would raise."""
    with refused(driver):
        await driver.execute(sql)


@contextmanager
def refused(driver: asyncpg.Connection) -> Iterator[None]:
    """What goes wrong with the driver, as the error that SQLAlchemy would raise."""
    try:
        yield
    except _POSTGRESQL_ERRORS as error:
        raise _refused(error, is_lost=_is_lost(driver, error)) from error


async def _roll_back(driver: asyncpg.Connection) -> None:
    """Leave the connection fit for the next, or closed."""
    try:
        await driver.execute("ROLLBACK")
    except _POSTGRESQL_ERRORS:
        if not driver.is_closed():
            driver.terminate()


def _is_lost(driver: asyncpg.Connection, error: Exception) -> bool:
    is_last_word = isinstance(error, asyncpg.AdminShutdownError | asyncpg.CrashShutdownError)
    return is_last_word or not isinstance(error, asyncpg.PostgresError) or driver.is_closed()


def _refused(error: Exception, *, is_lost: bool = False) -> exc.DBAPIError:
    """The error that SQLAlchemy would raise, without statement and parameters: they hold personal data."""
    return exc.DBAPIError("", None, error, hide_parameters=True, connection_invalidated=is_lost)
