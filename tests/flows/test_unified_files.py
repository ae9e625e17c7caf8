"""Reading unified files: what comes out, and where each fault is said to be."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from topcoat.core import errors
from topcoat.flows.refresh import source_lines, unified_files
from topcoat.flows.refresh.environment import Environment, load_environment
from topcoat.flows.refresh.unified_files import ActivityRow, KeyRow, MeasureRow, MembershipRow, ProfileRow

ENVIRONMENT = """
instance: {{id: c0ffee00-0000-4000-8000-000000000001, name: Contoso Coffee}}
tables:
  Club_members: {{primary_key: MemberId, columns: {{MemberId: string}}}}
  Shop_sales: {{primary_key: SaleId, columns: {{SaleId: string}}}}
unified:
  customer:
    file: {customers}
    columns:
      CustomerId: string
      FullName: string
      Points: integer
      Spend: decimal
      OptIn: boolean
      BornOn: date
      Since: date-time
      PreviousCustomerId: string
  key_ring: {{file: {keys}}}
  activities: [{{file: {activities}}}]
  measures: {{file: {measures}, columns: {{CustomerId: string, Spend: decimal, Count: integer}}}}
  segments: {{file: {segments}}}
"""

HEADER = "CustomerId,FullName,Points,Spend,OptIn,BornOn,Since,PreviousCustomerId\n"
ROW = "a,Abbie Moss,7,12.50,true,1990-04-12,2026-01-02T03:04:05+02:00,\n"
ACTIVITY = '{"ActivityId": "1", "CustomerId": "a", "ActivityTime": "2026-01-02 03:04", "ActivityType": "Note"}\n'
ACTIVITY_HEADER = "ActivityType,ActivityId,CustomerId,ActivityTime,Title\n"

Content = str | bytes
Row = ProfileRow | ActivityRow | KeyRow | MeasureRow | MembershipRow


def ignore(amount: int) -> None:
    pass


def environment(folder: Path, **contents: Content) -> Environment:
    """The files' names are those of the arguments, with the last underscore for the dot."""
    files = {kind: f"{kind}.csv" for kind in ("customers", "keys", "activities", "measures", "segments")}
    for name, content in contents.items():
        kind, _, suffix = name.partition("_")
        files[kind] = f"{kind}.{suffix}"
        (folder / files[kind]).write_bytes(content if isinstance(content, bytes) else content.encode())
    for file in files.values():
        (folder / file).touch()
    path = folder / "environment.yaml"
    path.write_text(ENVIRONMENT.format(**files))
    return load_environment(path)


def profiles(loaded: Environment, advance: Callable[[int], None] = ignore) -> Iterator[ProfileRow]:
    return unified_files.read_profiles(loaded, advance)


def activities(loaded: Environment, advance: Callable[[int], None] = ignore) -> Iterator[ActivityRow]:
    return unified_files.read_activities(loaded, loaded.unified_files.activities[0], advance)


def keys(loaded: Environment, advance: Callable[[int], None] = ignore) -> Iterator[KeyRow]:
    return unified_files.read_key_ring(loaded, advance)


def measures(loaded: Environment, advance: Callable[[int], None] = ignore) -> Iterator[MeasureRow]:
    return unified_files.read_measures(loaded, advance)


def memberships(loaded: Environment, advance: Callable[[int], None] = ignore) -> Iterator[MembershipRow]:
    return unified_files.read_memberships(loaded, advance)


def fault(rows: Iterator[Row]) -> errors.SourceInvalid:
    with pytest.raises(errors.SourceInvalid) as raised:
        list(rows)
    return raised.value


ABBIE = {
    "CustomerId": "a",
    "FullName": "Abbie Moss",
    "Points": 7,
    "Spend": 12.5,
    "OptIn": True,
    "BornOn": "1990-04-12",
    "Since": "2026-01-02T01:04:05Z",
}


