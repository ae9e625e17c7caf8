"""Databases of either kind, empty or copied, gone after use."""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

import pytest

KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]

UNHURRIED = "ALTER DATABASE {} SET synchronous_commit TO off"
"""No test takes the power away, and waiting for the disk at every commit takes long."""


class DatabaseServer(Protocol):
    """What the `postgres` fixture gives."""

    @property
    def url(self) -> str: ...

    def run(self, statement: str) -> None: ...


@contextmanager
def empty_database(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[str]:
    """Give the URL of a new database; skips when the kind is PostgreSQL and no server answers."""
    if kind == "sqlite":
        yield _sqlite_url(folder)
        return
    with _postgres_database(request, "template1") as url:
        yield url


@contextmanager
def copied_database(request: pytest.FixtureRequest, kind: str, folder: Path, source_url: str) -> Iterator[str]:
    """Give the URL of a copy; nobody may be connected to the source."""
    if kind == "sqlite":
        url = _sqlite_url(folder)
        with closing(_connect(source_url)) as source, closing(_connect(url)) as target:
            source.backup(target)
        yield url
        return
    with _postgres_database(request, source_url.rpartition("/")[2]) as url:
        yield url


def _sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'topcoat.db'}"


def _connect(sqlite_url: str) -> sqlite3.Connection:
    return sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))


@contextmanager
def _postgres_database(request: pytest.FixtureRequest, template: str) -> Iterator[str]:
    server: DatabaseServer = request.getfixturevalue("postgres")
    name = f"topcoat_copy_{uuid.uuid4().hex[:12]}"
    server.run(f"CREATE DATABASE {name} TEMPLATE {template}")
    server.run(UNHURRIED.format(name))
    try:
        yield f"{server.url}/{name}"
    finally:
        server.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
