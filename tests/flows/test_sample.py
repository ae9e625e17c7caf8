"""Contoso Coffee: what it promises, and that its ready-made files are what its raw files say."""

import csv
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

import topcoat
from topcoat import sample
from topcoat.core import catalog, mapping
from topcoat.core.catalog import Document, Table
from topcoat.flows.refresh import unified_files
from topcoat.flows.refresh.environment import Environment, load_environment
from topcoat.flows.refresh.unified_files import ActivityRow, KeyRow, MeasureRow, ProfileRow
from topcoat.sample import tables

SIZE = 300
FIRST_INSTANT_AFTER = "2026-11-01"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("contoso")
    assert sample.write_sample(made, SIZE) == made / sample.ENVIRONMENT_FILE
    return made


@pytest.fixture(scope="module")
def environment(folder: Path) -> Environment:
    return load_environment(folder / sample.ENVIRONMENT_FILE)


@pytest.fixture(scope="module")
def profiles(environment: Environment) -> list[ProfileRow]:
    return list(unified_files.read_profiles(environment, lambda _: None))


@pytest.fixture(scope="module")
def activities(environment: Environment) -> list[ActivityRow]:
    return list(unified_files.read_activities(environment, environment.unified_files.activities[0], lambda _: None))


@pytest.fixture(scope="module")
def keys(environment: Environment) -> list[KeyRow]:
    return list(unified_files.read_key_ring(environment, lambda _: None))


@pytest.fixture(scope="module")
def measures(environment: Environment) -> dict[str, MeasureRow]:
    return {row.customer_id: row for row in unified_files.read_measures(environment, lambda _: None)}


@pytest.fixture(scope="module")
def members(environment: Environment) -> dict[str, set[str]]:
    """Segment -> CustomerIds."""
    found: dict[str, set[str]] = {}
    for row in unified_files.read_memberships(environment, lambda _: None):
        found.setdefault(row.segment, set()).update([] if row.customer_id is None else [row.customer_id])
    return found


def raw_records(folder: Path, table: Table) -> list[Document]:
    """The raw rows, as a refresh would read them: canonical, nulls left out."""
    with (folder / f"{table.name}.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        assert rows.fieldnames == list(table.columns_by_name)
        return [
            {name: catalog.parse_text(table, table.get_column(name), text) for name, text in row.items() if text}
            for row in rows
        ]


def digests(folder: Path) -> dict[str, str]:
    return {file.name: sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def test_the_environment_file_describes_the_tables_that_were_written(environment: Environment) -> None:
    assert environment.instance_id == sample.INSTANCE_ID == "c0ffee00-0000-4000-8000-000000000001"
    assert environment.name == "Contoso Coffee"
    assert environment.catalog.tables[3:] == tuple(replace(table, is_kept=True) for table in tables.SOURCES)
    assert [table.name for table in environment.catalog.tables if table.activity is not None] == [
        "eCommerce_eCommercePurchases",
        "LoyaltyScheme_loyCustomers",
        "PoS_posPurchases",
        "Website_webReviews",
    ]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (
            "Customer",
            "CustomerId FullName FirstName LastName EMail Telephone DateOfBirth Gender AddressLine1 City PostalCode "
            "Country LoyaltyTier RewardsPoints TotalSpend EmailOptIn CustomerSince "
            "eCommerce_eCommerceContacts_ContactId LoyaltyScheme_loyCustomers_LoyaltyID PreviousCustomerId",
        ),
        ("Customer_Measure", "CustomerId LifetimeSpend PurchaseCount LastPurchaseOn"),
        ("PoS_posPurchases", "PurchaseId LoyaltyID PurchasedOn StoreName TotalAmount Currency ReceiptUrl"),
        ("Website_webReviews", "ReviewId ContactId ReviewDate Rating Headline Body Url"),
    ],
)
def test_the_columns_are_those_that_callers_know(environment: Environment, table: str, columns: str) -> None:
    assert list(environment.catalog.get_table(table).columns_by_name) == columns.split()


def test_the_keys_of_a_profile_are_its_ids_and_its_alternate_keys(environment: Environment) -> None:
    keys = [column.name for column in environment.catalog.get_table("Customer").columns if column.is_key]

    assert keys == [
        "CustomerId",
        "eCommerce_eCommerceContacts_ContactId",
        "LoyaltyScheme_loyCustomers_LoyaltyID",
        "PreviousCustomerId",
    ]


def test_the_raw_tables_are_to_become_the_same_instance_with_all_columns_that_callers_know(
    folder: Path, environment: Environment
) -> None:
    raw = load_environment(folder / sample.RAW_ENVIRONMENT_FILE)

    assert raw.instance_id == environment.instance_id
    assert set(raw.search or ()) == set(environment.search or ())
    known = {column.name: column.type for column in environment.catalog.get_table("Customer").columns}
    made = {column.name: column.type for column in raw.catalog.get_table("Customer").columns}
    assert made.items() >= known.items()
    assert made.keys() - known.keys() == {"EMail_Standardized", "Telephone_Standardized"}


