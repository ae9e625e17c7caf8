"""What one would write first: a view that merges every row, and is asked as if it were a table."""

from typing import Final

import asyncpg

from benchmarks.queries.plain_sql import PlainSql
from benchmarks.queries.questions import Source

_VIEWS: Final = """
CREATE AGGREGATE merged(jsonb) (SFUNC = jsonb_concat, STYPE = jsonb, INITCOND = '{}');

CREATE VIEW merged_profile AS
SELECT p.instance_id, p.customer_id,
       p.document || coalesce((SELECT merged(o.column_values ORDER BY o.sequence) FROM override o
                               WHERE o.instance_id = p.instance_id AND o.customer_id = p.customer_id
                                 AND o.valid_until > (SELECT frozen_at FROM service_clock)), '{}') AS document
FROM snapshot_profile p
JOIN instance i ON i.instance_id = p.instance_id
WHERE p.generation_from <= i.active_generation AND p.generation_to > i.active_generation;

CREATE VIEW merged_activity AS
SELECT s.instance_id, s.customer_id, s.activity_id, s.activity_time, s.document
FROM snapshot_activity s
JOIN instance i ON i.instance_id = s.instance_id
WHERE s.generation_from <= i.active_generation AND s.generation_to > i.active_generation
UNION ALL
SELECT r.instance_id, r.customer_id, r.activity_id, r.activity_time, r.document
FROM realtime_activity r
JOIN instance i ON i.instance_id = r.instance_id
WHERE r.valid_until > (SELECT frozen_at FROM service_clock)
  AND NOT EXISTS (SELECT 1 FROM snapshot_activity s
                  WHERE s.instance_id = r.instance_id AND s.customer_id = r.customer_id
                    AND s.activity_id = r.activity_id
                    AND s.generation_from <= i.active_generation AND s.generation_to > i.active_generation);
"""


async def make_views(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_VIEWS)
    finally:
        await connection.close()


class MergingView(PlainSql):
    """Gives up after `timeout_seconds`."""

    def __init__(self, url: str, instance_id: int, *, timeout_seconds: float) -> None:
        sources = {
            Source.PROFILES: f"(SELECT * FROM merged_profile WHERE instance_id = {instance_id}) AS profile",
            Source.ACTIVITIES: f"(SELECT * FROM merged_activity WHERE instance_id = {instance_id}) AS activity",
        }
        super().__init__(url, sources, {"statement_timeout": str(int(timeout_seconds * 1000))})
