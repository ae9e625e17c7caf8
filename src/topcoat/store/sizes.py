"""How many records a table of the snapshot has, and how many bytes their documents take, without indexes."""

from dataclasses import dataclass
from typing import Any

from topcoat.core.overlay.override import View
from topcoat.store.point import prepared
from topcoat.store.profile_sql import at_generation, view_parameters
from topcoat.store.scans import ScanReader


@dataclass(frozen=True, slots=True)
class Size:
    records: int
    size_bytes: int


async def get_table_size(
    reader: ScanReader, table: str, *, instance_id: int, view: View, source_table: str | None = None
) -> Size:
    """Of `snapshot_profile`, of `measure_record`, or with a source table of its records in `source_record`."""
    rows = f"{table} a WHERE a.instance_id = {instance_id} AND {at_generation('a')}"
    if source_table is None:
        return await get_size(reader, rows, view_parameters(view))
    of_table = f"{rows} AND a.source_table = :source_table"
    return await get_size(reader, of_table, view_parameters(view) | {"source_table": source_table})


async def get_size(reader: ScanReader, rows: str, parameters: dict[str, Any]) -> Size:
    """Count rows `a` that have a document, and add up what the database keeps of each, compressed where it does so."""
    size = "pg_column_size(a.document)" if reader.is_postgresql else "length(CAST(a.document AS BLOB))"
    text = f"SELECT count(*), COALESCE(sum({size}), 0) FROM {rows}"
    found = await reader.fetch(prepared(text), parameters)
    return Size(int(found[0][0]), int(found[0][1]))
