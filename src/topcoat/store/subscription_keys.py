"""By which keys an instance is opened, and whether it is at all."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core.subscription_keys import KeySlot, digest_of
from topcoat.store.engine import ReadConnection, WriteConnection


@dataclass(frozen=True, slots=True)
class StoredKey:
    digest: bytes
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """An instance's own keys; a slot without one is missing."""

    instance_id: int
    guid: str
    is_enabled: bool
    keys: dict[KeySlot, StoredKey]


async def find_keys(connection: ReadConnection, guid: str) -> StoredKeys | None:
    """None for an instance that does not exist."""
    row = await connection.fetch_one(text(f"{_LIST} WHERE i.guid = :guid"), {"guid": guid})
    return None if row is None else _stored(row)


async def list_keys(connection: ReadConnection) -> list[StoredKeys]:
    """Those of every instance."""
    return [_stored(row) for row in await connection.fetch_all(text(_LIST))]


_LIST = """
SELECT i.instance_id, i.guid, a.is_enabled, a.primary_digest, a.primary_changed_at,
       a.secondary_digest, a.secondary_changed_at
FROM instance i LEFT JOIN api_access a ON a.instance_id = i.instance_id
"""


async def save_enabled(connection: WriteConnection, instance_id: int, *, is_enabled: bool) -> None:
    await connection.run(_SAVE_ENABLED, {"instance_id": instance_id, "is_enabled": int(is_enabled)})


_SAVE_ENABLED = text("""
INSERT INTO api_access (instance_id, is_enabled) VALUES (:instance_id, :is_enabled)
ON CONFLICT (instance_id) DO UPDATE SET is_enabled = excluded.is_enabled
""")


async def save_key(
    connection: WriteConnection, instance_id: int, slot: KeySlot, digest: bytes | None, now: datetime
) -> None:
    """Replace the key of one slot; a digest of None leaves it without one."""
    values = {
        "instance_id": instance_id,
        "digest": digest,
        "changed_at": None if digest is None else to_microseconds(now),
    }
    await connection.run(_SAVE_KEY[slot], values)


_SAVE_KEY = {
    slot: text(f"""
INSERT INTO api_access (instance_id, is_enabled, {slot.value}_digest, {slot.value}_changed_at)
VALUES (:instance_id, 1, :digest, :changed_at)
ON CONFLICT (instance_id) DO UPDATE
SET {slot.value}_digest = excluded.{slot.value}_digest, {slot.value}_changed_at = excluded.{slot.value}_changed_at
""")
    for slot in KeySlot
}


async def apply_file_keys(connection: WriteConnection, instance_id: int, keys: Sequence[str], now: datetime) -> None:
    """Those of the environment file, unless they are what was applied last: a key regenerated since then stays."""
    digests = [digest_of(key) for key in keys]
    file_digest = hashlib.sha256(b"".join(digests)).digest() if digests else None
    row = await connection.fetch_one(_FIND_FILE_DIGEST, {"instance_id": instance_id})
    if file_digest == (None if row is None or row.file_digest is None else bytes(row.file_digest)):
        return
    for slot, digest in zip(KeySlot, (*digests, None, None), strict=False):
        await save_key(connection, instance_id, slot, digest, now)
    await connection.run(_SAVE_FILE_DIGEST, {"instance_id": instance_id, "file_digest": file_digest})


_FIND_FILE_DIGEST = text("SELECT file_digest FROM api_access WHERE instance_id = :instance_id")
_SAVE_FILE_DIGEST = text("UPDATE api_access SET file_digest = :file_digest WHERE instance_id = :instance_id")


def _stored(row: Row[Any]) -> StoredKeys:
    found = {
        KeySlot.PRIMARY: (row.primary_digest, row.primary_changed_at),
        KeySlot.SECONDARY: (row.secondary_digest, row.secondary_changed_at),
    }
    return StoredKeys(
        instance_id=row.instance_id,
        guid=row.guid,
        is_enabled=row.is_enabled != 0,  # nobody has ever changed it where it is null
        keys={
            slot: StoredKey(bytes(digest), from_microseconds(changed_at))
            for slot, (digest, changed_at) in found.items()
            if digest is not None
        },
    )