@pytest.mark.parametrize(
    "content",
    [
        HEADER + ROW,
        HEADER + ROW.rstrip("\n"),
        "\ufeff" + HEADER + ROW,
        (HEADER + ROW).replace("\n", "\r\n"),
        (HEADER + ROW).replace("\n", "\r"),
        HEADER + ROW.replace("Abbie Moss", '"Abbie Moss"') + "\n\n",
    ],
)
def test_a_csv_row_becomes_a_document_in_canonical_form_without_nulls(tmp_path: Path, content: str) -> None:
    assert list(profiles(environment(tmp_path, customers_csv=content))) == [ProfileRow(2, "a", ABBIE, ())]


@pytest.mark.parametrize("suffix", ["jsonl", "ndjson", "JSONL"])
def test_a_json_line_becomes_the_same_document(tmp_path: Path, suffix: str) -> None:
    line = (
        '{"CustomerId":"a","FullName":"Abbie Moss","Points":7,"Spend":12.5,"OptIn":true,"BornOn":"1990-04-12",'
        '"Since":"2026-01-02T03:04:05+02:00","PreviousCustomerId":null}'
    )

    rows = profiles(environment(tmp_path, **{f"customers_{suffix}": f"\ufeff\n{line}\r\n \n{line}"}))

    assert list(rows) == [ProfileRow(2, "a", ABBIE, ()), ProfileRow(4, "a", ABBIE, ())]


def test_columns_come_in_the_order_of_the_header(tmp_path: Path) -> None:
    header = "FullName,CustomerId,PreviousCustomerId,Points,Spend,OptIn,BornOn,Since\n"

    (row,) = profiles(environment(tmp_path, customers_csv=header + "Abbie Moss,a,,,,,,\n"))

    assert row.document == {"FullName": "Abbie Moss", "CustomerId": "a"}


def test_an_empty_string_in_json_is_a_value_and_an_empty_field_in_csv_is_null(tmp_path: Path) -> None:
    json = environment(tmp_path, customers_jsonl='{"CustomerId":"a","FullName":""}')
    assert [row.document for row in profiles(json)] == [{"CustomerId": "a", "FullName": ""}]

    csv = environment(tmp_path, customers_csv=HEADER + 'a,"",,,,,,\n')
    assert [row.document for row in profiles(csv)] == [{"CustomerId": "a"}]


def test_a_record_over_several_lines_has_the_number_of_its_first(tmp_path: Path) -> None:
    content = HEADER + 'a,"Abbie\nMoss",,,,,,\n' + "b,,,,,,,\n"

    rows = list(profiles(environment(tmp_path, customers_csv=content)))

    assert [(row.line, row.customer_id) for row in rows] == [(2, "a"), (4, "b")]
    assert rows[0].document["FullName"] == "Abbie\nMoss"


@pytest.mark.parametrize(
    ("text", "previous"),
    [("", ()), ("b", ("b",)), ("b;c", ("b", "c")), ("b; c;", ("b", "c")), ("b;b", ("b",)), (";", ())],
)
def test_previous_ids_are_separated_by_semicolons(tmp_path: Path, text: str, previous: Sequence[str]) -> None:
    """S18."""
    (row,) = profiles(environment(tmp_path, customers_csv=HEADER + f"a,,,,,,,{text}\n"))

    assert row.previous_ids == previous


@pytest.mark.parametrize("customer_id", ["a", "x" * 100, "o'brien", "a/b c", "é😀"])
def test_a_supplied_id_is_any_text_up_to_a_hundred_characters(tmp_path: Path, customer_id: str) -> None:
    """S18."""
    (row,) = profiles(environment(tmp_path, customers_csv=HEADER + f"{customer_id},,,,,,,\n"))

    assert row.customer_id == customer_id


def test_an_activity_is_read_from_json_lines_and_from_csv(tmp_path: Path) -> None:
    expected = ActivityRow(
        line=1,
        activity_id="1",
        customer_id="a",
        activity_time=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        activity_type="Note",
        source_table="Shop_sales",
        document={
            "ActivityId": "1",
            "CustomerId": "a",
            "ActivityTime": "2026-01-02T03:04:00Z",
            "ActivityType": "Note",
            "EntityName": "Shop_sales",
        },
    )
    json = ACTIVITY.replace("}", ', "EntityName": "Shop_sales", "Title": null}')
    csv = "ActivityId,CustomerId,ActivityTime,ActivityType,EntityName\n1,a,2026-01-02 03:04,Note,Shop_sales\n"

    assert list(activities(environment(tmp_path, activities_jsonl=json))) == [expected]
    (row,) = activities(environment(tmp_path, activities_csv=csv))
    assert (row.line, row.document) == (2, expected.document)


