"""Records of Customer_Measure, as the snapshot has them (S10)."""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import TextClause, text

from topcoat.core.catalog import CUSTOMER_ID, Document
from topcoat.store import rowset
from topcoat.store.engine import ReadConnection, dump_json, load_json


async def fetch_measures(
    connection: ReadConnection, instance_id: int, generation: int, customer_ids: Sequence[str]
) -> dict[str, Document]:
    """The documents by surviving id, nulls left out; profiles without measures are not among them."""
    values = {"instance_id": instance_id, "generation": generation, "ids": dump_json(list(customer_ids))}
    rows = await connection.fetch_all(_fetch(connection.is_postgresql), values)
    return {row.customer_id: load_json(row.document) | {CUSTOMER_ID: row.customer_id} for row in rows}


@cache
def _fetch(is_postgresql: bool) -> TextClause:  # noqa: FBT001 - a cache key
    return text(f"""
SELECT m.customer_id, CAST(m.document AS text) AS document
FROM {rowset.ids_from_json(is_postgresql=is_postgresql)}
JOIN measure_record m ON m.instance_id = :instance_id AND m.customer_id = named.customer_id
                     AND m.generation_from <= :generation AND m.generation_to > :generation
""")
