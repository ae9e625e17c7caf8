"""Real-time activities and those that wait for their customer, as they are inserted (S11-S14)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import text

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core.catalog import Document
from topcoat.core.mapping import CustomerReference
from topcoat.store import rowset
from topcoat.store.engine import WriteConnection, dump_json, load_json
from topcoat.store.point import PointStatement, PointWriter


@dataclass(frozen=True, slots=True)
class NewActivity:
    """Names its customer by id, or by a reference that the key ring resolves; the document leaves CustomerId out."""

    sequence: int
    customer_id: str | None
    customer: CustomerReference | None
    activity_id: str
    activity_time: datetime
    activity_type: str | None
    source_table: str | None
    valid_until: datetime
    caller: str | None
    principal: str
    document: Document


@dataclass(frozen=True, slots=True)
class Batch:
    """What the statements of one transaction share."""

    instance_id: int
    generation: int
    recorded_at: datetime

    def parameters(self) -> dict[str, Any]:
        return {
            "instance_id": self.instance_id,
            "generation": self.generation,
            "recorded_at": to_microseconds(self.recorded_at),
        }


async def insert_activities(connection: PointWriter, batch: Batch, activities: Sequence[NewActivity]) -> dict[int, str]:
    """Insert those whose profile exists and whose id is free; return sequence -> the CustomerId they were stored under.

    An id is taken while a live real-time activity or the snapshot holds it, under any alias of the profile (S13); of
    equal ids in the batch the first wins.
    """
    values = batch.parameters() | {"rows": dump_json([_row(a) for a in activities])}
    inserted = await connection.fetch_point(_insert(connection.is_postgresql), values)
    return {row[0]: row[1] for row in inserted}


async def find_named_profiles(connection: PointWriter, batch: Batch, activities: Sequence[NewActivity]) -> set[int]:
    """The sequences of those activities whose customer is a profile of the generation."""
    values = batch.parameters() | {"rows": dump_json([_row(a) for a in activities])}
    del values["recorded_at"]
    rows = await connection.fetch_point(_find_named(connection.is_postgresql), values)
    return {row[0] for row in rows}


async def insert_waiting(connection: PointWriter, batch: Batch, activities: Sequence[NewActivity]) -> set[int]:
    """Keep source records until their customer is unified; one copy of each while it waits (S14)."""
    values = batch.parameters() | {"rows": dump_json([_row(a) for a in activities])}
    del values["generation"]
    rows = await connection.fetch_point(_insert_waiting(connection.is_postgresql), values)
    return {row[0] for row in rows}


async def take_attachable(connection: WriteConnection, batch: Batch, *, limit: int) -> list[NewActivity]:
    """Remove waiting activities whose customer the key ring now knows, and return them, oldest first."""
    values = batch.parameters() | {"limit": limit}
    rows = await connection.fetch_all(_LIST_ATTACHABLE, values)
    if rows:
        keys = [{"instance_id": batch.instance_id, "sequence": row.sequence} for row in rows]
        await connection.run(_DELETE_WAITING, keys)
    return [_waiting(row) for row in rows]


def _row(activity: NewActivity) -> dict[str, Any]:
    customer = activity.customer
    return {
        "sequence": activity.sequence,
        "customer_id": activity.customer_id,
        "customer_table": None if customer is None else customer.table,
        "customer_key": None if customer is None else customer.key,
        "activity_id": activity.activity_id,
        "activity_time": to_microseconds(activity.activity_time),
        "activity_type": activity.activity_type,
        "source_table": activity.source_table,
        "valid_until": to_microseconds(activity.valid_until),
        "caller": activity.caller,
        "principal": activity.principal,
        "document": activity.document,
    }


def _waiting(row: Any) -> NewActivity:
    return NewActivity(
        sequence=row.sequence,
        customer_id=None,
        customer=CustomerReference(row.customer_table, row.customer_key),
        activity_id=row.activity_id,
        activity_time=from_microseconds(row.activity_time),
        activity_type=row.activity_type,
        source_table=row.source_table,
        valid_until=from_microseconds(row.valid_until),
        caller=row.caller,
        principal=row.principal,
        document=load_json(row.document),
    )


def _resolved(is_postgresql: bool) -> str:  # noqa: FBT001 - see the callers
    """CTE `resolved`: the new rows with the id they name and the profile that survives under it.

    Here and below every look-up is a scalar subquery with a limit, which no planner turns into a join of tables,
    and a unary plus keeps a condition from choosing the index.
    """
    rows = rowset.rows_from_json(rowset.NEW_ACTIVITY_COLUMNS, is_postgresql=is_postgresql)
    return f"""
