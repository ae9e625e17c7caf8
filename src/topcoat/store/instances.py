"""Instances, where each stands, and the catalogs of their generations."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, text

from topcoat.clock import ServiceTime, from_microseconds, to_microseconds
from topcoat.core.catalog import ActivityConfiguration, Catalog, Column, ColumnType, Contents, Table, TableKind
from topcoat.core.definitions import Authorship
from topcoat.store.engine import ReadConnection, WriteConnection, dump_json, load_json
from topcoat.store.point import PointConnection, PointStatement, PointWriter

_LOCK_CLASS = 0x746F70  # the first half of PostgreSQL's advisory lock key; the second is the instance
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class InstanceRow:
    instance_id: int
    guid: str
    name: str
    instance_type: str
    active_generation: int | None
    refreshed_at: datetime | None
    region: str | None
    authorship: Authorship


@dataclass(frozen=True, slots=True)
class Stand:
    """Where an instance stands: its active generation, its last sequence, and the service time."""

    instance_id: int
    generation: int | None
    sequence: int
    recorded_at: datetime
    profile_lifetime: timedelta
    activity_lifetime: timedelta
    service_time: ServiceTime


_LIST = """
SELECT i.instance_id, i.guid, i.name, i.instance_type, i.active_generation, i.region,
       i.version, i.created_by, i.created_at, i.updated_by, i.updated_at,
       COALESCE(g.refreshed_at, g.activated_at) AS refreshed_at
FROM instance i
LEFT JOIN generation g ON g.instance_id = i.instance_id AND g.generation = i.active_generation
"""

_STAND = PointStatement("""
SELECT i.instance_id, i.active_generation, n.last_sequence, n.last_recorded_at,
       i.profile_lifetime, i.activity_lifetime, c.shift, c.frozen_at
FROM instance i
JOIN instance_counter n ON n.instance_id = i.instance_id
CROSS JOIN service_clock c
WHERE i.guid = :guid
""")


async def list_instances(connection: ReadConnection) -> list[InstanceRow]:
    return [_instance_row(row) for row in await connection.fetch_all(text(_LIST + "ORDER BY i.guid"))]


async def find_oldest(connection: PointConnection) -> str | None:
    """The GUID of the instance that has been there longest."""
    rows = await connection.fetch_point(_OLDEST, {})
    return rows[0][0] if rows else None


_OLDEST = PointStatement("SELECT guid FROM instance ORDER BY created_at, instance_id LIMIT 1")


async def find_instance(connection: ReadConnection, guid: str) -> InstanceRow | None:
    row = await connection.fetch_one(text(_LIST + "WHERE i.guid = :guid"), {"guid": guid})
    return None if row is None else _instance_row(row)


async def find_stand(connection: PointConnection, guid: str) -> Stand | None:
    rows = await connection.fetch_point(_STAND, {"guid": guid})
    return _stand(rows[0]) if rows else None


async def lock_stand(connection: WriteConnection, guid: str) -> Stand | None:
    """Take the instance's lock until the end of the transaction, then read where it stands (S6)."""
    if connection.is_postgresql:
        await connection.fetch_all(text(f"SELECT {lock_of(guid)}"))
    return await find_stand(connection, guid)


async def lock_creation(connection: WriteConnection) -> None:
    """One transaction at a time that creates, names or removes instances."""
    if connection.is_postgresql:
        await connection.fetch_all(text(f"SELECT {lock_of('')}"))


def lock_of(guid: str) -> str:
    """The call that takes an instance's lock on PostgreSQL; two instances that share a number only take turns."""
    number = zlib.crc32(guid.encode()) - 2**31
    return f"pg_advisory_xact_lock({_LOCK_CLASS}, {number})"


async def advance_counter(connection: PointWriter, instance_id: int, *, sequence: int, recorded_at: datetime) -> None:
    """As the last statement of the transaction."""
    await connection.run_last(
        f"UPDATE instance_counter SET last_sequence = {sequence:d}, last_recorded_at = {to_microseconds(recorded_at):d}"
        f" WHERE instance_id = {instance_id:d}"
    )


async def save_instance(
    connection: WriteConnection,
    *,
    guid: str,
    name: str,
    instance_type: str,
    profile_lifetime: timedelta,
    activity_lifetime: timedelta,
    environment_file: str | None = None,
    now: datetime,
    region: str | None = None,
    principal: str | None = None,
) -> None:
    """Create an instance, or bring the one with that GUID up to date; another of that GUID that was removed is
    counted on, so that no token of it fits."""
    await lock_creation(connection)
    values = {
        "guid": guid,
        "name": name,
        "instance_type": instance_type,
        "profile_lifetime": profile_lifetime // _MICROSECOND,
        "activity_lifetime": activity_lifetime // _MICROSECOND,
        "environment_file": environment_file,
        "region": region,
        "principal": principal,
        "now": to_microseconds(now),
    }
    await connection.run(text(_SAVE), values)
    await connection.run(text(_ADD_COUNTER), {"guid": guid})


# A number is never used again: processes keep what they know of an instance under it.
NEXT_ID = """
(SELECT 1 + COALESCE(max(known.instance_id), 0)
 FROM (SELECT instance_id FROM instance UNION ALL SELECT instance_id FROM removed_instance) AS known)
"""

