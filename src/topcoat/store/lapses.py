"""When the next live write of a profile lapses."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.store import rowset
from topcoat.store.engine import dump_json
from topcoat.store.point import PointConnection, PointStatement


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
