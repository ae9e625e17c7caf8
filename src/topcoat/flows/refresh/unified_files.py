"""Files that are unified already, row by row: customers, key ring, activities, measures, segments (S12, S18, S19)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from topcoat.core import catalog, definitions
from topcoat.core.catalog import CUSTOMER_ID, PREVIOUS_CUSTOMER_ID, Column, Document, Table, TableKind
from topcoat.flows.refresh import source_records
from topcoat.flows.refresh.environment import Environment
from topcoat.flows.refresh.source_lines import Advance
from topcoat.flows.refresh.source_records import Source

KEY_RING_TABLE: Final = Table(
    name="key ring",
    kind=TableKind.SOURCE,
    columns=tuple(Column(name, is_mandatory=True) for name in ("Table", "Key", CUSTOMER_ID)),
    primary_key="Key",
)

SEGMENT_TABLE: Final = Table(
    name="segments",
    kind=TableKind.SOURCE,
    columns=(Column("Segment", is_mandatory=True), Column(CUSTOMER_ID)),
    primary_key="Segment",
)

_ID_EXPECTED: Final = f"a text of 1 to {catalog.ID_LENGTH_MAX} characters without control characters"


@dataclass(frozen=True, slots=True)
class ProfileRow:
    line: int
    customer_id: str
    document: Document
    previous_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActivityRow:
    line: int
    activity_id: str
    customer_id: str
    activity_time: datetime
    activity_type: str
    source_table: str | None
    document: Document


@dataclass(frozen=True, slots=True)
class KeyRow:
    line: int
    table: str
    key: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class MeasureRow:
    line: int
    customer_id: str
    document: Document


@dataclass(frozen=True, slots=True)
class MembershipRow:
    """`customer_id` is None where the row says only that the segment exists."""

    line: int
    segment: str
    customer_id: str | None


def read_profiles(environment: Environment, advance: Advance) -> Iterator[ProfileRow]:
    """A file without a single byte is taken for a broken export, not for an instance without customers."""
    table = environment.catalog.get_table(catalog.CUSTOMER)
    source = Source(
        environment.unified_files.customers, table, header=tuple(table.columns_by_name), required=(CUSTOMER_ID,)
    )
    byte_count = _Count(advance)
    for line, document in source_records.read_records(source, byte_count.add):
        customer_id = checked_id(source, line, CUSTOMER_ID, document[CUSTOMER_ID])
        yield ProfileRow(line, customer_id, document, _previous_ids(source, line, document))
    if not byte_count.total:
        source.refuse(1, "the file is empty, expected the customers")


def read_activities(environment: Environment, file: Path, advance: Advance) -> Iterator[ActivityRow]:
    """Activities in UnifiedActivity format; unlike in real time, each needs its ActivityId."""
    table = environment.catalog.get_table(catalog.UNIFIED_ACTIVITY)
    required = (table.primary_key, *(column.name for column in table.columns if column.is_mandatory))
    source = Source(file, table, header=required, required=required)
    for line, document in source_records.read_records(source, advance):
        yield ActivityRow(
            line=line,
            activity_id=checked_id(source, line, table.primary_key, document[table.primary_key]),
            customer_id=checked_id(source, line, CUSTOMER_ID, document[CUSTOMER_ID]),
            activity_time=datetime.fromisoformat(document["ActivityTime"]),
            activity_type=document["ActivityType"],
            source_table=document.get("EntityName"),
            document=document,
        )


def read_key_ring(environment: Environment, advance: Advance) -> Iterator[KeyRow]:
    """Which source record belongs to which customer; the environment's source tables only (S19)."""
    if environment.unified_files.key_ring is None:
        return
    names = tuple(KEY_RING_TABLE.columns_by_name)
    source = Source(environment.unified_files.key_ring, KEY_RING_TABLE, header=names, required=names)
    tables = [table.name for table in environment.catalog.tables if table.kind is TableKind.SOURCE]
    for line, document in source_records.read_records(source, advance):
        table = document["Table"]
        if table not in tables:
            hint = catalog.suggestion(table, tables)
            source.refuse(line, f"'{catalog.shown(table)}' is no source table of the environment{hint}")
        key = checked_id(source, line, "Key", document["Key"])
        yield KeyRow(line, table, key, checked_id(source, line, CUSTOMER_ID, document[CUSTOMER_ID]))


def read_measures(environment: Environment, advance: Advance) -> Iterator[MeasureRow]:
    if environment.unified_files.measures is None:
        return
    table = environment.catalog.get_table(catalog.CUSTOMER_MEASURE)
    source = Source(
        environment.unified_files.measures, table, header=tuple(table.columns_by_name), required=(CUSTOMER_ID,)
    )
    for line, document in source_records.read_records(source, advance):
        yield MeasureRow(line, checked_id(source, line, CUSTOMER_ID, document[CUSTOMER_ID]), document)


def read_memberships(environment: Environment, advance: Advance) -> Iterator[MembershipRow]:
    if environment.unified_files.segments is None:
        return
    names = tuple(SEGMENT_TABLE.columns_by_name)
    source = Source(environment.unified_files.segments, SEGMENT_TABLE, header=names, required=("Segment",))
    for line, document in source_records.read_records(source, advance):
        segment = _checked_segment(source, line, document["Segment"])
        customer_id = document.get(CUSTOMER_ID)
        if customer_id is not None:
            checked_id(source, line, CUSTOMER_ID, customer_id)
        yield MembershipRow(line, segment, customer_id)


@dataclass(slots=True)
class _Count:
    """Passes amounts on and keeps their sum."""

    _advance: Advance
    total: int = 0

    def add(self, amount: int) -> None:
        self.total += amount
        self._advance(amount)


def checked_id(source: Source, line: int, column: str, value: str) -> str:
    if not catalog.check_id(value):
        source.refuse(line, f"column {column} got {catalog.described(value)}, expected {_ID_EXPECTED}")
    return value


def _checked_segment(source: Source, line: int, name: str) -> str:
    if not definitions.is_text(name):
        found, expected = catalog.described(name), definitions.TEXT_EXPECTED
        source.refuse(line, f"column Segment got {found}, expected {expected}")
    return name


def _previous_ids(source: Source, line: int, document: Document) -> tuple[str, ...]:
    """Ids separated by semicolons; an id said twice is one (S18)."""
    text = document.get(PREVIOUS_CUSTOMER_ID)
    if not text:
        return ()
    ids = [part.strip() for part in text.split(";") if part.strip()]
    for previous in ids:
        checked_id(source, line, PREVIOUS_CUSTOMER_ID, previous)
    if document[CUSTOMER_ID] in ids:
        source.refuse(line, f"column {PREVIOUS_CUSTOMER_ID} names the profile's own CustomerId, expected earlier ones")
    return tuple(dict.fromkeys(ids))
