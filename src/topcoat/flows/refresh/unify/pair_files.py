"""The files of pairs that match always, or never, whatever the rules say."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

import ibis
from ibis.expr import types as ir

from topcoat.core import errors

PAIRS_MAX: Final = 100_000

_COLUMNS: Final = ("Table", "Key", "OtherTable", "OtherKey")
_SCHEMA: Final = {"row": "int64", "column": "string", "source_table": "string", "source_key": "string"}


@dataclass(frozen=True, slots=True)
class Pair:
    """The nodes of the two records: of the winners that stand for them."""

    row: int
    left: str
    right: str


def read_pairs(path: PurePath | None, members: ir.Table, tables: Sequence[str]) -> list[Pair]:
    """Read a file of pairs of records of those tables; `members(source_table, source_key, node)` knows the records.

    Raise `SourceInvalid` for a file that is none of pairs, `SourceFaulty` for a pair of which there is no record.
    """
    if path is None:
        return []
    file = Path(path)
    rows = list(_rows(file))
    for number, row in enumerate(rows, 1):
        _check_tables(file, number, row, tables)
    nodes = _nodes(rows, members)
    return [_pair(file, number, row, nodes) for number, row in enumerate(rows, 1)]


def _rows(file: Path) -> Iterator[Mapping[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, strict=True)
            if not set(_COLUMNS) <= set(reader.fieldnames or ()):
                raise errors.SourceInvalid(file=file, line=1, reason=f"expected the columns {', '.join(_COLUMNS)}")
            for number, row in enumerate(reader, 1):
                if number > PAIRS_MAX:
                    raise errors.SourceInvalid(file=file, line=reader.line_num, reason=f"more than {PAIRS_MAX} pairs")
                if any(row[column] is None for column in _COLUMNS):
                    raise errors.SourceInvalid(file=file, line=reader.line_num, reason="expected four values")
                yield row
    except OSError as error:
        reason = f"the file cannot be read ({error.strerror or error})"
        raise errors.SourceInvalid(file=file, line=1, reason=reason) from None
    except UnicodeDecodeError:
        raise errors.SourceInvalid(file=file, line=1, reason="the text is not UTF-8") from None
    except csv.Error as error:
        raise errors.SourceInvalid(file=file, line=reader.line_num + 1, reason=f"it is not CSV ({error})") from None


def _check_tables(file: Path, number: int, row: Mapping[str, str], tables: Sequence[str]) -> None:
    for column in ("Table", "OtherTable"):
        if row[column] not in tables:
            reason = f"it is no table of customers; expected one of {', '.join(tables)}"
            raise errors.SourceFaulty(
                source=file, table=row[column], where=f", row {number}, column {column}", reason=reason
            )


def _nodes(rows: Sequence[Mapping[str, str]], members: ir.Table) -> dict[tuple[int, str], str]:
    asked = [
        {"row": number, "column": key, "source_table": row[table], "source_key": row[key]}
        for number, row in enumerate(rows, 1)
        for table, key in (("Table", "Key"), ("OtherTable", "OtherKey"))
    ]
    found = ibis.memtable(asked, schema=_SCHEMA).inner_join(members, ["source_table", "source_key"])
    return {(each["row"], each["column"]): each["node"] for each in found.to_pyarrow().to_pylist()}


def _pair(file: Path, number: int, row: Mapping[str, str], nodes: Mapping[tuple[int, str], str]) -> Pair:
    for table, column in (("Table", "Key"), ("OtherTable", "OtherKey")):
        if (number, column) not in nodes:
            where = f", row {number}, column {column}"
            raise errors.SourceFaulty(
                source=file, table=row[table], where=where, reason=f"no record has the key '{row[column]}'"
            )
    return Pair(number, nodes[number, "Key"], nodes[number, "OtherKey"])
