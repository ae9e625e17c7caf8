"""Files of a source table become typed rows or go into quarantine; what is known is not read again."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from topcoat.core import catalog, corrupt_rows, errors
from topcoat.core.catalog import Column, ColumnType, Table, TableKind
from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.pull import Pulled, pull_table, typing
from topcoat.flows.refresh.pull.typing import Notation
from topcoat.flows.refresh.source_places import FileSource

TYPES = {
    "Id": ColumnType.STRING,
    "Name": ColumnType.STRING,
    "Points": ColumnType.INTEGER,
    "Born": ColumnType.DATE,
}
HEADER = "Id,Name,Points,Born\n"

BACKEND = ibis.duckdb.connect(threads=1, preserve_insertion_order=False)

Rows = list[dict[str, Any]]


def table(types: Mapping[str, ColumnType] = TYPES, key: str = "Id") -> Table:
    columns = tuple(Column(name, type_, is_key=name == key) for name, type_ in types.items())
    return Table("Club_members", TableKind.SOURCE, columns, key)


class Pulling:
    """Refreshes of one table in the same folder, each with an empty quarantine."""

    def __init__(self, folder: Path) -> None:
        self.files = folder / "files"
        self.files.mkdir()
        self._folder = folder / "work"
        self.cache = self._folder / "pulled" / "Club_members"
        self.start()

    def start(self) -> None:
        BACKEND.raw_sql("DROP TABLE IF EXISTS quarantined")
        self.engine = Engine(BACKEND, self._folder)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def write_parquet(self, name: str, columns: Mapping[str, Any]) -> Path:
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(dict(columns)), path)
        return path

    def pull(self, name: str, known: Table | None = None, *, share_max: float = 1.0) -> Pulled:
        self.start()
        source = FileSource(self.files / name)
        return pull_table(self.engine, known or table(), source, lambda _: None, share_max=share_max)

    def rows(self, known: Table | None = None) -> Rows:
        found = self.engine.table("pulled_Club_members")
        return self._list(found.order_by((known or table()).primary_key))

    def quarantined(self) -> Rows:
        return self._list(self.engine.table("quarantined").order_by("source", "row"))

    def _list(self, found: Any) -> Rows:
        rows: Rows = self.engine.backend.to_pyarrow(found).to_pylist()
        return rows


@pytest.fixture
def pulling(tmp_path: Path) -> Pulling:
    return Pulling(tmp_path)


def faults(pulling: Pulling) -> list[tuple[int, str | None, str]]:
    return [(row["row"], row["column"], row["reason"]) for row in pulling.quarantined()]


def ids(pulling: Pulling) -> list[str]:
    return [row["Id"] for row in pulling.rows()]


@pytest.mark.unmeasured
def test_fields_of_csv_are_typed_and_empty_ones_are_null(pulling: Pulling) -> None:
    pulling.write("members.csv", HEADER + 'm-1,Zoë,7,1990-02-28\nm-2,"",,\n')

    pulled = pulling.pull("members.csv")

    assert (pulled.rows, pulled.quarantined, pulled.files, pulled.files_read) == (2, 0, 1, 1)
    born = pulling.rows()[0].pop("Born")
    assert born.isoformat() == "1990-02-28"
    assert [row["Name"] for row in pulling.rows()] == ["Zoë", None]
    assert [row["Points"] for row in pulling.rows()] == [7, None]


@pytest.mark.unmeasured
def test_csv_is_written_in_more_ways_than_one(pulling: Pulling) -> None:
    plain, rows = HEADER.encode(), b"%d,Zo,,\n%d0,,,\n"
    ways = {
        "byte order mark": b"\xef\xbb\xbf" + plain + rows,
        "carriage returns": (plain + rows).replace(b"\n", b"\r\n"),
        "blank line, no last line end": plain + rows.replace(b"\n", b"\n\n", 1)[:-1],
        "other order": b"Born,Name,Id,Points\n,Zo,%d,\n,,%d0,\n",
        "quotes": b'"Id","Name","Points","Born"\n"%d","Zo",,\n%d0,,,\n',
    }
    for number, content in enumerate(ways.values(), start=1):
        pulling.write(f"{number}.csv", content % (number, number))

    pulling.pull("*.csv")

    expected = [(str(number), "Zo") for number in range(1, 6)] + [(f"{number}0", None) for number in range(1, 6)]
    assert sorted((row["Id"], row["Name"]) for row in pulling.rows()) == sorted(expected)


@pytest.mark.unmeasured
def test_a_quoted_field_may_hold_commas_quotes_and_line_ends(pulling: Pulling) -> None:
    pulling.write("members.csv", HEADER + 'm-1,"a,b\n""c""",1,\nm-2,,x,\n')

    pulling.pull("members.csv")

    assert [row["Name"] for row in pulling.rows()] == ['a,b\n"c"']
    assert faults(pulling) == [(2, "Points", "found the string 'x', expected an integer of at most 64 bits")]


