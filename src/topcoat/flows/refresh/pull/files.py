"""Which files a source names, and the raw rows of one file as a table of the backend."""

import csv
import enum
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import unquote

import duckdb
import ibis
import orjson
from ibis.backends.duckdb import Backend
from ibis.expr import types as ir

from topcoat.core import catalog, errors
from topcoat.core.catalog import Table
from topcoat.flows.refresh import source_lines
from topcoat.flows.refresh.engine import create_view
from topcoat.flows.refresh.pull.typing import Notation
from topcoat.flows.refresh.source_lines import LINE_BYTES_MAX
from topcoat.flows.refresh.source_places import CSV_SUFFIXES, JSON_LINES_SUFFIXES, PARQUET_SUFFIXES, FileSource, Source

# Blanks keep these apart from columns of tables, whose names are identifiers.
RECORD_NUMBER: Final = "record number"
WHOLE_RECORD: Final = "whole record"
_VALUES: Final = "values of the record"

_BUFFER_BYTES: Final = 2 * LINE_BYTES_MAX
_WILDCARDS: Final = re.compile(r"[*?\[]")
_NULL_PARTITION: Final = "__HIVE_DEFAULT_PARTITION__"
_FILE_ROW: Final = "file_row_number"  # the backend's name
_SHOWN_COLUMNS_MAX: Final = 10


class Format(enum.Enum):
    CSV = "CSV"
    JSON_LINES = "JSON Lines"
    PARQUET = "Parquet"


