"""When the next live write of a profile lapses, and which do next in an instance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core.overlay.override import View
from topcoat.store import point, rowset
from topcoat.store.engine import dump_json
from topcoat.store.point import PointConnection, PointStatement
from topcoat.store.scans import ScanReader

Position = tuple[int, int]
"""The microsecond at which a write lapses, and its sequence."""
START: Final[Position] = (0, 0)


async def find_next_lapse(
    connection: PointConnection, instance_id: int, customer_ids: Sequence[str], now: datetime
) -> datetime | None:
    """Of what was written under any of the ids; a change that was withdrawn meanwhile counts as well."""
    values = {"instance_id": instance_id, "ids": dump_json(list(customer_ids)), "now": to_microseconds(now)}
    rows = await connection.fetch_point(_find(connection.is_postgresql), values)
    lapses_at = rows[0][0]
    return None if lapses_at is None else from_microseconds(lapses_at)


@cache
def _find(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    among = rowset.among_ids(is_postgresql=is_postgresql)
    return PointStatement(f"""
SELECT min(valid_until) FROM (
    SELECT o.valid_until FROM override o
    WHERE o.instance_id = :instance_id AND o.customer_id {among} AND o.valid_until > :now
    UNION ALL
    SELECT a.valid_until FROM realtime_activity a
    WHERE a.instance_id = :instance_id AND a.customer_id {among} AND a.valid_until > :now
) AS live
""")


@dataclass(frozen=True, slots=True)
class LiveRow:
    """A change or, with an `activity_id`, an activity that has not lapsed; a change may have been released."""

    customer_id: str
    sequence: int
    activity_id: str | None
    activity_type: str | None
    recorded_at: datetime
    valid_until: datetime
    caller: str | None
    principal: str | None


async def list_live(
    reader: ScanReader,
    instance_id: int,
    view: View,
    *,
    customer_ids: Sequence[str] | None,
    after: Position,
    limit: int,
) -> list[LiveRow]:
    """In the order in which they lapse, from behind a position on; of all customers, or of these ids."""
    values: dict[str, Any] = {
        "instance_id": instance_id,
        "now": to_microseconds(view.now),
        "sequence": view.sequence,
        "after_until": after[0],
        "after_sequence": after[1],
        "limit": limit,
    }
    if customer_ids is not None:
        values["ids"] = dump_json(list(customer_ids))
    rows = await reader.fetch(_list_live(reader.is_postgresql, customer_ids is not None), values)
    return [_live_row(row) for row in rows]


def _live_row(row: Sequence[Any]) -> LiveRow:
    customer_id, sequence, activity_id, activity_type, recorded_at, valid_until, caller, principal = row
    return LiveRow(
        customer_id=customer_id,
        sequence=sequence,
        activity_id=activity_id,
        activity_type=activity_type,
        recorded_at=from_microseconds(recorded_at),
        valid_until=from_microseconds(valid_until),
        caller=caller,
        principal=principal,
    )


@cache
def _list_live(is_postgresql: bool, is_of_some: bool) -> PointStatement:  # noqa: FBT001 - cache keys
    """Each kind by itself up to the limit, so that the index by lapse serves both."""
    none = "CAST(NULL AS text)"
    of_some = f" AND w.customer_id {rowset.among_ids(is_postgresql=is_postgresql)}" if is_of_some else ""
    kinds = [
        f"""
SELECT * FROM (
    SELECT w.customer_id, w.sequence, {activity} AS activity_id, {type_} AS activity_type,
           w.recorded_at, w.valid_until, w.caller, w.principal
    FROM {table} w
    WHERE w.instance_id = :instance_id AND w.valid_until > :now AND w.sequence <= :sequence
      AND (w.valid_until, w.sequence) > (:after_until, :after_sequence){of_some}
    ORDER BY w.valid_until, w.sequence LIMIT :limit
) AS of_{table}"""
        for table, activity, type_ in (
            ("override", none, none),
            ("realtime_activity", "w.activity_id", "w.activity_type"),
        )
    ]
    return point.prepared(f"{' UNION ALL '.join(kinds)} ORDER BY valid_until, sequence LIMIT :limit")
