"""Engines and connections: a read cannot write, because its connection is of another type."""

import csv
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

import orjson
import sqlalchemy
from sqlalchemy import Row, event, exc, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from topcoat.core import errors
from topcoat.store import locked, schema
from topcoat.store.changes import CHANNEL, Change, Hearers, write_payload
from topcoat.store.locked import (
    SQLITE_BUSY_TIMEOUT_MS,
    SQLITE_READ_SETTINGS,
    SQLITE_WRITE_SETTINGS,
    Locked,
    PostgresqlLocked,
    SqliteLocked,
)
from topcoat.store.point import (
    LOOKUP_SETTINGS,
    POINT_READERS_MAX,
    PointReader,
    PointStatement,
    PointWriter,
    PostgresqlPoint,
    Rows,
    SqlitePointReader,
    unreachable,
)
from topcoat.store.scans import PostgresqlScanReader, ScanReader, SqliteScanReader
from topcoat.store.unsynced import UNSYNCED_MAX, UNSYNCED_SETTINGS, SqliteUnsynced, Unsynced

# With those of point reads, scans, the group commit and what is not waited for at most 32 connections a process.
READERS_MAX = 6
WRITERS_MAX = 2
POOL_TIMEOUT_SECONDS = 10
_EXPECTED_URL = "sqlite:///path/to/file or postgresql://user@host/database"

# JSON has no control character: nothing in it needs to be quoted.
COPIED: Final = {"delimiter": "\x1f", "quote": "\x01", "escape": "\x01"}
EXPORTED_ROWS_MAX: Final = 10_000

Parameters = Mapping[str, Any]


_PLAN_LOOKUPS = text(
    "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in LOOKUP_SETTINGS.items())
)


