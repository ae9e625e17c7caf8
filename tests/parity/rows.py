"""A drawn instance as rows of the database."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Insert, Text, bindparam, cast, insert, text
from sqlalchemy.dialects.postgresql import JSONB

from tests.conftest import Service
from tests.parity.questions import SEARCHED
from tests.parity.worlds import CATALOG, SEGMENTS, World, activity_of, intervals
from topcoat.clock import to_microseconds
from topcoat.core import tokens
from topcoat.core.catalog import Document
from topcoat.core.overlay.override import Withdrawal
from topcoat.store import instances, overrides, rowset, schema
from topcoat.store.engine import WriteConnection, dump_json, load_json
from topcoat.store.schema import GENERATION_OPEN


async def write_world(service: Service, world: World) -> str:
    """The GUID of a new instance that holds it."""
    guid = str(uuid.uuid4())
    async with service.store.writing() as connection:
        instance_id = await _write_instance(connection, guid, world)
        for table, rows in _rows(world, connection.is_postgresql).items():
            if rows:
                placed = [{"instance_id": instance_id, **row} for row in rows]
                await connection.run(_insert(table, is_postgresql=connection.is_postgresql), placed)
    return guid


def _insert(table: str, *, is_postgresql: bool) -> Insert:
    """Changes go as text, as the service writes them."""
    statement = insert(schema.metadata.tables[table])
    if table != "override" or not is_postgresql:
        return statement
    return statement.values(column_values=cast(bindparam("column_values", type_=Text), JSONB))


async def _write_instance(connection: WriteConnection, guid: str, world: World) -> int:
    active = world.generations[-1].number
    statement = text(
        "INSERT INTO instance (guid, name, instance_type, created_at, updated_at, active_generation,"
        " profile_lifetime, activity_lifetime) VALUES (:guid, 'Drawn', 'test', 0, 0, :active, 1, 1)"
        " RETURNING instance_id"
    )
    row = await connection.fetch_one(statement, {"guid": guid, "active": active})
    assert row is not None
    return int(row[0])


def _rows(world: World, is_postgresql: bool) -> dict[str, list[dict[str, Any]]]:
    def document(value: Any) -> Any:
        """SQLAlchemy makes PostgreSQL's JSON itself; SQLite keeps text."""
        return value if is_postgresql else dump_json(value)

    counter = {"last_generation": 9, "last_sequence": world.last_sequence, "last_recorded_at": 0}
    return {
        "instance_counter": [counter],
        "generation": [
            row | {"catalog": document(load_json(instances.dump_catalog(generation.catalog or CATALOG)))}
            for generation, row in zip(world.generations, _generations(world), strict=True)
        ],
        "snapshot_profile": [
            {"customer_id": i, "digest": b"", "document": document({**columns, "CustomerId": i}), **span(*ends)}
            for i, columns, *ends in intervals(world.generations, "profiles")
        ],
        "profile_search": [
            {
                "customer_id": i,
                "generation_from": first,
                "tokens": rowset.token_value(tokens.document_tokens(columns, SEARCHED), is_postgresql=is_postgresql),
            }
            for i, columns, first, _ in intervals(world.generations, "profiles")
        ],
        "alias": [
            {"alias_id": alias, "customer_id": survivor, **span(*ends)}
            for alias, survivor, *ends in intervals(world.generations, "aliases")
        ],
        "segment_membership": _memberships(world),
        "measure_record": [
            {"customer_id": i, "digest": b"", "document": document(columns), **span(*ends)}
            for i, columns, *ends in intervals(world.generations, "measures")
        ],
        "snapshot_activity": [
            {"digest": b"", **_activity(*key, columns, document), **span(*ends)}
            for key, columns, *ends in intervals(world.generations, "activities")
        ],
        "override": [
            {
                "customer_id": change.customer_id,
                "sequence": change.sequence,
                "valid_until": to_microseconds(change.valid_until),
                "recorded_at": to_microseconds(change.recorded_at),
                "caller": change.caller,
                "principal": change.principal,
                "column_values": dump_json(overrides.written(change.columns)),
                "tokens": rowset.token_value(
                    tokens.document_tokens(change.columns, change.columns), is_postgresql=is_postgresql
                ),
            }
            for change in world.overrides
        ],
        "override_release": list(_releases(world)),
        "realtime_activity": [
            {
                "sequence": activity.sequence,
                "valid_until": _micros(activity.valid_until),
                "recorded_at": _micros(activity.recorded_at),
                "caller": None,
                "principal": None,
                **_activity(activity.activity_id, activity.customer_id, activity.document, document),
            }
            for activity in world.activities
        ],
    }


def span(first: int, end: int | None) -> dict[str, int]:
    return {"generation_from": first, "generation_to": end or GENERATION_OPEN}


def _generations(world: World) -> list[dict[str, Any]]:
    return [
        {
            "generation": generation.number,
            "state": "closed" if generation.closed_at else "active",
            "profile_count": len(generation.profiles),
            "activity_count": len(generation.activities),
            "started_at": 0,
            "activated_at": to_microseconds(generation.activated_at),
            "closed_at": _micros(generation.closed_at),
        }
        for generation in world.generations
    ]


def _memberships(world: World) -> list[dict[str, Any]]:
    """A row without a customer says that the segment exists."""
    rows = [{"segment": s, "customer_id": "", **span(world.generations[0].number, None)} for s in SEGMENTS]
    for generation, end in zip(world.generations, [*[g.number for g in world.generations[1:]], None], strict=True):
        rows += [{"segment": s, "customer_id": i, **span(generation.number, end)} for s, i in generation.members]
    return rows


def _releases(world: World) -> Iterable[dict[str, Any]]:
    for stored in world.releases:
        release = stored.release
        is_withdrawal = isinstance(release, Withdrawal)
        yield {
            "customer_id": stored.customer_id,
            "sequence": release.sequence,
            "recorded_at": to_microseconds(stored.recorded_at),
            "released_sequence": release.withdrawn if is_withdrawal else release.judged,
            "column_name": None if is_withdrawal else release.column,
            "generation": None if is_withdrawal else release.generation,
            "principal": "tests",
        }


def _activity(activity_id: str, customer_id: str, columns: Document, document: Any) -> dict[str, Any]:
    activity = activity_of(activity_id, customer_id, columns)
    return {
        "activity_id": activity_id,
        "customer_id": customer_id,
        "activity_time": to_microseconds(activity.activity_time),
        "activity_type": columns["ActivityType"],
        "source_table": activity.source_table,
        "document": document(activity.document),
    }


def _micros(instant: datetime | None) -> int | None:
    return None if instant is None else to_microseconds(instant)
