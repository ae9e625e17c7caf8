"""Raw values mean in the engine what they mean in the core, which reads those that come in real time (S27)."""

import json
import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import IS_THOROUGH
from tests.unit.test_catalog_values import BAD_TEXTS, BAD_VALUES, GOOD_TEXTS, GOOD_VALUES
from topcoat.core import catalog, errors, mapping
from topcoat.core.catalog import ActivityConfiguration, Column, ColumnType, Table, TableKind
from topcoat.flows.refresh.pull import files, typing
from topcoat.flows.refresh.pull.typing import Notation
from topcoat.flows.refresh.source_places import FileSource

ZONES = ("Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
REFUSED = object()

BACKEND = ibis.duckdb.connect()


def table(type_: ColumnType, zone: str = "UTC") -> Table:
    activity = ActivityConfiguration("Sale", "SalesOrder", "Value", "Value", "Club_members", time_zone=zone)
    return Table("Shop_sales", TableKind.SOURCE, (Column("Value", type_),), "Value", activity=activity)


def in_core(type_: ColumnType, text: str, zone: str) -> Any:
    known = table(type_, zone)
    try:
        return catalog.parse_text(known, known.columns[0], mapping.localised(known, "Value", text))
    except errors.WrongType:
        return REFUSED


def in_engine(type_: ColumnType, texts: Sequence[str], zone: str) -> list[Any]:
    rows = ibis.memtable(pa.table({"place": range(len(texts)), "text": pa.array(texts, pa.string())}))
    is_present = typing.is_present(rows.text, Notation.TEXT, type_)
    value = typing.find_typed(rows.text, Notation.TEXT, type_, zone)
    found = rows.select("place", is_present=is_present, value=value).order_by("place")
    return [judged(row) for row in BACKEND.to_pyarrow(found).to_pylist()]


def judged(row: dict[str, Any]) -> Any:
    if row["value"] is None or not row["is_present"]:
        return REFUSED if row["is_present"] else None
    return canonical(row["value"])


def canonical(value: Any) -> Any:
    if isinstance(value, datetime):
        return catalog.format_instant(value)
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("type_", list(ColumnType))
def test_texts_of_the_cores_own_examples(type_: ColumnType) -> None:
    examples = [*GOOD_TEXTS, *((*example[:2], REFUSED) for example in BAD_TEXTS)]
    cases = [(text, value) for of, text, value in examples if of is type_ and not re.search("[\ud800-\udfff]", text)]

    found = in_engine(type_, [text for text, _ in cases], "UTC")

    assert dict(zip((text for text, _ in cases), found, strict=True)) == dict(cases)


@pytest.mark.parametrize("type_", list(ColumnType))
def test_json_values_of_the_cores_own_examples(type_: ColumnType, tmp_path: Path) -> None:
    """An unpaired surrogate breaks the JSON that it is in, so it cannot be an example here."""
    examples = [*GOOD_VALUES, *((*example[:2], REFUSED) for example in BAD_VALUES)]
    cases = [(value, to) for of, value, to in examples if of is type_ and "\\ud8" not in json.dumps(value)]
    cases = [(value, to) for value, to in cases if "\\udfff" not in json.dumps(value)]
    file = tmp_path / "sales.jsonl"
    file.write_text("".join(json.dumps({"Value": value}) + "\n" for value, _ in cases))

    listed = files.list_files(table(type_), FileSource(file))
    rows = files.read_raw(BACKEND, table(type_), listed[0]).rows
    is_present = typing.is_present(rows.Value, Notation.JSON, type_)
    value = typing.find_typed(rows.Value, Notation.JSON, type_, "UTC")
    ordered = rows.select("record number", is_present=is_present, value=value).order_by("record number")

    found = [judged(row) for row in BACKEND.to_pyarrow(ordered).to_pylist()]
    assert [(written, to) for (written, _), to in zip(cases, found, strict=True)] == cases


DIGITS = st.sampled_from(["0", "1", "12", "007", "2024", "9223372036854775807", "9223372036854775808", "1e400", "1_0"])
SIGNS = st.sampled_from(["", "+", "-", " ", "\t", "--"])
NUMBERS = st.builds(
    "{}{}{}{}".format, SIGNS, DIGITS, st.sampled_from(["", ".", ".5", "e5", "E-400", " ", "\n", "x"]), st.just("")
)
DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31)).map(date.isoformat) | st.sampled_from(["2023-02-29", "0000-01-01"])
TIMES = st.times().map(lambda time: time.isoformat()) | st.sampled_from(
    ["24:00", "23:59:60", "12:30", "02:30:00.1234567"]
)
OFFSETS = st.sampled_from(["", "Z", "z", "+01:00", "-23:59", "+24:00", "+00:60", "+0100"])
INSTANTS = st.builds("{}{}{}{}".format, DAYS, st.sampled_from("Tt _"), TIMES, OFFSETS)
TEXTS = st.one_of(NUMBERS, DAYS, INSTANTS, st.text("0123456789+-.:TZeE tTrRuUfFaAlLsS\0é٣", max_size=12))


@pytest.mark.parametrize("type_", list(ColumnType))
@settings(max_examples=100 if IS_THOROUGH else 4, deadline=None)
@given(texts=st.lists(TEXTS, min_size=20, max_size=40))
def test_a_text_has_one_value_or_is_refused_twice(type_: ColumnType, texts: list[str]) -> None:
    assert in_engine(type_, texts, "UTC") == [in_core(type_, text, "UTC") for text in texts]


# Before 1970 databases of time zones differ, and the engine has one of its own.
LOCAL = st.datetimes(datetime(1971, 1, 1), datetime(2036, 12, 31)).map(datetime.isoformat)


@settings(max_examples=100 if IS_THOROUGH else 4, deadline=None)
@given(zone=st.sampled_from(ZONES), texts=st.lists(LOCAL, min_size=20, max_size=40))
def test_a_date_time_without_offset_is_in_the_tables_time_zone(zone: str, texts: list[str]) -> None:
    assert in_engine(ColumnType.DATE_TIME, texts, zone) == [in_core(ColumnType.DATE_TIME, t, zone) for t in texts]


@pytest.mark.parametrize("zone", ZONES)
def test_clocks_that_are_set_forward_or_back_are_read_alike(zone: str) -> None:
    """Of an hour that a clock shows twice the first counts; one that it leaves out is counted on from before."""
    days = ("2024-03-10", "2024-03-31", "2024-04-07", "2024-10-06", "2024-10-27", "2024-11-03")
    texts = [f"{day}T{hour:02}:{minute}" for day in days for hour in range(6) for minute in ("00", "29", "30", "59")]

    assert in_engine(ColumnType.DATE_TIME, texts, zone) == [in_core(ColumnType.DATE_TIME, t, zone) for t in texts]