def test_a_row_with_a_wrong_value_is_quarantined_with_what_it_was(pulling: Pulling) -> None:
    pulling.write("members.csv", HEADER + "m-1,,1,\nm-2,Bo,2.5,1990-02-30\nm-3,\0,,\n")

    pulled = pulling.pull("members.csv")

    assert (pulled.rows, pulled.quarantined) == (3, 2)
    assert ids(pulling) == ["m-1"]
    first, second = pulling.quarantined()
    assert first == {
        "source_table": "Club_members",
        "source": "members.csv",
        "row": 2,
        "column": "Points",
        "reason": "found the string '2.5', expected an integer of at most 64 bits",
        "record": '{"Id":"m-2","Name":"Bo","Points":"2.5","Born":"1990-02-30"}',
    }
    assert (second["row"], second["column"]) == (3, "Name")
    corrupt = pulling.engine.table("pulled_Club_members_corrupt").order_by("RecordId").to_pyarrow().to_pylist()
    assert list(corrupt[0]) == list(corrupt_rows.corrupt_table(table()).columns_by_name)
    assert [(row["Row"], row["Record"]) for row in corrupt] == [(2, first["record"]), (3, second["record"])]
    assert all(catalog.check_id(row["RecordId"]) for row in corrupt)


def test_a_record_that_is_none_of_the_tables_is_quarantined_whole(pulling: Pulling) -> None:
    lines = ['{"Id": "m-1", "Points": "7"}', "", "[1]", '{"Id": "m-2", "Nme": 1}', '{"Id": "m-3", "Id": "m-4"}']
    pulling.write("members.jsonl", "\n".join([*lines, '{"Points": 7, "Id": "m-5", "Born": null}']))

    pulling.pull("members.jsonl")

    assert [(row["Id"], row["Points"], row["Born"]) for row in pulling.rows()] == [("m-5", 7, None)]
    assert faults(pulling) == [
        (1, "Points", "found the string '7', expected an integer of at most 64 bits"),
        (2, None, "found no JSON object, expected one"),
        (3, None, "found a column 'Nme', which the table does not have"),
        (4, None, "found a column twice"),
    ]
    assert pulling.quarantined()[0]["record"] == lines[0]


@pytest.mark.unmeasured
def test_what_was_found_is_said_in_the_words_of_the_core(pulling: Pulling) -> None:
    found = {
        "true": "the boolean true",
        "[1]": "an array",
        '{"a": 1}': "an object",
        "2.5": "the number 2.5",
        '"\\ta"': "the string '�a'",
        f'"{"x" * 70}"': f"the string '{'x' * 60}…'",
    }
    pulling.write("members.jsonl", "".join(f'{{"Id": "m-1", "Points": {value}}}\n' for value in found))

    pulling.pull("members.jsonl")

    expected = ", expected an integer of at most 64 bits"
    assert [reason for _, _, reason in faults(pulling)] == [f"found {text}{expected}" for text in found.values()]


