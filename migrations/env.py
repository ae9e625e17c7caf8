"""How migrations reach the database: one at a time, inside one transaction, never waiting long for a lock."""

import asyncio

import sqlalchemy
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

from topcoat.store import schema

LOCK_KEY = 0x746F7063  # one migration at a time
LOCK_TIMEOUT = "5s"

url: sqlalchemy.URL = context.config.attributes["url"]


def run_on(connection: sqlalchemy.Connection) -> None:
    is_postgresql = connection.dialect.name == "postgresql"
    if is_postgresql:
        connection.execute(sqlalchemy.text(f"SELECT pg_advisory_lock({LOCK_KEY})"))
        connection.commit()
        connection.execute(sqlalchemy.text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
    else:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        connection.exec_driver_sql("PRAGMA busy_timeout=30000")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.configure(
        connection=connection,
        target_metadata=schema.metadata,
        include_name=schema.is_own,
        include_object=schema.is_on_both,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


async def run_online() -> None:
    engine = create_async_engine(url, poolclass=sqlalchemy.NullPool)
    if url.get_backend_name() == "sqlite":
        sqlalchemy.event.listen(engine.sync_engine, "connect", without_implicit_transactions)
    async with engine.connect() as connection:
        await connection.run_sync(run_on)
    await engine.dispose()


def without_implicit_transactions(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # the driver's own attribute


def run_offline() -> None:
    dialect = url.get_backend_name()
    context.configure(url=f"{dialect}://", target_metadata=schema.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    asyncio.run(run_online())
