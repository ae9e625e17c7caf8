from datetime import date, datetime

import ibis
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import IS_THOROUGH
from topcoat.core import errors
from topcoat.core.unification import Condition, MatchRule, Normalization, Rule, read_precision
from topcoat.flows.refresh.unify import conditions

pytestmark = pytest.mark.unmeasured

BACKEND = ibis.duckdb.connect()
BOTH = ("Crm_persons", "Shop_persons")


def persons(*rows, table=None, rules=(), **columns):
    """Prepared records; a row is a key and the columns' values, which are texts unless a type is given."""
    types = columns or {"Name": pyarrow.string()}
    schema = pyarrow.schema([("key", pyarrow.string()), *types.items()])
    records = pyarrow.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)
    return conditions.prepare(ibis.memtable(records), rules, table)


def rule_of(*conditions_, exceptions=()):
    return Rule(name="Same", conditions=conditions_, exceptions=exceptions)


def matched(rule, left, right):
    """The pairs of keys that the rule matches, which both of its forms have to say."""
    lefts = BACKEND.create_table("lefts", left, overwrite=True)
    rights = BACKEND.create_table("rights", right, overwrite=True)
    where = conditions.predicate_sql(rule)
    by_sql = set(BACKEND.raw_sql(f"SELECT l.key, r.key FROM lefts l, rights r WHERE {where}").fetchall())
    joined = lefts.join(rights, conditions.predicate(rule, lefts, rights))
    found = BACKEND.to_pyarrow(joined.select(left_key=lefts.key, right_key=rights.key)).to_pylist()
    assert {(pair["left_key"], pair["right_key"]) for pair in found} == by_sql
    return by_sql


def is_match(one, other, *, exceptions=(), type_=None, other_type=None, **condition):
    rule = rule_of(Condition("Name", "Name", **condition), exceptions=exceptions)
    left = persons(("1", one), rules=[rule], Name=type_ or pyarrow.string())
    right = persons(("2", other), rules=[rule], Name=other_type or type_ or pyarrow.string())
    return bool(matched(rule, left, right))


@pytest.mark.parametrize(
    ("precision", "alike", "apart"),
    [
        ("exact", ("Jonathan", "Jonathan"), ("Jonathan", "jonathan")),
        ("high", ("abcde", "abcdX"), ("abcd", "abcX")),
        ("medium", ("abcde", "abcXY"), ("abcde", "abXYZ")),
        ("low", ("0123456789", "012ABCDEFG"), ("0123456789", "01ABCDEFGH")),
        ("75 %", ("abcd", "abcX"), ("abc", "abX")),
        ("high", ("äöüß日", "äöüß本"), ("äöüß", "äöüX")),
        ("high", ("Jonathan", "Jonatha"), ("Jonathan", "Jonath")),
    ],
)
def test_a_precision_is_the_least_share_of_signs_in_common(precision, alike, apart):
    assert is_match(*alike, precision=read_precision(precision))
    assert not is_match(*apart, precision=read_precision(precision))


@pytest.mark.parametrize("differs", [False, True])
@pytest.mark.parametrize("precision", [1.0, 0.3])
def test_nothing_matches_nothing(precision, differs):
    kinds = (Normalization.WHITESPACE, Normalization.SYMBOLS)
    rule = rule_of(Condition("Name", "Name", kinds, precision, differs=differs))
    empty = persons(("null", None), ("empty", ""), ("blank", "  "), ("symbols", "--"), rules=[rule])
    filled = persons(("null", None), ("empty", ""), ("name", "Jane"), rules=[rule])

    assert matched(rule, empty, filled) == set()


@pytest.mark.parametrize(
    ("one", "type_", "other", "other_type", "is_alike"),
    [
        (7, pyarrow.int64(), 7.0, pyarrow.float64(), True),
        (7, pyarrow.int64(), 7.5, pyarrow.float64(), False),
        (98101, pyarrow.int64(), "98101", pyarrow.string(), True),
        (date(1980, 1, 2), pyarrow.date32(), datetime(1980, 1, 2), pyarrow.timestamp("us"), True),
        (date(1980, 1, 2), pyarrow.date32(), datetime(1980, 1, 2, 1), pyarrow.timestamp("us"), False),
        (date(1980, 1, 2), pyarrow.date32(), "1980-01-02", pyarrow.string(), True),
        (True, pyarrow.bool_(), True, pyarrow.bool_(), True),
        (True, pyarrow.bool_(), False, pyarrow.bool_(), False),
    ],
)
def test_values_of_any_type_are_compared_as_they_are_written(one, type_, other, other_type, is_alike):
    assert is_match(one, other, type_=type_, other_type=other_type) is is_alike


@pytest.mark.measured
def test_dates_are_alike_by_their_digits():
    assert is_match(date(1980, 1, 2), date(1980, 1, 3), type_=pyarrow.date32(), precision=0.8)
    assert not is_match(date(1980, 1, 2), date(1979, 12, 31), type_=pyarrow.date32(), precision=0.8)


