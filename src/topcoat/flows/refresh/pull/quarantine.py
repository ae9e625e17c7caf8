"""Rows that a table cannot take: what is wrong with each, where they are kept, and how many are too many."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import ibis
from ibis.backends.duckdb import Backend
from ibis.expr import types as ir

from topcoat.core import catalog, corrupt_rows, errors
from topcoat.core.catalog import Column, ColumnType, Table
from topcoat.flows.refresh.engine import create_view
from topcoat.flows.refresh.pull import backend_functions as functions
from topcoat.flows.refresh.pull import typing
from topcoat.flows.refresh.pull.files import RECORD_NUMBER, WHOLE_RECORD, RawRows

QUARANTINED: Final = "quarantined"

# Columns of judged rows beside those of the table; blanks keep them apart from identifiers.
SOURCE_NAME: Final = "source name"
FAULTY_COLUMN: Final = "faulty column"
REASON: Final = "reason of refusal"
RAW_RECORD: Final = "raw record"

_FAULT: Final = "number of the fault"
_CREATED: Final = f"""
CREATE TABLE IF NOT EXISTS {QUARANTINED}
(source_table VARCHAR, source VARCHAR, "row" BIGINT, "column" VARCHAR, reason VARCHAR, record VARCHAR)
"""
_ROW_DIGITS: Final = 12
_CONTROL_CHARACTERS: Final = r"[\x00-\x1f\x7f-\x9f]"


@dataclass(frozen=True, slots=True)
class _Fault:
    """`column` is None where the whole record is at fault."""

    is_there: ir.BooleanValue
    column: str | None
    reason: ir.StringValue


def judge(backend: Backend, table: Table, raw: RawRows, *, source: str, name: str) -> ir.Table:
    """The rows typed, each with its first fault; `REASON` is null where there is none.

    Raise `SourceFaulty` where a column of `source` can never be of its type; `name` is what rows are marked with.
    """
    # Each step is a view of its own: merged into one, what a later step says twice would be computed twice.
    typed = create_view(backend, "typed values", _typed(table, raw, source))
    faults = list(_faults(table, raw, typed))
    numbered = typed.mutate(
        **{_FAULT: ibis.cases(*((fault.is_there, number) for number, fault in enumerate(faults)), else_=None)}
    )
    judged = create_view(backend, "judged values", numbered)
    return judged.select(
        *table.columns_by_name,
        RECORD_NUMBER,
        **{
            SOURCE_NAME: ibis.literal(name),
            FAULTY_COLUMN: _of_fault(judged, (_text(fault.column) for fault in faults)),
            REASON: _of_fault(judged, (fault.reason for fault in _faults(table, raw, judged))),
            RAW_RECORD: ibis.ifelse(judged[_FAULT].isnull(), None, _record(judged, raw)),
        },
    )


def find_repeated(rows: ir.Table, table: Table) -> ir.Table:
    """Of judged rows without a fault those whose primary key an earlier one has, as rows with a fault."""
    key = table.primary_key
    keys = rows.group_by(key).having(rows.count() > 1).agg(count=rows.count())
    place = ibis.row_number().over(group_by=key, order_by=[SOURCE_NAME, RECORD_NUMBER])
    repeated = rows.semi_join(keys, key).mutate(place=place)
    later = repeated.filter(repeated.place > 0)
    return later.select(
        SOURCE_NAME,
        RECORD_NUMBER,
        **{
            FAULTY_COLUMN: ibis.literal(key),
            REASON: ibis.literal("an earlier row has the same primary key, expected one row for each"),
            RAW_RECORD: functions.to_json(ibis.struct({name: later[name] for name in table.columns_by_name})),
        },
    )


def quarantine(backend: Backend, table: Table, faulty: Sequence[ir.Table]) -> None:
    """Append rows with a fault to the one table of all that are in quarantine, and show the table's as it has them.

    Where there are none, there is nothing to show.
    """
    backend.raw_sql(_CREATED)
    for rows in faulty:
        backend.insert(
            QUARANTINED,
            rows.select(
                source_table=ibis.literal(table.name),
                source=rows[SOURCE_NAME],
                row=rows[RECORD_NUMBER],
                column=rows[FAULTY_COLUMN],
                reason=rows[REASON],
                record=rows[RAW_RECORD],
            ),
        )
    if faulty:
        _show_corrupt(backend, table)


def check_share(backend: Backend, table: Table, *, rows: int, quarantined: int, share_max: float) -> None:
    """Raise `TooManyQuarantined`, which names the first."""
    if quarantined <= share_max * rows:
        return
    kept = backend.table(QUARANTINED)
    first = kept.filter(kept.source_table == table.name).order_by("source", "row").limit(1).to_pyarrow().to_pylist()[0]
    column = "" if first["column"] is None else f"column {first['column']}, "
    raise errors.TooManyQuarantined(
        table=table.name,
        quarantined=quarantined,
        rows=rows,
        share_max=share_max,
        row=first["row"],
        source=first["source"],
        reason=column + first["reason"],
    )


def _show_corrupt(backend: Backend, table: Table) -> None:
    """As what `corrupt_rows.corrupt_table` declares; its ids are in the order of rows."""
    rows = backend.table(QUARANTINED)
    rows = rows.filter(rows.source_table == table.name)
    parts = [rows[name].cast("string").fill_null("") for name in ("source", "column", "reason", "record")]
    contents = ibis.literal("\n").join(parts).hexdigest("md5")
    number = rows.row.cast("string").lpad(_ROW_DIGITS, "0")
    shown = rows.select(
        **{corrupt_rows.RECORD_ID: number.concat("-", contents)},
        Source=rows.source,
        Row=rows.row,
        Column=rows.column,
        Reason=rows.reason,
        Record=rows.record,
    )
    corrupt = corrupt_rows.corrupt_table(table)
    create_view(backend, f"pulled_{corrupt.name}", shown.distinct())


def _typed(table: Table, raw: RawRows, source: str) -> ir.Table:
    zone = "UTC" if table.activity is None else table.activity.time_zone
    typed = {}
    for name, column in table.columns_by_name.items():
        typed[name] = typing.find_typed(raw.rows[name], raw.notations[name], column.type, zone)
        if typed[name] is None:
            reason = f"it holds {raw.rows[name].type()}, expected {catalog.EXPECTATIONS[column.type]}"
            raise errors.SourceFaulty(source=source, table=table.name, where=f", column {name}", reason=reason)
    whole = [WHOLE_RECORD] if WHOLE_RECORD in raw.rows.columns else []
    return raw.rows.select(RECORD_NUMBER, *whole, **{_raw(name): raw.rows[name] for name in typed}, **typed)


def _faults(table: Table, raw: RawRows, rows: ir.Table) -> Iterator[_Fault]:
    if WHOLE_RECORD in rows.columns:
        yield from _record_faults(table, rows[WHOLE_RECORD])
    for column in table.columns:
        written, notation = rows[_raw(column.name)], raw.notations[column.name]
        is_present = typing.is_present(written, notation, column.type)
        if column.is_key:
            yield from _key_faults(column, is_present, rows[column.name])
        expected = f", expected {catalog.EXPECTATIONS[column.type]}"
        found = ibis.literal("found ").concat(typing.described(written, notation), expected)
        yield _Fault(is_present & rows[column.name].isnull(), column.name, found)


def _record_faults(table: Table, record: ir.StringValue) -> Iterator[_Fault]:
    names = ibis.array(list(table.columns_by_name))
    keys = functions.json_keys(record)
    is_plain = keys == names  # cheap, and so of nearly all
    unknown = functions.json_keys(functions.json_merge_patch(record, json.dumps(table.empty_record)))[0]
    yield _Fault(
        ~record.startswith("{") & ~record.strip().startswith("{"),
        None,
        ibis.literal("found no JSON object, expected one"),
    )
    yield _Fault(
        ~is_plain & ~functions.list_has_all(names, keys),
        None,
        ibis.literal("found a column '").concat(typing.shown(unknown), "', which the table does not have"),
    )
    yield _Fault(~is_plain & (functions.list_unique(keys) < keys.length()), None, ibis.literal("found a column twice"))


def _key_faults(column: Column, is_present: ir.BooleanValue, value: ir.Value) -> Iterator[_Fault]:
    """As `catalog.check_id` judges; an integer's text is always one."""
    empty = ibis.literal("the primary key is empty, expected a value")
    if column.type is not ColumnType.STRING:
        yield _Fault(~is_present, column.name, empty)
        return
    yield _Fault(~is_present | (value == ""), column.name, empty)
    is_bad = (value.length() > catalog.ID_LENGTH_MAX) | functions.regexp_matches(value, _CONTROL_CHARACTERS)
    reason = f"expected a primary key of at most {catalog.ID_LENGTH_MAX} characters without control characters"
    yield _Fault(is_bad, column.name, ibis.literal(reason))


def _of_fault(rows: ir.Table, texts: Iterable[ir.StringValue]) -> ir.StringValue:
    number = rows[_FAULT]
    chosen = ibis.cases(*((number == place, text) for place, text in enumerate(texts)), else_=None)
    return ibis.ifelse(number.isnull(), None, chosen)  # asked first, because it is so of nearly all


def _record(rows: ir.Table, raw: RawRows) -> ir.StringValue:
    if WHOLE_RECORD in rows.columns:
        return rows[WHOLE_RECORD]
    return functions.to_json(ibis.struct({name: rows[_raw(name)] for name in raw.notations}))


def _raw(name: str) -> str:
    return f"raw {name}"


def _text(value: str | None) -> ir.StringValue:
    return ibis.literal(value, "string")
