"""The rows of a source table from its files: read set-wise, typed, and those that cannot be put into quarantine."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from ibis.backends.duckdb import Backend
from ibis.expr import types as ir

from topcoat.core import errors
from topcoat.core.catalog import Table
from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.pull import files, quarantine
from topcoat.flows.refresh.pull.caching import Cache, Kept, PulledFile, Stamp
from topcoat.flows.refresh.pull.files import RECORD_NUMBER, SourceFile, count_bytes
from topcoat.flows.refresh.pull.quarantine import REASON, SOURCE_NAME
from topcoat.flows.refresh.source_lines import Advance
from topcoat.flows.refresh.source_places import FileSource

__all__ = ["Pulled", "count_bytes", "pull_table"]


@dataclass(frozen=True, slots=True)
class Pulled:
    """`rows` came in, `quarantined` of them were not taken; `files_read` of `files` were not known already.

    `digest` stands for all contents and the table's definition; `is_unchanged` says that it is that of the last pull.
    """

    rows: int
    quarantined: int
    files: int
    files_read: int
    digest: str
    is_unchanged: bool


def pull_table(engine: Engine, table: Table, source: FileSource, advance: Advance, *, share_max: float) -> Pulled:
    """Leave the rows as `pulled_<Table>`, and append to `quarantined`; `advance` is told bytes of files.

    Raise `SourceFaulty` for what nobody can read, `TooManyQuarantined` for more than a share of the rows.
    """
    backend = engine.backend
    cache = Cache(engine.folder, table)
    found = files.list_files(table, source)
    pulled = [_pull_file(backend, table, cache, file, advance) for file in found]
    rows = _kept_rows(backend, f"kept rows of {table.name}", [cache.path(file.kept) for file in pulled])
    taken, faulty = rows, []
    if any(file.kept.quarantined for file in pulled):
        taken, faulty = rows.filter(rows[REASON].isnull()), [rows.filter(rows[REASON].notnull())]
    repeated = cache.find_repeated(pulled) or _keep_repeated(backend, table, cache, taken)
    if repeated.rows:
        again = _kept_rows(backend, f"repeated keys of {table.name}", [cache.path(repeated)])
        taken, faulty = taken.anti_join(again, [SOURCE_NAME, RECORD_NUMBER]), [*faulty, again]
    engine.show(f"pulled_{table.name}", taken.select(*table.columns_by_name))
    quarantine.quarantine(backend, table, faulty)
    summary = _summary(cache, pulled, repeated)
    quarantine.check_share(backend, table, rows=summary.rows, quarantined=summary.quarantined, share_max=share_max)
    return summary


def _pull_file(backend: Backend, table: Table, cache: Cache, file: SourceFile, advance: Advance) -> PulledFile:
    try:
        stamp = Stamp.of(file.path)
        digest, pulled = cache.find_pulled(file.name, file.path, stamp)
    except OSError as error:
        files.refuse(file.path, table, f"the file cannot be read ({error.strerror or error})")
    if pulled is None:
        pulled = _read_file(backend, table, cache, file, stamp=stamp, digest=digest)
    advance(stamp.size_bytes)
    return pulled


def _read_file(
    backend: Backend, table: Table, cache: Cache, file: SourceFile, *, stamp: Stamp, digest: str
) -> PulledFile:
    earlier = cache.find_file(file.name)
    try:
        raw = files.read_raw(backend, table, file)
        judged = quarantine.judge(backend, table, raw, source=str(file.path), name=file.name)
        kept = cache.keep((file.name, digest), lambda path: _write(backend, judged, path))
    except duckdb.Error as error:
        raise files.explain(table, file, error) from error
    except errors.SourceFaulty as error:
        changes = "" if earlier is None else files.describe_changes(backend, file, earlier.schema)
        raise errors.SourceFaulty(**error.parts | {"reason": error.parts["reason"] + changes}) from None
    if Stamp.of(file.path) != stamp:
        files.refuse(file.path, table, "the file changed while it was read")
    return PulledFile(file.name, stamp, digest, kept, dict(raw.schema))


def _keep_repeated(backend: Backend, table: Table, cache: Cache, taken: ir.Table) -> Kept:
    repeated = quarantine.find_repeated(taken, table)
    return cache.keep(("repeated keys",), lambda path: _write(backend, repeated, path))


def _write(backend: Backend, rows: ir.Table, path: Path) -> tuple[int, int]:
    backend.to_parquet(rows, path)
    counted = f'SELECT count(*), count("{REASON}") FROM read_parquet(?)'
    (counts,) = backend.con.execute(counted, [str(path)]).fetchall()
    written, quarantined = map(int, counts)
    return written, quarantined


def _kept_rows(backend: Backend, name: str, paths: Sequence[Path]) -> ir.Table:
    return backend.read_parquet([str(path) for path in paths], table_name=name)


def _summary(cache: Cache, pulled: Sequence[PulledFile], repeated: Kept) -> Pulled:
    known = {file.kept for file in cache.earlier.files}
    earlier, notes = cache.earlier, cache.remember(pulled, repeated)
    return Pulled(
        rows=sum(file.kept.rows for file in pulled),
        quarantined=sum(file.kept.quarantined for file in pulled) + repeated.rows,
        files=len(pulled),
        files_read=sum(file.kept not in known for file in pulled),
        digest=notes.digest,
        is_unchanged=notes.digest == earlier.digest,
    )