_SUFFIXES: Final = {
    Format.CSV: CSV_SUFFIXES,
    Format.JSON_LINES: JSON_LINES_SUFFIXES,
    Format.PARQUET: PARQUET_SUFFIXES,
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """`name` tells it from others of its source; `partitions` are columns whose values its path gives."""

    path: Path
    name: str
    format: Format
    partitions: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class RawRows:
    """`rows` has a column for each of the table's, written in its notation, and `RECORD_NUMBER`.

    Where a record may be none of the table's at all, `WHOLE_RECORD` is its text. `schema` has the type of each column
    in the file, where files have such.
    """

    rows: ir.Table
    notations: Mapping[str, Notation]
    schema: Mapping[str, str]


def list_files(table: Table, source: FileSource) -> list[SourceFile]:
    """In the order of their names, at least one; raise `SourceFaulty` where there is none."""
    path = source.path
    if path.is_dir():
        return _listed(table, path, path, _below(path))
    if path.is_file():
        return _listed(table, path, path.parent, [path], is_partitioned=False)
    root = next(parent for parent in path.parents if not _WILDCARDS.search(str(parent)))
    pattern = str(path.relative_to(root))
    if not _WILDCARDS.search(pattern):
        refuse(path, table, "the file does not exist")
    return _listed(table, path, root, [file for file in root.glob(pattern) if file.is_file()])


def count_bytes(table: Table, source: Source) -> int:
    """Of all files, for whoever watches them being read; 0 where there are none, as of a database."""
    if not isinstance(source, FileSource):
        return 0
    return sum(file.path.stat().st_size for file in list_files(table, source))


def read_raw(backend: Backend, table: Table, file: SourceFile) -> RawRows:
    """A view, read when it is asked; raise `SourceFaulty` for a file whose columns are not the table's."""
    match file.format:
        case Format.CSV:
            rows, notation = _read_csv(backend, table, file), Notation.TEXT
        case Format.JSON_LINES:
            rows, notation = _read_json_lines(backend, table, file), Notation.JSON
        case Format.PARQUET:
            rows, notation = _read_parquet(backend, table, file), Notation.NATIVE
    notations = dict.fromkeys(table.columns_by_name, notation)
    notations |= dict.fromkeys((name for name, _ in file.partitions), Notation.TEXT)
    parts = {name: ibis.literal(value, "string") for name, value in file.partitions}
    is_typed = file.format is Format.PARQUET
    schema = {name: str(rows[name].type()) for name in table.columns_by_name if name not in parts} if is_typed else {}
    return RawRows(rows.mutate(**parts), notations, schema)


def explain(table: Table, file: SourceFile, error: duckdb.Error) -> Exception:
    """What the backend says of a file that it cannot read, as `SourceFaulty`; the error itself where it is another."""
    if not isinstance(error, duckdb.InvalidInputException) and type(error) is not duckdb.Error:
        return error
    match file.format:
        case Format.CSV:
            where, reason = _csv_fault(str(error))
        case Format.JSON_LINES:
            where, reason = _json_fault(file.path) or ("", f"the JSON is broken: {_first_line(error)}")
        case Format.PARQUET:
            where, reason = "", f"the file cannot be read as Parquet: {_first_line(error)}"
    return errors.SourceFaulty(source=file.path, table=table.name, where=where, reason=reason)


def describe_changes(backend: Backend, file: SourceFile, earlier: Mapping[str, str]) -> str:
    """What became of the columns of a Parquet file since they were `earlier`, to follow a fault; often nothing."""
    if not earlier:
        return ""
    try:
        now = {name: str(type_) for name, type_ in _parquet_rows(backend, file).drop(_FILE_ROW).schema().items()}
    except duckdb.Error:
        return ""
    changes = [
        *(f"column {name} was there" for name in earlier if name not in now),
        *(f"column {name} was not there" for name in now if name not in earlier),
        *(f"column {n} was {earlier[n]} and is {now[n]}" for n in now if n in earlier and now[n] != earlier[n]),
    ]
    return f" (when it was read last, {'; '.join(changes[:_SHOWN_COLUMNS_MAX])})" if changes else ""


def _below(folder: Path) -> list[Path]:
    """Writers leave files beside the data whose names begin so, such as `_SUCCESS`."""
    hidden = (".", "_")
    files = (Path(root, name) for root, _, names in os.walk(folder) for name in names)
    return [f for f in files if not any(part.startswith(hidden) for part in f.relative_to(folder).parts)]


def _listed(
    table: Table, path: Path, root: Path, files: Sequence[Path], *, is_partitioned: bool = True
) -> list[SourceFile]:
    if not files:
        refuse(path, table, "no file matches" if not path.is_dir() else "the folder holds no files")
    listed = [_source_file(table, file, root, is_partitioned=is_partitioned) for file in files]
    first = listed[0]
    other = next((file for file in listed if file.format is not first.format), None)
    if other is not None:
        formats = f"{first.format.value} such as {first.name} and {other.format.value} such as {other.name}"
        refuse(path, table, f"found files of {formats}, expected files of one format")
    return sorted(listed, key=lambda file: file.name)


def _source_file(table: Table, path: Path, root: Path, *, is_partitioned: bool) -> SourceFile:
    if _WILDCARDS.search(str(path)):
        refuse(path, table, "the characters *, ? and [ stand for others in a path; expected a name without them")
    name = path.relative_to(root)
    format_ = next((f for f, suffixes in _SUFFIXES.items() if path.suffix.lower() in suffixes), None)
    if format_ is None:
        expected = ", ".join(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)
        refuse(path, table, f"found a file named '{path.name}', expected one ending in {expected}")
    parts = [part.partition("=") for part in name.parts[:-1] if "=" in part] if is_partitioned else []
    return SourceFile(path, name.as_posix(), format_, tuple((column, _partition(text)) for column, _, text in parts))


def _partition(text: str) -> str | None:
    return None if text == _NULL_PARTITION else unquote(text)


def _read_csv(backend: Backend, table: Table, file: SourceFile) -> ir.Table:
    names = _csv_header(table, file)
    _check_columns(table, file, names)
    fields = backend.read_csv(
        str(file.path),
        table_name="csv fields",
        columns=dict.fromkeys(names, "string"),
        auto_detect=False,
        header=True,
        delim=",",
        quote='"',
        escape='"',
        max_line_size=LINE_BYTES_MAX,
        buffer_size=_BUFFER_BYTES,
    )
    return _numbered(fields)


def _csv_header(table: Table, file: SourceFile) -> Sequence[str]:
    try:
        with file.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as opened:
            names = next(csv.reader(opened, strict=True), [])
    except csv.Error as error:
        refuse(file.path, table, f"the CSV is broken: {error}", ", the header")
    if any("\udc80" <= character <= "\udcff" for name in names for character in name):
        refuse(file.path, table, "the text is not UTF-8", ", the header")
    if not names:
        refuse(file.path, table, f"the header is missing, expected {_joined(table.columns_by_name)}")
    return names


def _read_json_lines(backend: Backend, table: Table, file: SourceFile) -> ir.Table:
    """The values of each record are taken from its text in one go, by a view that others only look into."""
    parts = {name for name, _ in file.partitions}
    names = [name for name in table.columns_by_name if name not in parts]
    _check_columns(table, file, names)
    paths = ", ".join(_literal(f'$."{name}"') for name in names)
    records = backend.sql(
        f'SELECT json::VARCHAR AS "{WHOLE_RECORD}", json_extract(json, [{paths}])::VARCHAR[] AS "{_VALUES}" '
        f"FROM read_json_objects({_literal(str(file.path))}, format = 'newline_delimited')",
        schema={WHOLE_RECORD: "string", _VALUES: "array<string>"},
    )
    split = create_view(backend, "json values", _numbered(records))
    values = {name: split[_VALUES][place] for place, name in enumerate(names)}
    return split.select(RECORD_NUMBER, WHOLE_RECORD, **values)


def _read_parquet(backend: Backend, table: Table, file: SourceFile) -> ir.Table:
    rows = _parquet_rows(backend, file)
    _check_columns(table, file, [name for name in rows.columns if name != _FILE_ROW])
    return rows.mutate(**{RECORD_NUMBER: rows[_FILE_ROW] + 1}).drop(_FILE_ROW)


def _parquet_rows(backend: Backend, file: SourceFile) -> ir.Table:
    return backend.read_parquet(
        str(file.path), table_name="parquet rows", file_row_number=True, hive_partitioning=False
    )


def _numbered(rows: ir.Table) -> ir.Table:
    """In the order of the file, which the backend keeps for a window without an order of its own."""
    return rows.mutate(**{RECORD_NUMBER: ibis.row_number() + 1})


def _check_columns(table: Table, file: SourceFile, found: Sequence[str]) -> None:
    parts = [name for name, _ in file.partitions]
    for place, name in enumerate((*parts, *found)):
        if name not in table.columns_by_name:
            hint = catalog.suggestion(name, table.columns_by_name)
            refuse(file.path, table, f"found a column '{catalog.shown(name)}', which the table does not have{hint}")
        if name in found[: max(0, place - len(parts))]:
            refuse(file.path, table, f"found column {name} twice")
    missing = [name for name in table.columns_by_name if name not in found and name not in parts]
    if missing:
        refuse(file.path, table, f"found no column {_joined(missing)}", f", column {missing[0]}")


_CSV_ROW: Final = re.compile(r"CSV Error on Line: (\d+)")
_CSV_FIELDS: Final = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")


def _csv_fault(message: str) -> tuple[str, str]:
    """The backend counts records, and the header as one of them."""
    row = _CSV_ROW.search(message)
    where = f", row {int(row[1]) - 1}" if row else ""
    if fields := _CSV_FIELDS.search(message):
        return where, f"found {fields[2]} fields, expected {fields[1]} as in the header"
    if "unicode" in message:
        return where, "the text is not UTF-8"
    if "quote" in message.partition("Possible fixes")[0]:
        return where, "the CSV is broken: a quote that opens a field is not closed, or text follows the one that does"
    if "Maximum line size" in message:
        return where, f"the row is longer than the limit of {LINE_BYTES_MAX} bytes"
    return where, "the CSV is broken; expected commas, double quotes, and one kind of line end in the whole file"


def _json_fault(path: Path) -> tuple[str, str] | None:
    """The line that breaks a file is named exactly by reading up to it."""
    try:
        for line, text in source_lines.read_lines(path, lambda _: None):
            try:
                orjson.loads(text)
            except orjson.JSONDecodeError as error:
                if "UTF-8" in error.msg:
                    return f", line {line}", "the text is not UTF-8"
                reason = f"found no JSON ({error.msg} at column {error.colno}), expected one JSON object"
                return f", line {line}", reason
    except errors.SourceInvalid as error:
        return f", line {error.parts['line']}", error.parts["reason"]
    return None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _literal(text: str) -> str:
    quoted = text.replace("'", "''")
    return f"'{quoted}'"


def _joined(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _SHOWN_COLUMNS_MAX
    return ", ".join(listed[:_SHOWN_COLUMNS_MAX]) + (f" and {more} more" if more > 0 else "")


def refuse(path: Path, table: Table, reason: str, where: str = "") -> NoReturn:
    raise errors.SourceFaulty(source=path, table=table.name, where=where, reason=reason)
