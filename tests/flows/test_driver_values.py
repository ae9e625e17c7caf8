"""What drivers give, as values of the declared types; whatever JSON can say means what the core says that it does."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topcoat.core import catalog, errors
from topcoat.core.catalog import ActivityConfiguration, Column, ColumnType, Table, TableKind
from topcoat.flows.refresh.pull import driver_values

EAST = timezone(timedelta(hours=2))


def table_of(type_: ColumnType, zone: str = "UTC") -> Table:
    activity = ActivityConfiguration("Visit", "Visit", "C", "C", "A_b", time_zone=zone)
    return Table("A_b", TableKind.SOURCE, (Column("C", type_),), "C", activity=activity)


def typed(type_: ColumnType, *values: Any, zone: str = "UTC") -> tuple[list[Any], dict[int, str]]:
    table = table_of(type_, zone)
    array, faults = driver_values.typed_values(table, table.columns[0], values)
    assert array.type == driver_values.ARROW_TYPES[type_]
    return array.to_pylist(), faults


@pytest.mark.parametrize(
    ("type_", "values", "expected"),
    [
        (ColumnType.STRING, ["a", "", None], ["a", "", None]),
        (ColumnType.STRING, [7, Decimal("1E+2"), UUID(int=3)], ["7", "100", str(UUID(int=3))]),
        (ColumnType.STRING, [date(2020, 1, 2)], ["2020-01-02"]),
        (ColumnType.INTEGER, [1, None, -(2**63)], [1, None, -(2**63)]),
        (ColumnType.INTEGER, [Decimal("3.0"), 4.0, " 12 ", ""], [3, 4, 12, None]),
        (ColumnType.DECIMAL, [1, 2.5, Decimal("0.1"), None], [1.0, 2.5, 0.1, None]),
        (ColumnType.DECIMAL, ["1.5", 2**60 + 1], [1.5, float(2**60 + 1)]),
        (ColumnType.BOOLEAN, [True, False, None], [True, False, None]),
        (ColumnType.BOOLEAN, [1, 0, "true"], [True, False, True]),
        (ColumnType.DATE, [date(2020, 1, 2)], [date(2020, 1, 2)]),
        (ColumnType.DATE, [datetime(2020, 1, 2), "2020-01-03"], [date(2020, 1, 2), date(2020, 1, 3)]),
        (ColumnType.DATE_TIME, [datetime(2020, 1, 2, 3), None], [datetime(2020, 1, 2, 3), None]),
        (ColumnType.DATE_TIME, [datetime(2020, 1, 2, 3, tzinfo=EAST)], [datetime(2020, 1, 2, 1)]),
        (ColumnType.DATE_TIME, ["2020-01-02 03:04:05"], [datetime(2020, 1, 2, 3, 4, 5)]),
    ],
)
def test_a_value_that_says_what_the_column_holds_is_taken(
    type_: ColumnType, values: list[Any], expected: list[Any]
) -> None:
    assert typed(type_, *values) == (expected, {})


@pytest.mark.parametrize(
    ("type_", "value", "found"),
    [
        (ColumnType.STRING, "a\0b", "the string 'a�b'"),
        (ColumnType.STRING, True, "the boolean true"),
        (ColumnType.STRING, b"x", "an object"),
        (ColumnType.INTEGER, 2**63, "the number 9223372036854775808"),
        (ColumnType.INTEGER, Decimal("3.5"), "the number 3.5"),
        (ColumnType.INTEGER, True, "the boolean true"),
        (ColumnType.INTEGER, "x", "the string 'x'"),
        (ColumnType.DECIMAL, float("nan"), "the number nan"),
        (ColumnType.DECIMAL, Decimal("Infinity"), "the number inf"),
        (ColumnType.BOOLEAN, 2, "the number 2"),
        (ColumnType.DATE, datetime(2020, 1, 2, 3), "the string '2020-01-02T03:00:00'"),
        (ColumnType.DATE, "2020-02-30", "the string '2020-02-30'"),
        (ColumnType.DATE_TIME, date(2020, 1, 2), "the string '2020-01-02'"),
        (ColumnType.DATE_TIME, datetime.min.replace(tzinfo=EAST), "the string '0001-01-01T00:00:00+02:00'"),
    ],
)
def test_a_value_that_does_not_is_null_and_says_why_beside_good_ones(type_: ColumnType, value: Any, found: str) -> None:
    values, faults = typed(type_, None, value)

    assert values == [None, None]
    assert faults == {1: f"found {found}, expected {catalog.EXPECTATIONS[type_]}"}


def test_a_date_time_without_an_offset_is_in_the_time_zone_of_the_activity() -> None:
    """S11."""
    values, _ = typed(
        ColumnType.DATE_TIME,
        datetime(2026, 7, 1, 12),
        "2026-01-01 12:00",
        datetime(2026, 7, 1, 12, tzinfo=UTC),
        zone="Europe/Oslo",
    )

    assert values == [datetime(2026, 7, 1, 10), datetime(2026, 1, 1, 11), datetime(2026, 7, 1, 12)]


@given(
    st.sampled_from([ColumnType.STRING, ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.BOOLEAN]),
    st.lists(st.none() | st.booleans() | st.integers() | st.text(max_size=3), max_size=4),
)
def test_what_json_can_say_is_taken_as_the_core_takes_it_but_for_numbers_in_other_columns(
    type_: ColumnType, values: list[Any]
) -> None:
    """A text in a column of another type is read as a field of CSV; numbers in string and boolean columns are ours."""
    table = table_of(type_)
    column = table.columns[0]
    kept = [v for v in values if not (type(v) is int and type_ in (ColumnType.STRING, ColumnType.BOOLEAN))]

    found, faults = typed(type_, *kept)

    for place, value in enumerate(kept):
        read = (
            catalog.parse_text if isinstance(value, str) and type_ is not ColumnType.STRING else catalog.validate_value
        )
        try:
            assert found[place] == read(table, column, value)
            assert place not in faults
        except errors.WrongType:
            assert place in faults
