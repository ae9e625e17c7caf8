"""The tokens of the snapshot's profiles, by which a search finds candidates; they may be too many, never too few."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, text

from topcoat.core import tokens
from topcoat.store import rowset
from topcoat.store.engine import ReadConnection, Session, dump_json, load_json

ROWS_PER_COMMIT_MAX: Final = 2_000
_KEYS: Final = {"customer_id": "text", "generation_from": "bigint", "tokens": "text[]"}
_CHANGE_KEYS: Final = {"customer_id": "text", "sequence": "bigint", "tokens": "text[]"}


class _Place(NamedTuple):
    """A row's key, behind which the next batch begins."""

    customer_id: str
    number: int


async def fill(session: Session, instance_id: int, names: Collection[str], *, generation: int | None = None) -> None:
    """Add the tokens of the named columns to every row of the instance, kept generations included, or to those that
    one generation brought.

    What a row has already stays, so that a search by an earlier configuration still finds it. The caller owns the
    instance's search index. Rows are read outside the transaction that writes: on SQLite only that keeps others out.
    """
    place: _Place | None = _Place("", 0)
    while place is not None:
        place = await _fill_batch(session, instance_id, names, place, generation)


async def clear(session: Session, instance_id: int) -> None:
    """Take all tokens away, where nothing is searched any more."""
    deleted = ROWS_PER_COMMIT_MAX
    while deleted == ROWS_PER_COMMIT_MAX:
        async with session.transaction() as connection:
            deleted = await connection.run(_CLEAR, {"instance_id": instance_id, "limit": ROWS_PER_COMMIT_MAX})


_CLEAR = text("""
DELETE FROM profile_search WHERE (instance_id, customer_id, generation_from) IN (
    SELECT instance_id, customer_id, generation_from FROM profile_search WHERE instance_id = :instance_id
    LIMIT :limit)
""")


async def fill_changes(session: Session, instance_id: int) -> None:
    """Give changes their tokens that were written before there were any."""
    while True:
        async with session.scratch() as connection:
            found = await connection.fetch_all(
                _CHANGES_WITHOUT, {"instance_id": instance_id, "limit": ROWS_PER_COMMIT_MAX}
            )
        if not found:
            return
        rows = await asyncio.to_thread(_change_rows, found, is_postgresql=session.is_postgresql)
        await _write(session, _UPDATE_CHANGES, _CHANGE_KEYS, instance_id, rows)


_CHANGES_WITHOUT = text("""
SELECT customer_id, sequence, CAST(column_values AS TEXT) AS document FROM override
WHERE instance_id = :instance_id AND tokens IS NULL LIMIT :limit
""")

_UPDATE_CHANGES = """
UPDATE override SET tokens = new.tokens FROM {rows}
WHERE override.instance_id = :instance_id AND override.customer_id = new.customer_id
  AND override.sequence = new.sequence
"""


async def _fill_batch(
    session: Session, instance_id: int, names: Collection[str], after: _Place, generation: int | None
) -> _Place | None:
    """Return where the next batch begins; None after the last."""
    async with session.scratch() as connection:
        if session.is_postgresql:
            await connection.fetch_all(_BY_PRIMARY_KEY)
        found = await _read(connection, instance_id, after, generation)
        had = await _read_tokens(connection, instance_id, found) if found else {}
    rows = await asyncio.to_thread(_rows, found, had, names, is_postgresql=session.is_postgresql)
    if rows:
        await _write(session, _UPSERT, _KEYS, instance_id, rows)
    is_last = len(found) < ROWS_PER_COMMIT_MAX
    return None if is_last else _Place(found[-1].customer_id, found[-1].generation_from)


async def _read(
    connection: ReadConnection, instance_id: int, after: _Place, generation: int | None
) -> Sequence[Row[Any]]:
    values = {
        "instance_id": instance_id,
        "customer_id": after.customer_id,
        "number": after.number,
        "limit": ROWS_PER_COMMIT_MAX,
    }
    only = "" if generation is None else f"AND generation_from = {generation:d}"
    return await connection.fetch_all(text(_ROWS_BEHIND.format(only=only)), values)


# Rows that a refresh has just written have no statistics, and PostgreSQL would sort all that are left for every batch.
_BY_PRIMARY_KEY = text("""
SELECT set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true),
       set_config('enable_bitmapscan', 'off', true)
""")

_ROWS_BEHIND = """
SELECT customer_id, generation_from, CAST(document AS TEXT) AS document FROM snapshot_profile
WHERE instance_id = :instance_id AND (customer_id, generation_from) > (:customer_id, :number) {only}
ORDER BY customer_id, generation_from LIMIT :limit
"""


async def _read_tokens(
    connection: ReadConnection, instance_id: int, found: Sequence[Row[Any]]
) -> dict[tuple[str, int], set[str]]:
    """Those of the same stretch of customers: a join of the two tables, before they have statistics, is slow."""
    values = {"instance_id": instance_id, "first": found[0].customer_id, "last": found[-1].customer_id}
    rows = await connection.fetch_all(_TOKENS_BETWEEN, values)
    return {(row.customer_id, row.generation_from): set(rowset.load_tokens(row.tokens)) for row in rows}


_TOKENS_BETWEEN = text("""
SELECT customer_id, generation_from, tokens FROM profile_search
WHERE instance_id = :instance_id AND customer_id BETWEEN :first AND :last
""")

# WHERE true: else SQLite takes ON CONFLICT for the condition of a join.
_UPSERT = """
INSERT INTO profile_search (instance_id, customer_id, generation_from, tokens)
SELECT :instance_id, new.customer_id, new.generation_from, new.tokens FROM {rows} WHERE true
ON CONFLICT (instance_id, customer_id, generation_from) DO UPDATE SET tokens = excluded.tokens
"""


async def _write(
    session: Session, statement: str, columns: dict[str, str], instance_id: int, rows: list[dict[str, Any]]
) -> None:
    source = rowset.rows_from_json(columns, is_postgresql=session.is_postgresql)
    async with session.transaction() as connection:
        await connection.run(text(statement.format(rows=source)), {"instance_id": instance_id, "rows": dump_json(rows)})


def _rows(
    found: Sequence[Row[Any]],
    had: Mapping[tuple[str, int], set[str]],
    names: Collection[str],
    *,
    is_postgresql: bool,
) -> list[dict[str, Any]]:
    """Those that lack tokens, with what they had."""
    rows = []
    for row in found:
        those = had.get((row.customer_id, row.generation_from), set())
        needed = set(tokens.document_tokens(load_json(row.document), names))
        if not needed <= those:
            value = rowset.token_value(sorted(those | needed), is_postgresql=is_postgresql)
            rows.append({"customer_id": row.customer_id, "generation_from": row.generation_from, "tokens": value})
    return rows


def _change_rows(found: Sequence[Row[Any]], *, is_postgresql: bool) -> list[dict[str, Any]]:
    rows = []
    for row in found:
        document = load_json(row.document)
        value = rowset.token_value(tokens.document_tokens(document, document), is_postgresql=is_postgresql)
        rows.append({"customer_id": row.customer_id, "sequence": row.sequence, "tokens": value})
    return rows