@pytest.mark.unmeasured
def test_rows_need_a_key_that_can_identify_a_record(pulling: Pulling) -> None:
    """S18: at most 100 characters, no control characters."""
    keys = ["m-1", None, "", "x" * 101, "a\tb", "ö" * 100]
    pulling.write("members.jsonl", "".join(json.dumps({"Id": key}) + "\n" for key in keys))

    pulling.pull("members.jsonl")

    assert ids(pulling) == ["m-1", "ö" * 100]
    empty = "the primary key is empty, expected a value"
    bad = "expected a primary key of at most 100 characters without control characters"
    assert faults(pulling) == [(2, "Id", empty), (3, "Id", empty), (4, "Id", bad), (5, "Id", bad)]


@pytest.mark.unmeasured
def test_an_integer_may_be_the_key(pulling: Pulling) -> None:
    known = table({"Id": ColumnType.INTEGER})
    pulling.write("members.csv", "Id\n10\n9\nx\n9\n")

    pulling.pull("members.csv", known)

    assert ids(pulling) == [9, 10]
    assert [row for row, _, _ in faults(pulling)] == [3, 4]


@pytest.mark.unmeasured
def test_of_rows_with_one_key_the_first_is_taken(pulling: Pulling) -> None:
    pulling.write("a.csv", HEADER + "m-1,first,,\nm-2,,,\nm-1,second,,\n")
    pulling.write("b.csv", HEADER + "m-1,third,,\nm-1,fourth,x,\n")

    pulled = pulling.pull("*.csv")

    assert (pulled.rows, pulled.quarantined) == (5, 3)
    assert [(row["Id"], row["Name"]) for row in pulling.rows()] == [("m-1", "first"), ("m-2", None)]
    again = "an earlier row has the same primary key, expected one row for each"
    assert faults(pulling)[:2] == [(3, "Id", again), (1, "Id", again)]
    assert json.loads(pulling.quarantined()[1]["record"])["Name"] == "third"


@pytest.mark.unmeasured
def test_more_than_the_allowed_share_in_quarantine_is_too_many(pulling: Pulling) -> None:
    pulling.write("members.csv", HEADER + "m-1,,x,\nm-2,,,\nm-3,,,\n,,,\n")

    pulling.pull("members.csv", share_max=0.5)
    with pytest.raises(errors.TooManyQuarantined) as caught:
        pulling.pull("members.csv", share_max=0.4)

    assert caught.value.message == (
        "Of table Club_members 2 of 4 rows cannot be taken, more than the share of 0.4; the first is row 1 of "
        "members.csv: column Points, found the string 'x', expected an integer of at most 64 bits."
    )


NATIVE: list[tuple[Any, ColumnType, Any]] = [
    (pa.array([5], pa.int8()), ColumnType.INTEGER, 5),
    (pa.array([2**63], pa.uint64()), ColumnType.INTEGER, None),
    (pa.array([5.0]), ColumnType.INTEGER, 5),
    (pa.array([5.5]), ColumnType.INTEGER, None),
    (pa.array([float("nan")]), ColumnType.INTEGER, None),
    (pa.array(["12.50"]).cast(pa.decimal128(10, 2)), ColumnType.DECIMAL, 12.5),
    (pa.array([float("inf")]), ColumnType.DECIMAL, None),
    (pa.array([7]), ColumnType.DECIMAL, 7.0),
    (pa.array([7]), ColumnType.STRING, "7"),
    (pa.array(["7"]), ColumnType.INTEGER, 7),
    (pa.array(["x"]), ColumnType.INTEGER, None),
    (pa.array(["a\0"]), ColumnType.STRING, None),
    (pa.array([True]), ColumnType.BOOLEAN, True),
    (pa.array(["2024-02-29"]), ColumnType.DATE, "2024-02-29"),
    (pa.array([19782], pa.date32()), ColumnType.DATE, "2024-02-29"),
    (pa.array([3_000_000], pa.date32()), ColumnType.DATE, None),
    (pa.array([86_400_000_000], pa.timestamp("us")), ColumnType.DATE, "1970-01-02"),
    (pa.array([1], pa.timestamp("us")), ColumnType.DATE, None),
    (pa.array([1_400], pa.timestamp("ns")), ColumnType.DATE_TIME, "1970-01-01T00:00:00.000001"),
    (pa.array([1_000], pa.timestamp("ms", "Europe/Oslo")), ColumnType.DATE_TIME, "1970-01-01T00:00:01"),
    (pa.array(["2024-06-01T02:00+02:00"]), ColumnType.DATE_TIME, "2024-06-01T00:00:00"),
]


