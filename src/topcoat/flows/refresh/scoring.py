"""How well records were brought together, held against a truth that somebody knows: by pairs, without making them."""

import itertools
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import ibis
import pyarrow
from ibis.backends.duckdb import Backend
from ibis.expr import types as ir

from topcoat.core import catalog
from topcoat.core.catalog import Column, Table, TableKind
from topcoat.flows.refresh import source_records
from topcoat.flows.refresh.environment import Environment
from topcoat.flows.refresh.report import Quality
from topcoat.flows.refresh.source_records import Source
from topcoat.flows.refresh.workspace import Workspace
from topcoat.store import instances, key_rings
from topcoat.store import source_records as record_store
from topcoat.store.engine import Store

PAGE_ROWS: Final = 50_000
TRUTH: Final = Table(
    name="truth",
    kind=TableKind.SOURCE,
    columns=tuple(Column(name, is_mandatory=True) for name in ("Table", "Key", "Person")),
    primary_key="Key",
)
_RECORD: Final = {"source_table": "string", "source_key": "string"}
_KNOWN: Final = _RECORD | {"person": "string", "line": "int64"}


def quality(truth: ir.Table, ring: ir.Table) -> Quality:
    """Of `truth(source_table, source_key, person)` and `ring(source_table, source_key, customer_id)`.

    A record that is not in the key ring is alone. Who says of no pair that it is one person says nothing wrong, and
    where there is none to find, all are found.
    """
    found = truth.inner_join(ring, list(_RECORD))
    said, actual = _count_pairs(found, "customer_id"), _count_pairs(truth, "person")
    both = _count_pairs(found, "customer_id", "person")
    precision = both / said if said else 1.0
    recall = both / actual if actual else 1.0
    total = precision + recall
    return Quality(precision, recall, 2 * precision * recall / total if total else 0.0)


def _count_pairs(records: ir.Table, *alike: str) -> int:
    """Of n records that are alike in these columns, n * (n - 1) / 2."""
    groups = records.group_by(list(alike)).agg(size=records.count())
    pairs = groups.agg(pairs=(groups.size * (groups.size - 1) // 2).sum())
    return int(pairs.to_pyarrow()["pairs"][0].as_py() or 0)


def check_truth(file: Path, environment: Environment, workspace: Workspace) -> None:
    """Raise `SourceInvalid` for what can be seen without a key ring."""
    with _opened(file, environment, workspace):
        pass


async def score(store: Store, environment: Environment, generation: int, file: Path, workspace: Workspace) -> Quality:
    """Of a generation's key ring; raise `SourceInvalid` for a key that no record has."""
    async with store.glancing() as connection:
        stand = await instances.find_stand(connection, environment.instance_id)
    assert stand is not None  # it was just refreshed
    snapshot = _Snapshot(store, stand.instance_id, generation)
    with _opened(file, environment, workspace) as backend:
        await _fill(backend, "ring", _RECORD | {"customer_id": "string"}, snapshot.read_key_ring())
        await _refuse_strangers(backend, snapshot, _source(file))
        return quality(backend.table("truth"), backend.table("ring"))


@contextmanager
def _opened(file: Path, environment: Environment, workspace: Workspace) -> Iterator[Backend]:
    """A database with the table `truth`."""
    with TemporaryDirectory(prefix="topcoat-") as folder:
        backend = ibis.duckdb.connect(
            memory_limit=workspace.memory_max, threads=workspace.threads, temp_directory=folder
        )
        try:
            _load_truth(backend, file, environment)
            yield backend
        finally:
            backend.disconnect()


def _source(file: Path) -> Source:
    names = tuple(TRUTH.columns_by_name)
    return Source(file, TRUTH, header=names, required=names)


def _load_truth(backend: Backend, file: Path, environment: Environment) -> None:
    source = _source(file)
    backend.create_table("truth", schema=ibis.schema(_KNOWN))
    rows = _read_truth(source, [t.name for t in environment.catalog.tables if t.kind is TableKind.SOURCE])
    while page := list(itertools.islice(rows, PAGE_ROWS)):
        _append(backend, "truth", _KNOWN, page)
    truth = backend.table("truth")
    repeated = truth.group_by(list(_RECORD)).agg(line=truth.line.max(), other=truth.line.min(), size=truth.count())
    for row in _first(repeated.filter(repeated.size > 1)):
        source.refuse(row["line"], f"the key {_shown(row)} is there already, in line {row['other']}")


def _read_truth(source: Source, tables: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    for line, record in source_records.read_records(source, lambda _: None):
        if record["Table"] not in tables:
            hint = catalog.suggestion(record["Table"], tables)
            source.refuse(line, f"'{catalog.shown(record['Table'])}' is no source table of the environment{hint}")
        yield record["Table"], record["Key"], record["Person"], line


async def _refuse_strangers(backend: Backend, snapshot: "_Snapshot", source: Source) -> None:
    """Keys that are in no key ring must be those of records, where the records of their table are kept."""
    alone = backend.table("truth").anti_join(backend.table("ring"), list(_RECORD))
    tables = alone.source_table.name("source_table").as_table().distinct().to_pyarrow()["source_table"].to_pylist()
    await _fill(backend, "kept", _RECORD, snapshot.read_records(sorted(tables)))
    kept = backend.table("kept")
    strangers = alone.semi_join(kept, "source_table").anti_join(kept, list(_RECORD))
    for row in _first(strangers):
        source.refuse(row["line"], f"there is no record with the key {_shown(row)}")


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """Pages of a generation's rows."""

    store: Store
    instance_id: int
    generation: int

    async def read_key_ring(self) -> AsyncIterator[list[tuple[Any, ...]]]:
        after = ("", "")
        while True:
            async with self.store.glancing() as connection:
                page = await key_rings.list_page(
                    connection, self.instance_id, self.generation, after=after, limit=PAGE_ROWS
                )
            if not page:
                return
            yield page
            after = page[-1][0], page[-1][1]

    async def read_records(self, tables: Sequence[str]) -> AsyncIterator[list[tuple[Any, ...]]]:
        for table in tables:
            after = ""
            while True:
                async with self.store.glancing() as connection:
                    keys = await record_store.list_keys(
                        connection, self.instance_id, self.generation, table=table, after=after, limit=PAGE_ROWS
                    )
                if not keys:
                    break
                yield [(table, key) for key in keys]
                after = keys[-1]


async def _fill(
    backend: Backend, name: str, types: Mapping[str, str], pages: AsyncIterator[list[tuple[Any, ...]]]
) -> None:
    backend.create_table(name, schema=ibis.schema(types))
    async for page in pages:
        _append(backend, name, types, page)


def _append(backend: Backend, name: str, types: Mapping[str, str], rows: Sequence[tuple[Any, ...]]) -> None:
    columns = dict(zip(types, zip(*rows, strict=True), strict=True))
    schema = ibis.schema(types).to_pyarrow()
    backend.insert(name, pyarrow.table(columns, schema=schema))


def _first(faults: ir.Table) -> list[dict[str, Any]]:
    """The one that the file has first, if there is any."""
    first: list[dict[str, Any]] = faults.order_by("line").limit(1).to_pyarrow().to_pylist()
    return first


def _shown(row: Mapping[str, Any]) -> str:
    return f"'{catalog.shown(row['source_key'])}' of table {row['source_table']}"
