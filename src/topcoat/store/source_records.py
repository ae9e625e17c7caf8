"""Records of source tables, as the snapshot has them."""

from dataclasses import dataclass
from typing import Any, Final

from topcoat.core.catalog import CUSTOMER_ID, Column, ColumnType, Document, Table
from topcoat.core.overlay.override import View
from topcoat.store import keyset, profile_sql, rowset, values
from topcoat.store.engine import dump_json, load_json
from topcoat.store.filters import Parameters
from topcoat.store.keyset import Key
from topcoat.store.point import PointConnection, PointStatement, prepared
from topcoat.store.profile_sql import at_generation
from topcoat.store.scans import ScanReader


@dataclass(frozen=True, slots=True)
class SourceQuestion:
    """Records come in the order of their keys' texts, or `is_by_value`, which for numbers is another.

    `keys` narrow them to those, and `customer_ids` to those with one of them in the column CustomerId.
    """

    instance_id: int
    table: Table
    is_by_value: bool = False
    is_descending: bool = False
    keys: tuple[str, ...] | None = None
    customer_ids: tuple[str, ...] | None = None

    @property
    def key_column(self) -> Column:
        return self.table.columns_by_name[self.table.primary_key]


async def list_source_records(
    reader: ScanReader, question: SourceQuestion, view: View, *, after: Any = None, skip: int, limit: int
) -> list[Document]:
    """From behind the record with the key `after` on."""
    parameters = Parameters(reader.is_postgresql)
    rows = _rows(question, parameters)
    keys = [Key(_key_sql(question, is_postgresql=reader.is_postgresql), question.is_descending, is_nullable=False)]
    behind = "1 = 1" if after is None else keyset.behind(keys, [_position(question, parameters, after)])
    text = (
        f"SELECT CAST(r.document AS text) FROM {rows} AND ({behind})"
        f" ORDER BY {keyset.order_by(keys)} LIMIT :limit OFFSET :skip"
    )
    bound = parameters.values | profile_sql.view_parameters(view) | {"limit": limit, "skip": skip}
    return [load_json(document) for (document,) in await reader.fetch(prepared(text), bound)]


async def count_source_records(reader: ScanReader, question: SourceQuestion, view: View) -> int:
    parameters = Parameters(reader.is_postgresql)
    text = f"SELECT count(*) FROM {_rows(question, parameters)}"
    rows = await reader.fetch(prepared(text), parameters.values | profile_sql.view_parameters(view))
    return int(rows[0][0])


async def list_keys(
    connection: PointConnection, instance_id: int, generation: int, *, table: str, after: str, limit: int
) -> list[str]:
    """Of a source table, from behind one on."""
    values_ = {
        "instance_id": instance_id,
        "generation": generation,
        "source_table": table,
        "after": after,
        "limit": limit,
    }
    return [key for (key,) in await connection.fetch_point(_LIST_KEYS, values_)]


_LIST_KEYS: Final = PointStatement(f"""
SELECT r.source_key FROM source_record r
WHERE r.instance_id = :instance_id AND r.source_table = :source_table AND r.source_key > :after
  AND {at_generation("r")}
ORDER BY r.source_key LIMIT :limit
""")


async def find_source_record(
    connection: PointConnection, question: SourceQuestion, view: View, key: str
) -> Document | None:
    values_ = {
        "instance_id": question.instance_id,
        "source_table": question.table.name,
        "key": key,
        "generation": view.generation,
    }
    rows = await connection.fetch_point(_FIND, values_)
    return load_json(rows[0][0]) if rows else None


_FIND: Final = PointStatement(f"""
SELECT CAST(r.document AS text) FROM source_record r
WHERE r.instance_id = :instance_id AND r.source_table = :source_table AND r.source_key = :key AND {at_generation("r")}
""")


def _rows(question: SourceQuestion, parameters: Parameters) -> str:
    """FROM and WHERE of the records `r`."""
    table = parameters.bind(question.table.name, "text")
    conditions = [f"r.instance_id = {question.instance_id}", f"r.source_table = {table}", at_generation("r")]
    if question.keys is not None:
        conditions.append(f"r.source_key {parameters.among(question.keys)}")
    if question.customer_ids is not None:
        customer = question.table.columns_by_name[CUSTOMER_ID]
        customer_sql = values.value_sql(customer, "r.document", is_postgresql=parameters.is_postgresql)
        ids = parameters.bind(dump_json(list(question.customer_ids)), "text")
        listed = rowset.elements_of(ids, is_postgresql=parameters.is_postgresql)
        # IS TRUE keeps PostgreSQL from a join, row by row with each of the ids: it hashes them instead.
        conditions.append(f"({customer_sql} IN ({listed})) IS TRUE")
    return f"source_record r WHERE {' AND '.join(conditions)}"


def _is_text(question: SourceQuestion) -> bool:
    return not question.is_by_value or question.key_column.type is ColumnType.STRING


def _key_sql(question: SourceQuestion, *, is_postgresql: bool) -> str:
    if _is_text(question):
        return "r.source_key"
    return values.value_sql(question.key_column, "r.document", is_postgresql=is_postgresql)


def _position(question: SourceQuestion, parameters: Parameters, key: Any) -> str:
    if _is_text(question):
        return parameters.bind(str(key), "text")
    bound = values.bound(question.key_column, key, is_postgresql=parameters.is_postgresql)
    return parameters.bind(bound, values.parameter_type(question.key_column))