def test_a_typed_value_is_taken_where_its_meaning_is_kept() -> None:
    names = [f"c{place}" for place in range(len(NATIVE))]
    raw = ibis.memtable(pa.table({name: values for name, (values, _, _) in zip(names, NATIVE, strict=True)}))
    typed = {
        name: typing.find_typed(raw[name], Notation.NATIVE, type_, "UTC")
        for name, (_, type_, _) in zip(names, NATIVE, strict=True)
    }

    (row,) = ibis.duckdb.connect().to_pyarrow(raw.select(**typed)).to_pylist()

    assert [as_written(value) for value in row.values()] == [expected for _, _, expected in NATIVE]


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (pa.array([[1]]), ColumnType.STRING),
        (pa.array([1.5]), ColumnType.STRING),
        (pa.array([1]), ColumnType.BOOLEAN),
        (pa.array([1]), ColumnType.DATE),
        (pa.array([1], pa.date32()), ColumnType.DATE_TIME),
        (pa.array([b"x"]), ColumnType.STRING),
    ],
)
def test_a_column_whose_values_never_are_of_the_type_is_a_fault_of_the_file(
    pulling: Pulling, values: Any, type_: ColumnType
) -> None:
    pulling.write_parquet("members.parquet", {"Id": ["m-1"], "Value": values})

    with pytest.raises(errors.SourceFaulty, match="table Club_members, column Value: it holds "):
        pulling.pull("members.parquet", table({"Id": ColumnType.STRING, "Value": type_}))


