"""Frames become rows of the generation in the making: compared set-wise, only what differs is written (S20, S21)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

import ibis
from ibis.expr import types as ir

from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.output import difference, functions, remembered
from topcoat.flows.refresh.output.difference import Numbered
from topcoat.flows.refresh.output.snapshot_rows import SnapshotRows
from topcoat.flows.refresh.publication import Publication
from topcoat.store import engine as store_engine
from topcoat.store import loading
from topcoat.store.schema import GENERATION_OPEN
from topcoat.store.staging import SnapshotTable

COPIED_ROWS_MAX: Final = 50_000  # the engine takes as long to begin with few rows as with many

Span = tuple[int, int]
Made = TypeVar("Made")


async def write(publication: Publication, engine: Engine, table: SnapshotTable, *parts: SnapshotRows) -> None:
    """Make a snapshot table hold the rows of all parts and no others, from the generation in the making on."""
    await publication.begin()
    open_rows = await remembered.open_rows(publication, engine, table)
    differing = await engine.run(lambda: difference.compare(engine, table, open_rows, parts))
    publication.progress.start("Publishing", differing.closing.count + differing.opened, "rows")
    await _close(publication, engine, table, differing.closing)
    for part, opening in zip(parts, differing.opening, strict=True):
        await _open(publication, engine, table, part, opening)
    publication.report.closed[table.name] = differing.closing.count
    publication.report.opened[table.name] = differing.opened
    rows = difference.open_afterwards(differing, open_rows, parts)
    await engine.run(lambda: remembered.keep(publication, engine, table, rows))


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

    await _overlapped(publication.spans(closing.count), lambda span: _fetched(engine, closing.between(*span)), end)


async def _open(
    publication: Publication, engine: Engine, table: SnapshotTable, part: SnapshotRows, opening: Numbered
) -> None:
    session, spans = publication.session, publication.spans(opening.count, COPIED_ROWS_MAX)

    def rows(span: Span) -> ir.Table:
        return _completed(publication, table, part.finish(opening.between(*span)))

    async def copy(span: Span, file: Path) -> None:
        await loading.copy_rows(session, table, file, span[1] - span[0] + 1)
        await asyncio.to_thread(file.unlink)
        _advance(publication, span)

    async def insert(span: Span, records: list[dict[str, Any]]) -> None:
        await loading.insert_rows(session, table, records)
        _advance(publication, span)

    if session.is_postgresql:
        await _overlapped(spans, lambda span: _filed(engine, rows(span), span), copy)
    else:
        await _overlapped(spans, lambda span: _fetched(engine, rows(span)), insert)


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


async def _filed(engine: Engine, rows: ir.Table, span: Span) -> Path:
    file = engine.folder / f"{span[0]}.csv"
    await engine.run(lambda: engine.backend.raw_sql(_copy(engine, rows, file)))
    return file


def _copy(engine: Engine, rows: ir.Table, file: Path) -> str:
    """Ibis would spell the control characters of the dialect as Python does."""
    dialect = "".join(f", {name} '{mark}'" for name, mark in store_engine.COPIED.items())
    place = str(file).replace("'", "''")
    return f"COPY ({engine.backend.compile(rows)}) TO '{place}' (FORMAT csv, HEADER false{dialect})"


async def _fetched(engine: Engine, rows: ir.Table) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = await engine.run(lambda: rows.to_pyarrow().to_pylist())
    return records


def _advance(publication: Publication, span: Span) -> None:
    publication.progress.advance(span[1] - span[0] + 1)
