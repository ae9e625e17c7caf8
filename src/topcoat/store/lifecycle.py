"""What becomes of an instance as a whole: renamed, copied, reset, removed."""

from datetime import datetime
from typing import Final

from sqlalchemy import text

from topcoat.clock import to_microseconds
from topcoat.store import instances, schema
from topcoat.store.changes import Change
from topcoat.store.engine import WriteConnection
from topcoat.store.instances import Stand
from topcoat.store.schema import Holding

# Their rows are made and removed by name below.
_BY_NAME: Final = ("instance", "instance_counter", "removed_instance")


async def is_name_taken(connection: WriteConnection, name: str, *, but_of: str) -> bool:
    """Whether an instance other than that of the GUID has the name."""
    row = await connection.fetch_one(
        text("SELECT 1 FROM instance WHERE name = :name AND guid <> :guid"), {"name": name, "guid": but_of}
    )
    return row is not None


async def rename_instance(
    connection: WriteConnection, instance_id: int, *, name: str, instance_type: str, principal: str, now: datetime
) -> None:
    values = {
        "instance_id": instance_id,
        "name": name,
        "instance_type": instance_type,
        "principal": principal,
        "now": to_microseconds(now),
    }
    await connection.run(_RENAME, values)


_RENAME = text("""
UPDATE instance SET name = :name, instance_type = :instance_type, version = version + 1,
                    updated_by = :principal, updated_at = :now
WHERE instance_id = :instance_id
""")


async def copy_rows(connection: WriteConnection, stand: Stand, copy: Stand) -> None:
    """What people set up, and who may do what."""
    for name, columns in _tables_holding(Holding.CONFIGURATION, Holding.ACCESS).items():
        others = ", ".join(column for column in columns if column != "instance_id")
        await connection.run(
            text(
                f"INSERT INTO {name} (instance_id, {others})"
                f" SELECT :copy, {others} FROM {name} WHERE instance_id = :instance_id"
            ),
            {"copy": copy.instance_id, "instance_id": stand.instance_id},
        )


async def delete_configuration(connection: WriteConnection, instance_id: int) -> None:
    for name in _tables_holding(Holding.CONFIGURATION):
        await connection.run(text(f"DELETE FROM {name} WHERE instance_id = :instance_id"), {"instance_id": instance_id})


async def add_empty_generation(
    connection: WriteConnection, instance_id: int, catalog_of: Stand, *, last: int, now: datetime
) -> None:
    """An active generation with the tables of another instance's, and no records; `last` is the last number used."""
    values = {
        "instance_id": instance_id,
        "other": catalog_of.instance_id,
        "active": catalog_of.generation,
        "number": last + 1,
        "now": to_microseconds(now),
    }
    for statement in _ADD_EMPTY_GENERATION:
        await connection.run(statement, values)


_ADD_EMPTY_GENERATION: Final = (
    text("""
INSERT INTO generation (instance_id, generation, state, catalog, profile_count, activity_count,
                        started_at, activated_at)
SELECT :instance_id, :number, 'active', catalog, 0, 0, :now, :now FROM generation
WHERE instance_id = :other AND generation = :active
"""),
    text("UPDATE instance_counter SET last_generation = :number WHERE instance_id = :instance_id"),
    text("UPDATE instance SET active_generation = :number, updated_at = :now WHERE instance_id = :instance_id"),
)


async def get_last_generation(connection: WriteConnection, instance_id: int) -> int:
    """The last number that was used."""
    row = await connection.fetch_one(
        text("SELECT last_generation FROM instance_counter WHERE instance_id = :instance_id"),
        {"instance_id": instance_id},
    )
    assert row is not None  # every instance has a counter
    return int(row.last_generation)


async def replace_instance(
    connection: WriteConnection, stand: Stand, *, keeps_configuration: bool, principal: str, now: datetime
) -> int:
    """Let the instance go on under a new number, with what a reset keeps; the rest stays under the old one, which is
    as good as removed. Return the new number."""
    row = await connection.fetch_one(text(f"SELECT {instances.NEXT_ID} AS number"))
    assert row is not None  # an aggregate has one
    values = {
        "instance_id": stand.instance_id,
        "number": row.number,
        "principal": principal,
        "now": to_microseconds(now),
    }
    await connection.run(_BURY, values)
    kept = [Holding.IDENTITY, Holding.ACCESS, Holding.JOURNAL]
    kept += [Holding.CONFIGURATION] if keeps_configuration else []
    for name in ("instance_counter", *_tables_holding(*kept)):
        await connection.run(text(f"UPDATE {name} SET instance_id = :number WHERE instance_id = :instance_id"), values)
    await connection.run(_REPLACE, values)
    await connection.announce(Change(stand.instance_id))
    return int(row.number)


async def remove_instance(connection: WriteConnection, stand: Stand, *, now: datetime) -> None:
    """From the commit on nobody finds it; its rows are swept behind."""
    values = {"instance_id": stand.instance_id, "now": to_microseconds(now)}
    for statement in (_BURY, _DELETE_COUNTER, _DELETE):
        await connection.run(statement, values)
    await connection.announce(Change(stand.instance_id))


_BURY = text("""
INSERT INTO removed_instance (instance_id, guid, last_generation, last_sequence, last_recorded_at, removed_at)
SELECT i.instance_id, i.guid, n.last_generation, n.last_sequence, n.last_recorded_at, :now
FROM instance i JOIN instance_counter n ON n.instance_id = i.instance_id WHERE i.instance_id = :instance_id
""")
_REPLACE = text("""
UPDATE instance SET instance_id = :number, active_generation = NULL, version = version + 1,
                    updated_by = :principal, updated_at = :now
WHERE instance_id = :instance_id
""")
_DELETE_COUNTER = text("DELETE FROM instance_counter WHERE instance_id = :instance_id")
_DELETE = text("DELETE FROM instance WHERE instance_id = :instance_id")


def _tables_holding(*holdings: Holding) -> dict[str, list[str]]:
    """The columns of those tables, by name."""
    return {
        name: list(table.columns.keys())
        for name, table in schema.metadata.tables.items()
        if table.info.get(schema.HOLDS) in holdings and name not in _BY_NAME
    }
