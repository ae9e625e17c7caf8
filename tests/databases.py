"""Empty databases of either kind, gone after use."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

KINDS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


class DatabaseServer(Protocol):
    """What the `postgres` fixture gives."""

    @property
    def url(self) -> str: ...

    def run(self, statement: str) -> None: ...


@contextmanager
def empty_database(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[str]:
    """Give the URL of a new database; skips when the kind is PostgreSQL and no server answers."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'topcoat.db'}"
        return
    server: DatabaseServer = request.getfixturevalue("postgres")
    name = f"topcoat_empty_{uuid.uuid4().hex[:12]}"
    server.run(f"CREATE DATABASE {name}")
    try:
        yield f"{server.url}/{name}"
    finally:
        server.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
