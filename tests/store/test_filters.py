"""Trees as SQL on one document: what they say, and what they leave to the core (S26, S27)."""

import sqlite3
from collections.abc import Sequence

import pytest

from tests import make
from topcoat.core.odata import binding, parser
from topcoat.store.engine import dump_json
from topcoat.store.filters import Condition, Parameters
from topcoat.store.profile_sql import ProfileSql

TABLE = make.table()
CITIES = ("Pa%", "Pa_is", "Paris", "paris", "a\\b", "PARIS", "Zürich", "zürich", "", None, "\ud7ff1", "\U0010ffff", "ä")


def condition(text: str, *, is_postgresql: bool = False) -> tuple[Condition, Parameters]:
    parameters = Parameters(is_postgresql)
    translation = ProfileSql(1, 1, TABLE, is_postgresql, has_aliases=True).snapshot_translation(parameters, "p")
    return translation.condition(binding.bind_filter(parser.parse_filter(text), TABLE)), parameters


def chosen(text: str, values: Sequence[object] = CITIES, column: str = "City") -> list[object]:
    """The values that SQLite lets through."""
    found, parameters = condition(text)
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE p (customer_id TEXT, document TEXT)")
        rows = [(str(place), dump_json({column: value})) for place, value in enumerate(values)]
        connection.executemany("INSERT INTO p VALUES (?, ?)", rows)
        where = f"SELECT CAST(customer_id AS integer) FROM p WHERE {found.sql} ORDER BY 1"
        places = connection.execute(where, parameters.values).fetchall()
    connection.close()
    return [values[place] for (place,) in places]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("contains(City,'%')", ["Pa%"]),
        ("contains(City,'_')", ["Pa_is"]),
        ("contains(City,'\\')", ["a\\b"]),
        ("endswith(City,'%')", ["Pa%"]),
        ("startswith(City,'Pa_')", ["Pa_is"]),
        ("startswith(City,'Pa')", ["Pa%", "Pa_is", "Paris"]),
        ("startswith(City,'\ud7ff')", ["\ud7ff1"]),
        ("startswith(City,'\U0010ffff')", ["\U0010ffff"]),
        ("contains(City,'') and City ne 'x'", [city for city in CITIES if city is not None]),
    ],
)
def test_a_wildcard_stands_for_itself(text: str, found: list[str]) -> None:
    assert chosen(text) == found


def test_on_postgresql_wildcards_are_escaped_with_like_s_own_escape() -> None:
    _, parameters = condition("contains(City,'50%_\\')", is_postgresql=True)

    assert list(parameters.values.values()) == ["%50\\%\\_\\\\%"]


@pytest.mark.parametrize(
    ("prefix", "bounds"),
    [
        ("Pa", ["Pa", "Pb"]),
        ("P\U0010ffff", ["P\U0010ffff", "Q"]),
        ("\ud7ff", ["\ud7ff", "\ue000"]),
        ("\U0010ffff", ["\U0010ffff"]),
    ],
)
def test_a_prefix_is_a_range_up_to_the_least_text_beyond_it(prefix: str, bounds: list[str]) -> None:
    """An index in the order of code points serves it, and surrogates are no code points of a text."""
    found, parameters = condition(f"startswith(City,'{prefix}')")

    assert found.is_exact
    assert "LIKE" not in found.sql
    assert list(parameters.values.values()) == bounds


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("not (City eq 'Paris')", [city for city in CITIES if city != "Paris"]),
        ("not (City gt 'Paris')", [city for city in CITIES if city is None or city <= "Paris"]),
        ("not contains(City,'a')", [city for city in CITIES if city is not None and "a" not in city]),
        ("not (City in ('Paris',null))", [city for city in CITIES if city not in ("Paris", None)]),
        ("City ne null and not (City ne 'Paris')", ["Paris"]),
        ("City le null", []),
        ("not (City le null)", list(CITIES)),
    ],
)
def test_under_not_a_comparison_with_null_is_false_and_a_function_of_it_null(
    text: str, found: list[str | None]
) -> None:
    """S26."""
    assert condition(text)[0].is_exact
    assert chosen(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "trim(City) eq 'x'",
        "concat(City,FullName) eq 'x'",
        "indexof(City,'x') eq 0",
        "substring(City,1) eq 'x'",
        "contains(City,FullName)",
        "RewardsPoints add 1 gt 2",
        "year(DateOfBirth) eq 1980",
        "CustomerSince lt now()",
        "DateOfBirth lt CustomerSince",
        "(City eq 'x') eq true",
        "City eq 'x' or trim(City) eq 'y'",
        "not (trim(City) eq 'x')",
        "not (tolower(City) eq 'x')",
    ],
)
@pytest.mark.parametrize("is_postgresql", [False, True], ids=["sqlite", "postgresql"])
def test_what_sql_cannot_say_lets_everything_through(text: str, is_postgresql: bool) -> None:
    """S27: too much, never too little."""
    found, _ = condition(text, is_postgresql=is_postgresql)

    assert (found.sql, found.is_exact) == ("1 = 1", False)


def test_terms_that_sql_cannot_say_leave_the_others_standing() -> None:
    found, parameters = condition("City eq 'Paris' and trim(FullName) eq 'x'")

    assert not found.is_exact
    assert list(parameters.values.values()) == ["Paris"]


@pytest.mark.parametrize("text", ["tolower(City) eq 'paris'", "startswith(toupper(City),'PARIS')"])
def test_case_beyond_ascii_is_left_to_the_core(text: str) -> None:
    """S27: the databases fold ASCII alone."""
    beyond = [city for city in CITIES if city is not None and not city.isascii()]

    assert not condition(text)[0].is_exact
    assert chosen(text) == [city for city in CITIES if city in ("Paris", "paris", "PARIS", *beyond)]


@pytest.mark.parametrize(
    ("text", "is_exact", "found"),
    [
        ("TotalSpend eq 0.1", True, [0.1]),
        ("TotalSpend eq 0.1000000000000000055", False, [0.1]),
        ("TotalSpend gt 0.1000000000000000055", False, [0.1, 2.0**62]),
        ("TotalSpend lt 0.1000000000000000055", False, [0.0, 0.1]),
        ("TotalSpend eq 4611686018427388000", True, [2.0**62]),
        ("TotalSpend eq 4611686018427387904", False, [2.0**62]),
        ("TotalSpend ne 4611686018427387904", False, [0.0, 0.1, 2.0**62, None]),
    ],
)
def test_a_decimal_that_a_float_rounds_is_compared_loosely(text: str, is_exact: bool, found: list[float]) -> None:
    """S27: on SQLite, which has floats; PostgreSQL has the digits."""
    assert condition(text)[0].is_exact is is_exact
    assert condition(text, is_postgresql=True)[0].is_exact
    assert chosen(text, [0.0, 0.1, 2.0**62, None], "TotalSpend") == found


def test_whole_numbers_of_64_bits_are_told_apart() -> None:
    values = [2**63 - 1, 2**63 - 2, -(2**63)]

    assert chosen(f"RewardsPoints eq {2**63 - 1}", values, "RewardsPoints") == [2**63 - 1]
    assert chosen(f"RewardsPoints lt {2**63 - 1}", values, "RewardsPoints") == values[1:]


def test_equal_values_share_a_parameter() -> None:
    _, parameters = condition("City eq 'x' or FullName eq 'x' or City eq 'y'")

    assert list(parameters.values.values()) == ["x", "y"]
