"""One statement, one round trip, straight through the driver: for the reads that every caller makes all the time.

Measured on the merged point read: through SQLAlchemy's asyncio layer 1.1 ms on SQLite, of which SQLite itself takes
0.03 ms; so SQLite is asked on the event loop's own thread, and PostgreSQL through a pool of asyncpg connections.
"""

import re
import sqlite3
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Protocol

import asyncpg
import sqlalchemy
import structlog
from sqlalchemy import text

from topcoat.core import errors
from topcoat.store.changes import Change
from topcoat.store.pool import STATEMENTS_KEPT, PostgresqlPool

BUSY_TIMEOUT_SECONDS: Final = 2.0
POINT_READERS_MAX: Final = 8

# The hot statements are look-ups by key. Plans made while a table was small must not outlive its growth.
LOOKUP_SETTINGS: Final = {
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}

POSTGRESQL_ERRORS: Final = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError)

Rows = Sequence[Sequence[Any]]
log: structlog.stdlib.BoundLogger = structlog.get_logger()


def unreachable(error: BaseException) -> errors.StoreUnreachable:
    """What callers are told of a failure of the database or of the way to it; the log has the rest."""
    cause = getattr(error, "orig", None) or error
    log.warning("store_unreachable", reason=type(cause).__name__, detail=str(cause))
    return errors.StoreUnreachable(reason=type(cause).__name__, detail=str(cause))


class PointStatement:
    """SQL with `:name` parameters, in the forms that SQLAlchemy, sqlite3 and asyncpg take.

    `has_one_plan`: whatever the parameters of a scan are, indexes have its rows in order, and it is planned but once.
    """

    def __init__(self, sql: str, *, has_one_plan: bool = False) -> None:
        self.sql = sql
        self.has_one_plan = has_one_plan
        self.clause = text(sql)
        self.names: list[str] = []
        self.numbered = re.sub(r"(?<!:):(\w+)", self._number, sql)

    def _number(self, match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in self.names:
            self.names.append(name)
        return f"${self.names.index(name) + 1}"


@lru_cache(maxsize=STATEMENTS_KEPT)
def prepared(sql: str, *, has_one_plan: bool = False) -> PointStatement:
    """The statement of a text that is made anew for every question."""
    return PointStatement(sql, has_one_plan=has_one_plan)


class PointConnection(Protocol):
    """What can run a point statement: a point reader, or a connection inside a transaction."""

    @property
    def is_postgresql(self) -> bool: ...

    async def fetch_point(self, statement: PointStatement, values: Mapping[str, Any]) -> Rows: ...


class PointWriter(PointConnection, Protocol):
    """A connection inside a transaction that writes."""

    async def run_last(self, sql: str) -> None:
        """Run SQL without parameters as the transaction's last statement, together with the commit where that saves
        a round trip."""

    async def announce(self, change: Change) -> None:
        """Tell whoever listens, once this is committed."""


class SqlitePointReader:
    """Answers on the calling thread: a look-up takes less time than a hop to another thread."""

    is_postgresql = False

    def __init__(self, url: sqlalchemy.URL) -> None:
        self._path = str(url.database)
        self._connection: sqlite3.Connection | None = None

    async def fetch_point(self, statement: PointStatement, values: Mapping[str, Any]) -> Rows:
        try:
            return self._open().execute(statement.sql, dict(values)).fetchall()
        except sqlite3.OperationalError as error:
            raise unreachable(error) from error

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)
            self._connection.execute("PRAGMA query_only=ON")
            self._connection.execute("PRAGMA mmap_size=268435456")
        return self._connection


class PostgresqlPoint:
    """`settings` are those of its connections' sessions, beside those of all look-ups."""

    is_postgresql = True

    def __init__(self, url: sqlalchemy.URL, *, size_max: int, settings: Mapping[str, str]) -> None:
        self._pool = PostgresqlPool(url, size_max=size_max, settings=LOOKUP_SETTINGS | dict(settings))

    async def fetch_point(self, statement: PointStatement, values: Mapping[str, Any]) -> Rows:
        try:
            return await fetch(self._pool, statement, values)
        except POSTGRESQL_ERRORS as error:
            raise unreachable(error) from error

    async def close(self) -> None:
        await self._pool.close()


async def fetch(pool: PostgresqlPool, statement: PointStatement, values: Mapping[str, Any]) -> Rows:
    """On any connection of the pool."""
    arguments = [values[name] for name in statement.names]
    connection = await pool.take()
    try:
        rows: Rows = await connection.fetch(statement.numbered, *arguments)
        return rows
    except asyncpg.PostgresError:
        raise
    except BaseException:
        connection.terminate()  # the answer may be still to come
        raise
    finally:
        pool.give_back(connection)


PointReader = SqlitePointReader | PostgresqlPoint
