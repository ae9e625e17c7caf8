"""The environment is wiped; databases are real; the service clock is frozen."""

import asyncio
import os
import shutil
import socket
import sqlite3
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pymysql
import pytest
from hypothesis import HealthCheck, settings

from tests.databases import UNHURRIED
from topcoat import sample
from topcoat.app import build_flows, create_app
from topcoat.clock import Clock, ServiceTime
from topcoat.flows import Flows
from topcoat.flows.refresh import publish
from topcoat.flows.refresh.environment import load_environment
from topcoat.flows.refresh.progress import Silent
from topcoat.flows.refresh.report import RunReport
from topcoat.settings import Settings
from topcoat.store import clock as service_time_store
from topcoat.store import migrate, schema
from topcoat.store.engine import Store
from topcoat.store.writer import Writer

for name in [name for name in os.environ if name.startswith("TOPCOAT_") and not name.startswith("TOPCOAT_TEST_")]:
    del os.environ[name]

IS_THOROUGH = bool(os.environ.get("TOPCOAT_TEST_THOROUGH"))
settings.register_profile(
    "topcoat",
    max_examples=2000 if IS_THOROUGH else 100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("topcoat")

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TESTS = Path(__file__).parent
UNMEASURED = ("parity", "contract", "browser")
MEASURING = ("measured", "measured_once", "unmeasured")
LONGEST_FIRST = ("parity", "contract", "browser", "flows", "surfaces", "store")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers take whole files, the longest first, so that none of them ends long after the others."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: (*LONGEST_FIRST, _folder(item)).index(_folder(item)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measuring coverage makes code three times as slow: what draws many examples, runs elsewhere, or runs the very
    lines that another test runs, goes without.

    The mark `no_cover` of pytest-cov would not do: in the workers of pytest-xdist it ends one of two measurements.
    """
    if _is_measured(item):
        return (yield)
    here, in_new_threads = sys.gettrace(), threading.gettrace()
    _trace(None, None)
    try:
        return (yield)
    finally:
        _trace(here, in_new_threads)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests measure and do not judge, or judge by a limit that says little."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{report.nodeid}: {name}: {value}")


def _is_measured(item: pytest.Item) -> bool:
    """The nearest mark decides."""
    is_drawn = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    if is_drawn or _folder(item) in UNMEASURED:
        return False
    usual = "measured_once" if _is_second_run(item) else "measured"
    nearest = next((mark.name for mark in item.iter_markers() if mark.name in MEASURING), usual)
    return nearest == "measured" or (nearest == "measured_once" and item.get_closest_marker("postgres") is None)


def _is_second_run(item: pytest.Item) -> bool:
    """Whether it is what runs on SQLite as well."""
    case = getattr(item, "callspec", None)
    return case is not None and "postgres" in case.id.split("-")


def _trace(here: Any, in_new_threads: Any) -> None:
    sys.settrace(here)
    threading.settrace(in_new_threads)


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0]


@pytest.fixture(autouse=True)
def _no_sockets_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "unit" in request.path.relative_to(TESTS).parts:

        def refuse(*_: object) -> None:
            raise AssertionError("unit tests touch nothing, least of all the network")

        monkeypatch.setattr(socket.socket, "connect", refuse)


INSTANCE = "c0ffee00-0000-4000-8000-000000000001"
SAMPLE_SIZE = 20


@dataclass(frozen=True)
class PostgresServer:
    """`url` without a database."""

    url: str

    def run(self, statements: str, database: str = "postgres") -> None:
        async def execute() -> None:
            connection = await asyncpg.connect(f"{self.url}/{database}")
            try:
                await connection.execute(statements)
            finally:
                await connection.close()

        asyncio.run(execute())


def _find_postgres() -> PostgresServer | None:
    """The server named by TOPCOAT_TEST_POSTGRES_URL, or one on the usual socket or port."""
    named = os.environ.get("TOPCOAT_TEST_POSTGRES_URL")
    candidates = [named.rsplit("/", 1)[0]] if named else ["postgresql://", "postgresql://postgres@127.0.0.1:5432"]
    for url in candidates:
        server = PostgresServer(url)
        try:
            server.run("SELECT 1")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            continue
        return server
    return None


@pytest.fixture(scope="session")
def postgres() -> PostgresServer:
    server = _find_postgres()
    if server is None:
        pytest.skip("NO POSTGRESQL: set TOPCOAT_TEST_POSTGRES_URL or start a local server")
    return server


@pytest.fixture(scope="session")
def mariadb_url() -> str:
    """A database of somebody else, to read from; the service itself has none such."""
    try:
        pymysql.connect(host="127.0.0.1", user="root", database="test", connect_timeout=2).close()
    except pymysql.MySQLError:
        pytest.skip("NO MARIADB: start a local server that lets root in without a password")
    return "mariadb://root@127.0.0.1/test"


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Contoso Coffee with 20 customers; its environment file is `contoso.yaml`."""
    folder = tmp_path_factory.mktemp("contoso")
    sample.write_sample(folder, SAMPLE_SIZE)
    return folder


def _prepare(url: str, folder: Path) -> None:
    """A database with the schema, the clock frozen at NOW, and the sample published."""
    migrate.migrate(url)

    async def publish_sample() -> None:
        async with open_service(url) as service:
            async with service.store.writing() as connection:
                await service_time_store.save_service_time(connection, ServiceTime(frozen_at=NOW))
            await service.refresh(folder / "contoso.yaml")

    asyncio.run(publish_sample())


@pytest.fixture(scope="session")
def sqlite_template(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "topcoat.db"
    _prepare(f"sqlite:///{path}", sample_folder)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


PRISTINE = "pristine"
SEARCH_INDEXES = "SELECT * FROM pg_indexes WHERE schemaname = 'public' AND starts_with(indexname::text, 'search_')"
SEARCH_INDEXES_RESTORED = f"""
DO $$
DECLARE one record;
BEGIN
    FOR one IN SELECT c.relname FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
        WHERE starts_with(c.relname::text, 'search_')
          AND (NOT i.indisvalid OR c.relname NOT IN (SELECT indexname FROM {PRISTINE}.search_indexes))
    LOOP EXECUTE format('DROP INDEX public.%I', one.relname); END LOOP;
    FOR one IN SELECT indexdef FROM {PRISTINE}.search_indexes
        WHERE indexname NOT IN (SELECT indexname FROM ({SEARCH_INDEXES}) AS there)
    LOOP EXECUTE one.indexdef; END LOOP;
END $$
"""


@pytest.fixture(scope="session")
def prepared_postgres_url(postgres: PostgresServer, sample_folder: Path) -> Iterator[str]:
    """A database of this worker, with a copy of every table as it was after publishing."""
    name = f"topcoat_test_{uuid.uuid4().hex[:12]}"
    postgres.run(f"CREATE DATABASE {name}")
    postgres.run(UNHURRIED.format(name))
    try:
        _prepare(f"{postgres.url}/{name}", sample_folder)
        copies = (f"CREATE TABLE {PRISTINE}.{t} AS TABLE public.{t}" for t in schema.metadata.tables)
        indexes = f"CREATE TABLE {PRISTINE}.search_indexes AS {SEARCH_INDEXES}"
        postgres.run(f"CREATE SCHEMA {PRISTINE};" + ";".join((*copies, indexes)), database=name)
        yield f"{postgres.url}/{name}"
    finally:
        postgres.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "topcoat.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: PostgresServer, prepared_postgres_url: str) -> str:
    """Rows and search indexes put back as they were: far quicker than a database for every test."""
    restored = (f"DELETE FROM {t}; INSERT INTO {t} SELECT * FROM {PRISTINE}.{t}" for t in schema.metadata.tables)
    restart = "SELECT setval('instance_instance_id_seq', (SELECT max(instance_id) FROM instance))"
    statements = (*restored, restart, SEARCH_INDEXES_RESTORED)
    postgres.run(";".join(statements), database=prepared_postgres_url.rpartition("/")[2])
    return prepared_postgres_url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database of its own for the test, with the sample published; one run on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@dataclass(frozen=True)
class Service:
    """The flows on a database, without HTTP; `clock` moves the frozen service clock."""

    store: Store
    writer: Writer
    flows: Flows
    clock: Clock

    async def advance(self, duration: timedelta) -> None:
        await self.flows.service_clock.advance(duration)

    async def refresh(self, environment: Path) -> RunReport:
        loaded = load_environment(environment)
        return await publish.refresh(self.store, self.clock, loaded, Silent(), horizon=timedelta(days=7))

    async def undo(self) -> int:
        return await publish.undo_refresh(self.store, self.clock, INSTANCE)


@asynccontextmanager
async def open_service(url: str, *, is_emulator: bool = True) -> AsyncIterator[Service]:
    store = Store(url)
    clock = Clock(is_adjustable=is_emulator)
    writer = Writer(store, clock, queue_max=1000, batch_max=100)
    flows = build_flows(store, writer, clock, horizon=timedelta(days=7), is_emulator=is_emulator)
    try:
        yield Service(store, writer, flows, clock)
    finally:
        await flows.watch.close()
        await writer.close()
        await store.close()


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    async with open_service(database_url) as opened:
        yield opened


@pytest.fixture
async def sqlite_service(sqlite_url: str) -> AsyncIterator[Service]:
    """For what no database makes a difference to."""
    async with open_service(sqlite_url) as opened:
        yield opened


@pytest.fixture
async def postgres_service(postgres_url: str) -> AsyncIterator[Service]:
    """For what SQLite does not have; such a test bears the mark `postgres`."""
    async with open_service(postgres_url) as opened:
        yield opened


@pytest.fixture
def abbie() -> str:
    """The CustomerId of Abbie Moss, person number 1."""
    return sample.ABBIE_MOSS_ID


@pytest.fixture
def base() -> str:
    return f"/api/instances/{INSTANCE}"


def headers_of(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer topcoat-{role}", "Ocp-Apim-Subscription-Key": "topcoat-primary-key"}


@pytest.fixture
def as_role() -> Callable[[str], dict[str, str]]:
    return headers_of


@pytest.fixture
def admin() -> dict[str, str]:
    return {"Authorization": "Bearer topcoat-administrator"}


@asynccontextmanager
async def open_client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://testserver", headers=headers_of("contributor")
        ) as opened:
            yield opened


@pytest.fixture
async def client(sqlite_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A Contributor on the service in process."""
    async with open_client(Settings(home=tmp_path, database_url=sqlite_url)) as opened:
        yield opened