@pytest.mark.parametrize("size", [1, 2, 57])
def test_there_are_exactly_as_many_customers_as_asked_for(tmp_path: Path, size: int) -> None:
    environment = load_environment(sample.write_sample(tmp_path / "new" / "folder", size))

    rows = list(unified_files.read_profiles(environment, lambda _: None))

    assert len({row.customer_id for row in rows}) == len(rows) == size


def test_abbie_moss_comes_first(profiles: list[ProfileRow], activities: list[ActivityRow]) -> None:
    abbie = profiles[0].document

    assert abbie["CustomerId"] == sample.ABBIE_MOSS_ID
    assert (abbie["FullName"], abbie["EMail"], abbie["City"]) == ("Abbie Moss", "abbie.moss@contoso.com", "Seattle")
    assert abbie["eCommerce_eCommerceContacts_ContactId"] == "CNTID_1001"
    assert abbie["LoyaltyScheme_loyCustomers_LoyaltyID"]
    assert "PreviousCustomerId" not in abbie
    kinds = Counter(row.source_table for row in activities if row.customer_id == sample.ABBIE_MOSS_ID)
    assert set(kinds) == {table.name for table in tables.SOURCES if table.activity is not None}
    assert kinds["PoS_posPurchases"] > 1
    assert kinds["Website_webReviews"] > 1


def test_ids_are_32_hexadecimal_digits(profiles: list[ProfileRow]) -> None:
    """S18."""
    for row in profiles:
        for customer_id in (row.customer_id, *row.previous_ids):
            assert re.fullmatch("[0-9a-f]{32}", customer_id)


def test_a_few_people_were_several_profiles_once(profiles: list[ProfileRow]) -> None:
    """S18."""
    ids = {row.customer_id for row in profiles}
    previous = [earlier for row in profiles for earlier in row.previous_ids]

    assert 0 < sum(1 for row in profiles if row.previous_ids) < SIZE / 20
    assert max(len(row.previous_ids) for row in profiles) == 2
    assert len(set(previous)) == len(previous)
    assert ids.isdisjoint(previous)


def test_people_have_about_five_activities_of_three_types(activities: list[ActivityRow]) -> None:
    assert 4 < len(activities) / SIZE < 6
    assert {row.activity_type for row in activities} == {"SalesOrder", "Feedback", "Loyalty"}


def test_all_data_ends_before_november_2026(folder: Path, activities: list[ActivityRow]) -> None:
    for row in activities:
        assert row.document["ActivityTime"] < FIRST_INSTANT_AFTER
    instants = [
        instant
        for file in folder.glob("*.csv")
        for instant in re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", file.read_text(encoding="utf-8"))
    ]
    assert instants
    assert max(instants) < FIRST_INSTANT_AFTER


def test_nobody_buys_before_being_a_customer(profiles: list[ProfileRow], activities: list[ActivityRow]) -> None:
    since = {row.customer_id: row.document["CustomerSince"] for row in profiles}

    for row in activities:
        assert row.document["ActivityTime"] >= since[row.customer_id]


def test_mapping_the_raw_records_gives_the_ready_made_activities(
    folder: Path, environment: Environment, activities: list[ActivityRow], keys: list[KeyRow]
) -> None:
    """S12, S19."""
    customer_ids = {(row.table, row.key): row.customer_id for row in keys}
    mapped: dict[str, Document] = {}
    for table in environment.catalog.tables:
        for record in raw_records(folder, table) if table.activity is not None else ():
            made = mapping.map_source_record(table, mapping.validate_source_record(table, record))
            customer_id = customer_ids[made.customer.table, made.customer.key]
            mapped[made.document["ActivityId"]] = made.document | {"CustomerId": customer_id}

    assert {row.activity_id: row.document for row in activities} == mapped
    assert len(mapped) == len(activities)


def test_every_customer_record_is_in_the_key_ring_and_every_profile_has_one(
    folder: Path, profiles: list[ProfileRow], keys: list[KeyRow]
) -> None:
    """S19."""
    records = {
        (table.name, record[table.primary_key])
        for table in (tables.CONTACTS, tables.MEMBERS)
        for record in raw_records(folder, table)
    }

    assert {(row.table, row.key) for row in keys} == records
    assert len(keys) == len(records)
    assert {row.customer_id for row in keys} == {row.customer_id for row in profiles}


def test_alternate_keys_of_a_profile_are_its_keys_in_the_key_ring(
    profiles: list[ProfileRow], keys: list[KeyRow]
) -> None:
    from_profiles = {
        (table.name, row.document[f"{table.name}_{table.primary_key}"], row.customer_id)
        for row in profiles
        for table in (tables.CONTACTS, tables.MEMBERS)
        if f"{table.name}_{table.primary_key}" in row.document
    }

    assert from_profiles == {(row.table, row.key, row.customer_id) for row in keys}


def test_the_truth_names_the_person_behind_every_customer_record(folder: Path, keys: list[KeyRow]) -> None:
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = {(row["Table"], row["Key"]): row["Person"] for row in csv.DictReader(file)}

    persons = {row.customer_id: truth[row.table, row.key] for row in keys}

    assert set(truth) == {(row.table, row.key) for row in keys}
    assert sorted(map(int, persons.values())) == list(range(1, SIZE + 1))
    assert persons[sample.ABBIE_MOSS_ID] == "1"


