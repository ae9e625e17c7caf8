"""The key ring: which source record belongs to which profile (S19)."""

from typing import Final

from topcoat.store.point import PointConnection, PointStatement
from topcoat.store.profile_sql import at_generation


async def find_customer(
    connection: PointConnection, *, instance_id: int, generation: int, table: str, key: str
) -> str | None:
    """The surviving id of the profile that a source record belongs to (S18)."""
    values = {"instance_id": instance_id, "generation": generation, "source_table": table, "source_key": key}
    rows = await connection.fetch_point(_FIND_CUSTOMER, values)
    return rows[0][0] if rows else None


async def list_keys(
    connection: PointConnection, *, instance_id: int, generation: int, customer_id: str
) -> list[tuple[str, str]]:
    """Source table and key of every record of a profile; a refresh keeps them under the surviving id."""
    values = {"instance_id": instance_id, "generation": generation, "customer_id": customer_id}
    return [(table, key) for table, key in await connection.fetch_point(_LIST_KEYS, values)]


async def has_keys(connection: PointConnection, *, instance_id: int, generation: int, table: str) -> bool:
    """Whether records of a source table belong to profiles."""
    values = {"instance_id": instance_id, "generation": generation, "source_table": table}
    return bool(await connection.fetch_point(_HAS_KEYS, values))


async def list_page(
    connection: PointConnection, instance_id: int, generation: int, *, after: tuple[str, str], limit: int
) -> list[tuple[str, str, str]]:
    """Source table, key and profile, in the order of the first two, from behind them on."""
    values = {
        "instance_id": instance_id,
        "generation": generation,
        "source_table": after[0],
        "source_key": after[1],
        "limit": limit,
    }
    return [(table, key, customer) for table, key, customer in await connection.fetch_point(_LIST_PAGE, values)]


_LIST_PAGE: Final = PointStatement(f"""
SELECT k.source_table, k.source_key, k.customer_id FROM key_ring k
WHERE k.instance_id = :instance_id AND (k.source_table, k.source_key) > (:source_table, :source_key)
  AND {at_generation("k")}
ORDER BY k.source_table, k.source_key LIMIT :limit
""")

_FIND_CUSTOMER: Final = PointStatement(f"""
SELECT COALESCE((SELECT a.customer_id FROM alias a
                 WHERE a.instance_id = :instance_id AND a.alias_id = k.customer_id AND {at_generation("a")} LIMIT 1),
                k.customer_id)
FROM key_ring k
WHERE k.instance_id = :instance_id AND k.source_table = :source_table AND k.source_key = :source_key
  AND {at_generation("k")}
""")

_HAS_KEYS: Final = PointStatement(f"""
SELECT 1 FROM key_ring k
WHERE k.instance_id = :instance_id AND k.source_table = :source_table AND {at_generation("k")} LIMIT 1
""")

# A unary plus keeps the primary key, which begins with the instance, from being chosen for a look-up by customer.
_LIST_KEYS: Final = PointStatement(f"""
SELECT k.source_table, k.source_key FROM key_ring k
WHERE +k.instance_id = :instance_id AND k.customer_id = :customer_id AND {at_generation("k")}
ORDER BY k.source_table, k.source_key
""")
