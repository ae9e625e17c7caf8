"""The key ring: which source record belongs to which profile (S19)."""

from sqlalchemy import text

from topcoat.store.engine import ReadConnection


async def find_customer(
    connection: ReadConnection, *, instance_id: int, generation: int, table: str, key: str
) -> str | None:
    """The surviving id of the profile that a source record belongs to (S18)."""
    values = {"instance_id": instance_id, "generation": generation, "source_table": table, "source_key": key}
    row = await connection.fetch_one(_FIND_CUSTOMER, values)
    return None if row is None else str(row.customer_id)


async def list_keys(
    connection: ReadConnection, *, instance_id: int, generation: int, customer_id: str
) -> list[tuple[str, str]]:
    """Source table and key of every record of a profile; a refresh keeps them under the surviving id."""
    values = {"instance_id": instance_id, "generation": generation, "customer_id": customer_id}
    return [(row.source_table, row.source_key) for row in await connection.fetch_all(_LIST_KEYS, values)]


_FIND_CUSTOMER = text("""
SELECT COALESCE(a.customer_id, k.customer_id) AS customer_id
FROM key_ring k
LEFT JOIN alias a ON a.instance_id = k.instance_id AND a.alias_id = k.customer_id
                 AND a.generation_from <= :generation AND a.generation_to > :generation
WHERE k.instance_id = :instance_id AND k.source_table = :source_table AND k.source_key = :source_key
  AND k.generation_from <= :generation AND k.generation_to > :generation
""")

_LIST_KEYS = text("""
SELECT source_table, source_key FROM key_ring
WHERE instance_id = :instance_id AND customer_id = :customer_id
  AND generation_from <= :generation AND generation_to > :generation
ORDER BY source_table, source_key
""")