def test_an_activity_may_come_without_a_source_table(tmp_path: Path) -> None:
    (row,) = activities(environment(tmp_path, activities_jsonl=ACTIVITY))

    assert row.source_table is None


def test_a_key_ring_is_read_from_csv_and_from_json_lines(tmp_path: Path) -> None:
    """S19."""
    csv = "Table,Key,CustomerId\nClub_members,m-1,a\nShop_sales,s-1,b\n"
    json = '{"Table":"Club_members","Key":"m-1","CustomerId":"a"}\n'

    assert list(keys(environment(tmp_path, keys_csv=csv))) == [
        KeyRow(2, "Club_members", "m-1", "a"),
        KeyRow(3, "Shop_sales", "s-1", "b"),
    ]
    assert list(keys(environment(tmp_path, keys_jsonl=json))) == [KeyRow(1, "Club_members", "m-1", "a")]


def test_an_instance_needs_no_key_ring(tmp_path: Path) -> None:
    loaded = environment(tmp_path)
    (tmp_path / "environment.yaml").write_text(
        (tmp_path / "environment.yaml").read_text().replace("  key_ring: {file: keys.csv}\n", "")
    )

    assert list(keys(load_environment(tmp_path / "environment.yaml"))) == []
    assert loaded.unified_files.key_ring is not None


def test_empty_json_lines_are_no_activities_and_no_keys(tmp_path: Path) -> None:
    loaded = environment(tmp_path, activities_jsonl="", keys_jsonl="\n")

    assert list(activities(loaded)) == []
    assert list(keys(loaded)) == []


def test_every_byte_is_reported_once_however_many_chunks_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_lines, "CHUNK_BYTES", 7)
    content = "\ufeff" + HEADER + "".join(f'{number},"Zoë\r\n ""Z""",,,,,,\r\n' for number in range(100))
    told: list[int] = []

    rows = list(profiles(environment(tmp_path, customers_csv=content), told.append))

    assert [(row.line, row.customer_id) for row in rows] == [(2 + 2 * n, str(n)) for n in range(100)]
    assert {row.document["FullName"] for row in rows} == {'Zoë\r\n "Z"'}
    assert sum(told) == len(content.encode())
    assert len(told) > 100


CSV_FAULTS = [
    pytest.param("", 1, "the header is missing, expected CustomerId, FullName, Points", id="empty file"),
    pytest.param("\n" + ROW, 1, "the header is missing", id="empty header"),
    pytest.param(
        HEADER.replace("FullName", "fullname") + ROW,
        1,
        "the header has column 'fullname', which table Customer does not have (did you mean 'FullName'?)",
        id="unknown header column",
    ),
    pytest.param(HEADER.replace("Points,", ""), 1, "the header lacks Points", id="missing header column"),
    pytest.param(
        HEADER.replace("Points", "FullName"), 1, "the header has column FullName twice", id="duplicate header"
    ),
    pytest.param(HEADER + ROW + "b,Bob\n", 3, "found 2 fields, expected 8 as in the header", id="short row"),
    pytest.param(HEADER + "b\n", 2, "found 1 field, expected 8", id="shortest row"),
    pytest.param(HEADER + ROW.replace("\n", ",more\n"), 2, "found 9 fields, expected 8", id="long row"),
    pytest.param(
        HEADER + ROW.replace(",7,", ",many,"),
        2,
        "column Points got the string 'many', expected an integer of at most 64 bits",
        id="no integer",
    ),
    pytest.param(HEADER + ROW.replace("12.50", "nan"), 2, "column Spend got the string 'nan'", id="no number"),
    pytest.param(HEADER + ROW.replace("true", "yes"), 2, "column OptIn got the string 'yes'", id="no boolean"),
    pytest.param(HEADER + ROW.replace("04-12", "02-30"), 2, "column BornOn got the string '1990-02-30'", id="no date"),
    pytest.param(HEADER + ROW.replace("T03", "T25"), 2, "column Since got the string", id="no date-time"),
    pytest.param(HEADER + ",,,,,,,\n", 2, "column CustomerId is empty", id="empty CustomerId"),
    pytest.param(HEADER + "x" * 101 + ",,,,,,,\n", 2, "expected a text of 1 to 100 characters", id="long CustomerId"),
    pytest.param(HEADER + "a\tb,,,,,,,\n", 2, "without control characters", id="control character in CustomerId"),
    pytest.param(HEADER + f"a,,,,,,,b;{'x' * 101}\n", 2, "column PreviousCustomerId got", id="long previous id"),
    pytest.param(HEADER + "a,,,,,,,b;a\n", 2, "names the profile's own CustomerId", id="its own previous id"),
    pytest.param(HEADER.encode() + b"a,,,,,,,\nb,\xff,,,,,,\n", 3, "not UTF-8", id="broken UTF-8"),
    pytest.param((HEADER + ROW).encode("utf-16"), 1, "not UTF-8", id="UTF-16"),
    pytest.param(HEADER + ROW + "b,x\0y,,,,,,\n", 3, "control character U+0000", id="NUL"),
    pytest.param(HEADER + ROW + 'b,"Bob"x,,,,,,\n', 3, "the CSV is broken", id="text after a quote"),
    pytest.param(HEADER + ROW + 'b,"Bob,,,,,,\nc,,,,,,,\n', 3, "the CSV is broken", id="open quote"),
    pytest.param(HEADER + f"a,{'x' * 131073},,,,,,\n", 2, "field larger than field limit", id="huge field"),
]


