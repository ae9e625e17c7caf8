"""Rows that a source table could not take, which are a table of their own beside it."""

from typing import Final

from topcoat.core.catalog import Column, ColumnType, Contents, Table, TableKind

SUFFIX: Final = "_corrupt"
RECORD_ID: Final = "RecordId"

_COLUMNS: Final = (
    Column(RECORD_ID, is_key=True, is_mandatory=True),
    Column("Source"),
    Column("Row", ColumnType.INTEGER),
    Column("Column"),
    Column("Reason"),
    Column("Record"),
)


def corrupt_table(table: Table) -> Table:
    """`Source` and `Row` say where a row was, `Column` and `Reason` what is wrong, `Record` what it held, as JSON."""
    return Table(
        name=f"{table.name}{SUFFIX}",
        kind=TableKind.SOURCE,
        columns=_COLUMNS,
        primary_key=RECORD_ID,
        data_source=table.data_source,
        is_kept=True,
        contents=Contents.CORRUPT,
    )
