"""The snapshot tables as a refresh brings them: staged beside, compared, and written as differences (S20, S21)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import exc, text

from topcoat.core import errors
from topcoat.core.catalog import CUSTOMER, CUSTOMER_ID, Document, shown
from topcoat.core.mapping import document_digest
from topcoat.store import engine, search_definitions
from topcoat.store.engine import Session
from topcoat.store.schema import GENERATION_OPEN


@dataclass(frozen=True, slots=True)
class SnapshotTable:
    """`unique` identifies a staged row; `compared` tells whether an open row of the snapshot is the same."""

    name: str
    columns: dict[str, str]
    key: tuple[str, ...]
    unique: tuple[str, ...]
    compared: tuple[str, ...]

    @property
    def staged(self) -> str:
        return f"staged_{self.name}"


PROFILES = SnapshotTable(
    name="snapshot_profile",
    columns={"customer_id": "key", "digest": "bytes", "document": "json"},
    key=("customer_id",),
    unique=("customer_id",),
    compared=("customer_id", "digest"),
)
ACTIVITIES = SnapshotTable(
    name="snapshot_activity",
    columns={
        "activity_id": "key",
        "customer_id": "key",
        "activity_time": "bigint",
        "activity_type": "text",
        "source_table": "text",
        "digest": "bytes",
        "document": "json",
    },
    key=("activity_id", "customer_id"),
    unique=("activity_id", "customer_id"),
    compared=("activity_id", "customer_id", "digest"),
)
KEY_RING = SnapshotTable(
    name="key_ring",
    columns={"source_table": "key", "source_key": "key", "customer_id": "key"},
    key=("source_table", "source_key", "customer_id"),
    unique=("source_table", "source_key"),
    compared=("source_table", "source_key", "customer_id"),
)
ALIASES = SnapshotTable(
    name="alias",
    columns={"alias_id": "key", "customer_id": "key"},
    key=("alias_id", "customer_id"),
    unique=("alias_id",),
    compared=("alias_id", "customer_id"),
)
MEASURES = SnapshotTable(
    name="measure_record",
    columns={"customer_id": "key", "digest": "bytes", "document": "json"},
    key=("customer_id",),
    unique=("customer_id",),
    compared=("customer_id", "digest"),
)
MEMBERSHIPS = SnapshotTable(
    name="segment_membership",
    columns={"segment": "key", "customer_id": "key"},
    key=("segment", "customer_id"),
    unique=("customer_id", "segment"),
    compared=("segment", "customer_id"),
)
SOURCE_RECORDS = SnapshotTable(
    name="source_record",
    columns={"source_table": "key", "source_key": "key", "digest": "bytes", "document": "json"},
    key=("source_table", "source_key"),
    unique=("source_table", "source_key"),
    compared=("source_table", "source_key", "digest"),
)
RECONCILIATION = SnapshotTable(
    name="reconciliation",
    columns={
        "customer_id": "key",
        "sequence": "bigint",
        "column_name": "key",
        "activity_id": "text",
        "outcome": "text",
        "recorded_at": "bigint",
        "valid_until": "bigint",
        "caller": "text",
    },
    key=("customer_id", "sequence", "column_name"),
    unique=("customer_id", "sequence", "column_name"),
    compared=("customer_id", "sequence", "column_name", "outcome"),
)
SNAPSHOT_TABLES = (PROFILES, ACTIVITIES, KEY_RING, ALIASES, MEASURES, MEMBERSHIPS, SOURCE_RECORDS, RECONCILIATION)

_POSTGRESQL_TYPES = {"key": 'text COLLATE "C"', "bytes": "bytea", "json": "text", "bigint": "bigint", "text": "text"}
_SQLITE_TYPES = {"key": "text", "bytes": "blob", "json": "text", "bigint": "integer", "text": "text"}


@dataclass(frozen=True, slots=True)
class StagedFault:
    """A staged row that cannot be published; `file` is the number given when it was staged."""

    file: int
    line: int
    value: str
    other_line: int | None = None


def column_types(session: Session) -> dict[str, str]:
    """What a temporary table has for each kind of column."""
    return _POSTGRESQL_TYPES if session.is_postgresql else _SQLITE_TYPES


async def create_staging(session: Session) -> None:
    types = column_types(session)
    async with session.scratch() as connection:
        for table in SNAPSHOT_TABLES:
            columns = ", ".join(f"{name} {types[kind]}" for name, kind in table.columns.items())
            await connection.run(text(f"CREATE TEMPORARY TABLE {table.staged} (file int, line int, {columns})"))


async def stage(session: Session, table: SnapshotTable, rows: Sequence[tuple[Any, ...]]) -> None:
    """Append rows of (file, line, columns of the table in its order)."""
    await session.load(table.staged, ("file", "line", *table.columns), rows)


def digested(document: Document) -> tuple[bytes, str]:
    """The digest of a document and its text, as its row is staged."""
    canonical = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return document_digest(canonical), canonical.decode()


async def index_staging(session: Session) -> None:
    """Make what was staged quick to compare."""
    async with session.scratch() as connection:
        for table in SNAPSHOT_TABLES:
            columns = ", ".join(table.key)
            await connection.run(text(f"CREATE INDEX ix_{table.staged} ON {table.staged} ({columns})"))
            if session.is_postgresql:
                await connection.run(text(f"ANALYZE {table.staged}"))


async def find_duplicate(session: Session, table: SnapshotTable) -> StagedFault | None:
    columns = ", ".join(table.unique)
    async with session.scratch() as connection:
        row = await connection.fetch_one(
            text(
                f"SELECT {table.unique[-1]} AS value, max(file) AS file, max(line) AS line, min(line) AS other_line"
                f" FROM {table.staged} GROUP BY {columns} HAVING count(*) > 1 ORDER BY max(line) LIMIT 1"
            )
        )
    return None if row is None else StagedFault(row.file, row.line, row.value, row.other_line)


async def find_stranger(session: Session, table: SnapshotTable) -> StagedFault | None:
    """A staged row whose CustomerId is no staged profile; an empty one is nobody's."""
    async with session.scratch() as connection:
        row = await connection.fetch_one(
            text(
                f"SELECT s.file, s.line, s.customer_id AS value FROM {table.staged} s"
                f" LEFT JOIN {PROFILES.staged} p ON p.customer_id = s.customer_id"
                " WHERE p.customer_id IS NULL AND s.customer_id <> '' ORDER BY s.line LIMIT 1"
            )
        )
    return None if row is None else StagedFault(row.file, row.line, row.value)


