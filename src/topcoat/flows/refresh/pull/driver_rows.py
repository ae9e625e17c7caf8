"""Rows as a database's driver gives them, typed and judged, in batches."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson
import pyarrow as pa

from topcoat.core import catalog
from topcoat.core.catalog import Table
from topcoat.flows.refresh.pull import driver_values
from topcoat.flows.refresh.pull.files import RECORD_NUMBER
from topcoat.flows.refresh.pull.quarantine import FAULTY_COLUMN, RAW_RECORD, REASON, SOURCE_NAME

Batch = Sequence[Sequence[Any]]

_EMPTY_KEY: Final = "the primary key is empty, expected a value"
_BAD_KEY: Final = f"expected a primary key of at most {catalog.ID_LENGTH_MAX} characters without control characters"


def judged_schema(table: Table) -> pa.Schema:
    typed = {column.name: driver_values.ARROW_TYPES[column.type] for column in table.columns}
    texts = dict.fromkeys((SOURCE_NAME, FAULTY_COLUMN, REASON, RAW_RECORD), pa.string())
    return pa.schema([*typed.items(), (RECORD_NUMBER, pa.int64()), *texts.items()])


def judge(table: Table, rows: Batch, *, first: int, source: str) -> pa.Table:
    """The rows typed, each with its first fault; `first` is the number of the first."""
    arrays = []
    faults: dict[int, tuple[str, str]] = {}
    for column, values in zip(table.columns, zip(*rows, strict=True), strict=True):
        array, reasons = driver_values.typed_values(table, column, values)
        if column.name == table.primary_key:
            reasons = dict(_key_faults(array)) | reasons
        for place, reason in reasons.items():
            faults.setdefault(place, (column.name, reason))
        arrays.append(array)
    count = len(rows)
    found = [faults.get(place, (None, None)) for place in range(count)]
    judgement = [
        pa.array(range(first, first + count), pa.int64()),
        pa.repeat(source, count),
        pa.array([column for column, _ in found], pa.string()),
        pa.array([reason for _, reason in found], pa.string()),
        pa.array([_record(table, row) if place in faults else None for place, row in enumerate(rows)], pa.string()),
    ]
    return pa.Table.from_arrays([*arrays, *judgement], schema=judged_schema(table))


def _key_faults(keys: pa.Array) -> Iterator[tuple[int, str]]:
    """As `catalog.check_id` judges; an integer's text is always one."""
    for place, key in enumerate(keys.to_pylist()):
        if key is None or key == "":
            yield place, _EMPTY_KEY
        elif isinstance(key, str) and not catalog.check_id(key):
            yield place, _BAD_KEY


def _record(table: Table, row: Sequence[Any]) -> str:
    """As JSON; what JSON does not have is a text."""
    return orjson.dumps(dict(zip(table.columns_by_name, row, strict=True)), default=str).decode()
