"""What is added to profiles: standardised copies, columns of reference; and rows that others computed of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
from ibis.expr import types as ir

from topcoat.core.catalog import CUSTOMER, Catalog, Column, ColumnType, Table, TableKind
from topcoat.core.enrichment import AddedColumn, Enrichment, Reference, Standard, StandardKind
from topcoat.core.unification import Normalization
from topcoat.flows.refresh import enrich
from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.enrich import outputs, reference, standardised

Rows = list[dict[str, Any]]
TEXTS = {"Key": pa.string(), "Text": pa.string()}
ACCOUNTS = {"Id": pa.int64(), "Email": pa.string(), "City": pa.string(), "Number": pa.int64(), "Spend": pa.float64()}
PEOPLE = {"CustomerId": pa.string(), "EMail": pa.string(), "City": pa.string(), "Number": pa.float64()}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    backend = ibis.duckdb.connect()
    yield Engine(backend, Path(tmp_path_factory.mktemp("engine")))
    backend.disconnect()


def table(engine: Engine, columns: dict[str, pa.DataType], rows: Rows, name: str = "rows") -> ir.Table:
    arrow = pa.Table.from_pylist(
        [dict.fromkeys(columns) | row for row in rows], schema=pa.schema(list(columns.items()))
    )
    return engine.backend.create_table(name, arrow, overwrite=True)


def listed(rows: ir.Table) -> Rows:
    return list(rows.to_pyarrow().to_pylist())


@pytest.mark.parametrize(
    ("kind", "region", "values"),
    [
        (
            StandardKind.PHONE,
            "US",
            {
                "(206) 555-0100": "+12065550100",
                "+47 22 86 44 00": "+4722864400",
                "0047 22864400": None,
                "555-0100": None,
                "+1 206 555 0100 0": None,
                "call me": None,
                "": None,
                None: None,
            },
        ),
        (StandardKind.PHONE, "NO", {"0047 22864400": "+4722864400", "22 86 44 00": "+4722864400"}),
        (StandardKind.PHONE, None, {"22 86 44 00": None, "+4722864400": "+4722864400"}),
        (
            StandardKind.EMAIL,
            None,
            {
                "  Ann.Lee+x@Contoso.COM ": "ann.lee+x@contoso.com",
                "ann@københavn.dk": "ann@københavn.dk",
                "ann@sub.contoso.co.uk": "ann@sub.contoso.co.uk",
                "ann@contoso": None,
                "ann@@contoso.com": None,
                "ann lee@contoso.com": None,
                "ann..lee@contoso.com": None,
                "ann@-contoso.com": None,
                "@contoso.com": None,
                "ann@192.168.0.1": None,
                f"{'a' * 250}@b.com": None,
                "": None,
                None: None,
            },
        ),
        (
            StandardKind.ADDRESS,
            None,
            {"  12  Main Street,\tApt. #4": "12 main st apt 4", "12 MAIN ST APT 4": "12 main st apt 4", " ": None},
        ),
    ],
)
def test_a_standardised_copy_has_one_form_for_each_meaning_and_null_for_none(
    engine: Engine, kind: StandardKind, region: str | None, values: dict[str | None, str | None]
) -> None:
    profiles = table(
        engine, TEXTS, [{"Key": str(number), "Text": text} for number, text in enumerate([*values, *values])]
    )

    copied = standardised.standardise(profiles, Standard("Text", kind, region))

    assert copied.columns == ("Key", "Text", "Text_Standardized")
    found = [(row["Text"], row["Text_Standardized"]) for row in listed(copied.order_by(copied.Key.cast("int64")))]
    assert found == [*values.items()] * 2


def test_a_number_without_a_country_is_of_the_region_or_of_none() -> None:
    """Asked outside the engine too, whose threads coverage does not see."""
    asked = [("22 86 44 00", "NO"), ("22 86 44 00", ""), ("+4722864400", ""), ("1", "NO"), ("call me", "NO")]

    assert [standardised.international_number(*one) for one in asked] == ["+4722864400", "", "+4722864400", "", ""]


def referred(engine: Engine, people: Rows, accounts: Rows, *match: tuple[str, str], levelled: bool = True) -> Rows:
    kinds = (Normalization.CASE, Normalization.WHITESPACE) if levelled else ()
    asked = Reference("Finance_accounts", match, (AddedColumn("TotalSpend", "Spend", ColumnType.DECIMAL),), kinds)
    rows = reference.refer(table(engine, PEOPLE, people, "people"), table(engine, ACCOUNTS, accounts), asked, "Id")
    return listed(rows.select("CustomerId", "TotalSpend", reference.ROWS_MET).order_by("CustomerId"))


def test_columns_of_the_reference_come_to_profiles_whose_levelled_keys_are_alike(engine: Engine) -> None:
    people: Rows = [
        {"CustomerId": "a", "EMail": "Ann@X.com "},
        {"CustomerId": "b", "EMail": "bo@x.com"},
        {"CustomerId": "c", "EMail": None},
    ]
    accounts: Rows = [{"Id": 1, "Email": "ann@x.COM", "Spend": 5.0}, {"Id": 2, "Email": None, "Spend": 9.0}]

    found = referred(engine, people, accounts, ("EMail", "Email"))

    assert [row["TotalSpend"] for row in found] == [5.0, None, None]


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_rows_the_lowest_primary_key_counts_in_whatever_order_they_come(engine: Engine, order: int) -> None:
    accounts: Rows = [{"Id": id_, "Email": "ann@x.com", "Spend": float(id_)} for id_ in (10, 9, 100)][::order]

    found = referred(engine, [{"CustomerId": "a", "EMail": "ann@x.com"}], accounts, ("EMail", "Email"))

    assert found == [{"CustomerId": "a", "TotalSpend": 9.0, reference.ROWS_MET: 3}]


def test_all_keys_have_to_be_alike_and_be_there(engine: Engine) -> None:
    cities = {"a": "Oslo", "b": "Rome", "c": None}
    people: Rows = [{"CustomerId": id_, "EMail": "e", "City": city} for id_, city in cities.items()]
    accounts: Rows = [
        {"Id": 1, "Email": "e", "City": "Oslo", "Spend": 1.0},
        {"Id": 2, "Email": "e", "City": None, "Spend": 2.0},
    ]

    found = referred(engine, people, accounts, ("EMail", "Email"), ("City", "City"))

    assert [row["TotalSpend"] for row in found] == [1.0, None, None]


def test_numbers_are_compared_as_numbers_and_with_texts_as_texts(engine: Engine) -> None:
    people: Rows = [{"CustomerId": "a", "Number": 7.0, "City": "7"}]
    accounts: Rows = [{"Id": 1, "Number": 7, "Spend": 1.0}]

    assert referred(engine, people, accounts, ("Number", "Number"), levelled=False)[0]["TotalSpend"] == 1.0
    assert referred(engine, people, accounts, ("City", "Number"))[0]["TotalSpend"] == 1.0


def test_profiles_get_all_that_is_added_in_the_order_of_the_catalog(engine: Engine) -> None:
    """What is standardised may be matched."""
    names = ("CustomerId", "EMail", "EMail_Standardized", "TotalSpend", "Name", "CRM_accounts_Id")
    columns = tuple(Column(name, ColumnType.DECIMAL if name == "TotalSpend" else ColumnType.STRING) for name in names)
    catalog = Catalog(
        (
            Table(CUSTOMER, TableKind.CUSTOMER, columns, "CustomerId"),
            Table("Finance_accounts", TableKind.SOURCE, (), "Id"),
        )
    )
    people = {name: pa.string() for name in ("CustomerId", "EMail", "CRM_accounts_Id")}
    table(engine, people, [{"CustomerId": "a", "EMail": " ANN@x.com"}, {"CustomerId": "b"}], "profiles")
    accounts: Rows = [{"Id": 1, "Email": "ann@x.com", "City": "Ann", "Spend": 1.0}, {"Id": 2, "Email": "ann@x.com"}]
    table(engine, ACCOUNTS, accounts, "pulled_Finance_accounts")
    match = (("EMail_Standardized", "Email"),)
    asked = Enrichment(
        (Standard("EMail", StandardKind.EMAIL),),
        (
            Reference("Finance_accounts", match, (AddedColumn("TotalSpend", "Spend", ColumnType.DECIMAL),)),
            Reference("Finance_accounts", match, (AddedColumn("Name", "City", ColumnType.STRING),)),
        ),
    )

    ambiguous = enrich.enrich_profiles(engine, catalog, asked)

    profiles = engine.table("profiles")
    assert profiles.columns == names
    assert [tuple(row.values()) for row in listed(profiles.order_by("CustomerId"))] == [
        ("a", " ANN@x.com", "ann@x.com", 1.0, "Ann", None),
        ("b", None, None, None, None, None),
    ]
    assert ambiguous == {"Finance_accounts": 2}


def test_rows_of_others_are_kept_with_a_profile_or_an_alias_of_one_and_counted_without(engine: Engine) -> None:
    """S18."""
    ids = ["a", "old", "nobody", None, "a"]
    rows = table(engine, TEXTS, [{"Key": str(n), "Text": id_} for n, id_ in enumerate(ids)]).rename(CustomerId="Text")
    profiles = table(engine, {"CustomerId": pa.string()}, [{"CustomerId": "a"}, {"CustomerId": "b"}], "people")
    aliases = table(
        engine,
        {"alias_id": pa.string(), "customer_id": pa.string()},
        [{"alias_id": "old", "customer_id": "a"}],
        "aliases",
    )

    kept = outputs.keep_known(rows, profiles, aliases)

    assert sorted((row["Key"], row["CustomerId"]) for row in listed(kept.rows)) == [
        ("0", "a"),
        ("1", "old"),
        ("4", "a"),
    ]
    assert kept.without_customer.to_pyarrow().as_py() == 2