async def settle_aliases(session: Session, instance_id: int, generation: int) -> None:
    """Flatten the staged aliases (S18): none names a profile that still exists, the first of two claims holds,
    what led to a profile that is now an alias itself leads on, and everything else stands under survivors."""
    values = {"instance_id": instance_id, "generation": generation}
    async with session.scratch() as connection:
        await connection.run(
            text(
                "DELETE FROM staged_alias WHERE alias_id IN (SELECT customer_id FROM staged_snapshot_profile)"
                " OR EXISTS (SELECT 1 FROM staged_alias b WHERE b.alias_id = staged_alias.alias_id"
                " AND (b.line < staged_alias.line"
                " OR (b.line = staged_alias.line AND b.customer_id < staged_alias.customer_id)))"
            )
        )
        await connection.run(_LEAD_ON, values)
        for table in (ACTIVITIES, KEY_RING, MEASURES, MEMBERSHIPS):
            await connection.run(
                text(
                    f"UPDATE {table.staged} SET customer_id = (SELECT a.customer_id FROM staged_alias a"
                    f" WHERE a.alias_id = {table.staged}.customer_id)"
                    " WHERE customer_id IN (SELECT alias_id FROM staged_alias)"
                )
            )

        await connection.run(_JOIN_MEMBERSHIPS)