named AS MATERIALIZED (
    SELECT new.*, COALESCE(new.customer_id, (
        SELECT k.customer_id FROM key_ring k
        WHERE k.instance_id = :instance_id AND k.source_table = new.customer_table
          AND k.source_key = new.customer_key
          AND k.generation_from <= :generation AND k.generation_to > :generation LIMIT 1)) AS named_id
    FROM {rows}
), resolved AS MATERIALIZED (
    SELECT named.*, COALESCE({_survivor("named.named_id")}, named.named_id) AS survivor_id FROM named
)"""


def _survivor(named: str) -> str:
    return f"""(
        SELECT a.customer_id FROM alias a
        WHERE a.instance_id = :instance_id AND a.alias_id = {named}
          AND a.generation_from <= :generation AND a.generation_to > :generation LIMIT 1)"""


_PROFILE_EXISTS = """(
    SELECT 1 FROM snapshot_profile p
    WHERE p.instance_id = :instance_id AND p.customer_id = r.survivor_id
      AND p.generation_from <= :generation AND p.generation_to > :generation LIMIT 1) IS NOT NULL"""


@cache
def _insert(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    return PointStatement(f"""
WITH {_resolved(is_postgresql)}, ranked AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY survivor_id, activity_id ORDER BY sequence) AS place FROM resolved
)
INSERT INTO realtime_activity (instance_id, activity_id, customer_id, sequence, activity_time, activity_type,
                               source_table, valid_until, recorded_at, caller, principal, document)
SELECT :instance_id, r.activity_id, r.named_id, r.sequence, r.activity_time, r.activity_type,
       r.source_table, r.valid_until, :recorded_at, r.caller, r.principal, r.document
FROM ranked r
WHERE r.place = 1 AND r.survivor_id IS NOT NULL AND {_PROFILE_EXISTS}
  AND (
    SELECT 1 FROM snapshot_activity s
    WHERE s.instance_id = :instance_id AND s.activity_id = r.activity_id AND s.customer_id = r.survivor_id
      AND s.generation_from <= :generation AND s.generation_to > :generation LIMIT 1) IS NULL
  AND (
    SELECT 1 FROM realtime_activity t
    WHERE t.instance_id = :instance_id AND t.activity_id = r.activity_id AND +t.valid_until > :recorded_at
      AND COALESCE({_survivor("t.customer_id")}, t.customer_id) = r.survivor_id LIMIT 1) IS NULL
ORDER BY r.activity_id, r.named_id
RETURNING sequence, customer_id
""")


@cache
def _find_named(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    return PointStatement(f"WITH {_resolved(is_postgresql)} SELECT r.sequence FROM resolved r WHERE {_PROFILE_EXISTS}")


@cache
def _insert_waiting(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    rows = rowset.rows_from_json(rowset.NEW_ACTIVITY_COLUMNS, is_postgresql=is_postgresql)
    return PointStatement(f"""
WITH ranked AS MATERIALIZED (
    SELECT new.*, row_number() OVER (PARTITION BY new.activity_id ORDER BY new.sequence) AS place FROM {rows}
)
INSERT INTO waiting_activity (instance_id, activity_id, sequence, customer_table, customer_key, activity_time,
                              activity_type, source_table, valid_until, recorded_at, caller, principal, document)
SELECT :instance_id, r.activity_id, r.sequence, r.customer_table, r.customer_key, r.activity_time,
       r.activity_type, r.source_table, r.valid_until, :recorded_at, r.caller, r.principal, r.document
FROM ranked r
WHERE r.place = 1
  AND (
    SELECT 1 FROM waiting_activity w
    WHERE w.instance_id = :instance_id AND w.activity_id = r.activity_id AND +w.valid_until > :recorded_at
    LIMIT 1) IS NULL
RETURNING sequence
""")


_LIST_ATTACHABLE = text("""
SELECT w.sequence, w.customer_table, w.customer_key, w.activity_id, w.activity_time, w.activity_type,
       w.source_table, w.valid_until, w.caller, w.principal, CAST(w.document AS text) AS document
FROM waiting_activity w
JOIN key_ring k ON k.instance_id = w.instance_id AND k.source_table = w.customer_table
               AND k.source_key = w.customer_key
               AND k.generation_from <= :generation AND k.generation_to > :generation
WHERE w.instance_id = :instance_id AND +w.valid_until > :recorded_at
ORDER BY w.sequence LIMIT :limit
""")

_DELETE_WAITING = text("DELETE FROM waiting_activity WHERE instance_id = :instance_id AND sequence = :sequence")
