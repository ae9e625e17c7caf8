"""What the service holds at the moment, by instance."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.store.engine import ReadConnection


@dataclass(frozen=True, slots=True)
class Gauge:
    """`activated_at` is None before the first refresh."""

    instance: str
    generation: int | None
    activated_at: datetime | None
    unlapsed_changes: int


async def list_gauges(connection: ReadConnection, now: datetime) -> list[Gauge]:
    rows = await connection.fetch_all(_GAUGES, {"now": to_microseconds(now)})
    return [
        Gauge(
            instance=row.guid,
            generation=row.active_generation,
            activated_at=None if row.activated_at is None else from_microseconds(row.activated_at),
            unlapsed_changes=row.unlapsed,
        )
        for row in rows
    ]


_GAUGES: Final = text("""
SELECT i.guid, i.active_generation, g.activated_at, COALESCE(o.unlapsed, 0) AS unlapsed
FROM instance i
LEFT JOIN generation g ON g.instance_id = i.instance_id AND g.generation = i.active_generation
LEFT JOIN (SELECT instance_id, count(*) AS unlapsed FROM override WHERE valid_until > :now GROUP BY instance_id) o
       ON o.instance_id = i.instance_id
ORDER BY i.guid
""")
