"""Which rows are open in the active generation: kept beside the engine, and else read from the database.

What is kept counts only while the very generation is active behind which it was written.
"""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import duckdb
import ibis
from ibis.expr import types as ir

from topcoat.clock import to_microseconds
from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.output import snapshot_rows
from topcoat.flows.refresh.publication import Publication
from topcoat.store import generations, loading
from topcoat.store.staging import SnapshotTable

_STAMP: Final = "open_rows.json"


@dataclass(frozen=True, slots=True)
class Stamp:
    """An activation; `activated_at` in microseconds tells a restored database from the one that was left."""

    instance_id: int
    generation: int
    activated_at: int


async def open_rows(publication: Publication, engine: Engine, table: SnapshotTable) -> ir.Table:
    """Keys and digests of the rows that are open now."""
    active = await _active(publication, publication.active)
    if active is not None and active == await engine.run(lambda: _find_stamp(engine)):
        file = _file(engine, publication.instance_id, publication.active, table)
        try:
            return await engine.run(lambda: engine.backend.read_parquet(file, table_name=f"open_{table.name}"))
        except duckdb.Error:  # it is gone, or it is no such file any more
            pass
    return await _read_open_rows(publication, engine, table)


def keep(publication: Publication, engine: Engine, table: SnapshotTable, rows: ir.Table) -> None:
    """The rows that will be open under the generation in the making."""
    file = _file(engine, publication.instance_id, publication.report.generation, table)
    engine.backend.to_parquet(rows, file)
    _sync(file)


async def remember(publication: Publication, engine: Engine) -> None:
    """Behind the activation of what was kept; where the disk refuses, the next refresh asks the database."""
    stamp = await _active(publication, publication.report.generation)
    if stamp is None:
        return
    with suppress(OSError):
        await engine.run(lambda: _vouch(engine, stamp))


def _vouch(engine: Engine, stamp: Stamp) -> None:
    new = engine.folder / f"{_STAMP}.new"
    new.write_text(json.dumps(asdict(stamp)))
    _sync(new)
    new.replace(engine.folder / _STAMP)
    for file in engine.folder.glob("open_*.parquet"):
        if not file.name.endswith(_ending(stamp.instance_id, stamp.generation)):
            file.unlink()


def _find_stamp(engine: Engine) -> Stamp | None:
    try:
        return Stamp(**json.loads((engine.folder / _STAMP).read_text()))
    except (OSError, ValueError, TypeError):
        return None


async def _active(publication: Publication, generation: int) -> Stamp | None:
    async with publication.session.scratch() as connection:
        at = await generations.find_activated_at(connection, publication.instance_id, generation)
    return None if at is None else Stamp(publication.instance_id, generation, to_microseconds(at))


async def _read_open_rows(publication: Publication, engine: Engine, table: SnapshotTable) -> ir.Table:
    if not publication.active:
        return await engine.run(lambda: engine.keep(f"open_{table.name}", _nothing(table)))
    file = engine.scratch / f"{table.name}.csv"
    with engine.within_limits():
        await loading.export_open(publication.session, table, publication.instance_id, file)
    return await engine.run(lambda: _loaded(engine, table, file))


def _loaded(engine: Engine, table: SnapshotTable, file: Path) -> ir.Table:
    has_digest = "digest" in table.columns
    names = [*table.key, *(["digest"] if has_digest else [])]
    rows = read_exported(engine, file, names)
    digest = rows.digest.cast("uuid") if has_digest else snapshot_rows.key_digest(rows, table)
    kept = engine.keep(f"open_{table.name}", rows.mutate(digest=digest))
    file.unlink()
    return kept


def _nothing(table: SnapshotTable) -> ir.Table:
    return ibis.memtable([], schema=dict.fromkeys(table.key, "string") | {"digest": "uuid"})


def read_exported(engine: Engine, file: Path, names: Sequence[str]) -> ir.Table:
    """A view of a CSV file that the store exported, all of it text and nothing null."""
    return engine.backend.read_csv(
        file,
        header=False,
        columns=dict.fromkeys(names, "VARCHAR"),
        auto_detect=False,
        delim=",",
        quote='"',
        escape='"',
        force_not_null=list(names),  # the row by which a segment exists has an empty CustomerId
    )


def _file(engine: Engine, instance_id: int, generation: int, table: SnapshotTable) -> Path:
    return engine.folder / f"open_{table.name}{_ending(instance_id, generation)}"


def _ending(instance_id: int, generation: int) -> str:
    return f".{instance_id}.{generation}.parquet"


def _sync(file: Path) -> None:
    """A stamp must not outlive what it vouches for."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