_SAVE = f"""
INSERT INTO instance (instance_id, guid, name, instance_type, region, profile_lifetime, activity_lifetime,
                      environment_file, created_by, created_at, updated_by, updated_at)
VALUES ({NEXT_ID}, :guid, :name, :instance_type, :region, :profile_lifetime, :activity_lifetime,
        :environment_file, :principal, :now, :principal, :now)
ON CONFLICT (guid) DO UPDATE
SET name = excluded.name, instance_type = excluded.instance_type, profile_lifetime = excluded.profile_lifetime,
    activity_lifetime = excluded.activity_lifetime, environment_file = excluded.environment_file,
    version = instance.version + CASE
        WHEN (instance.name, instance.instance_type, instance.profile_lifetime, instance.activity_lifetime)
           = (excluded.name, excluded.instance_type, excluded.profile_lifetime, excluded.activity_lifetime)
        THEN 0 ELSE 1 END,
    updated_by = excluded.updated_by, updated_at = excluded.updated_at
"""

_ADD_COUNTER = """
INSERT INTO instance_counter (instance_id, last_generation, last_sequence, last_recorded_at)
SELECT i.instance_id, COALESCE(max(r.last_generation), 0), COALESCE(max(r.last_sequence), 0),
       COALESCE(max(r.last_recorded_at), 0)
FROM instance i LEFT JOIN removed_instance r ON r.guid = i.guid
WHERE i.guid = :guid GROUP BY i.instance_id
ON CONFLICT (instance_id) DO NOTHING
"""


async def find_environment_file(connection: ReadConnection, guid: str) -> str | None:
    """What the instance was refreshed from last; None where it never was from a file."""
    row = await connection.fetch_one(text("SELECT environment_file FROM instance WHERE guid = :guid"), {"guid": guid})
    return None if row is None else row[0]


async def find_catalog(connection: ReadConnection, instance_id: int, generation: int) -> Catalog | None:
    row = await connection.fetch_one(
        text(
            "SELECT CAST(catalog AS TEXT) FROM generation"
            " WHERE instance_id = :instance_id AND generation = :generation AND state IN ('active', 'closed')"
        ),
        {"instance_id": instance_id, "generation": generation},
    )
    return None if row is None else load_catalog(row[0])


async def count_profiles(connection: PointConnection, instance_id: int, generation: int) -> int:
    """How many a generation has."""
    rows = await connection.fetch_point(_PROFILE_COUNT, {"instance_id": instance_id, "generation": generation})
    return int(rows[0][0])


_PROFILE_COUNT = PointStatement(
    "SELECT profile_count FROM generation WHERE instance_id = :instance_id AND generation = :generation"
)


def dump_catalog(catalog: Catalog) -> str:
    tables = [_table_document(table) for table in catalog.tables]
    names = {name: getattr(catalog, name) for name in _NAMES_IN_CATALOG}
    return dump_json({"tables": tables} | names)


def load_catalog(json_text: str) -> Catalog:
    """Earlier versions wrote the list of tables alone, or fewer names."""
    document = load_json(json_text)
    if isinstance(document, list):
        document = {"tables": document}
    names = {name: tuple(document.get(name, ())) for name in _NAMES_IN_CATALOG}
    return Catalog(tuple(map(_load_table, document["tables"])), **names)


_NAMES_IN_CATALOG: Final = ("deleted_tables", "defined_measures", "defined_segments")


def _table_document(table: Table) -> dict[str, Any]:
    activity = table.activity
    return {
        "name": table.name,
        "kind": table.kind.value,
        "primary_key": table.primary_key,
        "data_source": table.data_source,
        "columns": [[c.name, c.type.value, c.is_key, c.is_mandatory] for c in table.columns],
        "activity": None
        if activity is None
        else {name: getattr(activity, name) for name in ActivityConfiguration.__dataclass_fields__},
        "is_kept": table.is_kept,
        "contents": table.contents.value,
        "maker": table.maker,
    }


def _load_table(document: dict[str, Any]) -> Table:
    activity = document["activity"]
    return Table(
        name=document["name"],
        kind=TableKind(document["kind"]),
        primary_key=document["primary_key"],
        data_source=document["data_source"],
        columns=tuple(
            Column(name, ColumnType(type_), is_key=is_key, is_mandatory=is_mandatory)
            for name, type_, is_key, is_mandatory in document["columns"]
        ),
        activity=None if activity is None else ActivityConfiguration(**activity),
        is_kept=document.get("is_kept", False),
        contents=Contents(document.get("contents", Contents.INGESTED.value)),
        maker=document.get("maker"),
    )


def _instance_row(row: Row[Any]) -> InstanceRow:
    return InstanceRow(
        instance_id=row.instance_id,
        guid=row.guid,
        name=row.name,
        instance_type=row.instance_type,
        active_generation=row.active_generation,
        refreshed_at=None if row.refreshed_at is None else from_microseconds(row.refreshed_at),
        region=row.region,
        authorship=Authorship(
            version=row.version,
            created_by=row.created_by,
            created_at=from_microseconds(row.created_at),
            updated_by=row.updated_by,
            updated_at=from_microseconds(row.updated_at),
        ),
    )


def _stand(row: Sequence[Any]) -> Stand:
    instance_id, generation, sequence, recorded_at, profile_lifetime, activity_lifetime, shift, frozen_at = row
    return Stand(
        instance_id=instance_id,
        generation=generation,
        sequence=sequence,
        recorded_at=from_microseconds(recorded_at),
        profile_lifetime=profile_lifetime * _MICROSECOND,
        activity_lifetime=activity_lifetime * _MICROSECOND,
        service_time=service_time(shift, frozen_at),
    )


def service_time(shift: int, frozen_at: int | None) -> ServiceTime:
    return ServiceTime(
        shift=shift * _MICROSECOND, frozen_at=None if frozen_at is None else from_microseconds(frozen_at)
    )


def json_parameter(statement: str, connection: ReadConnection, *names: str) -> Any:
    """Have PostgreSQL read the parameters as jsonb; SQLite keeps JSON as text."""
    for name in names if connection.is_postgresql else ():
        statement = statement.replace(f":{name}", f"CAST(:{name} AS jsonb)")
    return text(statement)
