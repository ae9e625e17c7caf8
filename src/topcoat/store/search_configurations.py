"""The search configuration of an instance, and which version of it the indexes and tokens are complete for."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core.search_configuration import IndexedColumn, SearchConfiguration
from topcoat.store import instances
from topcoat.store.engine import ReadConnection, WriteConnection, dump_json, load_json


@dataclass(frozen=True, slots=True)
class StoredConfiguration:
    """`file_digest` is that of the environment file's section which was applied last."""

    configuration: SearchConfiguration
    built_version: int | None
    file_digest: str | None

    @property
    def is_built(self) -> bool:
        return self.built_version == self.configuration.version


def digest_of(columns: Sequence[IndexedColumn]) -> str:
    """Of a section of the environment file."""
    return hashlib.sha256(_dump(columns).encode()).hexdigest()


async def find_stored(connection: ReadConnection, instance_id: int) -> StoredConfiguration | None:
    row = await connection.fetch_one(_FIND, {"instance_id": instance_id})
    return None if row is None else _stored(row)


_FIND = text("""
SELECT CAST(document AS TEXT) AS document, version, built_version, file_digest,
       created_by, created_at, updated_by, updated_at
FROM search_configuration WHERE instance_id = :instance_id
""")


async def list_unbuilt(connection: ReadConnection) -> list[str]:
    """The GUIDs of instances whose configuration was replaced and whose index does not show it yet."""
    rows = await connection.fetch_all(_LIST_UNBUILT)
    return [row.guid for row in rows]


_LIST_UNBUILT = text("""
SELECT i.guid FROM search_configuration c JOIN instance i ON i.instance_id = c.instance_id
WHERE c.built_version IS NULL OR c.built_version <> c.version ORDER BY i.guid
""")


async def save_configuration(
    connection: WriteConnection,
    instance_id: int,
    columns: Sequence[IndexedColumn],
    *,
    principal: str,
    now: datetime,
    file_digest: str | None = None,
) -> SearchConfiguration:
    """As the next version; one that comes from the environment file brings its digest."""
    values = {
        "instance_id": instance_id,
        "document": _dump(columns),
        "file_digest": file_digest,
        "principal": principal,
        "now": to_microseconds(now),
    }
    await connection.run(instances.json_parameter(_SAVE, connection, "document"), values)
    stored = await find_stored(connection, instance_id)
    assert stored is not None  # it was just saved
    return stored.configuration


_SAVE = """
INSERT INTO search_configuration (instance_id, document, version, file_digest, created_by, created_at, updated_by,
                                  updated_at)
VALUES (:instance_id, :document, 1, :file_digest, :principal, :now, :principal, :now)
ON CONFLICT (instance_id) DO UPDATE
SET document = excluded.document, version = search_configuration.version + 1,
    file_digest = COALESCE(excluded.file_digest, search_configuration.file_digest),
    updated_by = excluded.updated_by, updated_at = excluded.updated_at
"""


async def mark_built(connection: WriteConnection, instance_id: int, version: int) -> None:
    await connection.run(
        text("UPDATE search_configuration SET built_version = :version WHERE instance_id = :instance_id"),
        {"instance_id": instance_id, "version": version},
    )


async def mark_unbuilt(connection: WriteConnection, instance_id: int) -> None:
    """Of an instance whose configuration came from another."""
    await connection.run(
        text("UPDATE search_configuration SET built_version = NULL WHERE instance_id = :instance_id"),
        {"instance_id": instance_id},
    )


def _dump(columns: Sequence[IndexedColumn]) -> str:
    return dump_json([asdict(column) for column in columns])


def _stored(row: Row[Any]) -> StoredConfiguration:
    configuration = SearchConfiguration(
        columns=tuple(IndexedColumn(**column) for column in load_json(row.document)),
        is_system_generated=False,
        version=row.version,
        created_by=row.created_by,
        created_at=from_microseconds(row.created_at),
        updated_by=row.updated_by,
        updated_at=from_microseconds(row.updated_at),
    )
    return StoredConfiguration(configuration, row.built_version, row.file_digest)