@pytest.mark.measured
def test_all_conditions_have_to_hold():
    rule = rule_of(Condition("Mail", "Mail", (Normalization.CASE,)), Condition("Name", "Name", precision=0.6))
    types = {"Mail": pyarrow.string(), "Name": pyarrow.string()}
    left = persons(("1", "jane@contoso.com", "Jane"), rules=[rule], **types)
    right = persons(
        ("same", "JANE@contoso.com", "Jana"),
        ("other mail", "jane@fabrikam.com", "Jane"),
        ("other name", "jane@contoso.com", "Robert"),
        ("no name", "jane@contoso.com", None),
        rules=[rule],
        **types,
    )

    assert matched(rule, left, right) == {("1", "same")}


@pytest.mark.measured
def test_an_exception_keeps_a_rule_from_matching():
    rule = rule_of(
        Condition("Mail", "Mail"),
        exceptions=(Condition("Mail", "Mail", precision=0.3, region="US"), Condition("Name", "Name")),
    )
    types = {"Mail": pyarrow.string(), "Name": pyarrow.string()}
    only_name = Rule(name="Same", conditions=rule.conditions, exceptions=rule.exceptions[1:])
    left = persons(("1", "a@contoso.com", "Jane"), rules=[rule, only_name], **types)
    right = persons(
        ("2", "a@contoso.com", "Jane"), ("3", "a@contoso.com", "Joe"), ("4", "a@contoso.com", None),
        rules=[rule, only_name], **types,
    )  # fmt: skip

    assert matched(only_name, left, right) == {("1", "3"), ("1", "4")}
    assert matched(rule, left, right) == set()


def test_twins_are_told_apart_by_an_exception_for_names_that_differ():
    rule = rule_of(Condition("Mail", "Mail"), exceptions=(Condition("Name", "Name", precision=0.6, differs=True),))
    types = {"Mail": pyarrow.string(), "Name": pyarrow.string()}
    left = persons(("1", "smiths@contoso.com", "Anna"), rules=[rule], **types)
    right = persons(
        ("2", "smiths@contoso.com", "Anne"), ("3", "smiths@contoso.com", "Bob"), ("4", "smiths@contoso.com", None),
        rules=[rule], **types,
    )  # fmt: skip

    assert matched(rule, left, right) == {("1", "2"), ("1", "4")}


@pytest.mark.measured
def test_a_match_rule_takes_the_column_of_each_table_and_is_the_same_either_way_round():
    rule = MatchRule(name="Mail", table=BOTH[1], other_table=BOTH[0], conditions=(Condition("EMail", "Mail"),))
    shop = persons(("s", "a@contoso.com"), table=BOTH[1], rules=[rule], EMail=pyarrow.string())
    crm = persons(("c", "a@contoso.com"), table=BOTH[0], rules=[rule], Mail=pyarrow.string())

    assert matched(rule, shop, crm) == {("s", "c")}
    assert matched(rule, crm, shop) == {("c", "s")}


@pytest.mark.measured
def test_records_of_a_table_that_a_match_rule_is_not_about_match_nothing():
    rule = MatchRule(name="Mail", table=BOTH[1], other_table=BOTH[0], conditions=(Condition("Mail", "Mail"),))
    others = persons(("x", "a@contoso.com"), table="Web_persons", rules=[rule], Mail=pyarrow.string())

    assert matched(rule, others, others.view()) == set()


@pytest.mark.measured
def test_rules_share_the_keys_that_they_have_in_common():
    mail = Condition("Mail", "Mail", (Normalization.CASE, Normalization.WHITESPACE))
    again = Condition("Mail", "Mail", (Normalization.WHITESPACE, Normalization.CASE), precision=0.8)

    assert len(conditions.key_names([rule_of(mail), rule_of(again), rule_of(Condition("Mail", "Mail"))])) == 2


@pytest.mark.measured
def test_a_rule_that_compares_too_many_pairs_is_refused(monkeypatch):
    monkeypatch.setattr(conditions, "PAIRS_COMPARED_MAX", 3)
    vague = rule_of(Condition("Name", "Name", precision=0.8))
    exact = rule_of(Condition("Name", "Name"), Condition("Name", "Name", precision=0.8))
    three = BACKEND.create_table("three", persons(*zip("123", "abc", strict=True), ("x", None), rules=[vague, exact]))
    four = BACKEND.create_table("four", persons(*zip("1234", "abcd", strict=True), rules=[vague, exact]))

    conditions.check_pairs(vague, "Crm_persons", three)
    conditions.check_pairs(exact, "Crm_persons", three, four)
    for right in (None, three):
        with pytest.raises(errors.SourceFaulty) as refused:
            conditions.check_pairs(vague, "Crm_persons", four, right)
        assert refused.value.message.startswith("Rule 'Same', table Crm_persons: it would compare ")
        assert "add an exact condition" in refused.value.message


@settings(max_examples=100 if IS_THOROUGH else 5, deadline=None)
@given(names=st.lists(st.none() | st.text("ab é", max_size=4), max_size=6), precision=st.sampled_from([1.0, 0.8, 0.5]))
def test_both_forms_of_a_rule_match_the_same_pairs_either_way_round(names, precision):
    name = Condition("Name", "Name", precision=precision)
    rule = rule_of(name, exceptions=(Condition("Name", "Name", (Normalization.SYMBOLS,), 0.9, differs=True),))
    records = persons(*((str(n), text) for n, text in enumerate(names)), rules=[rule])

    pairs = matched(rule, records, records)

    assert pairs == {(other, one) for one, other in pairs}
