"""Where the rows of a source table come from, as an environment file says it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

CSV_SUFFIXES: Final = (".csv",)
JSON_LINES_SUFFIXES: Final = (".jsonl", ".ndjson")
PARQUET_SUFFIXES: Final = (".parquet",)


@dataclass(frozen=True, slots=True)
class FileSource:
    """`path` is absolute: a file, a pattern such as `…/contacts/*.csv`, or a folder, with or without partitions."""

    path: Path


@dataclass(frozen=True, slots=True)
class DatabaseSource:
    """A table, whose name may have a schema before a point, or a query; the address may hold a password.

    With a `watermark`, a column whose values only grow, rows below the highest one that was read are not read again.
    """

    url: str = field(repr=False)
    table: str | None = None
    query: str | None = None
    watermark: str | None = None


Source = FileSource | DatabaseSource