async def leave_out_strangers(session: Session, table: str) -> int:
    """Of a source table, the staged records whose CustomerId neither is a staged profile nor leads to one; how many."""
    document = f"{SOURCE_RECORDS.staged}.document"
    customer = f"{f'CAST({document} AS jsonb)' if session.is_postgresql else document} ->> '{CUSTOMER_ID}'"
    statement = text(
        f"DELETE FROM {SOURCE_RECORDS.staged} WHERE source_table = :table AND NOT EXISTS"
        f" (SELECT 1 FROM {PROFILES.staged} p WHERE p.customer_id = {customer}) AND NOT EXISTS"
        f" (SELECT 1 FROM {ALIASES.staged} a WHERE a.alias_id = {customer})"
    )
    async with session.scratch() as connection:
        return await connection.run(statement, {"table": table})


async def declare_segments(session: Session) -> int:
    """Stage the row by which a segment exists for every segment that has members only; return how many exist."""
    async with session.scratch() as connection:
        await connection.run(_DECLARE_SEGMENTS)
        row = await connection.fetch_one(text("SELECT count(*) FROM staged_segment_membership WHERE customer_id = ''"))
    return 0 if row is None else int(row[0])


# Two ids of a merged profile may both be members; the profile is one member.
_JOIN_MEMBERSHIPS = text("""
DELETE FROM staged_segment_membership WHERE customer_id IN (SELECT customer_id FROM staged_alias) AND EXISTS (
    SELECT 1 FROM staged_segment_membership b
    WHERE b.segment = staged_segment_membership.segment AND b.customer_id = staged_segment_membership.customer_id
      AND b.line < staged_segment_membership.line)
""")

_DECLARE_SEGMENTS = text("""
INSERT INTO staged_segment_membership (file, line, segment, customer_id)
SELECT max(m.file), min(m.line), m.segment, '' FROM staged_segment_membership m
GROUP BY m.segment HAVING min(m.customer_id) <> ''
""")

_LEAD_ON = text("""
INSERT INTO staged_alias (file, line, alias_id, customer_id)
SELECT b.file, b.line, a.alias_id, b.customer_id
FROM alias a
JOIN staged_alias b ON b.alias_id = a.customer_id
WHERE a.instance_id = :instance_id AND a.generation_from <= :generation AND a.generation_to > :generation
  AND NOT EXISTS (SELECT 1 FROM staged_alias c WHERE c.alias_id = a.alias_id)
  AND NOT EXISTS (SELECT 1 FROM staged_snapshot_profile p WHERE p.customer_id = a.alias_id)
""")


@dataclass(frozen=True, slots=True)
class Difference:
    """How many open rows to close and staged rows to insert; kept in temporary tables with numbered rows."""

    table: SnapshotTable
    closing: int
    opening: int


async def analyze_unknown(session: Session, table: SnapshotTable) -> None:
    """Have PostgreSQL look at a table that it never did, which it takes for nearly empty.

    It would hold each of its rows against each that is to end: minutes for some ten thousand.
    """
    if not session.is_postgresql:
        return
    async with session.scratch() as connection:
        known = await connection.fetch_one(text(f"SELECT 1 FROM pg_stats WHERE tablename = '{table.name}' LIMIT 1"))
        if known is None:
            await connection.run(text(f"ANALYZE {table.name}"))


async def compare(session: Session, table: SnapshotTable, instance_id: int) -> Difference:
    await analyze_unknown(session, table)
    same = " AND ".join(f"s.{column} = p.{column}" for column in table.compared)
    keys = ", ".join(f"p.{column}" for column in table.key)
    async with session.scratch() as connection:
        await connection.run(
            text(
                f"CREATE TEMPORARY TABLE closing_{table.name} AS"
                f" SELECT row_number() OVER (ORDER BY {keys}) AS place, {keys}"
                f" FROM {table.name} p LEFT JOIN {table.staged} s ON {same}"
                f" WHERE p.instance_id = {instance_id} AND p.generation_to = {GENERATION_OPEN}"
                f" AND s.{table.key[0]} IS NULL"
            )
        )
        staged_keys = ", ".join(f"s.{column}" for column in table.key)
        columns = ", ".join(f"s.{column}" for column in table.columns)
        await connection.run(
            text(
                f"CREATE TEMPORARY TABLE opening_{table.name} AS"
                f" SELECT row_number() OVER (ORDER BY {staged_keys}) AS place, {columns}"
                f" FROM {table.staged} s LEFT JOIN {table.name} p"
                f" ON p.instance_id = {instance_id} AND p.generation_to = {GENERATION_OPEN} AND {same}"
                f" WHERE p.{table.key[0]} IS NULL"
            )
        )
        for kind in ("closing", "opening"):
            await connection.run(text(f"CREATE INDEX ix_{kind}_{table.name} ON {kind}_{table.name} (place)"))
            if session.is_postgresql:
                await connection.run(text(f"ANALYZE {kind}_{table.name}"))
        counts = await connection.fetch_one(
            text(
                f"SELECT (SELECT count(*) FROM closing_{table.name}) AS closing,"
                f" (SELECT count(*) FROM opening_{table.name}) AS opening"
            )
        )
    assert counts is not None
    return Difference(table, counts.closing, counts.opening)


