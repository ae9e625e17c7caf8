"""The migrations make what `store/schema/` says, step by step and back, and travel in the wheel."""

import asyncio
import hashlib
import importlib.util
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy
from alembic import autogenerate
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from tests.databases import KINDS, empty_database
from topcoat.core import errors
from topcoat.store import engine, migrate, schema

PROJECT = Path(__file__).parents[2]
VERSION_TABLE = "alembic_version"

Found = TypeVar("Found")


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with empty_database(request, request.param, tmp_path) as url:
        yield url


@pytest.fixture(params=KINDS)
def created_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database whose tables were made from `store/schema/` itself."""
    folder = tmp_path / "created"
    folder.mkdir()
    with empty_database(request, request.param, folder) as url:
        on_connection(url, schema.metadata.create_all)
        yield url


def on_connection(url: str, work: Callable[[sqlalchemy.Connection], Found]) -> Found:
    async def run() -> Found:
        database = create_async_engine(engine.normalised_url(url), poolclass=sqlalchemy.NullPool)
        try:
            async with database.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await database.dispose()

    return asyncio.run(run())


def described(connection: sqlalchemy.Connection) -> dict[str, Any]:
    """Everything the database knows about its tables: columns in order, keys, indexes, options."""
    inspector = sqlalchemy.inspect(connection)
    return {
        name: {
            "columns": [column | {"type": repr(column["type"])} for column in inspector.get_columns(name)],
            "primary key": inspector.get_pk_constraint(name),
            "unique": sorted(map(repr, inspector.get_unique_constraints(name))),
            "indexes": sorted(map(repr, inspector.get_indexes(name))),
            "options": inspector.get_table_options(name),
        }
        for name in inspector.get_table_names()
        if name != VERSION_TABLE and schema.is_own(name, "table")
    }


def sqlite_objects(connection: sqlalchemy.Connection) -> list[tuple[str, str]]:
    """What no inspector tells: triggers and full-text tables, with those that SQLite keeps for them."""
    if connection.dialect.name == "postgresql":
        return []
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' OR name GLOB 'profile_search_text*' ORDER BY 1"
    return [(row.name, row.sql) for row in connection.execute(sqlalchemy.text(query))]


def difference(connection: sqlalchemy.Connection) -> list[Any]:
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_name": schema.is_own,
        "include_object": schema.is_on_both,
    }
    return list(autogenerate.compare_metadata(MigrationContext.configure(connection, opts=options), schema.metadata))


def scripts() -> ScriptDirectory:
    return ScriptDirectory(str(migrate.migrations_folder()))


def revisions() -> list[str]:
    """From the first to the newest."""
    return [script.revision for script in scripts().walk_revisions()][::-1]


def test_the_schema_names_the_newest_migration() -> None:
    assert scripts().get_current_head() == schema.HEAD_REVISION


def test_migrations_form_one_line_and_are_dated() -> None:
    assert scripts().get_bases() == [revisions()[0]]
    assert scripts().get_heads() == [revisions()[-1]]
    assert revisions() == sorted(revisions())


def test_autogenerate_finds_nothing_to_do_after_migrating(empty_url: str) -> None:
    migrate.migrate(empty_url)

    assert on_connection(empty_url, difference) == []


def test_migrating_makes_the_very_tables_of_the_schema(created_url: str) -> None:
    made = on_connection(created_url, described)
    others = on_connection(created_url, sqlite_objects)
    on_connection(created_url, schema.metadata.drop_all)

    migrate.migrate(created_url)

    assert on_connection(created_url, described) == made
    assert on_connection(created_url, sqlite_objects) == others
    assert set(made) == set(schema.metadata.tables)


def test_every_step_goes_down_and_up_again(empty_url: str) -> None:
    steps = {"base": on_connection(empty_url, described)}
    for revision in revisions():
        migrate.migrate(empty_url, to=revision)
        steps[revision] = on_connection(empty_url, described)

    for lower in list(steps)[-2::-1]:
        migrate.migrate(empty_url, to=lower)
        assert on_connection(empty_url, described) == steps[lower]
    for upper in revisions():
        migrate.migrate(empty_url, to=upper)
        assert on_connection(empty_url, described) == steps[upper]


def test_base_leaves_nothing_behind(empty_url: str) -> None:
    migrate.migrate(empty_url)

    migrate.migrate(empty_url, to="base")

    assert on_connection(empty_url, described) == {}
    assert on_connection(empty_url, sqlite_objects) == []


def test_migrating_twice_is_migrating_once(empty_url: str) -> None:
    migrate.migrate(empty_url)
    once = on_connection(empty_url, described)

    migrate.migrate(empty_url)

    assert on_connection(empty_url, described) == once


def test_keys_that_were_kept_as_they_are_open_after_they_are_kept_by_their_digests(empty_url: str) -> None:
    migrate.migrate(empty_url, to="2026_11_25_0950")
    stored = [(1, '["one", "two"]'), (2, '["three"]'), (3, None)]
    made = "INSERT INTO instance (instance_id, guid, name, instance_type, created_at, updated_at, profile_lifetime,"
    made += " activity_lifetime, subscription_keys) VALUES (:id, :guid, 'x', 'x', 1, 7, 1, 1, :keys)"
    if "postgresql" in empty_url:
        made = made.replace(":keys", "CAST(:keys AS jsonb)")
    rows = [{"id": id_, "guid": str(id_), "keys": keys} for id_, keys in stored]
    on_connection(empty_url, lambda connection: connection.execute(sqlalchemy.text(made), rows))

    migrate.migrate(empty_url)

    columns = "instance_id, primary_digest, primary_changed_at, secondary_digest, secondary_changed_at, file_digest"
    query = sqlalchemy.text(f"SELECT {columns} FROM api_access WHERE is_enabled = 1 ORDER BY instance_id")
    one, two, three = (hashlib.sha256(key).digest() for key in (b"one", b"two", b"three"))
    assert on_connection(empty_url, lambda connection: connection.execute(query).all()) == [
        (1, one, 7, two, 7, hashlib.sha256(one + two).digest()),
        (2, three, 7, None, None, hashlib.sha256(three).digest()),
    ]


def test_an_unknown_revision_is_refused_with_those_there_are(empty_url: str) -> None:
    with pytest.raises(errors.ParameterInvalid) as refused:
        migrate.migrate(empty_url, to="tomorrow")

    assert schema.HEAD_REVISION in refused.value.message


def test_two_migrations_at_once_both_succeed(empty_url: str) -> None:
    command = [sys.executable, "-m", "topcoat", "migrate", "--database-url", empty_url]
    both = [run_in_background(command, Path(schema.__file__).parents[3]) for _ in range(2)]

    outputs = [process.communicate(timeout=60) for process in both]

    assert [process.returncode for process in both] == [0, 0], outputs
    assert on_connection(empty_url, difference) == []


def test_a_wheel_brings_the_migrations_and_the_files_of_pages_along(tmp_path: Path) -> None:
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("THE WHEEL WAS NOT BUILT: install hatchling to test that everything is inside it")
    build = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([sys.executable, *build, "--wheel-dir", str(tmp_path), str(PROJECT)], check=True)
    [wheel] = tmp_path.glob("topcoat-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    url = f"sqlite:///{tmp_path / 'topcoat.db'}"

    command = [sys.executable, "-m", "topcoat", "migrate", "--database-url", url]
    printed, _ = run_in_background(command, tmp_path / "installed").communicate(timeout=60)

    assert (tmp_path / "installed" / "topcoat" / "migrations" / "env.py").exists()
    assert package_files(PROJECT / "src") - package_files(tmp_path / "installed") == set()
    assert schema.HEAD_REVISION in printed
    assert on_connection(url, difference) == []


def package_files(sources: Path) -> set[str]:
    files = (path for path in (sources / "topcoat").rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(sources).as_posix() for path in files}


def run_in_background(command: list[str], sources: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": str(sources)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
