"""Schedules of an instance, and when each falls due next."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core.schedules import Schedule
from topcoat.store import instances
from topcoat.store.engine import ReadConnection, WriteConnection, dump_json, load_json


async def save_schedules(connection: WriteConnection, schedules: Sequence[Schedule]) -> None:
    """Each new, or instead of the instance's schedule with that id."""
    statement = instances.json_parameter(_SAVE, connection, "identifiers", "lines")
    await connection.run(statement, [_values(schedule) for schedule in schedules])


_SAVE = """
INSERT INTO schedule (instance_id, schedule_id, operation_type, sub_type, identifiers, job_type, is_active, time_zone,
                      lines, next_due_at, principal)
VALUES (:instance_id, :schedule_id, :operation_type, :sub_type, :identifiers, :job_type, :is_active, :time_zone,
        :lines, :next_due_at, :principal)
ON CONFLICT (instance_id, schedule_id) DO UPDATE
SET operation_type = excluded.operation_type, sub_type = excluded.sub_type, identifiers = excluded.identifiers,
    job_type = excluded.job_type, is_active = excluded.is_active, time_zone = excluded.time_zone,
    lines = excluded.lines, next_due_at = excluded.next_due_at, principal = excluded.principal
"""


def _values(schedule: Schedule) -> dict[str, Any]:
    return {
        "instance_id": schedule.instance_id,
        "schedule_id": schedule.schedule_id,
        "operation_type": schedule.operation_type,
        "sub_type": schedule.sub_type,
        "identifiers": dump_json(schedule.identifiers),
        "job_type": schedule.job_type,
        "is_active": schedule.is_active,
        "time_zone": schedule.time_zone,
        "lines": dump_json(schedule.lines),
        "next_due_at": _microseconds(schedule.next_due_at),
        "principal": schedule.principal,
    }


async def list_schedules(connection: ReadConnection, guid: str) -> list[Schedule]:
    rows = await connection.fetch_all(text(f"{_SELECT} WHERE i.guid = :guid ORDER BY s.schedule_id"), {"guid": guid})
    return [_schedule(row) for row in rows]


async def list_due(connection: ReadConnection, until: datetime) -> list[Schedule]:
    """Active ones of all instances that fall due by an instant, the first to do so first."""
    rows = await connection.fetch_all(_LIST_DUE, {"until": to_microseconds(until)})
    return [_schedule(row) for row in rows]


async def move_on(connection: WriteConnection, schedule: Schedule, next_due_at: datetime | None) -> bool:
    """Have it fall due at another instant; False where somebody else moved or changed it meanwhile."""
    moved = await connection.run(
        _MOVE_ON,
        {
            "instance_id": schedule.instance_id,
            "schedule_id": schedule.schedule_id,
            "seen": _microseconds(schedule.next_due_at),
            "next": _microseconds(next_due_at),
        },
    )
    return moved == 1


_MOVE_ON = text("""
UPDATE schedule SET next_due_at = :next
WHERE instance_id = :instance_id AND schedule_id = :schedule_id AND is_active AND next_due_at = :seen
""")

_SELECT = """
SELECT i.guid, s.instance_id, s.schedule_id, s.operation_type, s.sub_type, CAST(s.identifiers AS TEXT) AS identifiers,
       s.job_type, s.is_active, s.time_zone, CAST(s.lines AS TEXT) AS lines, s.next_due_at, s.principal
FROM schedule s JOIN instance i ON i.instance_id = s.instance_id
"""

_LIST_DUE = text(
    f"{_SELECT} WHERE s.is_active AND s.next_due_at <= :until ORDER BY s.next_due_at, i.guid, s.schedule_id"
)


def _microseconds(instant: datetime | None) -> int | None:
    return None if instant is None else to_microseconds(instant)


def _schedule(row: Row[Any]) -> Schedule:
    return Schedule(
        instance=row.guid,
        instance_id=row.instance_id,
        schedule_id=row.schedule_id,
        operation_type=row.operation_type,
        sub_type=row.sub_type,
        identifiers=tuple(load_json(row.identifiers)),
        job_type=row.job_type,
        is_active=bool(row.is_active),
        time_zone=row.time_zone,
        lines=tuple(load_json(row.lines)),
        next_due_at=None if row.next_due_at is None else from_microseconds(row.next_due_at),
        principal=row.principal,
    )
