"""The environment file: what it gives, and where each fault is said to be."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from topcoat.core import catalog, errors
from topcoat.core.catalog import ActivityConfiguration, Column, ColumnType, Table, TableKind
from topcoat.core.search_configuration import IndexedColumn
from topcoat.flows.refresh import located_yaml
from topcoat.flows.refresh.environment import Environment, UnifiedFiles, environment_schema, load_environment
from topcoat.flows.refresh.source_places import FileSource

TEXT = """\
instance:
  id: C0FFEE00-0000-4000-8000-000000000001
  name: Contoso Coffee
  type: production
  subscription_keys: {primary: one, secondary: two}
lifetimes: {profile: PT1H30M, activity: P2W}
tables:
  PoS_posPurchases:
    primary_key: PurchaseId
    columns:
      PurchaseId: string
      LoyaltyID: string
      PurchasedOn: date-time
      StoreName: string
      TotalAmount: decimal
      ReceiptUrl: string
  LoyaltyScheme_loyCustomers:
    primary_key: LoyaltyID
    columns: {LoyaltyID: string, EnrolledOn: date, RewardsPoints: integer, EmailOptIn: boolean}
activities:
  PoS_posPurchases:
    name: Store purchase
    type: SalesOrder
    timestamp: PurchasedOn
    event: StoreName
    detail: TotalAmount
    url: ReceiptUrl
    customer: {column: LoyaltyID, table: LoyaltyScheme_loyCustomers}
    timeline: false
    time_zone: America/Los_Angeles
unified:
  customer:
    file: customers.csv
    columns:
      CustomerId: string
      FullName: string
      LoyaltyScheme_loyCustomers_LoyaltyID: string
      PreviousCustomerId: string
  key_ring: {file: keys.csv}
  activities:
    - file: activities.jsonl
    - file: more.ndjson
  measures:
    file: measures.csv
    columns:
      LifetimeSpend: decimal
      CustomerId: string
      LastPurchaseOn: date-time
  segments: {file: segments.csv}
"""
FILES = ("customers.csv", "keys.csv", "activities.jsonl", "more.ndjson", "measures.csv", "segments.csv")


def write(folder: Path, text: str | bytes = TEXT) -> Path:
    for name in FILES:
        (folder / name).touch()
    file = folder / "environment.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def load(folder: Path, text: str | bytes = TEXT) -> Environment:
    return load_environment(write(folder, text))


def fault(folder: Path, text: str | bytes) -> errors.EnvironmentInvalid:
    with pytest.raises(errors.EnvironmentInvalid) as raised:
        load(folder, text)
    assert raised.value.parts["file"] == folder / "environment.yaml"
    return raised.value


def test_an_instance_is_what_the_file_says(tmp_path: Path) -> None:
    environment = load(tmp_path)

    assert replace(environment, catalog=catalog.Catalog(())) == Environment(
        file=tmp_path / "environment.yaml",
        instance_id="c0ffee00-0000-4000-8000-000000000001",
        name="Contoso Coffee",
        instance_type="production",
        subscription_keys=("one", "two"),
        profile_lifetime=timedelta(hours=1, minutes=30),
        activity_lifetime=timedelta(weeks=2),
        catalog=catalog.Catalog(()),
        sources={},
        unified=UnifiedFiles(
            customers=tmp_path / "customers.csv",
            key_ring=tmp_path / "keys.csv",
            activities=(tmp_path / "activities.jsonl", tmp_path / "more.ndjson"),
            measures=tmp_path / "measures.csv",
            segments=tmp_path / "segments.csv",
        ),
        raw=None,
        search=None,
        schedule=None,
    )


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    """S3."""
    text = """
