"""The service clock's row, and what falls due when it moves (S4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from topcoat.clock import ServiceTime, from_microseconds, to_microseconds
from topcoat.store import instances
from topcoat.store.changes import Change
from topcoat.store.engine import ReadConnection, WriteConnection

_LOCK_KEY = 0x636C6F636B  # one move of the clock at a time


@dataclass(frozen=True, slots=True)
class LapsedWrite:
    """A change or, with an `activity_id`, an activity that lapsed."""

    instance: str
    customer_id: str
    sequence: int
    activity_id: str | None
    valid_until: datetime


async def read_service_time(connection: ReadConnection) -> ServiceTime:
    row = await connection.fetch_one(text("SELECT shift, frozen_at FROM service_clock"))
    return ServiceTime() if row is None else instances.service_time(row.shift, row.frozen_at)


async def lock_service_time(connection: WriteConnection) -> ServiceTime:
    if connection.is_postgresql:
        await connection.fetch_all(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    return await read_service_time(connection)


async def save_service_time(connection: WriteConnection, service_time: ServiceTime) -> None:
    frozen_at = service_time.frozen_at
    values = {
        "shift": service_time.shift // timedelta(microseconds=1),
        "frozen_at": None if frozen_at is None else to_microseconds(frozen_at),
    }
    await connection.run(text("UPDATE service_clock SET shift = :shift, frozen_at = :frozen_at"), values)
    await connection.announce(Change())


async def count_lapsed(connection: ReadConnection, since: datetime, until: datetime) -> int:
    """How many changes and activities lapse in the half-open interval that ends with `until`."""
    row = await connection.fetch_one(text(f"SELECT count(*) FROM ({_LAPSED}) AS lapsed"), _between(since, until))
    return 0 if row is None else int(row[0])


async def list_lapsed(connection: ReadConnection, since: datetime, until: datetime, *, limit: int) -> list[LapsedWrite]:
    """The first of them, in the order in which they lapse."""
    statement = text(f"{_LAPSED} ORDER BY valid_until, guid, sequence LIMIT :limit")
    rows: Sequence[Any] = await connection.fetch_all(statement, _between(since, until) | {"limit": limit})
    return [
        LapsedWrite(row.guid, row.customer_id, row.sequence, row.activity_id, from_microseconds(row.valid_until))
        for row in rows
    ]


_LAPSED = """
SELECT i.guid, o.customer_id, o.sequence, CAST(NULL AS text) AS activity_id, o.valid_until
FROM override o JOIN instance i ON i.instance_id = o.instance_id
WHERE o.valid_until > :since AND o.valid_until <= :until
  AND NOT EXISTS (SELECT 1 FROM override_release r
                  WHERE r.instance_id = o.instance_id AND r.customer_id = o.customer_id
                    AND r.column_name IS NULL AND r.released_sequence = o.sequence)
UNION ALL
SELECT i.guid, a.customer_id, a.sequence, a.activity_id, a.valid_until
FROM realtime_activity a JOIN instance i ON i.instance_id = a.instance_id
WHERE a.valid_until > :since AND a.valid_until <= :until
"""


def _between(since: datetime, until: datetime) -> dict[str, int]:
    return {"since": to_microseconds(since), "until": to_microseconds(until)}
