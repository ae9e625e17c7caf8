"""What people define in an instance, by kind and name."""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core.catalog import Document
from topcoat.core.definitions import Authorship
from topcoat.store import instances
from topcoat.store.engine import ReadConnection, WriteConnection, dump_json, load_json


class Kind(enum.Enum):
    RELATIONSHIP = "relationship"
    HIERARCHY = "hierarchy"
    MEASURE = "measure"
    SEGMENT = "segment"


@dataclass(frozen=True, slots=True)
class StoredDefinition:
    name: str
    document: Document
    authorship: Authorship


_COLUMNS = "name, CAST(document AS TEXT) AS document, version, created_by, created_at, updated_by, updated_at"
_OF_KIND = f"SELECT {_COLUMNS} FROM definition WHERE instance_id = :instance_id AND kind = :kind"


async def list_definitions(connection: ReadConnection, instance_id: int, kind: Kind) -> list[StoredDefinition]:
    """By name."""
    rows = await connection.fetch_all(
        text(f"{_OF_KIND} ORDER BY name"), {"instance_id": instance_id, "kind": kind.value}
    )
    return [_stored(row) for row in rows]


async def find_definition(
    connection: ReadConnection, instance_id: int, kind: Kind, name: str
) -> StoredDefinition | None:
    row = await connection.fetch_one(
        text(f"{_OF_KIND} AND name = :name"), {"instance_id": instance_id, "kind": kind.value, "name": name}
    )
    return None if row is None else _stored(row)


async def save_definition(
    connection: WriteConnection,
    instance_id: int,
    kind: Kind,
    name: str,
    document: Document,
    *,
    principal: str,
    now: datetime,
) -> StoredDefinition:
    """As a new one, or as the next version of the one of that name."""
    values = {
        "instance_id": instance_id,
        "kind": kind.value,
        "name": name,
        "document": dump_json(document),
        "principal": principal,
        "now": to_microseconds(now),
    }
    await connection.run(instances.json_parameter(_SAVE, connection, "document"), values)
    stored = await find_definition(connection, instance_id, kind, name)
    assert stored is not None  # it was just saved
    return stored


_SAVE = """
INSERT INTO definition (instance_id, kind, name, document, version, created_by, created_at, updated_by, updated_at)
VALUES (:instance_id, :kind, :name, :document, 1, :principal, :now, :principal, :now)
ON CONFLICT (instance_id, kind, name) DO UPDATE
SET document = excluded.document, version = definition.version + 1, updated_by = excluded.updated_by,
    updated_at = excluded.updated_at
"""


async def delete_definition(connection: WriteConnection, instance_id: int, kind: Kind, name: str) -> bool:
    """Whether there was one."""
    deleted = await connection.run(
        text("DELETE FROM definition WHERE instance_id = :instance_id AND kind = :kind AND name = :name"),
        {"instance_id": instance_id, "kind": kind.value, "name": name},
    )
    return deleted > 0


def _stored(row: Row[Any]) -> StoredDefinition:
    authorship = Authorship(
        version=row.version,
        created_by=row.created_by,
        created_at=from_microseconds(row.created_at),
        updated_by=row.updated_by,
        updated_at=from_microseconds(row.updated_at),
    )
    return StoredDefinition(row.name, load_json(row.document), authorship)
