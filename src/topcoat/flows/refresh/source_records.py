"""Records of a table from CSV or JSON Lines, checked and in canonical form; nulls are left out."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

import orjson

from topcoat.core import catalog, errors, mapping
from topcoat.core.catalog import Column, ColumnType, Document, Table
from topcoat.flows.refresh import source_lines
from topcoat.flows.refresh.source_lines import Advance
from topcoat.flows.refresh.source_places import CSV_SUFFIXES

SHOWN_COLUMNS_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Source:
    """A file of records of a table: `header` must be in a CSV's header, `required` have a value in every record."""

    file: Path
    table: Table
    header: tuple[str, ...]
    required: tuple[str, ...]

    def refuse(self, line: int, reason: str) -> NoReturn:
        raise errors.SourceInvalid(file=self.file, line=line, reason=reason)


def read_records(source: Source, advance: Advance) -> Iterator[tuple[int, Document]]:
    """Yield each record with the number of its first line; raise `SourceInvalid` at the first fault."""
    is_csv = source.file.suffix.lower() in CSV_SUFFIXES
    records = _csv_records(source, advance) if is_csv else _json_records(source, advance)
    required = source.required
    for line, document in records:
        for name in required:
            if name not in document:
                source.refuse(line, f"column {name} is empty, expected a value: it is mandatory")
        yield line, document


def _csv_records(source: Source, advance: Advance) -> Iterator[tuple[int, Document]]:
    rows = csv.reader(_csv_lines(source.file, advance), strict=True)
    line = 1
    try:
        names = _checked_header(source, next(rows, []))
        parsers = _parsers(source.table)
        line = rows.line_num + 1
        for row in rows:
            if len(row) == len(names):
                document: Document = {name: text for name, text in zip(names, row, strict=True) if text}
                for name, parse in parsers:
                    if name in document:
                        document[name] = parse(document[name])
                yield line, document
            elif row:
                source.refuse(line, f"found {_counted(len(row))}, expected {len(names)} as in the header")
            line = rows.line_num + 1
    except csv.Error as error:
        source.refuse(line, f"the CSV is broken: {error}")
    except errors.WrongType as error:
        source.refuse(line, _wrong_type(error))


def _csv_lines(file: Path, advance: Advance) -> Iterator[str]:
    for chunk in source_lines.read_chunks(file, advance):
        yield from io.StringIO(source_lines.decode(file, chunk), newline="")


def _parsers(table: Table) -> list[tuple[str, Any]]:
    """For the columns whose text is not the value itself."""
    return [
        (column.name, partial(_parsed, table, column))
        for column in table.columns
        if column.type is not ColumnType.STRING
    ]


def _parsed(table: Table, column: Column, text: str) -> Any:
    return catalog.parse_text(table, column, mapping.localised(table, column.name, text))


def _checked_header(source: Source, names: Sequence[str]) -> Sequence[str]:
    if not names:
        source.refuse(1, f"the header is missing, expected {_listed(source.header)}")
    for number, name in enumerate(names):
        if name not in source.table.columns_by_name:
            source.refuse(1, f"the header has {_unknown_column(source.table, name)}")
        if name in names[:number]:
            source.refuse(1, f"the header has column {name} twice")
    missing = [name for name in source.header if name not in names]
    if missing:
        source.refuse(1, f"the header lacks {_listed(missing)}")
    return names


def _json_records(source: Source, advance: Advance) -> Iterator[tuple[int, Document]]:
    known = frozenset(source.table.columns_by_name)
    strings = frozenset(column.name for column in source.table.columns if column.type is ColumnType.STRING)
    for line, text in source_lines.read_lines(source.file, advance):
        record = _loaded(source, line, text)
        if not known.issuperset(record):
            unknown = next(name for name in record if name not in known)
            source.refuse(line, _unknown_column(source.table, unknown))
        # A string can hold no U+0000 and so needs no look inside, unless the line spells one.
        plain = strings if b"\\u0000" not in text else frozenset()
        try:
            document = {
                name: value if name in plain and type(value) is str else _validated(source.table, name, value)
                for name, value in record.items()
                if value is not None
            }
        except errors.WrongType as error:
            source.refuse(line, _wrong_type(error))
        yield line, document


def _loaded(source: Source, line: int, text: bytes) -> dict[str, Any]:
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        source.refuse(line, _broken_json(text, error))
    if not isinstance(record, dict):
        source.refuse(line, f"found {catalog.described(record)}, expected one JSON object")
    return record


def _broken_json(text: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        text.decode()
    except UnicodeDecodeError:
        return "the text is not UTF-8"
    return f"found no JSON ({error.msg} at column {error.colno}), expected one JSON object"


def _validated(table: Table, name: str, value: Any) -> Any:
    return catalog.validate_value(table, table.columns_by_name[name], mapping.localised(table, name, value))


def _wrong_type(error: errors.WrongType) -> str:
    return "column {column} got {found}, expected {expected}".format(**error.parts)


def _unknown_column(table: Table, name: str) -> str:
    hint = catalog.suggestion(name, table.columns_by_name)
    return f"column '{catalog.shown(name)}', which table {table.name} does not have{hint}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN_COLUMNS_MAX
    return ", ".join(names[:SHOWN_COLUMNS_MAX]) + (f" and {more} more" if more > 0 else "")


def _counted(fields: int) -> str:
    return "1 field" if fields == 1 else f"{fields} fields"
