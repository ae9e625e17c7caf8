"""Frames become rows of the generation in the making: compared set-wise, only what differs is written (S20, S21)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import ibis
from ibis.expr import types as ir

from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.output import difference, functions, remembered
from topcoat.flows.refresh.output.difference import Numbered, Opening
from topcoat.flows.refresh.output.snapshot_rows import SnapshotRows
from topcoat.flows.refresh.publication import Publication
from topcoat.store import engine as store_engine
from topcoat.store import loading
from topcoat.store.schema import GENERATION_OPEN
from topcoat.store.staging import SnapshotTable

COPIED_ROWS_MAX: Final = 50_000  # the engine takes as long to begin with few rows as with many

Span = tuple[int, int]
Made = TypeVar("Made")


async def write(publication: Publication, engine: Engine, table: SnapshotTable, *parts: SnapshotRows) -> Sequence[int]:
    """Make a snapshot table hold the rows of all parts and no others, from the generation in the making on.

    Return how many rows each part has.
    """
    await publication.begin()
    open_rows = await remembered.open_rows(publication, engine, table)
    differing = await engine.run(lambda: difference.compare(engine, table, open_rows, parts))
    publication.progress.start("Publishing", differing.closed + differing.opened, "rows")
    if differing.closing is not None:
        await _close(publication, engine, table, differing.closing)
    for opening in differing.opening:
        await _open(publication, engine, table, opening)
    publication.report.closed[table.name] = differing.closed
    publication.report.opened[table.name] = differing.opened
    rows = difference.open_afterwards(table, differing, open_rows)
    await engine.run(lambda: remembered.keep(publication, engine, table, rows))
    return differing.rows


async def remember(publication: Publication, engine: Engine) -> None:
    """Once the generation is active: the next refresh need not ask the database what is in it."""
    await remembered.remember(publication, engine)


async def _close(publication: Publication, engine: Engine, table: SnapshotTable, closing: Numbered) -> None:
    async def end(span: Span, keys: list[dict[str, Any]]) -> None:
        await loading.close_keys(
            publication.session,
            table,
            [tuple(key[name] for name in table.key) for key in keys],
            instance_id=publication.instance_id,
            generation=publication.report.generation,
        )
        _advance(publication, span)

    asked = await engine.run(lambda: engine.backend.compile(closing.span))
    await _overlapped(publication.spans(closing.count), lambda span: _fetched(engine, asked, span), end)


async def _open(publication: Publication, engine: Engine, table: SnapshotTable, opening: Opening) -> None:
    session, spans = publication.session, publication.spans(opening.rows.count, COPIED_ROWS_MAX)
    rows = _completed(publication, table, opening.part.finish(opening.rows.span))
    asked = await engine.run(lambda: engine.backend.compile(rows))

    async def copy(span: Span, file: Path) -> None:
        await loading.copy_rows(session, table, file, span[1] - span[0] + 1)
        await asyncio.to_thread(file.unlink)
        _advance(publication, span)

    async def insert(span: Span, records: list[dict[str, Any]]) -> None:
        await loading.insert_rows(session, table, records)
        _advance(publication, span)

    if session.is_postgresql:
        await _overlapped(spans, lambda span: _filed(engine, asked, span), copy)
    else:
        await _overlapped(spans, lambda span: _fetched(engine, asked, span), insert)


async def _overlapped(
    spans: Iterable[Span], make: Callable[[Span], Awaitable[Made]], load: Callable[[Span, Made], Awaitable[None]]
) -> None:
    """Make what comes next while the database takes what was made."""
    before: tuple[Span, Made] | None = None
    for span in spans:
        making = asyncio.ensure_future(make(span))
        try:
            if before is not None:
                await load(*before)
        finally:
            made = await making
        before = span, made
    if before is not None:
        await load(*before)


def _completed(publication: Publication, table: SnapshotTable, finished: ir.Table) -> ir.Table:
    """With the generation's columns, in the order of the database's; digests as the driver takes them."""
    columns: dict[str, ir.Value] = {
        "instance_id": ibis.literal(publication.instance_id),
        "generation_from": ibis.literal(publication.report.generation),
        "generation_to": ibis.literal(GENERATION_OPEN),
    }
    columns |= {name: finished[name] for name in table.columns}
    if "digest" in columns:
        digits = finished.digest.cast("string").replace("-", "")
        columns["digest"] = (
            ibis.literal(r"\x") + digits if publication.session.is_postgresql else functions.unhex(digits)
        )
    return finished.select(**columns)


async def _filed(engine: Engine, asked: str, span: Span) -> Path:
    """Ibis would spell the control characters of the dialect as Python does."""
    file = engine.scratch / f"{span[0]}.csv"
    place = str(file).replace("'", "''")
    dialect = "".join(f", {name} '{mark}'" for name, mark in store_engine.COPIED.items())
    copy = f"COPY ({asked}) TO '{place}' (FORMAT csv, HEADER false{dialect})"
    await engine.run(lambda: _connection(engine, span).execute(copy))
    return file


async def _fetched(engine: Engine, asked: str, span: Span) -> list[dict[str, Any]]:
    """What is asked is compiled once for all spans: that takes longer than asking for few rows."""
    records: list[dict[str, Any]] = await engine.run(
        lambda: _connection(engine, span).sql(asked).to_arrow_table().to_pylist()
    )
    return records


def _connection(engine: Engine, span: Span) -> Any:
    """Where a span of rows is the next to be asked for."""
    first, last = span
    return engine.backend.con.execute(
        f"SET VARIABLE {difference.FIRST} = {first}; SET VARIABLE {difference.LAST} = {last}"
    )


def _advance(publication: Publication, span: Span) -> None:
    publication.progress.advance(span[1] - span[0] + 1)
