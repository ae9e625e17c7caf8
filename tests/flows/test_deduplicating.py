import dataclasses
from datetime import date
from itertools import count

import ibis
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import IS_THOROUGH
from topcoat.core import errors
from topcoat.core.unification import Condition, Deduplication, Normalization, Rule, Winner, WinnerPolicy
from topcoat.flows.refresh.unify import conditions, deduplicating

pytestmark = pytest.mark.unmeasured

BACKEND = ibis.duckdb.connect()
NAMES = count()
TYPES = {"Id": pyarrow.string(), "Mail": pyarrow.string(), "Name": pyarrow.string(), "Since": pyarrow.date32()}
MAIL = Rule(name="Mail", conditions=(Condition("Mail", "Mail", (Normalization.CASE,)),))
NAME = Rule(name="Name", conditions=(Condition("Name", "Name", precision=0.8),))


def deduplicated(rows, *rules, winner=Winner(), types=TYPES):  # noqa: B008 - it is frozen
    records = pyarrow.Table.from_pylist(rows, schema=pyarrow.schema(list(types.items())))
    table = BACKEND.create_table(f"records_{next(NAMES)}", ibis.memtable(records))
    return deduplicating.deduplicate(table, Deduplication("Crm_persons", rules, winner), primary_key="Id")


def winners(rows, *rules, **options):
    found = deduplicated(rows, *rules, **options).winners.to_pyarrow().to_pylist()
    assert len(found) == len(rows)
    return {row["source_key"]: row["winner_key"] for row in found}


def rows_of(*values):
    return [dict(zip(TYPES, row, strict=True)) for row in values]


ONE_PERSON = rows_of(
    ("a", "jane@contoso.com", None, date(2024, 1, 1)),
    ("b", "Jane@contoso.com", "Jane", None),
    ("c", "JANE@contoso.com", None, date(2026, 1, 1)),
    ("d", "jane@contoso.COM", "Jane", date(2025, 1, 1)),
    ("e", "jane@contoso.com", None, date(2024, 1, 1)),
    ("f", "jane@contoso.com", "Jane", date(2026, 1, 1)),
)


@pytest.mark.parametrize(
    ("winner", "key"),
    [
        (Winner(), "d"),
        (Winner(WinnerPolicy.MOST_RECENT, "Since"), "c"),
        (Winner(WinnerPolicy.LEAST_RECENT, "Since"), "a"),
        (Winner(WinnerPolicy.MOST_RECENT, "Name"), "b"),
    ],
)
def test_the_winner_is_by_the_policy_and_the_lowest_key_among_equals(winner, key):
    assert winners(ONE_PERSON, MAIL, winner=winner) == dict.fromkeys("abcdef", key)


@pytest.mark.measured
@pytest.mark.parametrize("policy", [WinnerPolicy.MOST_RECENT, WinnerPolicy.LEAST_RECENT])
def test_a_record_without_a_time_never_wins_over_one_with(policy):
    rows = rows_of(("a", "x@y.z", "Jane", None), ("b", "x@y.z", None, date(2024, 1, 1)))

    assert winners(rows, MAIL, winner=Winner(policy, "Since")) == {"a": "b", "b": "b"}


def test_records_that_nothing_matches_are_their_own_winners():
    rows = rows_of(("a", None, None, None), ("b", None, None, None), ("c", "x@y.z", None, None))

    assert winners(rows, MAIL, NAME) == {"a": "a", "b": "b", "c": "c"}


@pytest.mark.measured
def test_records_are_one_over_others_and_over_rules_and_count_for_the_first_rule():
    rows = rows_of(
        ("a", "x@y.z", "Jonathan", None),
        ("b", "X@y.z", "Robert", None),
        ("c", "c@y.z", "Roberto", None),
        ("d", "d@y.z", "Robertos", None),
        ("e", "e@y.z", "Jane", None),
    )

    found = deduplicated(rows, MAIL, NAME)

    assert found.records_by_rule == {"Mail": 2, "Name": 2}
    pairs = {row["source_key"]: row["winner_key"] for row in found.winners.to_pyarrow().to_pylist()}
    assert pairs == {"a": "a", "b": "a", "c": "a", "d": "a", "e": "e"}