@pytest.mark.parametrize(("content", "line", "said"), CSV_FAULTS)
def test_a_faulty_csv_says_where_and_why(tmp_path: Path, content: Content, line: int, said: str) -> None:
    raised = fault(profiles(environment(tmp_path, customers_csv=content)))

    assert (raised.parts["file"], raised.parts["line"]) == (tmp_path / "customers.csv", line)
    assert said in raised.parts["reason"]


JSON_FAULTS = [
    pytest.param("", 1, "the file is empty, expected the customers", id="empty file"),
    pytest.param('{"CustomerId":"a"}\n[1]\n', 2, "found an array, expected one JSON object", id="array"),
    pytest.param('"text"\n', 1, "found the string 'text', expected one JSON object", id="string"),
    pytest.param('\n{"CustomerId":\n', 2, "found no JSON", id="broken JSON"),
    pytest.param('{"CustomerId":NaN}\n', 1, "found no JSON", id="NaN"),
    pytest.param(b'{"CustomerId":"a"}\n{"CustomerId":"\xff"}\n', 2, "not UTF-8", id="broken UTF-8"),
    pytest.param('{"CustomerId":"\\ud800"}\n', 1, "found no JSON", id="unpaired surrogate"),
    pytest.param(
        '{"CustomerId":"a","Fullname":null}\n',
        1,
        "column 'Fullname', which table Customer does not have (did you mean 'FullName'?)",
        id="unknown column",
    ),
    pytest.param('{"CustomerId":null}\n', 1, "column CustomerId is empty", id="null CustomerId"),
    pytest.param('{"FullName":"Bob"}\n', 1, "column CustomerId is empty", id="missing CustomerId"),
    pytest.param('{"CustomerId":""}\n', 1, "expected a text of 1 to 100 characters", id="empty CustomerId"),
    pytest.param('{"CustomerId":7}\n', 1, "column CustomerId got the number 7, expected a string", id="a number as id"),
    pytest.param('{"CustomerId":"a\\n"}\n', 1, "without control characters", id="control character"),
    pytest.param('{"CustomerId":"a","FullName":"x\\u0000"}\n', 1, "column FullName got", id="NUL"),
    pytest.param('{"CustomerId":"a","FullName":[]}\n', 1, "column FullName got an array", id="array as string"),
    pytest.param('{"CustomerId":"a","Points":2.5}\n', 1, "column Points got the number 2.5", id="no integer"),
    pytest.param('{"CustomerId":"a","Points":"7"}\n', 1, "column Points got the string '7'", id="text as integer"),
    pytest.param('{"CustomerId":"a","OptIn":1}\n', 1, "column OptIn got the number 1, expected true", id="no boolean"),
    pytest.param('{"CustomerId":"a","PreviousCustomerId":"a"}\n', 1, "own CustomerId", id="its own previous id"),
]


