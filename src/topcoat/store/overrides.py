"""Overrides and their releases: inserted in commit order, never updated (S6, S9)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final

import orjson
from sqlalchemy import text

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core import tokens
from topcoat.core.catalog import Document
from topcoat.core.overlay.override import Confirmation, Override, Release, Withdrawal
from topcoat.store import rowset
from topcoat.store.engine import ReadConnection, dump_json, load_json
from topcoat.store.point import PointConnection, PointStatement, PointWriter


@dataclass(frozen=True, slots=True)
class NewOverride:
    sequence: int
    customer_id: str
    valid_until: datetime
    caller: str | None
    principal: str
    columns: Document


@dataclass(frozen=True, slots=True)
class NewRelease:
    """A withdrawal, or, where it has a column and a generation, a confirmation."""

    sequence: int
    customer_id: str
    released_sequence: int
    column: str | None = None
    generation: int | None = None
    principal: str | None = None


async def insert_overrides(
    connection: PointWriter,
    *,
    instance_id: int,
    generation: int,
    recorded_at: datetime,
    overrides: Sequence[NewOverride],
) -> set[int]:
    """Insert those whose profile exists in the generation, with the tokens of all their strings, be they searched now
    or later; return their sequences."""
    rows = [
        {
            "sequence": o.sequence,
            "customer_id": o.customer_id,
            "valid_until": to_microseconds(o.valid_until),
            "caller": o.caller,
            "principal": o.principal,
            "column_values": written(o.columns),
            "tokens": rowset.token_value(
                tokens.document_tokens(o.columns, o.columns), is_postgresql=connection.is_postgresql
            ),
        }
        for o in overrides
    ]
    values = {
        "instance_id": instance_id,
        "generation": generation,
        "recorded_at": to_microseconds(recorded_at),
        "rows": dump_json(rows),
    }
    inserted = await connection.fetch_point(_insert_overrides(connection.is_postgresql), values)
    return {row[0] for row in inserted}


@cache
def _insert_overrides(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    return PointStatement(f"""
INSERT INTO override (instance_id, customer_id, sequence, valid_until, recorded_at, caller, principal, column_values,
                      tokens)
SELECT :instance_id, new.customer_id, new.sequence, new.valid_until, :recorded_at, new.caller, new.principal,
       new.column_values, new.tokens
FROM {rowset.rows_from_json(rowset.NEW_OVERRIDE_COLUMNS, is_postgresql=is_postgresql)}
WHERE (
    SELECT 1 FROM snapshot_profile p
    WHERE p.instance_id = :instance_id
      AND p.customer_id = COALESCE((
          SELECT a.customer_id FROM alias a
          WHERE a.instance_id = :instance_id AND a.alias_id = new.customer_id
            AND a.generation_from <= :generation AND a.generation_to > :generation LIMIT 1), new.customer_id)
      AND p.generation_from <= :generation AND p.generation_to > :generation LIMIT 1) IS NOT NULL
ORDER BY new.customer_id, new.sequence
RETURNING sequence
""")


def written(columns: Document) -> Document:
    """Floats with a point: PostgreSQL keeps the digits of a number, and one without would come back as an integer."""
    return {n: _with_point(v) if type(v) is float and abs(v) >= _EXPONENT_FROM else v for n, v in columns.items()}


_EXPONENT_FROM: Final = 1e16  # from here on JSON has floats as digits and an exponent


def _with_point(number: float) -> orjson.Fragment:
    return orjson.Fragment(f"{Decimal(repr(number)):f}.0")


async def insert_releases(
    connection: PointWriter, *, instance_id: int, recorded_at: datetime, releases: Sequence[NewRelease]
) -> None:
    rows = [
        {
            "sequence": r.sequence,
            "customer_id": r.customer_id,
            "released_sequence": r.released_sequence,
            "column_name": r.column,
            "generation": r.generation,
            "principal": r.principal,
        }
        for r in releases
    ]
    values = {"instance_id": instance_id, "recorded_at": to_microseconds(recorded_at), "rows": dump_json(rows)}
    await connection.fetch_point(_insert_releases(connection.is_postgresql), values)


@cache
def _insert_releases(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    return PointStatement(f"""
INSERT INTO override_release (instance_id, customer_id, sequence, recorded_at, released_sequence, column_name,
                              generation, principal)
SELECT :instance_id, new.customer_id, new.sequence, :recorded_at, new.released_sequence, new.column_name,
       new.generation, new.principal
FROM {rowset.rows_from_json(rowset.NEW_RELEASE_COLUMNS, is_postgresql=is_postgresql)}
RETURNING sequence
""")


async def find_override(connection: PointConnection, instance_id: int, sequence: int) -> Override | None:
    rows = await connection.fetch_point(_FIND, {"instance_id": instance_id, "sequence": sequence})
    return load_override(rows[0]) if rows else None


_FIND = PointStatement("""
SELECT customer_id, sequence, valid_until, recorded_at, caller, principal, CAST(column_values AS TEXT)
FROM override WHERE instance_id = :instance_id AND sequence = :sequence
""")


async def list_releases(connection: PointConnection, instance_id: int, customer_id: str) -> list[Release]:
    """Those of one id, survivor or alias, in the order of their sequences."""
    rows = await connection.fetch_point(_LIST_RELEASES, {"instance_id": instance_id, "customer_id": customer_id})
    return [load_release(*row) for row in rows]


_LIST_RELEASES = PointStatement("""
SELECT sequence, released_sequence, column_name, generation FROM override_release
WHERE instance_id = :instance_id AND customer_id = :customer_id ORDER BY sequence
""")


async def list_changed_ids(
    connection: ReadConnection, instance_id: int, *, now: datetime, after: str, limit: int
) -> list[str]:
    """Ids under which unlapsed changes are stored, in order, from behind `after` on."""
    values = {"instance_id": instance_id, "now": to_microseconds(now), "after": after, "limit": limit}
    return [row.customer_id for row in await connection.fetch_all(_LIST_CHANGED_IDS, values)]


_LIST_CHANGED_IDS = text("""
SELECT DISTINCT customer_id FROM override
WHERE instance_id = :instance_id AND valid_until > :now AND customer_id > :after
ORDER BY customer_id LIMIT :limit
""")


def load_override(row: Sequence[Any]) -> Override:
    """From customer_id, sequence, valid_until, recorded_at, caller, principal, column_values."""
    customer_id, sequence, valid_until, recorded_at, caller, principal, columns = row
    return Override(
        sequence=sequence,
        customer_id=customer_id,
        columns=load_json(columns),
        recorded_at=from_microseconds(recorded_at),
        valid_until=from_microseconds(valid_until),
        caller=caller,
        principal=principal,
    )


def load_release(sequence: int, released_sequence: int, column: str | None, generation: int | None) -> Release:
    """A confirmation names a column and a generation, a withdrawal neither."""
    if column is None or generation is None:
        return Withdrawal(sequence=sequence, withdrawn=released_sequence)
    return Confirmation(sequence=sequence, column=column, judged=released_sequence, generation=generation)