def as_written(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


@pytest.mark.unmeasured
def test_a_string_of_parquet_may_be_empty(pulling: Pulling) -> None:
    pulling.write_parquet("m.parquet", {"Id": ["1", "2"], "Name": ["", None], "Points": ["", None], "Born": ["", None]})

    pulling.pull("m.parquet")

    assert [list(row.values()) for row in pulling.rows()] == [["1", "", None, None], ["2", None, None, None]]


def test_the_folders_of_a_partitioned_table_give_columns(pulling: Pulling) -> None:
    types = {"Id": ColumnType.STRING, "Year": ColumnType.INTEGER, "City": ColumnType.STRING}
    pulling.write_parquet("members/Year=2023/City=New%20York/0.parquet", {"Id": ["m-1"]})
    pulling.write_parquet("members/Year=2024/City=__HIVE_DEFAULT_PARTITION__/0.parquet", {"Id": ["m-2"]})
    pulling.write("members/_SUCCESS", "")

    pulling.pull("members", table(types))

    assert [list(row.values()) for row in pulling.rows()] == [["m-1", 2023, "New York"], ["m-2", 2024, None]]


@pytest.mark.unmeasured
def test_a_folder_may_be_plain(pulling: Pulling) -> None:
    pulling.write("members/2023/a.csv", HEADER + "m-1,,,\n")
    pulling.write("members/b.csv", HEADER + "m-2,,,\n,,,\n")
    pulling.write("members/.hidden/c.csv", "")

    pulled = pulling.pull("members")

    assert (pulled.files, ids(pulling)) == (2, ["m-1", "m-2"])
    assert [(row["source"], row["row"]) for row in pulling.quarantined()] == [("b.csv", 2)]


@pytest.mark.unmeasured
def test_files_without_records_are_files(pulling: Pulling) -> None:
    pulling.write("a.csv", HEADER)
    pulling.write("b.csv", HEADER + "m-1,,,\n")
    pulling.write("c.jsonl", "")

    assert pulling.pull("c.jsonl", share_max=0.0).rows == 0
    assert pulling.pull("*.csv", share_max=0.0).rows == 1


BAD_FILES: list[tuple[str, str | bytes, str]] = [
    ("m.csv", "", ", table Club_members: the header is missing, expected Id, Name, Points, Born."),
    ("m.csv", "Id,Name,Born\n", ", column Points: found no column Points."),
    (
        "m.csv",
        "Id,Nme,Name,Points,Born\n",
        ": found a column 'Nme', which the table does not have (did you mean 'Name'?).",
    ),
    ("m.csv", "Id,Name,Name,Points,Born\n", ": found column Name twice."),
    ("m.csv", HEADER + "m-1,,,\nm-2,\n", ", row 2: found 2 fields, expected 4 as in the header."),
    ("m.csv", HEADER + 'm-1,,,\nm-2,"x,,\n', ", row 2: the CSV is broken: a quote that opens a field is not closed"),
    ("m.csv", HEADER + 'm-1,"x"y,,\n', ", row 1: the CSV is broken: a quote"),
    ("m.csv", HEADER.encode() + b"m-1,\xff,,\n", ", row 1: the text is not UTF-8."),
    ("m.csv", HEADER.encode("utf-16"), ", the header: the text is not UTF-8."),
    ("m.csv", '"Id,Name\n', ", the header: the CSV is broken"),
    ("m.csv", HEADER.replace("\n", "\r\n") + "m-1,,,1990-01-01\nm-2,,,\r\n", "one kind of line end in the whole file."),
    ("m.jsonl", '{"Id": "m-1"}\n\n{"Id": \n', ", line 3: found no JSON ("),
    ("m.jsonl", b'{"Id": "m-1"}\n{"Id": "\xff"}\n', ", line 2: the text is not UTF-8."),
    ("m.parquet", "Id\n1\n", ": the file cannot be read as Parquet: "),
    ("m.parquet", "", ": the file cannot be read as Parquet: "),
    ("m.txt", "", "found a file named 'm.txt', expected one ending in .csv, .jsonl, .ndjson, .parquet."),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD_FILES)
def test_a_file_that_cannot_be_read_is_named_with_the_place(
    pulling: Pulling, name: str, content: str | bytes, message: str
) -> None:
    path = pulling.write(name, content)

    with pytest.raises(errors.SourceFaulty) as caught:
        pulling.pull(name)

    assert caught.value.message.startswith(f"{path}, table Club_members")
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("pattern", "names", "reason"),
    [
        ("members.csv", [], "the file does not exist"),
        ("*.csv", ["a.jsonl"], "no file matches"),
        ("members", ["members/_SUCCESS"], "the folder holds no files"),
        ("m*", ["m1.csv", "m2.jsonl"], "expected files of one format"),
        ("members", ["members/a[1].csv"], "expected a name without them"),
    ],
)
def test_a_source_names_files_of_one_format(pulling: Pulling, pattern: str, names: Sequence[str], reason: str) -> None:
    for name in names:
        pulling.write(name, HEADER)

    with pytest.raises(errors.SourceFaulty, match=reason.replace("*", "[*]")):
        pulling.pull(pattern)


def test_a_file_of_a_glob_that_lacks_a_column_is_named(pulling: Pulling) -> None:
    pulling.write("a.csv", HEADER + "m-1,,,\n")
    other = pulling.write("b.csv", "Id,Name\nm-1,\n")

    with pytest.raises(errors.SourceFaulty) as caught:
        pulling.pull("*.csv")

    assert caught.value.parts["source"] == other


