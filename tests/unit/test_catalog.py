"""Tables, the check of a record against its table, ids, and the words of messages (S5, S7, S8, S11, S16, S18)."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from topcoat.core import catalog, errors
from topcoat.core.catalog import ActivityConfiguration, Column


def test_a_record_keeps_its_nulls_and_takes_canonical_values() -> None:
    """S7."""
    record = {"CustomerId": "c1", "City": None, "TotalSpend": 3, "CustomerSince": "2026-12-24 18:00:00+01:00"}

    document = catalog.validate_record(make.table(), record)

    assert document == {
        "CustomerId": "c1",
        "City": None,
        "TotalSpend": 3.0,
        "CustomerSince": "2026-12-24T17:00:00Z",
    }


@pytest.mark.parametrize("record", [{}, {"CustomerId": None}, {"City": "Paris"}])
def test_a_record_without_a_mandatory_column_or_with_null_for_it_is_refused(record: dict[str, Any]) -> None:
    """S11."""
    with pytest.raises(errors.MissingColumn) as refused:
        catalog.validate_record(make.table(), record)

    assert refused.value.message == "Column CustomerId of table Customer is mandatory and missing or null."
    assert refused.value.target == "CustomerId"


@pytest.mark.parametrize("missing", ["CustomerId", "ActivityTime", "ActivityType"])
def test_an_activity_names_its_customer_its_time_and_its_type(missing: str) -> None:
    """S11: mandatory in UnifiedActivity format."""
    record = {"CustomerId": "c1", "ActivityTime": "2026-11-24T11:00:00Z", "ActivityType": "SalesOrder"}
    del record[missing]

    with pytest.raises(errors.MissingColumn) as refused:
        catalog.validate_record(catalog.UNIFIED_ACTIVITY_TABLE, record)

    assert refused.value.target == missing


def test_an_activity_needs_nothing_else() -> None:
    """S11, S12: the service makes the ActivityId that is left out."""
    record = {"CustomerId": "c1", "ActivityTime": "2026-11-24T11:00:00+01:00", "ActivityType": "SalesOrder"}

    document = catalog.validate_record(catalog.UNIFIED_ACTIVITY_TABLE, record)

    assert document == record | {"ActivityTime": "2026-11-24T10:00:00Z"}


def test_one_bad_column_refuses_the_whole_record() -> None:
    """S5."""
    with pytest.raises(errors.WrongType) as refused:
        catalog.validate_record(make.table(), make.profile(City="Paris", RewardsPoints="many"))

    assert refused.value.target == "RewardsPoints"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("city", "Table Customer has no column 'city' (did you mean 'City'?)."),
        ("FulName", "Table Customer has no column 'FulName' (did you mean 'FullName'?)."),
        ("Zzzzzzz", "Table Customer has no column 'Zzzzzzz'."),
        ("", "Table Customer has no column ''."),
        ("C\0ity", "Table Customer has no column 'C�ity' (did you mean 'City'?)."),
        ("x" * 1000, f"Table Customer has no column '{'x' * 60}…'."),
    ],
)
def test_an_unknown_column_is_refused_and_the_nearest_suggested(name: str, message: str) -> None:
    """S5: spelling is exact."""
    with pytest.raises(errors.UnknownColumn) as refused:
        catalog.validate_columns(make.table(), {name: "x"})

    assert refused.value.message == message


def test_a_change_names_some_columns_and_may_set_them_to_null() -> None:
    """S5, S7."""
    change = catalog.validate_change(make.table(), {"City": None, "RewardsPoints": 7})

    assert change == {"City": None, "RewardsPoints": 7}


def test_a_change_of_nothing_is_refused() -> None:
    """S5."""
    with pytest.raises(errors.EmptyChange) as refused:
        catalog.validate_change(make.table(), {})

    assert refused.value.message == "A change must name at least one column of table Customer."


@pytest.mark.parametrize("value", ["c2", make.CUSTOMER_ID, None, 5])
def test_a_change_of_a_key_is_refused_whatever_the_value(value: object) -> None:
    """S5."""
    with pytest.raises(errors.ReadOnlyColumn) as refused:
        catalog.validate_change(make.table(), {"City": "Paris", "CustomerId": value})

    assert refused.value.message == "Column CustomerId of table Customer is a key and cannot be changed."


@pytest.mark.parametrize("key", ["LoyaltyScheme_loyCustomers_LoyaltyID", "PreviousCustomerId"])
def test_alternate_keys_and_previous_ids_cannot_be_changed_either(key: str) -> None:
    """S5: whatever column is marked as a key."""
    table = make.table(columns=(*make.CUSTOMER_COLUMNS, Column(key, is_key=True)))

    with pytest.raises(errors.ReadOnlyColumn):
        catalog.validate_change(table, {key: "x"})


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"City": "Paris", "Town": "Paris"}, errors.UnknownColumn),
        ({"City": "Paris", "RewardsPoints": 2.5}, errors.WrongType),
        ({"Town": "Paris", "CustomerId": "c2"}, errors.UnknownColumn),
    ],
)
def test_one_bad_column_refuses_the_whole_change(values: dict[str, Any], error: type[errors.TopcoatError]) -> None:
    """S5."""
    with pytest.raises(error):
        catalog.validate_change(make.table(), values)


def test_a_complete_record_has_every_column_in_catalog_order_and_no_other() -> None:
    """S8."""
    complete = catalog.complete_record(make.table(), {"Gone": 1, "City": "Paris", "CustomerId": "c1"})

    assert list(complete) == [column.name for column in make.CUSTOMER_COLUMNS]
    assert {name: value for name, value in complete.items() if value is not None} == {
        "CustomerId": "c1",
        "City": "Paris",
    }


def test_a_column_is_found_whatever_its_case() -> None:
    city = make.table().get_column("City")

    found = [make.table().find_column_any_case(name) for name in ("City", "city", "CITY")]

    assert found == [city, city, city]


def test_a_column_that_is_not_there_is_not_found() -> None:
    assert make.table().find_column_any_case("Town") is None


def test_of_columns_that_differ_in_case_alone_only_the_exact_one_is_found() -> None:
    upper, lower = Column("CITY"), Column("city")
    table = make.table(columns=(upper, lower))

    assert table.find_column_any_case("city") is lower
    assert table.find_column_any_case("CITY") is upper
    assert table.find_column_any_case("City") is None


def test_a_table_is_found_by_its_exact_name() -> None:
    customer, purchases = make.table(), make.source_table()

    assert make.catalog(customer, purchases).get_table("PoS_posPurchases") is purchases


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("customer", "Table 'customer' does not exist in this instance (did you mean 'Customer'?)."),
        ("Costumer", "Table 'Costumer' does not exist in this instance (did you mean 'Customer'?)."),
        ("Zzzzzzz", "Table 'Zzzzzzz' does not exist in this instance."),
        ("a\nb", "Table 'a�b' does not exist in this instance."),
    ],
)
def test_an_unknown_table_is_refused_and_the_nearest_suggested(name: str, message: str) -> None:
    with pytest.raises(errors.TableNotFound) as refused:
        make.catalog().get_table(name)

    assert refused.value.message == message


def test_hidden_activity_tables_are_those_configured_not_to_be_shown() -> None:
    """S16."""
    known = make.catalog(
        make.table(),
        make.source_table(name="Shown", activity=make.activity_configuration()),
        make.source_table(name="Hidden", activity=make.activity_configuration(is_shown=False)),
        make.source_table(name="Unconfigured"),
    )

    assert known.hidden_activity_tables() == ("Hidden",)


def test_the_key_of_unified_activity_is_its_activity_id() -> None:
    """S12."""
    keys = [column.name for column in catalog.UNIFIED_ACTIVITY_TABLE.columns if column.is_key]

    assert keys == [catalog.UNIFIED_ACTIVITY_TABLE.primary_key] == ["ActivityId"]


def test_activities_are_shown_and_in_utc_unless_the_configuration_says_otherwise() -> None:
    """S11, S16."""
    configuration = ActivityConfiguration(
        name="Store purchase",
        type="SalesOrder",
        timestamp="PurchasedOn",
        customer_column="LoyaltyID",
        customer_table="LoyaltyScheme_loyCustomers",
    )

    assert configuration.is_shown
    assert configuration.time_zone == "UTC"


def test_tables_are_equal_by_what_they_say() -> None:
    assert make.table() == make.table()
    assert hash(make.table()) == hash(make.table())
    assert make.table() != dataclasses.replace(make.table(), primary_key="City")


@pytest.mark.parametrize(
    "text",
    [
        "0123456789abcdef0123456789abcdef",
        "x",
        "x" * 100,
        "☕" * 100,
        "👩‍👩‍👧",
        "\U0001fae8",  # newer than the Unicode tables of some Python versions
        'O\'Neil/Smith "quoted" % & ? # + =',
        "\u00a0narrow\u3000and wide\u202f",
        "نور",
        " ",
    ],
)
def test_an_id_may_be_any_text_of_up_to_a_hundred_characters(text: str) -> None:
    """S18."""
    assert catalog.check_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 101,
        "☕" * 101,
        "x" * 1000,
        "a\0b",
        "a\nb",
        "a\tb",
        "\x1f",
        "a\x7fb",
        "a\x85b",
        "\x9f",
        "\ud800",
    ],
)
def test_an_id_is_not_empty_nor_too_long_nor_has_it_control_characters(text: str) -> None:
    """S18: an unpaired surrogate could not be stored."""
    assert not catalog.check_id(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abc", "abc"),
        ("", ""),
        ("a\0b\x1b[31m\u202e", "a�b�[31m�"),
        ("\ud800", "�"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 60 + "…"),
        ("☕" * 1000, "☕" * 60 + "…"),
    ],
)
def test_a_callers_text_is_shown_short_and_printable(text: str, shown: str) -> None:
    assert catalog.shown(text) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_can_be_shown(text: str) -> None:
    shown = catalog.shown(text)

    assert len(shown) <= catalog.SHOWN_LENGTH_MAX + 1
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("value", "described"),
    [
        (None, "null"),
        (True, "the boolean true"),
        (False, "the boolean false"),
        (7, "the number 7"),
        (2.5, "the number 2.5"),
        (2**64 - 1, "the number 18446744073709551615"),
        (-(2**64), "an integer of more than 64 bits"),
        ("abc", "the string 'abc'"),
        ("x" * 61, f"the string '{'x' * 60}…'"),
        ([1], "an array"),
        ({"a": 1}, "an object"),
    ],
)
def test_a_json_value_is_described_in_words(value: object, described: str) -> None:
    assert catalog.described(value) == described


@pytest.mark.parametrize(
    ("name", "known", "suggestion"),
    [
        ("city", ["Cite", "City"], " (did you mean 'City'?)"),
        ("Cety", ["Zip", "City"], " (did you mean 'City'?)"),
        ("STRASSE", ["straße"], " (did you mean 'straße'?)"),
        ("City", [], ""),
        ("q", ["City"], ""),
    ],
)
def test_a_name_that_differs_in_case_alone_is_suggested_before_a_near_one(
    name: str, known: list[str], suggestion: str
) -> None:
    assert catalog.suggestion(name, known) == suggestion