@pytest.mark.parametrize(("content", "line", "said"), JSON_FAULTS)
def test_a_faulty_json_line_says_where_and_why(tmp_path: Path, content: Content, line: int, said: str) -> None:
    raised = fault(profiles(environment(tmp_path, customers_jsonl=content)))

    assert (raised.parts["file"], raised.parts["line"]) == (tmp_path / "customers.jsonl", line)
    assert said in raised.parts["reason"]


def test_an_escaped_backslash_before_u0000_is_no_control_character(tmp_path: Path) -> None:
    (row,) = profiles(environment(tmp_path, customers_jsonl='{"CustomerId":"a","FullName":"\\\\u0000"}'))

    assert row.document["FullName"] == "\\u0000"


@pytest.mark.parametrize("column", ["ActivityId", "CustomerId", "ActivityTime", "ActivityType"])
def test_an_activity_needs_its_mandatory_columns(tmp_path: Path, column: str) -> None:
    """S11, S12."""
    nulled = environment(tmp_path, activities_jsonl=ACTIVITY + ACTIVITY.replace(f'"{column}": ', '"Title": '))
    raised = fault(activities(nulled))
    assert raised.parts["line"] == 2
    assert f"column {column} is empty" in raised.parts["reason"]

    lacking = environment(tmp_path, activities_csv=ACTIVITY_HEADER.replace(column, "Description"))
    assert f"the header lacks {column}" in fault(activities(lacking)).parts["reason"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"1"', f'"{"x" * 101}"', "column ActivityId got"),
        ('"a"', '"a\\u0001"', "column CustomerId got"),
        ("2026-01-02 03:04", "yesterday", "column ActivityTime got the string 'yesterday', expected a date-time"),
        ("2026-01-02 03:04", "0001-01-01T00:00:00+01:00", "column ActivityTime got"),
        ('"Note"', "7", "column ActivityType got the number 7"),
        ('"Note"', '"Note", "Titel": "x"', "column 'Titel', which table UnifiedActivity does not have"),
    ],
)
def test_a_faulty_activity_says_why(tmp_path: Path, old: str, new: str, said: str) -> None:
    raised = fault(activities(environment(tmp_path, activities_jsonl=ACTIVITY.replace(old, new))))

    assert said in raised.parts["reason"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("Club_member,m,a", "'Club_member' is no source table of the environment (did you mean 'Club_members'?)"),
        ("Customer,m,a", "'Customer' is no source table"),
        (",m,a", "column Table is empty"),
        ("Club_members,,a", "column Key is empty"),
        (f"Club_members,{'x' * 101},a", "column Key got"),
        ("Club_members,m,", "column CustomerId is empty"),
        ("Club_members,m,a\x01", "column CustomerId got"),
        ("Club_members,m", "found 2 fields, expected 3"),
    ],
)
def test_a_faulty_key_says_where_and_why(tmp_path: Path, row: str, said: str) -> None:
    content = f"Table,Key,CustomerId\nClub_members,m-1,a\n{row}\n"

    raised = fault(keys(environment(tmp_path, keys_csv=content)))

    assert (raised.parts["file"], raised.parts["line"]) == (tmp_path / "keys.csv", 3)
    assert said in raised.parts["reason"]


def test_measures_are_read_from_csv_and_from_json_lines(tmp_path: Path) -> None:
    csv = "Count,CustomerId,Spend\n3,a,12.50\n,b,\n"
    json = '{"CustomerId":"a","Spend":12.5,"Count":3}\n{"CustomerId":"b","Spend":null}\n'
    abbie = {"CustomerId": "a", "Spend": 12.5, "Count": 3}

    assert list(measures(environment(tmp_path, measures_csv=csv))) == [
        MeasureRow(2, "a", abbie),
        MeasureRow(3, "b", {"CustomerId": "b"}),
    ]
    assert list(measures(environment(tmp_path, measures_jsonl=json))) == [
        MeasureRow(1, "a", abbie),
        MeasureRow(2, "b", {"CustomerId": "b"}),
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a,much,1", "column Spend got the string 'much', expected a finite number"),
        ("a,1,2.0", "column Count got the string '2.0', expected an integer"),
        (",1,1", "column CustomerId is empty"),
        ("a\x01,1,1", "column CustomerId got"),
        ("a,1", "found 2 fields, expected 3"),
    ],
)
def test_a_faulty_measure_says_where_and_why(tmp_path: Path, row: str, said: str) -> None:
    raised = fault(measures(environment(tmp_path, measures_csv=f"CustomerId,Spend,Count\na,1,1\n{row}\n")))

    assert (raised.parts["file"], raised.parts["line"]) == (tmp_path / "measures.csv", 3)
    assert said in raised.parts["reason"]