class ReadConnection:
    """Runs statements that read."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    @property
    def is_postgresql(self) -> bool:
        return self._connection.dialect.name == "postgresql"

    async def fetch_all(
        self, statement: sqlalchemy.Executable, parameters: Parameters | None = None
    ) -> Sequence[Row[Any]]:
        result = await self._connection.execute(statement, parameters)
        return result.all()

    async def fetch_one(
        self, statement: sqlalchemy.Executable, parameters: Parameters | None = None
    ) -> Row[Any] | None:
        result = await self._connection.execute(statement, parameters)
        return result.first()

    async def fetch_point(self, statement: PointStatement, values: Parameters) -> Rows:
        return await self.fetch_all(statement.clause, values)


class WriteConnection(ReadConnection):
    """Runs statements inside one transaction that is committed when its block ends without an error."""

    async def run_last(self, sql: str) -> None:
        await self.run(text(sql))

    async def announce(self, change: Change) -> None:
        """On SQLite whoever listens will see it."""
        if self.is_postgresql:
            parameters = {"channel": CHANNEL, "payload": write_payload(change)}
            await self.fetch_all(text("SELECT pg_notify(:channel, :payload)"), parameters)

    async def run(
        self, statement: sqlalchemy.Executable, parameters: Parameters | Sequence[Parameters] | None = None
    ) -> int:
        """Return the number of rows touched."""
        result = await self._connection.execute(statement, parameters)
        return result.rowcount


class Session:
    """One connection over many transactions, with temporary tables of its own."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.is_postgresql = connection.dialect.name == "postgresql"

    @property
    def database(self) -> str:
        """SQLite's file, or the name of PostgreSQL's database."""
        return str(self._connection.engine.url.database)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[WriteConnection]:
        """Write to the database's own tables; committed when the block ends without an error."""
        async with self._connection.begin():
            if not self.is_postgresql:
                await self._connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield WriteConnection(self._connection)

    @asynccontextmanager
    async def scratch(self) -> AsyncIterator[WriteConnection]:
        """Read the database and write temporary tables only; on SQLite this locks nobody out."""
        async with self._connection.begin():
            yield WriteConnection(self._connection)

    @asynccontextmanager
    async def looking_up(self) -> AsyncIterator[WriteConnection]:
        """The same, with plans of look-ups by key: a table that was just filled has no statistics to go by."""
        async with self.scratch() as connection:
            if self.is_postgresql:
                await connection.fetch_one(_PLAN_LOOKUPS)
            yield connection

    async def run_alone(self, sql: str) -> None:
        """Run a statement outside any transaction, as CREATE INDEX CONCURRENTLY will have it."""
        if self.is_postgresql:
            await locked.execute((await self._connection.get_raw_connection()).driver_connection, sql)
            return
        await self._connection.exec_driver_sql(sql)
        await self._connection.commit()

    async def load(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Append rows to a temporary table by the fastest way that the database has."""
        if self.is_postgresql:
            driver = (await self._connection.get_raw_connection()).driver_connection
            assert driver is not None
            await driver.copy_records_to_table(table, records=rows, columns=list(columns))
            return
        marks = ", ".join("?" for _ in columns)
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        await self._connection.exec_driver_sql("BEGIN")
        await self._connection.exec_driver_sql(statement, list(rows))
        await self._connection.commit()

    async def copy(self, table: str, columns: Sequence[str], file: Path) -> None:
        """Append the rows of a CSV file in the dialect `COPIED`, on PostgreSQL, as one transaction."""
        driver = (await self._connection.get_raw_connection()).driver_connection
        assert driver is not None
        with locked.refused(driver):
            await driver.copy_to_table(table, source=file, columns=list(columns), format="csv", **COPIED)

    async def export(self, query: str, file: Path) -> None:
        """Write the rows of a query as plain CSV without a header, few at a time."""
        if self.is_postgresql:
            driver = (await self._connection.get_raw_connection()).driver_connection
            assert driver is not None
            with locked.refused(driver):
                await driver.copy_from_query(query, output=file, format="csv")
            return
        async with self._connection.begin():
            result = await self._connection.stream(text(query))
            with file.open("w", encoding="utf-8", newline="") as opened:
                writer = csv.writer(opened, lineterminator="\n")
                async for rows in result.partitions(EXPORTED_ROWS_MAX):
                    writer.writerows(rows)


class Store:
    """One database: SQLite (WAL, every commit on disk) or PostgreSQL."""

    _NOT_MIGRATED: ClassVar[str] = "missing"

    def __init__(self, url: str, *, statement_timeout_seconds: float = 15.0) -> None:
        self.url = normalised_url(url)
        self.is_postgresql = self.url.get_backend_name() == "postgresql"
        self.statement_timeout_seconds = statement_timeout_seconds
        self.hearers = Hearers()
        self._statement_timeout_ms = int(statement_timeout_seconds * 1000)
        if self.is_postgresql:
            self._open_postgresql()
        else:
            self._open_sqlite()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ReadConnection]:
        """One view of the database for all statements inside (S20)."""
        async with connected(self._snapshot_engine) as connection, connection.begin():
            yield ReadConnection(connection)

    @asynccontextmanager
    async def glancing(self) -> AsyncIterator[ReadConnection]:
        """For one statement, which is a view in itself and needs no transaction."""
        async with connected(self._glance_engine) as connection:
            yield ReadConnection(connection)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[WriteConnection]:
        async with self._write_engine.begin() as connection:
            yield WriteConnection(connection)

    def writing_locked(self, lock: str) -> AbstractAsyncContextManager[PointWriter]:
        """A transaction whose first step is to take a lock (on SQLite every write transaction is alone anyway)."""
        return self._locked.transaction(lock)

    @asynccontextmanager
    async def session(self) -> AsyncIterator["Session"]:
        """One connection of its own, closed at the end: its locks and temporary tables go with it."""
        async with connected(self._session_engine) as connection:
            yield Session(connection)

    def another(self) -> "Store":
        """The same database, for another event loop."""
        url = self.url.render_as_string(hide_password=False)
        return Store(url, statement_timeout_seconds=self.statement_timeout_seconds)

    async def check_schema(self) -> None:
        """Raise `SchemaOutdated` unless the database has exactly this version's schema."""
        async with self.glancing() as connection:
            try:
                row = await connection.fetch_one(text("SELECT version_num FROM alembic_version"))
            except exc.DBAPIError:
                row = None
        found = row[0] if row is not None else self._NOT_MIGRATED
        if found != schema.HEAD_REVISION:
            raise errors.SchemaOutdated(found=found, needed=schema.HEAD_REVISION)

    async def close(self) -> None:
        await self.point.close()
        await self.scan.close()
        await self.unsynced.close()
        await self._locked.close()
        for engine in (self._write_engine, self._session_engine, self._snapshot_engine, self._glance_engine):
            await engine.dispose()

    def _open_postgresql(self) -> None:
        reading = {
            "default_transaction_read_only": "on",
            "statement_timeout": str(self._statement_timeout_ms),
        }
        read_engine = self._postgresql_engine(reading, READERS_MAX)
        self._snapshot_engine = read_engine.execution_options(isolation_level="REPEATABLE READ")
        self._glance_engine = read_engine.execution_options(isolation_level="AUTOCOMMIT")
        self._write_engine = self._postgresql_engine(LOOKUP_SETTINGS, WRITERS_MAX)
        self._session_engine = create_async_engine(
            self.url, poolclass=NullPool, hide_parameters=True, connect_args=_connecting({})
        )
        self.point: PointReader = PostgresqlPoint(self.url, size_max=POINT_READERS_MAX, settings=reading)
        self.unsynced: Unsynced = PostgresqlPoint(self.url, size_max=UNSYNCED_MAX, settings=UNSYNCED_SETTINGS)
        self.scan: ScanReader = PostgresqlScanReader(self.url, timeout_seconds=self.statement_timeout_seconds)
        self._locked: Locked = PostgresqlLocked(self.url)

    def _postgresql_engine(self, server_settings: dict[str, str], size: int) -> AsyncEngine:
        return create_async_engine(
            self.url,
            pool_size=size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_SECONDS,
            hide_parameters=True,  # errors are logged, and parameters hold personal data
            connect_args=_connecting(server_settings),
        )

    def _open_sqlite(self) -> None:
        Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
        self._write_engine = self._sqlite_engine(begin="BEGIN IMMEDIATE", size=WRITERS_MAX)
        self._session_engine = create_async_engine(self.url, poolclass=NullPool, hide_parameters=True)
        _configure_sqlite(self._session_engine, begin="", is_reading=False)
        self._snapshot_engine = self._sqlite_engine(begin="BEGIN", size=4, is_reading=True)
        self._glance_engine = self._sqlite_engine(begin="", size=4, is_reading=True)
        self.point = SqlitePointReader(self.url)
        self.unsynced = SqliteUnsynced(self.url)
        self.scan = SqliteScanReader(self.url, timeout_seconds=self.statement_timeout_seconds)
        self._locked = SqliteLocked(self.url, self.hearers)

    def _sqlite_engine(self, *, begin: str, size: int, is_reading: bool = False) -> AsyncEngine:
        engine = create_async_engine(self.url, pool_size=size, max_overflow=0, pool_timeout=60, hide_parameters=True)
        _configure_sqlite(engine, begin=begin, is_reading=is_reading)
        return engine


@asynccontextmanager
async def reachable() -> AsyncIterator[None]:
    """Turn the driver's connection and time-out errors into `StoreUnreachable`."""
    try:
        yield
    except (exc.TimeoutError, ConnectionError, TimeoutError) as error:
        raise unreachable(error) from error
    except (exc.OperationalError, exc.InterfaceError) as error:
        raise unreachable(error) from error
    except exc.DBAPIError as error:
        if error.connection_invalidated or is_statement_timeout(error):
            raise unreachable(error) from error
        raise


@asynccontextmanager
async def connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection of the engine; whatever fails on the way to it is `StoreUnreachable`."""
    try:
        connection = await engine.connect()
    except (exc.SQLAlchemyError, OSError) as error:
        raise unreachable(error) from error
    try:
        async with reachable():
            yield connection
    finally:
        await connection.close()


def is_statement_timeout(error: exc.DBAPIError) -> bool:
    return sqlstate(error) == "57014"


def sqlstate(error: exc.DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


_NAMED_INDEX = re.compile('index "([^"]+)"')


def find_too_long(error: exc.DBAPIError) -> errors.ValueTooLong | None:
    """PostgreSQL orders values of at most a third of a page."""
    if sqlstate(error) != "54000":
        return None
    named = _NAMED_INDEX.search(str(error.orig))
    return errors.ValueTooLong(index="of its column" if named is None else named[1], where="")


def normalised_url(url: str) -> sqlalchemy.URL:
    """Accept any driver part and take ours; raise `ParameterInvalid` for a database that is not supported."""
    try:
        parsed = sqlalchemy.make_url(url)
    except exc.ArgumentError:
        raise errors.ParameterInvalid(parameter="database URL", found="unreadable", expected=_EXPECTED_URL) from None
    backend = parsed.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+asyncpg")
    if backend == "sqlite" and parsed.database and parsed.database != ":memory:":
        return parsed.set(drivername="sqlite+aiosqlite")
    raise errors.ParameterInvalid(
        parameter="database URL",
        found=f"for {backend} {parsed.database or ''}".rstrip(),
        expected=_EXPECTED_URL,
    )


def dump_json(value: Any) -> str:
    return orjson.dumps(value).decode()


def load_json(value: Any) -> Any:
    return orjson.loads(value)


def _connecting(server_settings: dict[str, str]) -> dict[str, Any]:
    return {"server_settings": {"jit": "off", **server_settings}, "timeout": 10}


def _configure_sqlite(engine: AsyncEngine, *, begin: str, is_reading: bool) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's BEGIN below, not the driver's guess
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_TIMEOUT_MS}")
        for setting in SQLITE_READ_SETTINGS if is_reading else SQLITE_WRITE_SETTINGS:
            cursor.execute(setting)
        cursor.execute(f"PRAGMA query_only={'ON' if is_reading else 'OFF'}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: sqlalchemy.Connection) -> None:
        if begin:
            connection.exec_driver_sql(begin)