async def close_rows(
    session: Session, difference: Difference, *, instance_id: int, generation: int, first: int, last: int
) -> None:
    """End the interval of the closing rows numbered `first` to `last`."""
    table = difference.table
    keys = ", ".join(table.key)
    statement = text(
        f"UPDATE {table.name} SET generation_to = :generation WHERE instance_id = :instance_id"
        f" AND generation_to = {GENERATION_OPEN} AND ({keys}) IN"
        f" (SELECT {keys} FROM closing_{table.name} WHERE place BETWEEN :first AND :last)"
    )
    values = {"instance_id": instance_id, "generation": generation, "first": first, "last": last}
    async with session.transaction() as connection:
        await connection.run(statement, values)


async def open_rows(
    session: Session, difference: Difference, *, instance_id: int, generation: int, first: int, last: int
) -> None:
    """Insert the opening rows numbered `first` to `last`; raise `ValueTooLong` for what an index cannot hold."""
    table = difference.table
    columns = ", ".join(table.columns)
    selected = ", ".join(
        f"CAST({name} AS jsonb)" if kind == "json" and session.is_postgresql else name
        for name, kind in table.columns.items()
    )
    statement = text(
        f"INSERT INTO {table.name} (instance_id, generation_from, generation_to, {columns})"
        f" SELECT :instance_id, :generation, :open, {selected} FROM opening_{table.name}"
        " WHERE place BETWEEN :first AND :last ORDER BY place"
    )
    values = {
        "instance_id": instance_id,
        "generation": generation,
        "open": GENERATION_OPEN,
        "first": first,
        "last": last,
    }
    try:
        async with session.transaction() as connection:
            await connection.run(statement, values)
    except exc.DBAPIError as error:
        too_long = engine.find_too_long(error)
        if too_long is None or table is not PROFILES:
            raise too_long or error from None
        if first == last:
            raise await _placed(session, too_long, instance_id=instance_id, place=first) from None
        middle = (first + last) // 2
        for half in ((first, middle), (middle + 1, last)):
            await open_rows(
                session, difference, instance_id=instance_id, generation=generation, first=half[0], last=half[1]
            )


async def _placed(
    session: Session, too_long: errors.ValueTooLong, *, instance_id: int, place: int
) -> errors.ValueTooLong:
    """The error about one opening profile, with the longest of its indexed values."""
    values = {"place": place, "prefix": search_definitions.prefix_of(instance_id)}
    async with session.scratch() as connection:
        row = await connection.fetch_one(_LONGEST_INDEXED, values)
    if row is None:
        return too_long
    where = f" (column {row.key} of table {CUSTOMER}, record '{shown(row.customer_id)}': {row.bytes} bytes)"
    return errors.ValueTooLong(index=too_long.parts["index"], where=where)


_LONGEST_INDEXED = text(f"""
SELECT o.customer_id, e.key, octet_length(e.value) AS bytes
FROM opening_{PROFILES.name} o CROSS JOIN LATERAL jsonb_each_text(CAST(o.document AS jsonb)) AS e
WHERE o.place = :place AND EXISTS (
    SELECT 1 FROM pg_indexes i WHERE i.tablename = '{PROFILES.name}'
      AND starts_with(CAST(i.indexname AS text), :prefix) AND strpos(i.indexdef, quote_literal(e.key)) > 0)
ORDER BY octet_length(e.value) DESC LIMIT 1
""")
