"""Records of Customer_Measure, as the snapshot has them (S10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from topcoat.core.catalog import CUSTOMER_ID, ColumnType, Document, Table
from topcoat.core.odata.syntax import Expression
from topcoat.core.overlay.override import View
from topcoat.store import keyset, profile_sql, rowset, values
from topcoat.store.engine import dump_json, load_json
from topcoat.store.filters import Operand, Parameters, Translation
from topcoat.store.keyset import Cut, Key
from topcoat.store.led_profiles import SortKey
from topcoat.store.point import PointConnection, PointStatement, prepared
from topcoat.store.profile_sql import at_generation
from topcoat.store.scans import ScanReader


@dataclass(frozen=True, slots=True)
class MeasureQuestion:
    """`order` may leave the CustomerId out, which settles ties in the direction of the first key."""

    instance_id: int
    table: Table
    customer_ids: tuple[str, ...] | None = None
    filter: Expression | None = None
    order: tuple[SortKey, ...] = ()

    @property
    def keys(self) -> tuple[SortKey, ...]:
        if any(key.column.name == CUSTOMER_ID for key in self.order):
            return self.order
        is_descending = bool(self.order) and self.order[0].is_descending
        return (*self.order, SortKey(self.table.columns_by_name[CUSTOMER_ID], is_descending))


async def fetch_measures(
    connection: PointConnection, instance_id: int, generation: int, customer_ids: Sequence[str]
) -> dict[str, Document]:
    """The documents by surviving id, nulls left out; profiles without measures are not among them."""
    values = {"instance_id": instance_id, "generation": generation, "ids": dump_json(list(customer_ids))}
    rows = await connection.fetch_point(_fetch(connection.is_postgresql), values)
    return {customer_id: _document(customer_id, document) for customer_id, document in rows}


async def list_measures(
    reader: ScanReader,
    question: MeasureQuestion,
    view: View,
    *,
    after: Document | None = None,
    skip: int = 0,
    limit: int,
) -> list[Document]:
    """From behind the record `after` on; where the filter is not exact in SQL, there may be more than match."""
    parameters = Parameters(reader.is_postgresql)
    translation = _translation(question, parameters)
    keys = [
        Key(translation.operand(key.column.name).sql, key.is_descending, key.column.name != CUSTOMER_ID)
        for key in question.keys
    ]
    behind = "1 = 1" if after is None else keyset.behind(keys, _position(question, parameters, after))
    cut = Cut(limit, skip)
    text = (
        f"SELECT m.customer_id, CAST(m.document AS text) FROM {_rows(question, translation)} AND ({behind})"
        f" ORDER BY {keyset.order_by(keys)} {cut.of_all}"
    )
    bound = parameters.values | profile_sql.view_parameters(view) | cut.parameters
    return [_document(*row) for row in await reader.fetch(prepared(text), bound)]


async def count_measures(reader: ScanReader, question: MeasureQuestion, view: View) -> int | None:
    """None where SQL cannot say the filter exactly."""
    parameters = Parameters(reader.is_postgresql)
    translation = _translation(question, parameters)
    if not translation.condition(question.filter).is_exact:
        return None
    text = f"SELECT count(*) FROM {_rows(question, translation)}"
    rows = await reader.fetch(prepared(text), parameters.values | profile_sql.view_parameters(view))
    return int(rows[0][0])


def _translation(question: MeasureQuestion, parameters: Parameters) -> Translation:
    def operand(name: str) -> Operand:
        column = question.table.columns_by_name[name]
        if name == CUSTOMER_ID:
            return Operand("m.customer_id", ColumnType.STRING)
        return Operand(values.value_sql(column, "m.document", is_postgresql=parameters.is_postgresql), column.type)

    return Translation(parameters, operand)


def _rows(question: MeasureQuestion, translation: Translation) -> str:
    """FROM and WHERE of the records `m`."""
    conditions = [f"m.instance_id = {question.instance_id}", at_generation("m")]
    conditions.append(f"({translation.condition(question.filter).sql})")
    if question.customer_ids is not None:
        ids = [translation.parameters.bind(customer_id, "text") for customer_id in question.customer_ids]
        conditions.append(f"m.customer_id IN ({', '.join(ids)})" if ids else "1 = 0")
    return f"measure_record m WHERE {' AND '.join(conditions)}"


def _position(question: MeasureQuestion, parameters: Parameters, record: Document) -> list[str | None]:
    placed = []
    for key in question.keys:
        value = values.bound(key.column, record[key.column.name], is_postgresql=parameters.is_postgresql)
        type_ = values.parameter_type(key.column)
        placed.append(None if value is None else parameters.bind(value, type_))
    return placed


def _document(customer_id: str, document: Any) -> Document:
    loaded: Document = load_json(document)
    return loaded | {CUSTOMER_ID: customer_id}


@cache
def _fetch(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    return PointStatement(f"""
SELECT m.customer_id, CAST(m.document AS text) FROM measure_record m
WHERE m.instance_id = :instance_id AND m.customer_id {rowset.among_ids(is_postgresql=is_postgresql)}
  AND {at_generation("m")}
""")
