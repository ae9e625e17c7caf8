"""Segments and their members, as the snapshot has them (S10)."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from topcoat.store import rowset
from topcoat.store.engine import dump_json
from topcoat.store.filters import Parameters
from topcoat.store.point import PointConnection, PointStatement, prepared
from topcoat.store.profile_sql import at_generation
from topcoat.store.scans import ScanReader


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


async def list_members(
    reader: ScanReader, instance_id: int, generation: int, names: Sequence[str] | None, *, after: str, limit: int
) -> list[str]:
    """The customers in any of these segments, None for any at all, in the order of ids from behind one on."""
    parameters = Parameters(reader.is_postgresql)
    # Without a segment to begin with, only the index by customer has them in order.
    instance = "+m.instance_id" if names is None else "m.instance_id"
    conditions = [f"{instance} = {instance_id:d}", f"m.customer_id > {parameters.bind(after, 'text')}"]
    if names is not None:
        conditions.append(f"m.segment {parameters.among(names)}")
    text = (
        f"SELECT DISTINCT m.customer_id FROM segment_membership m WHERE {' AND '.join(conditions)}"
        f" AND {at_generation('m')} ORDER BY m.customer_id LIMIT {limit:d}"
    )
    rows = await reader.fetch(prepared(text), parameters.values | {"generation": generation})
    return [customer_id for (customer_id,) in rows]


async def count_all_members(reader: ScanReader, instance_id: int, generation: int) -> int:
    """How many customers are in at least one segment."""
    rows = await reader.fetch(_COUNT_ALL_MEMBERS, {"instance_id": instance_id, "generation": generation})
    return int(rows[0][0])


async def count_members(connection: PointConnection, instance_id: int, generation: int) -> dict[str, int]:
    """Of every segment of a generation."""
    values = {"instance_id": instance_id, "generation": generation}
    rows = await connection.fetch_point(_COUNT_MEMBERS, values)
    return dict(rows)  # type: ignore[arg-type]


_COUNT_ALL_MEMBERS: Final = PointStatement(f"""
SELECT count(DISTINCT m.customer_id) FROM segment_membership m
WHERE m.instance_id = :instance_id AND m.customer_id <> '' AND {at_generation("m")}
""")

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
