"""Customers with all that segments and measures are computed from, and their results, beside the active generation."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Text, bindparam, text

from topcoat.core.catalog import CUSTOMER_ID, UNIFIED_ACTIVITY, Catalog, Document
from topcoat.core.insights.rows import CustomerRecords
from topcoat.store import staging
from topcoat.store.engine import Session, WriteConnection, load_json
from topcoat.store.profile_sql import at_generation
from topcoat.store.staging import MEASURES, MEMBERSHIPS

CUSTOMERS_MAX: Final = 1_000
"""How many are in memory at once, each with all activities that are asked for."""


@dataclass(slots=True)
class Results:
    """What was computed for some customers whose ids are neighbours."""

    first: str
    last: str
    measures: list[tuple[str, Document]] = field(default_factory=list)
    members: list[tuple[str, str]] = field(default_factory=list)


async def stage_ready_made(session: Session, instance_id: int, generation: int, catalog: Catalog) -> None:
    """Stage measures and memberships of a generation; of the segments only those that no definition brought."""
    values = {"instance_id": instance_id, "generation": generation}
    kept = text(_STAGE_MEMBERSHIPS).bindparams(bindparam("defined", type_=Text, expanding=True))
    async with session.scratch() as connection:
        await connection.run(text(_STAGE_MEASURES), values)
        await connection.run(kept, values | {"defined": list(catalog.defined_segments)})


_STAGE_MEASURES: Final = f"""
INSERT INTO {MEASURES.staged} (file, line, customer_id, digest, document)
SELECT 0, 0, m.customer_id, m.digest, CAST(m.document AS text) FROM measure_record m
WHERE m.instance_id = :instance_id AND {at_generation("m")}
"""

_STAGE_MEMBERSHIPS: Final = f"""
INSERT INTO {MEMBERSHIPS.staged} (file, line, segment, customer_id)
SELECT 0, 0, s.segment, s.customer_id FROM segment_membership s
WHERE s.instance_id = :instance_id AND s.segment NOT IN :defined AND {at_generation("s")}
"""


async def list_staged_segments(session: Session) -> dict[str, tuple[int, int]]:
    """File and first line of each."""
    async with session.scratch() as connection:
        rows = await connection.fetch_all(
            text(
                f"SELECT segment, min(file) AS file, min(line) AS line FROM {MEMBERSHIPS.staged}"
                " GROUP BY segment ORDER BY min(line)"
            )
        )
    return {row.segment: (row.file, row.line) for row in rows}


async def read_customers(
    session: Session, instance_id: int, generation: int, tables: Collection[str], deleted_tables: Sequence[str]
) -> AsyncIterator[dict[str, CustomerRecords]]:
    """Neighbours in the order of ids: profiles, staged measures and segments, and activities of the tables named.

    Activities that came from deleted tables are left out.
    """
    values: dict[str, Any] = {"instance_id": instance_id, "generation": generation, "limit": CUSTOMERS_MAX}
    async with session.scratch() as connection:
        await connection.run(text(f"CREATE INDEX ix_staged_members ON {MEMBERSHIPS.staged} (customer_id)"))
    after = ""
    while True:
        async with session.scratch() as connection:
            rows = await connection.fetch_all(text(_PROFILES), values | {"after": after})
            if not rows:
                return
            customers = {row.customer_id: CustomerRecords(load_json(row.document), {}) for row in rows}
            between = values | {"first": rows[0].customer_id, "last": rows[-1].customer_id}
            await _add_staged(connection, between, customers)
            if tables:
                await _add_activities(connection, between, customers, tables, deleted_tables)
        yield customers
        after = rows[-1].customer_id


_PROFILES: Final = f"""
SELECT p.customer_id, CAST(p.document AS text) AS document FROM snapshot_profile p
WHERE p.instance_id = :instance_id AND p.customer_id > :after AND {at_generation("p")}
ORDER BY p.customer_id LIMIT :limit
"""

_ACTIVITIES: Final = f"""
SELECT a.customer_id, a.source_table, CAST(a.document AS text) AS document FROM snapshot_activity a
WHERE a.customer_id BETWEEN :first AND :last AND a.instance_id = :instance_id AND {at_generation("a")}
ORDER BY a.customer_id, a.activity_time, a.activity_id
"""


async def _add_staged(
    connection: WriteConnection, between: dict[str, Any], customers: dict[str, CustomerRecords]
) -> None:
    where = "WHERE customer_id BETWEEN :first AND :last"
    bounds = {name: between[name] for name in ("first", "last")}
    measures = f"SELECT customer_id, document FROM {MEASURES.staged} {where}"
    for row in await connection.fetch_all(text(measures), bounds):
        customers[row.customer_id].measures = load_json(row.document)
    memberships = f"SELECT customer_id, segment FROM {MEMBERSHIPS.staged} {where}"
    for row in await connection.fetch_all(text(memberships), bounds):
        customers[row.customer_id].segments.add(row.segment)


async def _add_activities(
    connection: WriteConnection,
    between: dict[str, Any],
    customers: dict[str, CustomerRecords],
    tables: Collection[str],
    deleted_tables: Sequence[str],
) -> None:
    found: dict[str, dict[str, list[Document]]] = {customer_id: {} for customer_id in customers}
    for row in await connection.fetch_all(text(_ACTIVITIES), between):
        if row.source_table not in deleted_tables:
            activity = load_json(row.document) | {CUSTOMER_ID: row.customer_id}
            for table, record in _records_of(activity, row.source_table, tables):
                found[row.customer_id].setdefault(table, []).append(record)
    for customer_id, activities in found.items():
        customers[customer_id].activities = activities


def _records_of(activity: Document, source: str | None, tables: Collection[str]) -> Iterable[tuple[str, Document]]:
    """The activity itself, and the record of its source table that it keeps as semantic data."""
    if UNIFIED_ACTIVITY in tables:
        yield UNIFIED_ACTIVITY, activity
    if source is not None and source in tables:
        yield source, _semantic_data(activity)


def _semantic_data(activity: Document) -> Document:
    """Empty where it is no record, as in files that others made."""
    try:
        record = load_json(activity.get("SemanticData") or "{}")
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


async def stage_results(session: Session, results: Results) -> None:
    """In place of the staged measures of those customers, and beside the staged memberships."""
    async with session.scratch() as connection:
        await connection.run(
            text(f"DELETE FROM {MEASURES.staged} WHERE customer_id BETWEEN :first AND :last"),
            {"first": results.first, "last": results.last},
        )
    if results.measures:
        rows = [(0, 0, customer_id, *staging.digested(document)) for customer_id, document in results.measures]
        await staging.stage(session, MEASURES, rows)
    if results.members:
        await staging.stage(session, MEMBERSHIPS, [(0, 0, *member) for member in results.members])


async def declare_segments(session: Session, names: Collection[str]) -> None:
    """Stage the rows by which the segments exist, be it without members."""
    if names:
        await staging.stage(session, MEMBERSHIPS, [(0, 0, name, "") for name in names])


async def count_measures(session: Session) -> int:
    async with session.scratch() as connection:
        row = await connection.fetch_one(text(f"SELECT count(*) FROM {MEASURES.staged}"))
    return 0 if row is None else int(row[0])
