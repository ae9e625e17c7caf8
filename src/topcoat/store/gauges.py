"""What the service holds at the moment, by instance."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.store.engine import ReadConnection, load_json


@dataclass(frozen=True, slots=True)
class Gauge:
    """`activated_at` is None before the first refresh; `outcomes` are counts by kind, of the last one."""

    instance: str
    generation: int | None
    activated_at: datetime | None
    unlapsed_changes: int
    outcomes: Mapping[str, Mapping[str, int]]


async def list_gauges(connection: ReadConnection, now: datetime) -> list[Gauge]:
    rows = await connection.fetch_all(_GAUGES, {"now": to_microseconds(now)})
    return [
        Gauge(
            instance=row.guid,
            generation=row.active_generation,
            activated_at=None if row.activated_at is None else from_microseconds(row.activated_at),
            unlapsed_changes=row.unlapsed,
            outcomes={} if row.outcomes is None else load_json(row.outcomes),
        )
        for row in rows
    ]


_GAUGES: Final = text("""
SELECT i.guid, i.active_generation, g.activated_at, COALESCE(o.unlapsed, 0) AS unlapsed,
       CAST(g.outcomes AS text) AS outcomes
FROM instance i
LEFT JOIN generation g ON g.instance_id = i.instance_id AND g.generation = i.active_generation
LEFT JOIN (SELECT instance_id, count(*) AS unlapsed FROM override WHERE valid_until > :now GROUP BY instance_id) o
       ON o.instance_id = i.instance_id
ORDER BY i.guid
""")