instance: {id: c0ffee00-0000-4000-8000-000000000001, name: Contoso}
unified: {customer: {file: customers.csv, columns: {CustomerId: string}}}
"""

    environment = load(tmp_path, text)

    assert (environment.instance_type, environment.subscription_keys) == ("sandbox", ())
    assert (environment.profile_lifetime, environment.activity_lifetime) == (timedelta(hours=4), timedelta(days=30))
    assert (environment.unified_files.key_ring, environment.unified_files.activities) == (None, ())
    assert (environment.unified_files.measures, environment.unified_files.segments) == (None, None)
    assert [t.name for t in environment.catalog.tables] == ["Customer", "UnifiedActivity", "Customer_Measure"]
    assert environment.catalog.get_table("Customer_Measure").columns == (
        Column("CustomerId", is_key=True, is_mandatory=True),
    )


def test_the_catalog_lists_the_customer_table_first_and_source_tables_in_the_order_of_the_file(tmp_path: Path) -> None:
    tables = load(tmp_path).catalog.tables

    assert [(table.name, table.kind) for table in tables] == [
        ("Customer", TableKind.CUSTOMER),
        ("UnifiedActivity", TableKind.UNIFIED_ACTIVITY),
        ("Customer_Measure", TableKind.CUSTOMER_MEASURE),
        ("PoS_posPurchases", TableKind.SOURCE),
        ("LoyaltyScheme_loyCustomers", TableKind.SOURCE),
    ]


def test_ids_and_alternate_keys_are_the_keys_of_the_customer_table(tmp_path: Path) -> None:
    """S5."""
    customer = load(tmp_path).catalog.get_table("Customer")

    assert customer.primary_key == "CustomerId"
    assert customer.columns == (
        Column("CustomerId", is_key=True, is_mandatory=True),
        Column("FullName"),
        Column("LoyaltyScheme_loyCustomers_LoyaltyID", is_key=True),
        Column("PreviousCustomerId", is_key=True),
    )


def test_the_customer_id_is_the_first_column_of_the_measures_and_their_only_key(tmp_path: Path) -> None:
    assert load(tmp_path).catalog.get_table("Customer_Measure").columns == (
        Column("CustomerId", is_key=True, is_mandatory=True),
        Column("LifetimeSpend", ColumnType.DECIMAL),
        Column("LastPurchaseOn", ColumnType.DATE_TIME),
    )


def test_a_source_table_carries_its_activity_configuration(tmp_path: Path) -> None:
    """S11, S16."""
    assert load(tmp_path).catalog.get_table("PoS_posPurchases") == Table(
        name="PoS_posPurchases",
        kind=TableKind.SOURCE,
        columns=(
            Column("PurchaseId", is_key=True, is_mandatory=True),
            Column("LoyaltyID"),
            Column("PurchasedOn", ColumnType.DATE_TIME),
            Column("StoreName"),
            Column("TotalAmount", ColumnType.DECIMAL),
            Column("ReceiptUrl"),
        ),
        primary_key="PurchaseId",
        data_source="PoS",
        activity=ActivityConfiguration(
            name="Store purchase",
            type="SalesOrder",
            timestamp="PurchasedOn",
            event="StoreName",
            detail="TotalAmount",
            url="ReceiptUrl",
            customer_column="LoyaltyID",
            customer_table="LoyaltyScheme_loyCustomers",
            is_shown=False,
            time_zone="America/Los_Angeles",
        ),
    )


def test_a_data_source_may_have_an_underscore_when_it_is_said(tmp_path: Path) -> None:
    text = TEXT.replace("PoS_", "My_PoS_").replace(
        "primary_key: PurchaseId", "primary_key: PurchaseId\n    data_source: My_PoS"
    )

    assert load(tmp_path, text).catalog.get_table("My_PoS_posPurchases").data_source == "My_PoS"


def test_the_records_of_a_source_table_are_kept_where_it_names_a_file(tmp_path: Path) -> None:
    text = TEXT.replace("primary_key: PurchaseId", "primary_key: PurchaseId\n    file: more.ndjson")

    environment = load(tmp_path, text)

    assert environment.sources == {"PoS_posPurchases": FileSource(tmp_path / "more.ndjson")}
    assert [table.name for table in environment.catalog.tables if table.is_kept] == ["PoS_posPurchases"]


def test_a_relative_environment_file_gives_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.chdir(tmp_path)

    environment = load_environment(Path("environment.yaml"))

    assert environment.unified_files.customers == tmp_path / "customers.csv"


def test_a_byte_order_mark_and_anchors_are_read(tmp_path: Path) -> None:
    text = TEXT.replace("primary: one, secondary: two", "primary: &key one, secondary: *key")

    assert load(tmp_path, b"\xef\xbb\xbf" + text.encode()).subscription_keys == ("one", "one")


@pytest.mark.parametrize(
    ("old", "new", "line", "path", "said"),
    [
        pytest.param(
            "name: Contoso Coffee",
            "name: 2026",
            3,
            "instance.name",
            "found the number 2026, expected a string; put it in quotes",
            id="wrong type",
        ),
        pytest.param(
            "name: Contoso Coffee",
            "name: 2026-11-24",
            3,
            "instance.name",
            "found the date 2026-11-24, expected a string",
            id="a date for a string",
        ),
        pytest.param(
            "name: Contoso Coffee", 'name: " "', 3, "instance.name", "expected a text of 1 to 200", id="empty text"
        ),
        pytest.param(
            "name: Contoso Coffee",
            "name: {a: 1}",
            3,
            "instance.name",
            "found a mapping, expected a string",
            id="a mapping for a string",
        ),
        pytest.param(
            "lifetimes: {profile: PT1H30M, activity: P2W}",
            "lifetimes: [PT4H]",
            6,
            "lifetimes",
            "found a list, expected a mapping",
            id="a list for a mapping",
        ),
        pytest.param(
            "- file: activities.jsonl",
            "- activities.jsonl",
            41,
            "unified.activities[0]",
            "found the string 'activities.jsonl', expected a mapping",
            id="a string for a mapping",
        ),
        pytest.param(
            "timeline: false",
            "timeline: 0",
            29,
            "activities.PoS_posPurchases.timeline",
            "found the number 0, expected true or false",
            id="a number for a boolean",
        ),
        pytest.param(
            "event: StoreName",
            "evnt: StoreName",
            25,
            "activities.PoS_posPurchases.evnt",
            "unknown key (did you mean 'event'?); expected one of name, type, timestamp, event",
            id="unknown key",
        ),
        pytest.param(
            "instance:\n", "instant: 1\ninstance:\n", 1, "instant", "did you mean 'instance'?", id="unknown root key"
        ),
        pytest.param("  name: Contoso Coffee\n", "", 1, "instance.name", "missing", id="missing key"),
        pytest.param("unified:\n", "not_unified:\n", 31, "not_unified", "unknown key", id="missing and unknown key"),
        pytest.param(
            "PurchasedOn: date-time",
            "PurchasedOn: datetime",
            13,
            "tables.PoS_posPurchases.columns.PurchasedOn",
            "found the string 'datetime', expected one of string, integer, decimal, boolean, date, date-time "
            "(did you mean 'date-time'?)",
            id="bad column type",
        ),
        pytest.param(
            "PurchasedOn: date-time",
            "PurchasedOn: 7",
            13,
            "tables.PoS_posPurchases.columns.PurchasedOn",
            "found the number 7, expected one of string",
            id="a number as column type",
        ),
        pytest.param(
            "type: production", "type: prod", 4, "instance.type", "trial, sandbox, production", id="bad instance type"
        ),
        pytest.param(
            "StoreName: string",
            "Store Name: string",
            14,
            "tables.PoS_posPurchases.columns.Store Name",
            "expected a column name",
            id="bad column name",
        ),
        pytest.param("  PoS_pos", "  PoS-pos", 8, "tables.PoS-posPurchases", "expected a table name", id="table name"),
        pytest.param(
            "  PoS_posPurchases:\n    primary",
            "  Customer_Measure:\n    primary",
            8,
            "tables.Customer_Measure",
            "every instance has",
            id="a table that every instance has",
        ),
        pytest.param(
            "primary_key: PurchaseId",
            "primary_key: PurchaseID",
            9,
            "tables.PoS_posPurchases.primary_key",
            "has no column 'PurchaseID' (did you mean 'PurchaseId'?)",
            id="unknown primary key",
        ),
        pytest.param(
            "primary_key: PurchaseId",
            "primary_key: TotalAmount",
            9,
            "tables.PoS_posPurchases.primary_key",
            "is of type decimal, expected string or integer",
            id="primary key of wrong type",
        ),
        pytest.param(
            "primary_key: PurchaseId",
            "primary_key: PurchaseId\n    data_source: Shop",
            10,
            "tables.PoS_posPurchases.data_source",
            "found 'Shop', expected the beginning of the table's name",
            id="another data source",
        ),
        pytest.param(
            "timestamp: PurchasedOn",
            "timestamp: PurchasedAt",
            24,
            "activities.PoS_posPurchases.timestamp",
            "table PoS_posPurchases has no column 'PurchasedAt'",
            id="unknown activity column",
        ),
        pytest.param(
            "timestamp: PurchasedOn",
            "timestamp: StoreName",
            24,
            "activities.PoS_posPurchases.timestamp",
            "column StoreName is of type string, expected date-time or date",
            id="timestamp of wrong type",
        ),
        pytest.param(
            "url: ReceiptUrl",
            "url: TotalAmount",
            27,
            "activities.PoS_posPurchases.url",
            "is of type decimal, expected string",
            id="url of wrong type",
        ),
        pytest.param(
            "customer: {column: LoyaltyID",
            "customer: {column: PurchasedOn",
            28,
            "activities.PoS_posPurchases.customer.column",
            "is of type date-time, expected string or integer",
            id="foreign key of wrong type",
        ),
        pytest.param(
            "table: LoyaltyScheme_loyCustomers}",
            "table: LoyaltyScheme_loyCustomer}",
            28,
            "activities.PoS_posPurchases.customer.table",
            "did you mean 'LoyaltyScheme_loyCustomers'?",
            id="unknown customer table",
        ),
        pytest.param(
            "activities:\n  PoS_posPurchases:",
            "activities:\n  PoS_purchases:",
            21,
            "activities.PoS_purchases",
            "no table 'PoS_purchases' under tables",
            id="activities of an unknown table",
        ),
        pytest.param(
            "time_zone: America/Los_Angeles",
            "time_zone: America/Los Angeles",
            30,
            "activities.PoS_posPurchases.time_zone",
            "did you mean 'America/Los_Angeles'?",
            id="unknown time zone",
        ),
        pytest.param(
            "time_zone: America/Los_Angeles",
            "time_zone: America",
            30,
            "activities.PoS_posPurchases.time_zone",
            "IANA",
            id="a folder of time zones",
        ),
        pytest.param("PT1H30M", "P31D", 6, "lifetimes.profile", "at most 30 days", id="lifetime too long"),
        pytest.param("PT1H30M", "PT0S", 6, "lifetimes.profile", "above zero", id="lifetime of zero"),
        pytest.param("PT1H30M", "-PT4H", 6, "lifetimes.profile", "ISO 8601", id="negative lifetime"),
        pytest.param("PT1H30M", "4h", 6, "lifetimes.profile", "ISO 8601", id="unreadable lifetime"),
        pytest.param("PT1H30M", "P", 6, "lifetimes.profile", "ISO 8601", id="empty lifetime"),
        pytest.param("PT1H30M", "PT", 6, "lifetimes.profile", "ISO 8601", id="lifetime without parts"),
        pytest.param("PT1H30M", "P1M", 6, "lifetimes.profile", "ISO 8601", id="months"),
        pytest.param("PT1H30M", "14400", 6, "lifetimes.profile", "found the number 14400", id="number as lifetime"),
        pytest.param("C0FFEE00-0000", "COFFEE00-0000", 2, "instance.id", "expected a GUID", id="no GUID"),
        pytest.param("C0FFEE00-0000-4000", "C0FFEE0000004000", 2, "instance.id", "a GUID", id="GUID without dashes"),
        pytest.param(
            "secondary: two",
            "secondary: t w o",
            5,
            "instance.subscription_keys.secondary",
            "found something else, expected 1 to 200 printable ASCII characters",
            id="no header value",
        ),
        pytest.param(
            "name: Contoso Coffee",
            "name: !!binary aGk=",
            3,
            "instance.name",
            "found binary data, expected a string",
            id="binary data",
        ),
        pytest.param(
            "secondary: two", "second: two", 5, "instance.subscription_keys.second", "unknown key", id="another key"
        ),
        pytest.param(
            "CustomerId: string",
            "Customer: string",
            34,
            "unified.customer.columns",
            "column CustomerId is missing",
            id="no CustomerId",
        ),
        pytest.param(
            "CustomerId: string",
            "CustomerId: integer",
            35,
            "unified.customer.columns.CustomerId",
            "found integer, expected string",
            id="CustomerId of wrong type",
        ),
        pytest.param(
            "PreviousCustomerId: string",
            "PreviousCustomerId: integer",
            38,
            "unified.customer.columns.PreviousCustomerId",
            "found integer, expected string",
            id="PreviousCustomerId of wrong type",
        ),
        pytest.param(
            "customers.csv", "people.csv", 33, "unified.customer.file", "people.csv does not exist", id="missing file"
        ),
        pytest.param(
            "file: keys.csv", "file: keys.xlsx", 39, "unified.key_ring.file", "ending in .csv", id="unknown suffix"
        ),
        pytest.param(
            "- file: more.ndjson",
            "- file: none.jsonl",
            42,
            "unified.activities[1].file",
            "none.jsonl does not exist",
            id="missing file in a list",
        ),
        pytest.param(
            "      CustomerId: string\n      Last",
            "      Last",
            45,
            "unified.measures.columns",
            "column CustomerId is missing",
            id="measures without CustomerId",
        ),
        pytest.param(
            "CustomerId: string\n      Last",
            "CustomerId: integer\n      Last",
            47,
            "unified.measures.columns.CustomerId",
            "found integer, expected string",
            id="CustomerId of measures of wrong type",
        ),
        pytest.param(
            "LastPurchaseOn",
            "Last purchase",
            48,
            "unified.measures.columns.Last purchase",
            "expected a column name",
            id="no name of a measure",
        ),
        pytest.param(
            "measures.csv", "none.csv", 44, "unified.measures.file", "none.csv does not exist", id="missing measures"
        ),
        pytest.param(
            "segments.csv", "segments", 49, "unified.segments.file", "ending in .csv", id="segments without suffix"
        ),
        pytest.param(
            "segments: {file", "segment: {file", 49, "unified.segment", "did you mean 'segments'?", id="one segment"
        ),
        pytest.param(
            "  name: Contoso Coffee",
            "  name: Contoso Coffee\n  name: Fabrikam",
            4,
            "instance.name",
            "there twice, first in line 3",
            id="duplicate key",
        ),
        pytest.param(
            "StoreName: string",
            "No: string",
            14,
            "tables.PoS_posPurchases.columns",
            "a key is the boolean false, expected a string; put it in quotes",
            id="a key that is no string",
        ),
        pytest.param("  name: Contoso", "\tname: Contoso", 3, "the file", "the YAML is broken", id="a tab"),
        pytest.param("name: Contoso Coffee", "name: [Contoso", 4, "the file", "the YAML is broken", id="open bracket"),
        pytest.param("one, sec", "*one, sec", 5, "the file", "undefined alias", id="unknown alias"),
        pytest.param("Contoso Coffee", "!!python/name:os.system", 3, "the file", "constructor", id="a tag of Python"),
        pytest.param("lifetimes: {", "lifetimes: !!set {", 6, "lifetimes", "is not supported", id="another tag"),
        pytest.param("Contoso Coffee", "2026-02-30", 3, "instance.name", "put it in quotes", id="no date"),
        pytest.param("Contoso Coffee", "Contoso \x07", 3, "the file", "U+0007 is not allowed", id="control character"),
        pytest.param("Contoso Coffee", "[" * 2000, 3, "the file", "nested deeper than", id="too deep"),
    ],
)
def test_a_fault_says_where_it_is_what_came_and_what_was_expected(
    tmp_path: Path, old: str, new: str, line: int, path: str, said: str
) -> None:
    assert old in TEXT

    raised = fault(tmp_path, TEXT.replace(old, new, 1))

    assert (raised.parts["line"], raised.parts["path"]) == (line, path)
    assert said in raised.parts["reason"]
    assert raised.message.endswith(".")


@pytest.mark.parametrize("key", ["data_sources", "measures", "segments"])
def test_a_section_that_stands_elsewhere_is_refused_with_the_place(tmp_path: Path, key: str) -> None:
    """S32."""
    raised = fault(tmp_path, TEXT + f"{key}: {{}}\n")

    assert (raised.parts["line"], raised.parts["path"]) == (TEXT.count("\n") + 1, key)
    assert f"{key} is not supported here; " in raised.parts["reason"]


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"", 1, "found null, expected a mapping"),
        (b"- a\n", 1, "found a list, expected a mapping"),
        (b"a: 1\nb: \xff\n", 2, "not UTF-8"),
        (b"a: 1\n---\nb: 2\n", 2, "the YAML is broken"),
        (b"#" * (located_yaml.FILE_BYTES_MAX + 1), 1, "larger than the limit"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: bytes, line: int, said: str) -> None:
    raised = fault(tmp_path, content)

    assert (raised.parts["line"], raised.parts["path"]) == (line, "the file")
    assert said in raised.parts["reason"]


def test_the_first_of_several_faults_is_reported(tmp_path: Path) -> None:
    text = TEXT.replace("file: customers.csv", "fil: customers.csv").replace("decimal", "number")

    assert fault(tmp_path, text).parts["line"] == 15


def test_aliases_cannot_make_a_small_file_huge(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]

    assert "more than" in fault(tmp_path, "\n".join(lines)).parts["reason"]


def test_an_alias_of_itself_is_refused(tmp_path: Path) -> None:
    assert "nested deeper than" in fault(tmp_path, "a: &a [*a]").parts["reason"]


def test_a_subscription_key_is_not_repeated_in_an_error(tmp_path: Path) -> None:
    raised = fault(tmp_path, TEXT.replace("primary: one", "primary: 12345"))

    assert raised.parts["path"] == "instance.subscription_keys.primary"
    assert "12345" not in raised.message


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_missing_environment_file_and_a_folder_are_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.EnvironmentInvalid, match="cannot be read"):
        load_environment(tmp_path / name)


def test_the_schema_describes_every_key() -> None:
    schema = environment_schema()

    assert set(schema["properties"]) == {
        "instance",
        "lifetimes",
        "tables",
        "activities",
        "unified",
        "unification",
        "quarantine_share_max",
        "enrichment",
        "enrichments",
        "predictions",
        "search",
        "schedule",
    }
    assert schema["required"] == ["instance"]
    for part in (schema, *(d for d in schema["$defs"].values() if d["type"] == "object")):
        assert part["additionalProperties"] is False
        for name, property_ in part["properties"].items():
            assert property_.get("description"), name
    assert json.loads(json.dumps(schema)) == schema


def test_the_schedule_section_has_cron_lines_in_a_zone(tmp_path: Path) -> None:
    section = "schedule: {cron: ['0 6 * * 1-5', 0 18 * * *], time_zone: W. Europe Standard Time}\n"

    timing = load(tmp_path, TEXT + section).schedule

    assert timing is not None
    assert (timing.lines, timing.zone.key) == (("0 6 * * 1-5", "0 18 * * *"), "Europe/Berlin")


@pytest.mark.parametrize(
    ("section", "path", "said"),
    [
        (
            "cron: ['0 6 * * *', 0 0 30 2 *]",
            "schedule.cron[1]",
            "found '0 0 30 2 *' (Bad day-of-month), expected a cron",
        ),
        ("cron: [0 */2 * * *]", "schedule.cron[0]", "at most 4 times a day"),
        ("{cron: [0 6 * * *], time_zone: Mars}", "schedule.time_zone", "found 'Mars', expected an IANA or Windows"),
        ("cron: []", "schedule.cron", "found a list, expected at least 1 in it"),
    ],
)
def test_a_faulty_schedule_section_is_refused_with_its_place(
    tmp_path: Path, section: str, path: str, said: str
) -> None:
    raised = fault(tmp_path, TEXT + f"schedule:\n  {section}\n")

    assert raised.parts["path"] == path
    assert said in raised.message


def test_the_search_section_names_columns_of_the_customers(tmp_path: Path) -> None:
    section = "search: {searchable: [FullName], filterable: [FullName, CustomerId], sortable: [CustomerId]}\n"

    assert load(tmp_path, TEXT + section).search == (
        IndexedColumn("CustomerId", is_filterable=True, is_sortable=True),
        IndexedColumn("FullName", is_searchable=True, is_filterable=True),
    )


@pytest.mark.parametrize(
    ("section", "path", "said"),
    [
        ("filterable: [FulName]", "search.filterable[0]", "no column 'FulName' (did you mean 'FullName'?)"),
        ("sortable: [CustomerId, Nope]", "search.sortable[1]", "no column 'Nope'"),
        ("searchable: [FullName, Since]", "search.searchable[1]", "is of type date, expected string"),
        ("searchable: FullName", "search.searchable", "expected a list"),
        ("searchable: [5]", "search.searchable[0]", "expected a string"),
        ("search: [FullName]", "search.search", "unknown key"),
    ],
)
def test_a_faulty_search_section_is_refused_with_its_place(tmp_path: Path, section: str, path: str, said: str) -> None:
    text = TEXT.replace("      FullName: string\n", "      FullName: string\n      Since: date\n")

    raised = fault(tmp_path, text + f"search:\n  {section}\n")

    assert (raised.parts["line"], raised.parts["path"]) == (text.count("\n") + 2, path)
    assert said in raised.parts["reason"]
