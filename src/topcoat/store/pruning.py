"""Lapsed rows are kept for the horizon, then deleted; no answer depends on when (S2, S28)."""

from datetime import datetime
from typing import Final

from sqlalchemy import text

from topcoat.clock import to_microseconds
from topcoat.store.engine import Store

ROWS_PER_COMMIT_MAX: Final = 1_000


async def prune_lapsed(store: Store, before: datetime) -> int:
    """Delete changes, activities, waiting activities and idempotency keys that lapsed before an instant, and the
    releases of changes that are gone; a bounded number in each transaction. Return how many were deleted."""
    deleted = 0
    for statement in (*(_delete_lapsed(table, key) for table, key in _LAPSING.items()), _DELETE_RELEASES):
        while True:
            values = {"before": to_microseconds(before), "limit": ROWS_PER_COMMIT_MAX}
            async with store.writing() as connection:
                count = await connection.run(text(statement), values)
            deleted += count
            if count < ROWS_PER_COMMIT_MAX:
                break
    return deleted


_LAPSING: Final = {
    "override": "sequence",
    "realtime_activity": "sequence",
    "waiting_activity": "sequence",
    "idempotency_key": "key_digest",
}


def _delete_lapsed(table: str, key: str) -> str:
    return f"""
DELETE FROM {table} WHERE (instance_id, {key}) IN (
    SELECT instance_id, {key} FROM {table} WHERE valid_until <= :before ORDER BY valid_until LIMIT :limit)
"""


_DELETE_RELEASES = """
DELETE FROM override_release WHERE recorded_at <= :before AND (instance_id, customer_id, sequence) IN (
    SELECT r.instance_id, r.customer_id, r.sequence FROM override_release r
    WHERE r.recorded_at <= :before AND NOT EXISTS (
        SELECT 1 FROM override o
        WHERE o.instance_id = r.instance_id AND o.customer_id = r.customer_id AND o.sequence <= r.released_sequence)
    LIMIT :limit)
"""