def test_total_spend_is_the_sum_of_what_was_bought(profiles: list[ProfileRow], activities: list[ActivityRow]) -> None:
    spent: Counter[str] = Counter()
    for row in activities:
        if row.activity_type == "SalesOrder":
            spent[row.customer_id] += round(orjson.loads(row.document["SemanticData"])["TotalAmount"] * 100)

    assert {row.customer_id: round(row.document["TotalSpend"] * 100) for row in profiles} == {
        row.customer_id: spent[row.customer_id] for row in profiles
    }


def test_the_measures_are_what_the_activities_say(
    profiles: list[ProfileRow], activities: list[ActivityRow], measures: dict[str, MeasureRow]
) -> None:
    bought: dict[str, list[Document]] = {row.customer_id: [] for row in profiles}
    for row in activities:
        if row.activity_type == "SalesOrder":
            bought[row.customer_id].append(row.document)

    assert {customer_id: row.document for customer_id, row in measures.items()} == {
        customer_id: {
            "CustomerId": customer_id,
            "LifetimeSpend": round(sum(orjson.loads(d["SemanticData"])["TotalAmount"] for d in documents), 2),
            "PurchaseCount": len(documents),
        }
        | ({"LastPurchaseOn": max(d["ActivityTime"] for d in documents)} if documents else {})
        for customer_id, documents in bought.items()
    }


def test_segments_are_what_profiles_and_measures_say(
    profiles: list[ProfileRow], measures: dict[str, MeasureRow], members: dict[str, set[str]]
) -> None:
    spent = {row.customer_id: measures[row.customer_id].document["LifetimeSpend"] for row in profiles}

    assert members == {
        "HighValue": {customer_id for customer_id, amount in spent.items() if amount >= 400},
        "LoyaltyGold": {row.customer_id for row in profiles if row.document.get("LoyaltyTier") == "Gold"},
        "NewCustomers": {row.customer_id for row in profiles if row.document["CustomerSince"] >= "2026"},
    }
    assert all(0 < len(ids) < SIZE / 2 for ids in members.values())


def test_the_smallest_sample_has_every_segment(tmp_path: Path, members: dict[str, set[str]]) -> None:
    environment = load_environment(sample.write_sample(tmp_path, 1))

    rows = list(unified_files.read_memberships(environment, lambda _: None))

    assert [row.segment for row in rows if row.customer_id is None] == sorted(members)


def test_unification_has_something_to_do(folder: Path, profiles: list[ProfileRow], keys: list[KeyRow]) -> None:
    records = {
        (table.name, record[table.primary_key]): record
        for table in (tables.CONTACTS, tables.MEMBERS)
        for record in raw_records(folder, table)
    }
    by_person: dict[str, list[Document]] = {}
    for row in keys:
        by_person.setdefault(row.customer_id, []).append(records[row.table, row.key])
    pairs = [pair for pair in by_person.values() if len(pair) == 2]

    def differing(*columns: str) -> int:
        return sum(1 for a, b in pairs if any(a.get(name) != b.get(name) for name in columns))

    assert len(pairs) > SIZE / 4
    assert 0 < differing("FirstName", "LastName") < len(pairs)
    assert 0 < differing("AddressLine1") < len(pairs)
    assert 0 < differing("EMail") < len(pairs)
    households = Counter((row.document["LastName"], row.document["AddressLine1"]) for row in profiles)
    assert max(households.values()) > 1


def test_the_same_size_gives_the_same_bytes_in_any_process(folder: Path, tmp_path: Path) -> None:
    script = (
        f"from pathlib import Path; from topcoat import sample; sample.write_sample(Path({str(tmp_path)!r}), {SIZE})"
    )
    sources = str(Path(topcoat.__file__).parents[1])

    subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": sources, "PYTHONHASHSEED": "7", "LC_ALL": "C", "PYTHONUTF8": "0"},
        check=True,
    )

    assert digests(tmp_path) == digests(folder)


def test_a_larger_sample_begins_with_the_people_of_a_smaller_one(folder: Path, tmp_path: Path) -> None:
    sample.write_sample(tmp_path, SIZE // 2)

    names = ("customers.csv", "activities.jsonl", "keys.csv", "measures.csv", "segments.csv", "PoS_posPurchases.csv")
    for name in names:
        assert (folder / name).read_bytes().startswith((tmp_path / name).read_bytes())


def test_a_sample_can_be_written_over_another(tmp_path: Path, folder: Path) -> None:
    sample.write_sample(tmp_path, 10)

    sample.write_sample(tmp_path, SIZE)

    assert digests(tmp_path) == digests(folder)


def test_documents_are_written_without_nulls(folder: Path) -> None:
    lines: list[dict[str, Any]] = [
        orjson.loads(line) for line in (folder / "activities.jsonl").read_bytes().splitlines()
    ]

    assert not [line for line in lines if None in line.values()]
