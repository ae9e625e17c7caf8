"""`$orderby`: which record comes first."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from tests.unit.odata import strategies
from tests.unit.odata.asking import RECORD
from tests.unit.odata.strategies import TABLE
from topcoat.core.odata import binding, evaluate, parser, syntax
from topcoat.core.odata.evaluate import Subject
from topcoat.core.odata.syntax import OrderBy

ORDERED = [
    ("Text", [None, "", "A", "B", "a", "ß", "\uffff", "🦀"]),
    ("Whole", [None, -10, -9, 0, 9, 10]),
    ("Number", [None, -1.5, 0.0, 0.1, 9.0, 10.0, 1e300]),
    ("Flag", [None, False, True]),
    ("Day", [None, "0001-01-01", "1999-12-31", "2000-01-01"]),
    ("Instant", [None, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.500000Z", "2026-01-01T00:00:01Z"]),
]


@pytest.mark.parametrize(("column", "values"), ORDERED)
def test_null_is_lowest_and_the_rest_sorts_as_what_it_is(column, values):
    for text, expected in ((column, values), (f"{column} desc", values[::-1])):
        key = evaluate.compile_order(binding.bind_orderby(parser.parse_orderby(text), TABLE), TABLE)
        shuffled = [Subject({column: value}, make.NOW) for value in values[::2] + values[1::2]]

        assert [subject.record[column] for subject in sorted(shuffled, key=key)] == expected


def test_every_key_has_its_own_direction():
    key = evaluate.compile_order(
        binding.bind_orderby(parser.parse_orderby("Text desc,length(Text),Whole"), TABLE), TABLE
    )
    records = [{"Text": text, "Whole": whole} for text, whole in itertools.product("ab", [2, 1, None])]

    found = sorted((Subject(record, make.NOW) for record in records), key=key)

    assert [(s.record["Text"], s.record["Whole"]) for s in found] == [
        (text, whole) for text in "ba" for whole in (None, 1, 2)
    ]


def test_the_key_of_values_is_that_of_the_record_which_has_them():
    keys = (OrderBy(syntax.Column("Text"), descending=True), OrderBy(syntax.Column("Whole")))
    of_record = evaluate.compile_order(keys, TABLE)(Subject(RECORD, make.NOW))

    assert evaluate.order_key([RECORD["Text"], RECORD["Whole"]], [True, False]) == of_record
    assert hash(evaluate.order_key([RECORD["Text"], RECORD["Whole"]], [True, False])) == hash(of_record)
    assert evaluate.order_key([RECORD["Text"], RECORD["Whole"]]) != of_record
    assert evaluate.order_key([None, 1]) < evaluate.order_key(["", 0])


@given(st.sampled_from(sorted(strategies.fitting)), strategies.subjects, strategies.subjects)
def test_one_order_is_the_other_turned_round(column, one, other):
    up = evaluate.compile_order((OrderBy(syntax.Column(column)),), TABLE)
    down = evaluate.compile_order((OrderBy(syntax.Column(column), descending=True),), TABLE)

    assert (up(one) < up(other)) is (down(one) > down(other))
    assert (up(one) <= up(other)) is (down(one) >= down(other))
    assert (up(one) == up(other)) is (down(one) == down(other))
