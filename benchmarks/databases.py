"""A new database for each server, removed afterwards."""

import asyncio
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import asyncpg
from rich.console import Console

CONNECT_TIMEOUT_SECONDS = 5.0


class Kind(Enum):
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """`url` ends before the database's name."""

    url: str

    def run(self, statement: str) -> None:
        asyncio.run(self._run(statement))

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(f"{self.url}/postgres", timeout=CONNECT_TIMEOUT_SECONDS)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def find_postgres() -> PostgresServer | None:
    """The server that TOPCOAT_TEST_POSTGRES_URL names, else one on the usual socket or port."""
    named = os.environ.get("TOPCOAT_TEST_POSTGRES_URL")
    usual = ["postgresql://", "postgresql://postgres@127.0.0.1:5432"]
    for url in [named.rsplit("/", 1)[0]] if named else usual:
        server = PostgresServer(url)
        try:
            server.run("SELECT 1")
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            continue
        return server
    return None


def available(kinds: list[Kind], console: Console) -> list[Kind]:
    """The kinds that can be measured here; says loudly which cannot."""
    if Kind.POSTGRESQL not in kinds or find_postgres() is not None:
        return kinds
    console.print("[bold red]PostgreSQL SKIPPED[/]: no server answers; start one or set TOPCOAT_TEST_POSTGRES_URL.")
    return [kind for kind in kinds if kind is not Kind.POSTGRESQL]


@contextmanager
def new_database(kind: Kind) -> Iterator[str]:
    """The URL of an empty database, without a driver part."""
    if kind is Kind.SQLITE:
        with tempfile.TemporaryDirectory(prefix="topcoat-benchmark-") as folder:
            yield f"sqlite:///{Path(folder) / 'benchmark.db'}"
        return
    server = find_postgres()
    assert server is not None, "asked for after `available` only"
    name = f"topcoat_benchmark_{uuid.uuid4().hex[:12]}"
    try:
        server.run(f"CREATE DATABASE {name}")
        yield f"{server.url}/{name}"
    finally:
        server.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
