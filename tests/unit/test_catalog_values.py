"""The values that each column type takes, and the form in which they are kept (S1, S3, S5, S7, S11)."""

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from topcoat.core import canonical, catalog, errors
from topcoat.core.catalog import Column, ColumnType

STRING, INTEGER, DECIMAL = ColumnType.STRING, ColumnType.INTEGER, ColumnType.DECIMAL
BOOLEAN, DATE, DATE_TIME = ColumnType.BOOLEAN, ColumnType.DATE, ColumnType.DATE_TIME

ONE_ZONE_EAST = timezone(timedelta(hours=1))

# Column type, JSON value, canonical form.
GOOD_VALUES: list[tuple[ColumnType, Any, Any]] = [
    (STRING, "", ""),
    (STRING, " padded ", " padded "),
    (STRING, "Ærøskøbing", "Ærøskøbing"),
    (STRING, "☕👩‍👩‍👧", "☕👩‍👩‍👧"),
    (STRING, 'O\'Neil "x" <b> {0} %s \\', 'O\'Neil "x" <b> {0} %s \\'),
    (STRING, "line\nbreak\ttab\x01", "line\nbreak\ttab\x01"),
    (STRING, "2026-12-24", "2026-12-24"),
    (INTEGER, 0, 0),
    (INTEGER, -7, -7),
    (INTEGER, 2**63 - 1, 2**63 - 1),
    (INTEGER, -(2**63), -(2**63)),
    (DECIMAL, 2.5, 2.5),
    (DECIMAL, 3, 3.0),
    (DECIMAL, -0.25, -0.25),
    (DECIMAL, 2**63, float(2**63)),
    (DECIMAL, 1e308, 1e308),
    (DECIMAL, 5e-324, 5e-324),
    (BOOLEAN, True, True),
    (BOOLEAN, False, False),
    (DATE, "2026-12-24", "2026-12-24"),
    (DATE, "2028-02-29", "2028-02-29"),
    (DATE, "0001-01-01", "0001-01-01"),
    (DATE, "9999-12-31", "9999-12-31"),
    (DATE_TIME, "2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z"),
    (DATE_TIME, "2026-12-24t18:00:00z", "2026-12-24T18:00:00Z"),
    (DATE_TIME, "2026-12-24 18:00:00Z", "2026-12-24T18:00:00Z"),
    (DATE_TIME, "2026-12-24T18:00:00", "2026-12-24T18:00:00Z"),
    (DATE_TIME, "2026-12-24T18:00", "2026-12-24T18:00:00Z"),
    (DATE_TIME, "2026-12-24 18:00:00", "2026-12-24T18:00:00Z"),
    (DATE_TIME, "2026-12-24T18:00:00+00:00", "2026-12-24T18:00:00Z"),
    (DATE_TIME, "2026-12-24T18:00:00-00:00", "2026-12-24T18:00:00Z"),
    (DATE_TIME, "2026-12-24T18:00:00+01:00", "2026-12-24T17:00:00Z"),
    (DATE_TIME, "2026-12-24T18:00:00-08:30", "2026-12-25T02:30:00Z"),
    (DATE_TIME, "2026-12-24T18:00:00.5Z", "2026-12-24T18:00:00.500000Z"),
    (DATE_TIME, "2026-12-24T18:00:00.000Z", "2026-12-24T18:00:00Z"),
    (DATE_TIME, "2026-12-24T18:00:00.123456Z", "2026-12-24T18:00:00.123456Z"),
    (DATE_TIME, "2026-12-24T18:00:00.1234567Z", "2026-12-24T18:00:00.123456Z"),
    (DATE_TIME, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    (DATE_TIME, "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
]

# Column type, JSON value, what the message calls it.
BAD_VALUES: list[tuple[ColumnType, Any, str]] = [
    (STRING, 5, "the number 5"),
    (STRING, 2.5, "the number 2.5"),
    (STRING, True, "the boolean true"),
    (STRING, ["a"], "an array"),
    (STRING, {"a": 1}, "an object"),
    (STRING, "a\0b", "the string 'a�b'"),
    (STRING, "a\ud800b", "the string 'a�b'"),
    (STRING, "\udfff", "the string '�'"),
    (INTEGER, "5", "the string '5'"),
    (INTEGER, 2.5, "the number 2.5"),
    (INTEGER, 2.0, "the number 2.0"),
    (INTEGER, True, "the boolean true"),
    (INTEGER, False, "the boolean false"),
    (INTEGER, math.nan, "the number nan"),
    (INTEGER, math.inf, "the number inf"),
    (INTEGER, 2**63, "the number 9223372036854775808"),
    (INTEGER, -(2**63) - 1, "the number -9223372036854775809"),
    (INTEGER, 2**64, "an integer of more than 64 bits"),
    (INTEGER, [], "an array"),
    (DECIMAL, "2.5", "the string '2.5'"),
    (DECIMAL, math.nan, "the number nan"),
    (DECIMAL, math.inf, "the number inf"),
    (DECIMAL, -math.inf, "the number -inf"),
    (DECIMAL, True, "the boolean true"),
    (DECIMAL, 10**400, "an integer of more than 64 bits"),
    (DECIMAL, {}, "an object"),
    (BOOLEAN, "true", "the string 'true'"),
    (BOOLEAN, 1, "the number 1"),
    (BOOLEAN, 0, "the number 0"),
    (BOOLEAN, [True], "an array"),
    (DATE, "2026-02-30", "the string '2026-02-30'"),
    (DATE, "2027-02-29", "the string '2027-02-29'"),
    (DATE, "2026-13-01", "the string '2026-13-01'"),
    (DATE, "0000-01-01", "the string '0000-01-01'"),
    (DATE, "20261224", "the string '20261224'"),
    (DATE, "2026-W52-4", "the string '2026-W52-4'"),
    (DATE, "24.12.2026", "the string '24.12.2026'"),
    (DATE, "2026-12-24T00:00:00Z", "the string '2026-12-24T00:00:00Z'"),
    (DATE, "2026-12-24\n", "the string '2026-12-24�'"),
    (DATE, "２０２６-12-24", "the string '２０２６-12-24'"),
    (DATE, "", "the string ''"),
    (DATE, 20261224, "the number 20261224"),
    (DATE_TIME, "2026-12-24", "the string '2026-12-24'"),
    (DATE_TIME, "2026-12-24T18", "the string '2026-12-24T18'"),
    (DATE_TIME, "2026-02-30T00:00:00Z", "the string '2026-02-30T00:00:00Z'"),
    (DATE_TIME, "2026-12-24T24:00:00Z", "the string '2026-12-24T24:00:00Z'"),
    (DATE_TIME, "2026-12-24T18:60:00Z", "the string '2026-12-24T18:60:00Z'"),
    (DATE_TIME, "2026-12-24T23:59:60Z", "the string '2026-12-24T23:59:60Z'"),
    (DATE_TIME, "2026-12-24T18:00:00+24:00", "the string '2026-12-24T18:00:00+24:00'"),
    (DATE_TIME, "2026-12-24T18:00:00+00:60", "the string '2026-12-24T18:00:00+00:60'"),
    (DATE_TIME, "2026-12-24T18:00:00+0100", "the string '2026-12-24T18:00:00+0100'"),
    (DATE_TIME, "2026-12-24T18:00:00.Z", "the string '2026-12-24T18:00:00.Z'"),
    (DATE_TIME, "2026-12-24T18:00:00,5Z", "the string '2026-12-24T18:00:00,5Z'"),
    (DATE_TIME, "2026-12-24_18:00:00Z", "the string '2026-12-24_18:00:00Z'"),
    (DATE_TIME, "20261224T180000Z", "the string '20261224T180000Z'"),
    (DATE_TIME, "2026-W52-4T18:00:00Z", "the string '2026-W52-4T18:00:00Z'"),
    (DATE_TIME, "9999-12-31T23:59:59-01:00", "the string '9999-12-31T23:59:59-01:00'"),
    (DATE_TIME, "0001-01-01T00:00:00+01:00", "the string '0001-01-01T00:00:00+01:00'"),
    (DATE_TIME, "2026-12-24\0" + "18:00:00Z", "the string '2026-12-24�18:00:00Z'"),
    (DATE_TIME, "2026-12-24\ud80018:00:00Z", "the string '2026-12-24�18:00:00Z'"),
    (DATE_TIME, "", "the string ''"),
    (DATE_TIME, 1_798_135_200, "the number 1798135200"),
]

# Column type, CSV field, canonical form.
GOOD_TEXTS: list[tuple[ColumnType, str, Any]] = [
    (STRING, "Seattle", "Seattle"),
    (STRING, " ", " "),
    (STRING, "0", "0"),
    (INTEGER, "12", 12),
    (INTEGER, "-12", -12),
    (INTEGER, "+12", 12),
    (INTEGER, "007", 7),
    (INTEGER, "9223372036854775807", 2**63 - 1),
    (DECIMAL, "2.5", 2.5),
    (DECIMAL, "3", 3.0),
    (DECIMAL, "1e3", 1000.0),
    (DECIMAL, "-.5", -0.5),
    (BOOLEAN, "true", True),
    (BOOLEAN, "FALSE", False),
    (BOOLEAN, "1", True),
    (BOOLEAN, "0", False),
    (DATE, "2026-12-24", "2026-12-24"),
    (DATE_TIME, "2026-12-24 18:00:00+01:00", "2026-12-24T17:00:00Z"),
    (DATE_TIME, "2026-12-24T18:00:00", "2026-12-24T18:00:00Z"),
]

BAD_TEXTS: list[tuple[ColumnType, str]] = [
    (STRING, "a\0b"),
    (INTEGER, "2.5"),
    (INTEGER, "1e3"),
    (INTEGER, "1_000"),
    (INTEGER, "1,000"),
    (INTEGER, "١٢"),
    (INTEGER, "twelve"),
    (INTEGER, " "),
    (INTEGER, "9223372036854775808"),
    (INTEGER, "9" * 5000),
    (DECIMAL, "nan"),
    (DECIMAL, "inf"),
    (DECIMAL, "-Infinity"),
    (DECIMAL, "1e999"),
    (DECIMAL, "1_000.5"),
    (DECIMAL, "2,5"),
    (DECIMAL, "٢.٥"),
    (BOOLEAN, "yes"),
    (BOOLEAN, "2"),
    (BOOLEAN, " true"),
    (DATE, "2026-02-30"),
    (DATE, "24/12/2026"),
    (DATE_TIME, "2026-12-24"),
    (DATE_TIME, "9999-12-31T23:59:59-01:00"),
]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
    | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


def value_column(type_: ColumnType) -> tuple[catalog.Table, Column]:
    table = make.table_of(type_)
    return table, table.get_column("Value")


@pytest.mark.parametrize(("type_", "value", "canonical"), GOOD_VALUES)
def test_a_value_of_the_columns_type_is_stored_in_canonical_form(type_: ColumnType, value: Any, canonical: Any) -> None:
    found = catalog.validate_value(*value_column(type_), value)

    assert found == canonical
    assert type(found) is type(canonical)


@pytest.mark.parametrize(("type_", "value", "described"), BAD_VALUES)
def test_a_value_of_another_type_is_refused_naming_column_value_and_expectation(
    type_: ColumnType, value: Any, described: str
) -> None:
    """S5."""
    with pytest.raises(errors.WrongType) as refused:
        catalog.validate_value(*value_column(type_), value)

    assert refused.value.target == "Value"
    assert refused.value.message == (
        f"Column Value of table Customer got {described}; expected {catalog.EXPECTATIONS[type_]}."
    )


@pytest.mark.parametrize("type_", [INTEGER, DECIMAL, STRING])
def test_a_number_with_more_digits_than_python_prints_is_refused(type_: ColumnType) -> None:
    """S5."""
    with pytest.raises(errors.WrongType) as refused:
        catalog.validate_value(*value_column(type_), -(10**5000))

    assert "got an integer of more than 64 bits; expected" in refused.value.message


def test_a_string_may_be_long() -> None:
    text = "☕" * 100_000

    assert catalog.validate_value(*value_column(STRING), text) == text


@pytest.mark.parametrize("type_", ColumnType)
def test_null_is_a_value_of_every_type(type_: ColumnType) -> None:
    """S7."""
    assert catalog.validate_value(*value_column(type_), None) is None


@pytest.mark.parametrize("type_", ColumnType)
def test_every_column_type_has_an_expectation_for_its_message(type_: ColumnType) -> None:
    assert catalog.EXPECTATIONS[type_]


@given(st.sampled_from(ColumnType), json_values)
def test_any_json_value_is_refused_or_has_one_canonical_form(type_: ColumnType, value: Any) -> None:
    table, column = value_column(type_)
    try:
        canonical = catalog.validate_value(table, column, value)
    except errors.WrongType:
        return

    assert catalog.validate_value(table, column, canonical) == canonical


@pytest.mark.parametrize(("type_", "text", "canonical"), GOOD_TEXTS)
def test_a_csv_field_is_read_as_its_columns_type(type_: ColumnType, text: str, canonical: Any) -> None:
    found = catalog.parse_text(*value_column(type_), text)

    assert found == canonical
    assert type(found) is type(canonical)


@pytest.mark.parametrize(("type_", "text"), BAD_TEXTS)
def test_a_csv_field_of_another_type_is_refused_naming_it(type_: ColumnType, text: str) -> None:
    with pytest.raises(errors.WrongType) as refused:
        catalog.parse_text(*value_column(type_), text)

    assert refused.value.message == (
        f"Column Value of table Customer got the string '{catalog.shown(text)}'; "
        f"expected {catalog.EXPECTATIONS[type_]}."
    )


@pytest.mark.parametrize("type_", ColumnType)
def test_an_empty_csv_field_is_null(type_: ColumnType) -> None:
    assert catalog.parse_text(*value_column(type_), "") is None


@given(st.sampled_from(ColumnType), st.text(st.characters(exclude_categories=())))
def test_any_csv_field_is_refused_or_gives_a_value_of_the_columns_type(type_: ColumnType, text: str) -> None:
    table, column = value_column(type_)
    try:
        value = catalog.parse_text(table, column, text)
    except errors.WrongType:
        return

    assert catalog.validate_value(table, column, value) == value


@given(st.sampled_from([INTEGER, DECIMAL]), st.integers(canonical.INTEGER_MIN, canonical.INTEGER_MAX))
def test_a_printed_number_reads_as_itself(type_: ColumnType, number: int) -> None:
    assert catalog.parse_text(*value_column(type_), str(number)) == (number if type_ is INTEGER else float(number))


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_reads_back_from_its_canonical_text(instant: datetime) -> None:
    """S1: with microseconds, in UTC."""
    text = catalog.format_instant(instant)

    assert catalog.parse_instant(text) == instant
    assert catalog.format_instant(catalog.parse_instant(text)) == text


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 12, 24, 18, tzinfo=UTC), "2026-12-24T18:00:00Z"),
        (datetime(2026, 12, 24, 18, 0, 0, 5, tzinfo=UTC), "2026-12-24T18:00:00.000005Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_canonical_text_has_z_and_six_digits_or_no_fraction(instant: datetime, text: str) -> None:
    """S1."""
    assert catalog.format_instant(instant) == text


def test_a_date_time_without_offset_is_utc() -> None:
    """S3."""
    assert catalog.parse_instant("2026-12-24T18:00:00") == datetime(2026, 12, 24, 18, tzinfo=UTC)


def test_a_date_time_without_offset_is_read_in_the_zone_that_is_asked_for() -> None:
    """S11."""
    berlin = ZoneInfo("Europe/Berlin")

    in_summer = catalog.parse_instant("2026-07-01T12:00:00", berlin)
    in_winter = catalog.parse_instant("2026-12-01T12:00:00", berlin)

    assert in_summer == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert in_winter == datetime(2026, 12, 1, 11, tzinfo=UTC)
    assert in_winter.tzinfo is UTC


def test_an_offset_outweighs_the_zone() -> None:
    """S11."""
    instant = catalog.parse_instant("2026-12-24T18:00:00Z", ONE_ZONE_EAST)

    assert instant == datetime(2026, 12, 24, 18, tzinfo=UTC)


def test_a_date_time_without_offset_that_its_zone_moves_out_of_the_calendar_is_no_instant() -> None:
    with pytest.raises(ValueError, match="0001-01-01T00:00:00"):
        catalog.parse_instant("0001-01-01T00:00:00", ONE_ZONE_EAST)


@pytest.mark.parametrize(
    ("type_", "accepted", "refused"),
    [
        (ColumnType.STRING, ["", "5", None], [5, True, 1.5]),
        (ColumnType.INTEGER, [0, 2**63 - 1, None], [2.0, True, "5"]),
        (ColumnType.DECIMAL, [0.5, 1e22, -(2**53), None], [2**53 + 1, False, "0.5"]),
        (ColumnType.BOOLEAN, [True, None], [1, "true"]),
        (ColumnType.DATE, ["2024-02-29", None], ["2026-02-29", "2026-11-24T00:00:00Z", 2026]),
        (ColumnType.DATE_TIME, ["2026-11-24T12:00:00Z", None], ["2026-11-24 12:00:00Z", "2026-11-24", 5]),
    ],
)
def test_a_stored_value_is_accepted_by_a_column_whose_type_it_has(
    type_: ColumnType, accepted: list[Any], refused: list[Any]
) -> None:
    """S5."""
    column = Column("Value", type_)

    assert all(catalog.accepts(column, value) for value in accepted)
    assert not any(catalog.accepts(column, value) for value in refused)


@pytest.mark.parametrize(("type_", "_", "canonical"), GOOD_VALUES)
def test_what_was_validated_is_accepted(type_: ColumnType, _: Any, canonical: Any) -> None:
    """S5."""
    assert catalog.accepts(Column("Value", type_), canonical)
