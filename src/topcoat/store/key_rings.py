"""The key ring: which source record belongs to which profile (S19)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from topcoat.core.catalog import CUSTOMER_ID, ColumnType
from topcoat.core.customer_rows import ALTERNATE_VALUE
from topcoat.core.odata.syntax import Expression
from topcoat.store import rowset
from topcoat.store.engine import dump_json
from topcoat.store.filters import Operand, Parameters, Translation
from topcoat.store.point import PointConnection, PointStatement, prepared
from topcoat.store.profile_sql import at_generation
from topcoat.store.scans import ScanReader

FILTERED: Final = {ALTERNATE_VALUE: "k.source_key", CUSTOMER_ID: "k.customer_id"}


@dataclass(frozen=True, slots=True)
class KeyQuestion:
    """Keys of one source table, narrowed by `keys` and `customer_ids`; `filter` names columns of `FILTERED` alone, and
    may let through more than match."""

    instance_id: int
    source_table: str
    keys: tuple[str, ...] | None = None
    customer_ids: tuple[str, ...] | None = None
    filter: Expression | None = None


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


async def find_keys(
    reader: ScanReader, question: KeyQuestion, generation: int, *, after: str, limit: int
) -> list[tuple[str, str]]:
    """Keys and whose they are, in the order of keys from behind one on."""
    parameters = Parameters(reader.is_postgresql)
    conditions = [f"k.source_key > {parameters.bind(after, 'text')}", *_asked(question, parameters)]
    text = (
        f"SELECT k.source_key, k.customer_id FROM key_ring k WHERE {' AND '.join(conditions)}"
        f" AND k.source_table = :source_table AND {at_generation('k')} ORDER BY k.source_key LIMIT {limit:d}"
    )
    named = {"source_table": question.source_table, "generation": generation}
    return [(key, customer) for key, customer in await reader.fetch(prepared(text), parameters.values | named)]


async def count_keys(reader: ScanReader, instance_id: int, generation: int, *, table: str) -> int:
    """How many a source table has in the key ring."""
    values = {"instance_id": instance_id, "generation": generation, "source_table": table}
    return int((await reader.fetch(_COUNT_KEYS, values))[0][0])


async def list_rings(
    connection: PointConnection, *, instance_id: int, generation: int, customer_ids: Sequence[str]
) -> dict[str, dict[str, list[str]]]:
    """Of each profile that has keys, these by source table, in order."""
    values = {"instance_id": instance_id, "generation": generation, "ids": dump_json(list(customer_ids))}
    rings: dict[str, dict[str, list[str]]] = {}
    for customer, table, key in await connection.fetch_point(_list_rings(connection.is_postgresql), values):
        rings.setdefault(customer, {}).setdefault(table, []).append(key)
    return rings


def _asked(question: KeyQuestion, parameters: Parameters) -> list[str]:
    """What narrows the keys `k`; a unary plus keeps all but the customers from choosing the index."""
    translation = Translation(parameters, lambda name: Operand(FILTERED[name], ColumnType.STRING))
    conditions = [f"({translation.condition(question.filter).sql})"]
    if question.keys is not None:
        conditions.append(f"k.source_key {parameters.among(question.keys)}")
    if question.customer_ids is not None:
        conditions.append(f"k.customer_id {parameters.among(question.customer_ids)}")
    instance = "k.instance_id" if question.customer_ids is None else "+k.instance_id"
    return [f"{instance} = {question.instance_id:d}", *conditions]


_COUNT_KEYS: Final = PointStatement(f"""
SELECT count(*) FROM key_ring k
WHERE k.instance_id = :instance_id AND k.source_table = :source_table AND {at_generation("k")}
""")


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


@cache
def _list_rings(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    return PointStatement(f"""
SELECT k.customer_id, k.source_table, k.source_key FROM key_ring k
WHERE k.customer_id {rowset.among_ids(is_postgresql=is_postgresql)} AND +k.instance_id = :instance_id
  AND {at_generation("k")}
ORDER BY k.source_table, k.source_key
""")
