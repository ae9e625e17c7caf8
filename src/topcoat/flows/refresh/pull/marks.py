"""What was read of a database by its watermark, kept until the next refresh with the mark that it reaches."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend
from ibis.expr import types as ir

from topcoat.core.catalog import Table
from topcoat.flows.refresh.pull.files import RECORD_NUMBER
from topcoat.flows.refresh.source_places import DatabaseSource

Mark = int | float | Decimal | str | date

_READERS: Final[dict[str, Any]] = {
    "int": int,
    "float": float,
    "Decimal": Decimal,
    "str": str,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
}


def is_mark(value: Any) -> bool:
    return type(value).__name__ in _READERS


def are_alike(mark: Any, other: Any) -> bool:
    """Whether the database can compare them, which it can not once the column is of another type."""
    return type(mark) is type(other) and _has_offset(mark) == _has_offset(other)


def _has_offset(mark: Any) -> bool:
    return getattr(mark, "tzinfo", None) is not None


@dataclass(frozen=True, slots=True)
class KeptRows:
    """A Parquet file; with another definition of the table or its source, it counts as lost."""

    file: Path
    definition: str

    @classmethod
    def of(cls, folder: Path, table: Table, source: DatabaseSource) -> Self:
        return cls(folder / f"{table.name}.watermarked.parquet", _definition(table, source))

    def find_mark(self) -> Mark | None:
        """None where nothing is kept, or nothing of use."""
        try:
            metadata = pq.read_metadata(self.file).metadata or {}
        except (OSError, pa.ArrowException):
            return None
        if metadata.get(b"definition") != self.definition.encode():
            return None
        kind, _, text = unquote(metadata.get(b"mark", b"").decode()).partition(" ")
        return _READERS[kind](text) if kind else None

    def rows(self, backend: Backend) -> ir.Table:
        return backend.read_parquet(self.file)

    def last_number(self, backend: Backend) -> int:
        """Of the records."""
        return int(self.rows(backend)[RECORD_NUMBER].max().fill_null(0).to_pyarrow().as_py())

    def keep(self, backend: Backend, rows: ir.Table, mark: Mark | None) -> None:
        """In one step: a refresh that is killed meanwhile leaves what there was."""
        unfinished = self.file.with_suffix(".unfinished")
        metadata = {"definition": self.definition, "mark": "" if mark is None else quote(_written(mark))}
        backend.to_parquet(rows, unfinished, kv_metadata=metadata)
        unfinished.replace(self.file)


def _written(mark: Mark) -> str:
    return f"{type(mark).__name__} {mark.isoformat() if isinstance(mark, date) else mark}"


def _definition(table: Table, source: DatabaseSource) -> str:
    """A password that changed is none of it."""
    address = source.url.rpartition("@")[2]
    zone = None if table.activity is None else table.activity.time_zone
    columns = [(column.name, column.type.value) for column in table.columns]
    parts = (address, source.table, source.query, source.watermark, table.primary_key, columns, zone)
    return hashlib.sha256(repr(parts).encode()).hexdigest()