def test_records_of_rules_of_one_name_are_counted_together():
    rows = rows_of(("a", "x", "Ann", None), ("b", "X", "Bob", None), ("c", "y", "Cid", None), ("d", "z", "Cid", None))

    found = deduplicated(rows, MAIL, dataclasses.replace(NAME, name="Mail"))

    assert found.records_by_rule == {"Mail": 4}


def test_an_exception_keeps_two_records_apart():
    twins = Rule(
        name="Mail", conditions=MAIL.conditions, exceptions=(Condition("Name", "Name", precision=0.6, differs=True),)
    )
    rows = rows_of(("a", "x@y.z", "Anna", None), ("b", "x@y.z", "Bob", None), ("c", "x@y.z", "Anne", None))

    assert winners(rows, twins) == {"a": "a", "b": "b", "c": "a"}
    assert winners(rows, MAIL) == dict.fromkeys("abc", "a")


def test_a_number_is_a_key_as_its_text():
    rows = [{"Id": 10, "Mail": "x@y.z"}, {"Id": 9, "Mail": "x@y.z"}]

    assert winners(rows, MAIL, types={"Id": pyarrow.int64(), "Mail": pyarrow.string()}) == {"10": "10", "9": "10"}


@pytest.mark.measured
def test_a_rule_that_compares_too_many_records_is_refused_and_one_that_groups_them_is_not(monkeypatch):
    monkeypatch.setattr(conditions, "PAIRS_COMPARED_MAX", 5)
    rows = rows_of(*((key, "x@y.z", key * 5, None) for key in "abcd"))

    assert winners(rows, MAIL) == dict.fromkeys("abcd", "a")
    with pytest.raises(errors.SourceFaulty, match="Rule 'Name', table Crm_persons: it would compare 6 pairs"):
        winners(rows, NAME)


MAILS = st.none() | st.integers(0, 25).map("ab{}".format) | st.integers(0, 25).map("AB{}".format)
FIRST_NAMES = st.none() | st.sampled_from(["Robert", "Roberto", "Robertos", "Jane"])
PERSONS = st.lists(st.tuples(MAILS, FIRST_NAMES, st.sampled_from([None, date(2024, 1, 1)])), min_size=20, max_size=40)
NAME_IN_MAIL = Rule(name="Both", conditions=(*MAIL.conditions, *NAME.conditions))


@settings(max_examples=40 if IS_THOROUGH else 2, deadline=None)
@given(persons=PERSONS, data=st.data(), policy=st.sampled_from(WinnerPolicy))
def test_the_order_of_records_and_of_rules_changes_no_winner(persons, data, policy):
    rows = rows_of(*((str(key), *person) for key, person in enumerate(persons)))
    shuffled = data.draw(st.permutations(rows))
    winner = Winner(policy, None if policy is WinnerPolicy.MOST_FILLED else "Since")
    since = Rule(name="Since", conditions=(Condition("Since", "Since"), Condition("Mail", "Mail", precision=0.9)))

    assert winners(rows, NAME_IN_MAIL, since, winner=winner) == winners(shuffled, since, NAME_IN_MAIL, winner=winner)


@settings(max_examples=40 if IS_THOROUGH else 2, deadline=None)
@given(persons=PERSONS)
def test_grouping_by_exact_conditions_finds_what_comparing_pairs_does(persons):
    rows = rows_of(*((str(key), *person) for key, person in enumerate(persons)))
    compared = Rule(name="Mail", conditions=MAIL.conditions, exceptions=(Condition("Id", "Id"),))

    assert winners(rows, MAIL) == winners(rows, compared)