def test_measures_need_all_their_columns_in_a_header(tmp_path: Path) -> None:
    assert "lacks Spend, Count" in fault(measures(environment(tmp_path, measures_csv="CustomerId\na\n"))).message
    unknown = fault(measures(environment(tmp_path, measures_csv="CustomerId,Spent,Count\n")))
    assert "table Customer_Measure does not have (did you mean 'Spend'?)" in unknown.message


def test_segments_are_read_from_csv_and_from_json_lines(tmp_path: Path) -> None:
    csv = 'Segment,CustomerId\nHigh value,a\n"Tea, no coffee",\nHigh value,b\n'
    json = '{"Segment":"Café ☕","CustomerId":"a"}\n{"Segment":"Empty"}\n{"Segment":"Null","CustomerId":null}\n'

    assert list(memberships(environment(tmp_path, segments_csv=csv))) == [
        MembershipRow(2, "High value", "a"),
        MembershipRow(3, "Tea, no coffee", None),
        MembershipRow(4, "High value", "b"),
    ]
    assert list(memberships(environment(tmp_path, segments_jsonl=json))) == [
        MembershipRow(1, "Café ☕", "a"),
        MembershipRow(2, "Empty", None),
        MembershipRow(3, "Null", None),
    ]


def test_the_name_of_a_segment_may_have_two_hundred_characters(tmp_path: Path) -> None:
    (row,) = memberships(environment(tmp_path, segments_csv=f"Segment,CustomerId\n{'x' * 200},a\n"))

    assert len(row.segment) == 200


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",a", "column Segment is empty"),
        (" ,a", "column Segment got the string ' ', expected a text of 1 to 200 printable characters"),
        (f"{'x' * 201},a", "column Segment got"),
        ('"a\nb",a', "column Segment got"),
        ("a\u200b,a", "column Segment got"),
        (f"High value,{'x' * 101}", "column CustomerId got"),
        ("High value,a\x01", "column CustomerId got"),
        ("High value", "found 1 field, expected 2"),
    ],
)
def test_a_faulty_membership_says_where_and_why(tmp_path: Path, row: str, said: str) -> None:
    raised = fault(memberships(environment(tmp_path, segments_csv=f"Segment,CustomerId\nHigh value,a\n{row}\n")))

    assert (raised.parts["file"], raised.parts["line"]) == (tmp_path / "segments.csv", 3)
    assert said in raised.parts["reason"]


def test_an_instance_needs_no_measures_and_no_segments(tmp_path: Path) -> None:
    environment(tmp_path)
    file = tmp_path / "environment.yaml"
    file.write_text(file.read_text().partition("  measures:")[0])

    loaded = load_environment(file)

    assert list(measures(loaded)) == []
    assert list(memberships(loaded)) == []


def test_a_line_that_never_ends_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_lines, "CHUNK_BYTES", 10)
    monkeypatch.setattr(source_lines, "LINE_BYTES_MAX", 50)

    raised = fault(profiles(environment(tmp_path, customers_jsonl='{"CustomerId":"a"}\n' + "x" * 100)))

    assert raised.parts["line"] == 2
    assert "longer than the limit of 50 bytes" in raised.parts["reason"]


def test_a_file_that_has_gone_since_is_refused_in_one_sentence(tmp_path: Path) -> None:
    loaded = environment(tmp_path, customers_csv=HEADER + ROW)
    loaded.unified_files.customers.unlink()

    assert "cannot be read" in fault(profiles(loaded)).parts["reason"]
