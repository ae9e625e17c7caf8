"""Runs the Alembic migrations, which lie beside the package in a checkout and inside it in a wheel."""

import asyncio
from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from topcoat.core import errors
from topcoat.store import engine

_BESIDE_THE_PACKAGE = Path(__file__).parents[1] / "migrations"
_IN_A_CHECKOUT = Path(__file__).parents[3] / "migrations"


def migrations_folder() -> Path:
    return _BESIDE_THE_PACKAGE if _BESIDE_THE_PACKAGE.is_dir() else _IN_A_CHECKOUT


def migrate(database_url: str, *, to: str = "head", as_sql: bool = False) -> None:
    """Bring the schema to a revision, up or down (`base` empties it); `as_sql` prints the statements instead."""
    config = _config(database_url)
    revisions = _revisions()
    target = revisions[-1] if to == "head" else to
    if target not in ("base", *revisions):
        raise errors.ParameterInvalid(parameter="--to", found=to, expected="base, head, " + ", ".join(revisions))
    found = None if as_sql else asyncio.run(_find_revision(config.attributes["url"]))
    if target == "base" or (found in revisions and revisions.index(target) < revisions.index(found)):
        command.downgrade(config, target, sql=as_sql)
    else:
        command.upgrade(config, target, sql=as_sql)


def head_revision() -> str:
    return _revisions()[-1]


def _revisions() -> list[str]:
    """From the first to the newest."""
    scripts = ScriptDirectory(str(migrations_folder())).walk_revisions()
    return [script.revision for script in scripts][::-1]


async def _find_revision(url: sqlalchemy.URL) -> str | None:
    database = create_async_engine(url, poolclass=sqlalchemy.NullPool)
    try:
        async with engine.connected(database) as connection:
            return await connection.run_sync(_current_revision)
    finally:
        await database.dispose()


def _current_revision(connection: sqlalchemy.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(database_url: str) -> Config:
    url = engine.normalised_url(database_url)
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["url"] = url
    return config
