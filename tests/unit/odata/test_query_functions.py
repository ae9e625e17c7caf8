"""Dataverse's query functions, each by its documented meaning, at one instant: Wednesday 2026-11-25, 14:20:30 UTC."""

from datetime import UTC, datetime

import pytest

from topcoat.core import errors
from topcoat.core.odata import dialect, parser, printer, query_functions

NOW = datetime(2026, 11, 25, 14, 20, 30, tzinfo=UTC)
SPOKEN = dialect.dataverse(NOW)


def meaning(text: str, aliases: dict[str, str] | None = None) -> str:
    return printer.print_expression(parser.parse_filter(text, aliases, dialect=SPOKEN))


def called(name: str, values: str = "") -> str:
    return f"Microsoft.Dynamics.CRM.{name}(PropertyName='c'{',' if values else ''}{values})"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (called("In", 'PropertyValues=["1","2"]'), "c in ('1', '2')"),
        (called("NotIn", "PropertyValues=['a''b']"), "not c in ('a''b')"),
        (called("Between", "PropertyValues=[1,3]"), "c ge 1 and c le 3"),
        (called("NotBetween", 'PropertyValues=["1","3"]'), "not (c ge '1' and c le '3')"),
        (called("ContainValues", "PropertyValues=['a']"), "contains(c, 'a')"),
        (called("ContainValues", "PropertyValues=['a','b']"), "contains(c, 'a') or contains(c, 'b')"),
        (called("DoesNotContainValues", "PropertyValues=['a','b']"), "not (contains(c, 'a') or contains(c, 'b'))"),
        (called("Contains", "PropertyValue='x'"), "contains(c, 'x')"),
        (called("DoesNotContain", "PropertyValue='x'"), "not contains(c, 'x')"),
        (called("BeginsWith", "PropertyValue='x'"), "startswith(c, 'x')"),
        (called("DoesNotBeginWith", "PropertyValue='x'"), "not startswith(c, 'x')"),
        (called("EndsWith", "PropertyValue='x'"), "endswith(c, 'x')"),
        (called("DoesNotEndWith", "PropertyValue='x'"), "not endswith(c, 'x')"),
        (called("On", "PropertyValue=2026-01-02"), "c ge 2026-01-02T00:00:00Z and c lt 2026-01-03T00:00:00Z"),
        (called("On", "PropertyValue='2026-01-02'"), "c eq '2026-01-02'"),
        (
            called("NotOn", "PropertyValue=2026-01-02T10:00:00Z"),
            "not (c ge 2026-01-02T00:00:00Z and c lt 2026-01-03T00:00:00Z)",
        ),
        (called("OnOrBefore", "PropertyValue=2026-01-02"), "c lt 2026-01-03T00:00:00Z"),
        (called("OnOrBefore", "PropertyValue='2026-01-02'"), "c le '2026-01-02'"),
        (called("OnOrAfter", "PropertyValue=2026-01-02"), "c ge 2026-01-02T00:00:00Z"),
        (called("OnOrAfter", "PropertyValue='2026-01-02'"), "c ge '2026-01-02'"),
    ],
)
def test_functions_of_values_are_conditions(call: str, expected: str) -> None:
    assert meaning(call) == expected