def test_a_schema_that_changed_is_told_apart_from_one_that_was_never_right(pulling: Pulling) -> None:
    known = table({"Id": ColumnType.STRING, "Points": ColumnType.INTEGER})
    pulling.write_parquet("m.parquet", {"Id": ["1"], "Points": [1]})
    pulling.pull("m.parquet", known)
    path = pulling.write_parquet("m.parquet", {"Id": ["1"], "Points": [[1]]})

    with pytest.raises(errors.SourceFaulty) as caught:
        pulling.pull("m.parquet", known)

    assert caught.value.message == (
        f"{path}, table Club_members, column Points: it holds array<int64>, expected an integer of at most 64 bits "
        "(when it was read last, column Points was int64 and is array<int64>)."
    )


@pytest.mark.unmeasured
def test_a_schema_that_still_means_the_same_may_change(pulling: Pulling) -> None:
    known = table({"Id": ColumnType.STRING, "Points": ColumnType.INTEGER})
    pulling.write_parquet("m.parquet", {"Id": ["1"], "Points": [1]})
    pulling.pull("m.parquet", known)
    pulling.write_parquet("m.parquet", {"Points": ["2"], "Id": [1]})

    pulling.pull("m.parquet", known)

    assert pulling.rows() == [{"Id": "1", "Points": 2}]


def test_files_that_did_not_change_are_not_read_again(pulling: Pulling) -> None:
    pulling.write("a.csv", HEADER + "m-1,,x,\nm-2,,,\n")
    changed = pulling.write("b.csv", HEADER + "m-3,,,\nm-3,,,\n")
    first = pulling.pull("*.csv")

    again = pulling.pull("*.csv")
    quarantined = pulling.quarantined()
    changed.write_text(HEADER + "m-4,,,\n")
    third = pulling.pull("*.csv")

    assert (first.files_read, first.is_unchanged) == (2, False)
    assert again == replace(first, files_read=0, is_unchanged=True)
    assert [(row["source"], row["row"]) for row in quarantined] == [("a.csv", 1), ("b.csv", 2)]
    assert (third.files_read, third.is_unchanged, third.digest != first.digest) == (1, False, True)
    assert ids(pulling) == ["m-2", "m-4"]


@pytest.mark.unmeasured
def test_contents_decide_whether_a_file_changed(pulling: Pulling) -> None:
    path = pulling.write("m.csv", HEADER + "m-1,,,\n")
    pulling.pull("m.csv")
    os.utime(path, ns=(1, 1))

    touched = pulling.pull("m.csv")

    assert (touched.files_read, touched.is_unchanged) == (0, True)


@pytest.mark.unmeasured
def test_another_definition_of_the_table_reads_its_files_anew(pulling: Pulling) -> None:
    pulling.write("m.csv", HEADER + "m-1,,7,\n")
    pulling.pull("m.csv")

    pulled = pulling.pull("m.csv", table(TYPES | {"Points": ColumnType.STRING}))

    assert (pulled.files_read, pulled.is_unchanged) == (1, False)
    assert pulling.rows()[0]["Points"] == "7"


@pytest.mark.unmeasured
def test_a_cache_that_is_gone_or_broken_is_made_anew(pulling: Pulling) -> None:
    pulling.write("m.csv", HEADER + "m-1,,,\nm-1,,,\n")
    expected = pulling.pull("m.csv")
    for break_ in (Path.unlink, lambda path: os.truncate(path, 3)):
        for path in pulling.cache.iterdir():
            break_(path)

        assert replace(pulling.pull("m.csv"), is_unchanged=False) == expected
        assert ids(pulling) == ["m-1"]


@pytest.mark.unmeasured
def test_the_cache_holds_nothing_that_is_not_needed(pulling: Pulling) -> None:
    for number in range(2):
        pulling.write("m.csv", HEADER + f"m-{number},,,\n")
        (pulling.cache / "left over").mkdir(parents=True, exist_ok=True)
        pulling.pull("m.csv")

    assert len(list(pulling.cache.iterdir())) == 3
