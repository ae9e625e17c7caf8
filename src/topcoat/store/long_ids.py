"""Ids that do not stand in their GUIDs (`core.row_guids`), wherever an instance has them."""

from dataclasses import dataclass
from typing import Final

from topcoat.core.catalog import CUSTOMER, UNIFIED_ACTIVITY
from topcoat.core.row_guids import PACKED_BYTES_MAX
from topcoat.store.filters import Parameters
from topcoat.store.point import prepared
from topcoat.store.scans import ScanReader


@dataclass(frozen=True, slots=True)
class Kept:
    """A column of ids, in rows of one source table where one is named."""

    table: str
    column: str
    source_table: str | None = None


PLACES: Final = {
    CUSTOMER: (Kept("snapshot_profile", "customer_id"), Kept("alias", "alias_id")),
    UNIFIED_ACTIVITY: (Kept("snapshot_activity", "activity_id"), Kept("realtime_activity", "activity_id")),
}


async def list_long_ids(reader: ScanReader, kept: Kept, instance_id: int, *, after: str, limit: int) -> list[str]:
    """In their order from behind one on, of whatever generation; those that are UUIDs in one of two forms left out."""
    parameters, column = Parameters(reader.is_postgresql), f"i.{kept.column}"
    conditions = [f"i.instance_id = {instance_id:d}", f"{column} > {parameters.bind(after, 'text')}"]
    if kept.source_table is not None:
        conditions.append(f"i.source_table = {parameters.bind(kept.source_table, 'text')}")
    text = (
        f"SELECT DISTINCT {column} FROM {kept.table} i WHERE {' AND '.join(conditions)}"
        f" AND {_is_long(column, is_postgresql=reader.is_postgresql)} ORDER BY {column} LIMIT {limit:d}"
    )
    return [key for (key,) in await reader.fetch(prepared(text), parameters.values)]


_DIGIT: Final = "[0-9a-f]"
_GROUPS: Final = (8, 4, 4, 4, 12)


def _is_long(column: str, *, is_postgresql: bool) -> str:
    """Nearly all ids are such UUIDs, and need not come here to be told so."""
    if is_postgresql:
        forms = "|".join(mark.join(f"{_DIGIT}{{{length}}}" for length in _GROUPS) for mark in ("", "-"))
        return f"octet_length({column}) > {PACKED_BYTES_MAX} AND {column} !~ '^({forms})$'"
    plain, dashed = (mark.join(_DIGIT * length for length in _GROUPS) for mark in ("", "-"))
    is_uuid = f"{column} GLOB '{plain}' OR {column} GLOB '{dashed}'"
    return f"length(CAST({column} AS BLOB)) > {PACKED_BYTES_MAX} AND NOT ({is_uuid})"