@pytest.mark.parametrize(
    ("name", "number", "first", "last"),
    [
        ("Today", None, "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"),
        ("Yesterday", None, "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"),
        ("Tomorrow", None, "2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z"),
        ("ThisWeek", None, "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"),
        ("LastWeek", None, "2026-11-15T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("NextWeek", None, "2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"),
        ("ThisMonth", None, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("LastMonth", None, "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"),
        ("NextMonth", None, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("ThisYear", None, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("LastYear", None, "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("NextYear", None, "2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"),
        ("Last7Days", None, "2026-11-18T00:00:00Z", "2026-11-25T14:20:30.000001Z"),
        ("Next7Days", None, "2026-11-25T14:20:30Z", "2026-12-03T00:00:00Z"),
        ("LastXHours", 3, "2026-11-25T11:00:00Z", "2026-11-25T14:20:30.000001Z"),
        ("LastXDays", 2, "2026-11-23T00:00:00Z", "2026-11-25T14:20:30.000001Z"),
        ("LastXWeeks", 1, "2026-11-18T00:00:00Z", "2026-11-25T14:20:30.000001Z"),
        ("LastXMonths", 9, "2026-02-25T00:00:00Z", "2026-11-25T14:20:30.000001Z"),
        ("LastXYears", 1, "2025-11-25T00:00:00Z", "2026-11-25T14:20:30.000001Z"),
        ("NextXHours", 3, "2026-11-25T14:20:30Z", "2026-11-25T18:00:00Z"),
        ("NextXDays", 2, "2026-11-25T14:20:30Z", "2026-11-28T00:00:00Z"),
        ("NextXWeeks", 1, "2026-11-25T14:20:30Z", "2026-12-03T00:00:00Z"),
        ("NextXMonths", 3, "2026-11-25T14:20:30Z", "2027-02-26T00:00:00Z"),
        ("NextXYears", 1, "2026-11-25T14:20:30Z", "2027-11-26T00:00:00Z"),
    ],
)
def test_a_window_is_relative_to_now(name: str, number: int | None, first: str, last: str) -> None:
    call = called(name) if number is None else called(name, f"PropertyValue={number}")

    assert meaning(call) == f"c ge {first} and c lt {last}"


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("OlderThanXMinutes", "2026-11-25T14:18:30Z"),
        ("OlderThanXHours", "2026-11-25T12:20:30Z"),
        ("OlderThanXDays", "2026-11-23T00:00:00Z"),
        ("OlderThanXWeeks", "2026-11-11T00:00:00Z"),
        ("OlderThanXMonths", "2026-09-25T00:00:00Z"),
        ("OlderThanXYears", "2024-11-25T00:00:00Z"),
    ],
)
def test_older_than_has_one_end(name: str, last: str) -> None:
    assert meaning(called(name, "PropertyValue='2'")) == f"c lt {last}"


def test_a_month_without_the_day_ends_on_its_last() -> None:
    spoken = dialect.dataverse(datetime(2026, 3, 31, 8, tzinfo=UTC))

    tree = parser.parse_filter(called("LastXMonths", "PropertyValue=1"), dialect=spoken)

    assert printer.print_expression(tree).startswith("c ge 2026-02-28T00:00:00Z ")


def test_aliases_stand_for_names_and_values() -> None:
    text = "Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2) and d eq @p3"

    assert meaning(text, {"@p1": "'c'", "@p2": '["x", 2]', "@p3": "'y'"}) == "c in ('x', 2) and d eq 'y'"


def test_a_date_time_without_an_offset_is_in_utc() -> None:
    assert meaning("c ge 2024-01-01T00:00:00") == "c ge 2024-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        (called("Nix"), 0, "one of BeginsWith, "),
        (called("Today", "PropertyValue=1"), 0, "with values that fit it"),
        (called("In"), 0, "with values that fit it"),
        (called("Between", "PropertyValues=[1]"), 0, "with values that fit it"),
        (called("LastXDays", "PropertyValue=0"), 0, "with values that fit it"),
        (called("LastXDays", "PropertyValue='many'"), 0, "with values that fit it"),
        (called("LastXDays", "PropertyValue=true"), 0, "with values that fit it"),
        (called("LastXDays", "PropertyValue=999999999"), 0, "with values that fit it"),
        (called("LastXYears", "PropertyValue=9999"), 0, "with values that fit it"),
        ("Microsoft.Dynamics.CRM.In(c)", 26, "'PropertyName'"),
        ("Microsoft.Dynamics.CRM.In(PropertyName=c)", 39, "the name of a column in quotes"),
        ("Microsoft.Dynamics.CRM.In(PropertyName=@p)", 39, "a value for '@p' among the options"),
        (called("In", "Values=[1]"), 43, "'PropertyValues'"),
        (called("In", "PropertyValues=1"), 58, "'['"),
        (called("In", "PropertyValues=[c]"), 59, "a value"),
        (called("In", 'PropertyValues=["\\q"]'), 59, "a JSON string"),
        (called("In", 'PropertyValues=["\\ud800"]'), 59, "a JSON string"),
        ("tolower(c) eq 'x'", 0, "one of the functions contains, startswith, endswith, Microsoft.Dynamics.CRM.In"),
        ("IsMemberOfSegment('x')", 0, "one of the functions contains"),
    ],
)
def test_what_is_no_such_function_is_told_with_its_place(text: str, place: int, expected: str) -> None:
    with pytest.raises(errors.QuerySyntaxError) as caught:
        meaning(text)

    assert caught.value.parts["position"] == place
    assert expected in caught.value.message


def test_at_most_ten_thousand_values_are_read() -> None:
    values = ",".join(["1"] * 10_001)

    with pytest.raises(errors.QuerySyntaxError, match="at most 10000 values"):
        meaning(called("In", f"PropertyValues=[{values}]"))


def test_each_function_is_listed_once() -> None:
    listed = query_functions.list_functions()

    assert len(listed) == len(set(listed)) == 46
