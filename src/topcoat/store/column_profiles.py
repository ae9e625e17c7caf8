"""Aggregates of one column of a table, as the snapshot has it (S10)."""

from dataclasses import dataclass
from typing import Any, Final, assert_never

from topcoat.core.catalog import CUSTOMER_ID, Column, ColumnType, Table, TableKind
from topcoat.core.data_profile import Block
from topcoat.core.overlay.override import View
from topcoat.store import profile_sql, values
from topcoat.store.filters import Parameters
from topcoat.store.point import prepared
from topcoat.store.profile_sql import at_generation
from topcoat.store.scans import ScanReader

TEXT_SHOWN_MAX: Final = 1_000
_TABLES: Final = {
    TableKind.CUSTOMER: "snapshot_profile",
    TableKind.CUSTOMER_MEASURE: "measure_record",
    TableKind.UNIFIED_ACTIVITY: "snapshot_activity",
    TableKind.SOURCE: "source_record",
}


@dataclass(frozen=True, slots=True)
class ProfileQuestion:
    """Activities that came from `hidden_tables` are left out."""

    instance_id: int
    table: Table
    hidden_tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """`lowest`, `highest` and the most frequent values with their counts are cut where they are long texts."""

    records: int
    missing: int
    unique: int
    lowest: Any
    highest: Any
    frequent: tuple[tuple[Any, int], ...]


async def count_records(reader: ScanReader, question: ProfileQuestion, view: View) -> int:
    parameters = Parameters(reader.is_postgresql)
    text = f"SELECT count(*) FROM {_rows(question, parameters)}"
    rows = await reader.fetch(prepared(text), parameters.values | profile_sql.view_parameters(view))
    return int(rows[0][0])


async def summarize_column(
    reader: ScanReader, question: ProfileQuestion, view: View, column: Column, *, frequent_max: int
) -> ColumnSummary:
    """In one pass over the rows."""
    parameters = Parameters(reader.is_postgresql)
    shown = _shown if column.type is ColumnType.STRING else str
    text = f"""
WITH counted AS MATERIALIZED ({_counted(question, column, parameters)}),
total AS (
    SELECT COALESCE(sum(n), 0) AS records, COALESCE(sum(CASE WHEN v IS NULL THEN n END), 0) AS missing,
           count(v) AS kinds, min(v) AS lowest, max(v) AS highest
    FROM counted),
frequent AS (SELECT v, n FROM counted WHERE v IS NOT NULL ORDER BY n DESC, v LIMIT :frequent_max)
SELECT t.records, t.missing, t.kinds, {shown("t.lowest")}, {shown("t.highest")}, {shown("f.v")}, f.n
FROM total t LEFT JOIN frequent f ON 1 = 1 ORDER BY f.n DESC, f.v"""
    bound = parameters.values | profile_sql.view_parameters(view) | {"frequent_max": frequent_max}
    rows = await reader.fetch(prepared(text), bound)
    records, missing, kinds, lowest, highest, *_ = rows[0]
    return ColumnSummary(
        records=int(records),
        missing=int(missing),
        unique=int(kinds),
        lowest=_read(column, lowest),
        highest=_read(column, highest),
        frequent=tuple((_read(column, row[5]), int(row[6])) for row in rows if row[6] is not None),
    )


async def list_blocks(
    reader: ScanReader, question: ProfileQuestion, view: View, column: Column, *, blocks_max: int
) -> list[Block]:
    """The numbers of a column in order, each by itself unless there are more than that many different ones."""
    parameters = Parameters(reader.is_postgresql)
    blocks = parameters.bind(blocks_max, "bigint")
    text = f"""
WITH counted AS ({_counted(question, column, parameters)}),
placed AS (
    SELECT v, n, row_number() OVER (ORDER BY v) - 1 AS place, count(*) OVER () AS kinds
    FROM counted WHERE v IS NOT NULL)
SELECT min(v), max(v), sum(n) FROM placed
GROUP BY place * {blocks} / CASE WHEN kinds > {blocks} THEN kinds ELSE {blocks} END ORDER BY 1"""
    rows = await reader.fetch(prepared(text), parameters.values | profile_sql.view_parameters(view))
    return [Block(float(lowest), float(highest), int(records)) for lowest, highest, records in rows]


def _counted(question: ProfileQuestion, column: Column, parameters: Parameters) -> str:
    """Each value `v`, null among them, with the number `n` of its records."""
    value = values.value_sql(column, "a.document", is_postgresql=parameters.is_postgresql)
    if column.name == CUSTOMER_ID and question.table.kind is not TableKind.SOURCE:
        value = "a.customer_id"
    return f"SELECT {value} AS v, count(*) AS n FROM {_rows(question, parameters)} GROUP BY 1"


def _rows(question: ProfileQuestion, parameters: Parameters) -> str:
    """FROM and WHERE of the records `a`."""
    name = _TABLES[question.table.kind]
    conditions = [f"a.instance_id = {question.instance_id}", at_generation("a")]
    if question.table.kind is TableKind.SOURCE:
        conditions.append(f"a.source_table = {parameters.bind(question.table.name, 'text')}")
    if question.hidden_tables:
        hidden = ", ".join(parameters.bind(table, "text") for table in question.hidden_tables)
        conditions.append(f"(a.source_table IS NULL OR a.source_table NOT IN ({hidden}))")
    return f"{name} a WHERE {' AND '.join(conditions)}"


def _shown(text: str) -> str:
    return f"substr({text}, 1, {TEXT_SHOWN_MAX})"


def _read(column: Column, value: Any) -> Any:
    """The canonical JSON value that `value_sql` made this of."""
    if value is None:
        return None
    match column.type:
        case ColumnType.INTEGER:
            return int(value)
        case ColumnType.DECIMAL:
            return float(value)
        case ColumnType.BOOLEAN:
            return value in ("true", 1)
        case ColumnType.DATE_TIME:
            return f"{value}Z"
        case ColumnType.STRING | ColumnType.DATE:
            return value
        case _:
            assert_never(column.type)
