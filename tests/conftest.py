"""The environment is wiped; databases are real; the service clock is frozen."""

import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

for name in [name for name in os.environ if name.startswith("TOPCOAT_") and not name.startswith("TOPCOAT_TEST_")]:
    del os.environ[name]

from hypothesis import HealthCheck, settings  # noqa: E402

IS_THOROUGH = bool(os.environ.get("TOPCOAT_TEST_THOROUGH"))
settings.register_profile(
    "topcoat",
    max_examples=2000 if IS_THOROUGH else 200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("topcoat")

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "unit" not in item.path.relative_to(TESTS).parts:
            item.add_marker(pytest.mark.anyio)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_sockets_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "unit" in request.path.relative_to(TESTS).parts:

        def refuse(*_: object) -> None:
            raise AssertionError("unit tests touch nothing, least of all the network")

        monkeypatch.setattr(socket.socket, "connect", refuse)


@dataclass(frozen=True)
class PostgresServer:
    url: str

    def run(self, statement: str, database: str = "postgres") -> None:
        import asyncio

        import asyncpg

        async def execute() -> None:
            connection = await asyncpg.connect(f"{self.url}/{database}")
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(execute())


def _find_postgres() -> PostgresServer | None:
    """The server named by TOPCOAT_TEST_POSTGRES_URL, or one on the usual socket or port."""
    named = os.environ.get("TOPCOAT_TEST_POSTGRES_URL")
    candidates = [named.rsplit("/", 1)[0]] if named else ["postgresql://", "postgresql://postgres@127.0.0.1:5432"]
    for url in candidates:
        server = PostgresServer(url.rstrip("/"))
        try:
            server.run("SELECT 1")
        except (OSError, Exception):  # noqa: S110 - whatever the reason, there is no server to test with
            continue
        return server
    return None
