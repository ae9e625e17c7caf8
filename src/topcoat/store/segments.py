"""Segments and their members, as the snapshot has them (S10)."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from topcoat.store import rowset
from topcoat.store.engine import dump_json
from topcoat.store.point import PointConnection, PointStatement
from topcoat.store.profile_sql import at_generation


async def list_segments(connection: PointConnection, instance_id: int, generation: int) -> list[str]:
    """The names of all segments, those without members included, in order."""
    values = {"instance_id": instance_id, "generation": generation}
    return [segment for (segment,) in await connection.fetch_point(_LIST_SEGMENTS, values)]


async def list_memberships(
    connection: PointConnection, instance_id: int, generation: int, customer_ids: Sequence[str]
) -> dict[str, frozenset[str]]:
    """The segments of each profile that is asked for, by its surviving id."""
    values = {"instance_id": instance_id, "generation": generation, "ids": dump_json(list(customer_ids))}
    found: dict[str, set[str]] = {customer_id: set() for customer_id in customer_ids}
    for customer_id, segment in await connection.fetch_point(_list_memberships(connection.is_postgresql), values):
        found[customer_id].add(segment)
    return {customer_id: frozenset(segments) for customer_id, segments in found.items()}


async def count_members(connection: PointConnection, instance_id: int, generation: int) -> dict[str, int]:
    """Of every segment of a generation."""
    values = {"instance_id": instance_id, "generation": generation}
    rows = await connection.fetch_point(_COUNT_MEMBERS, values)
    return dict(rows)  # type: ignore[arg-type]


_COUNT_MEMBERS: Final = PointStatement(f"""
SELECT s.segment, count(*) - 1 FROM segment_membership s
WHERE s.instance_id = :instance_id AND {at_generation("s")} GROUP BY s.segment
""")


# A unary plus keeps the primary key, which begins with the instance, from being chosen for a look-up by customer.
_LIST_SEGMENTS: Final = PointStatement(f"""
SELECT s.segment FROM segment_membership s
WHERE s.customer_id = '' AND +s.instance_id = :instance_id AND {at_generation("s")}
ORDER BY s.segment
""")


@cache
def _list_memberships(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    return PointStatement(f"""
SELECT m.customer_id, m.segment FROM segment_membership m
WHERE m.customer_id {rowset.among_ids(is_postgresql=is_postgresql)} AND +m.instance_id = :instance_id
  AND {at_generation("m")}
""")
