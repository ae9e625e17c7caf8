"""Files of source tables, row by row: what a data source brought, kept to be read as it came."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from topcoat.core.catalog import Document, Table
from topcoat.flows.refresh import source_records, unified_files
from topcoat.flows.refresh.source_lines import Advance
from topcoat.flows.refresh.source_records import Source


@dataclass(frozen=True, slots=True)
class SourceRow:
    line: int
    key: str
    document: Document


def read_source_table(table: Table, file: Path, advance: Advance) -> Iterator[SourceRow]:
    source = Source(file, table, header=tuple(table.columns_by_name), required=(table.primary_key,))
    for line, document in source_records.read_records(source, advance):
        key = unified_files.checked_id(source, line, table.primary_key, str(document[table.primary_key]))
        yield SourceRow(line, key, document)
