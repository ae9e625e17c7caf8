"""Segments and their members, as the snapshot has them (S10)."""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import TextClause, text

from topcoat.store import rowset
from topcoat.store.engine import ReadConnection, dump_json


async def list_segments(connection: ReadConnection, instance_id: int, generation: int) -> list[str]:
    """The names of all segments, those without members included, in order."""
    values = {"instance_id": instance_id, "generation": generation}
    return [row.segment for row in await connection.fetch_all(_LIST_SEGMENTS, values)]


async def list_memberships(
    connection: ReadConnection, instance_id: int, generation: int, customer_ids: Sequence[str]
) -> dict[str, frozenset[str]]:
    """The segments of each profile that is asked for, by its surviving id."""
    values = {"instance_id": instance_id, "generation": generation, "ids": dump_json(list(customer_ids))}
    found: dict[str, set[str]] = {customer_id: set() for customer_id in customer_ids}
    for row in await connection.fetch_all(_list_memberships(connection.is_postgresql), values):
        found[row.customer_id].add(row.segment)
    return {customer_id: frozenset(segments) for customer_id, segments in found.items()}


async def list_members(
    connection: ReadConnection,
    *,
    instance_id: int,
    generation: int,
    segment: str,
    after: str | None,
    limit: int,
) -> list[str]:
    """Surviving ids in order, from behind `after` on; none for a segment that does not exist."""
    values = {
        "instance_id": instance_id,
        "generation": generation,
        "segment": segment,
        "after": after or "",
        "limit": limit,
    }
    return [row.customer_id for row in await connection.fetch_all(_LIST_MEMBERS, values)]


_LIST_SEGMENTS = text("""
SELECT segment FROM segment_membership
WHERE customer_id = '' AND instance_id = :instance_id
  AND generation_from <= :generation AND generation_to > :generation
ORDER BY segment
""")

_LIST_MEMBERS = text("""
SELECT customer_id FROM segment_membership
WHERE instance_id = :instance_id AND segment = :segment AND customer_id > :after
  AND generation_from <= :generation AND generation_to > :generation
ORDER BY customer_id LIMIT :limit
""")


@cache
def _list_memberships(is_postgresql: bool) -> TextClause:  # noqa: FBT001 - a cache key
    return text(f"""
SELECT m.customer_id, m.segment
FROM {rowset.ids_from_json(is_postgresql=is_postgresql)}
JOIN segment_membership m ON m.customer_id = named.customer_id AND m.instance_id = :instance_id
                         AND m.generation_from <= :generation AND m.generation_to > :generation
""")
