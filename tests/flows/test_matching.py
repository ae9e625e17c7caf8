"""Matching on hand-made records: rules of conditions on `mail` and `phone`, exact unless said otherwise."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ibis
import pyarrow
import pytest
from ibis.backends.duckdb import Backend
from ibis.expr import types as ir

from topcoat.core import errors
from topcoat.core.unification import Condition, MatchRule, Unification
from topcoat.flows.refresh.unify import matching
from topcoat.flows.refresh.unify.matching import Matched

pytestmark = pytest.mark.unmeasured

A, B, C = "CRM_a", "Shop_b", "Web_c"

COLUMNS = (matching.KEY, "mail", "phone", "name")

Rows = Sequence[tuple[str | None, ...]]
Losers = Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = ibis.duckdb.connect()
    yield backend
    backend.disconnect()


def rule(name: str, table: str, other: str, *columns: str) -> MatchRule:
    conditions = tuple(Condition(column, column) for column in columns)
    return MatchRule(name=name, conditions=conditions, table=table, other_table=other)


MAIL_AND_PHONE = (
    rule("Mail B-A", B, A, "mail"),
    rule("Phone B-A", B, A, "phone"),
    rule("Mail C-A", C, A, "mail"),
    rule("Phone C-B", C, B, "phone"),
)


def table_of(rows: Rows) -> ir.Table:
    columns = [pyarrow.array(values, pyarrow.string()) for values in zip(*rows, strict=True)]
    return ibis.memtable(pyarrow.table(columns, names=COLUMNS[: len(columns)]))


def deduplicated(rows: Rows, winners: Mapping[str, str]) -> ir.Table:
    keys = [str(row[0]) for row in rows]
    return ibis.memtable(pyarrow.table({"source_key": keys, "winner_key": [winners.get(key, key) for key in keys]}))


def match(
    backend: Backend,
    tables: Mapping[str, Rows],
    rules: Sequence[MatchRule] = MAIL_AND_PHONE,
    losers: Losers | None = None,
    **settings: Any,
) -> Matched:
    matching_rules = tuple(rule for rule in rules if {rule.table, rule.other_table} <= set(tables))
    unification = Unification(tables=tuple(sorted(tables)), columns=(), matching=matching_rules, **settings)
    records = {name: table_of(rows) for name, rows in tables.items()}
    keys = {name: deduplicated(tables[name], winners) for name, winners in (losers or {}).items()}
    return matching.match(unification, records, keys, backend)


def clusters(matched: Matched) -> set[frozenset[str]]:
    """As `Table:key` texts."""
    found: dict[str, set[str]] = {}
    for row in matched.clusters.to_pyarrow().to_pylist():
        found.setdefault(row["cluster"], set()).add(f"{row['source_table']}:{row['source_key']}")
    return {frozenset(cluster) for cluster in found.values()}


def people(*written: str) -> set[frozenset[str]]:
    """`a1 b2` are record 1 of A and record 2 of B."""
    names = {"a": A, "b": B, "c": C}
    return {frozenset(f"{names[record[0]]}:{record[1:]}" for record in group.split()) for group in written}


TABLES: Mapping[str, Rows] = {
    A: [("1", "x", "11"), ("2", "y", "12"), ("3", None, None)],
    B: [("1", "x", "99"), ("2", "q", "12"), ("3", None, None)],
    C: [("1", "y", "99"), ("2", "z", "77")],
}


def test_records_of_three_tables_are_one_where_matches_lead_from_one_to_the_next(backend: Backend) -> None:
    matched = match(backend, TABLES)

    assert clusters(matched) == people("a1 b1 c1 a2 b2", "a3", "b3", "c2")
    assert matched.by_rule == {"Mail B-A": 1, "Phone B-A": 1, "Mail C-A": 1, "Phone C-B": 1}
    assert (matched.singletons, matched.sizes) == (3, {1: 3, 5: 1})


def test_a_pair_counts_for_the_first_rule_that_matches_it(backend: Backend) -> None:
    tables = {A: [("1", "x", "11")], B: [("1", "x", "11")]}

    assert match(backend, tables, MAIL_AND_PHONE[:2]).by_rule == {"Mail B-A": 1, "Phone B-A": 0}
    assert match(backend, tables, MAIL_AND_PHONE[1::-1]).by_rule == {"Phone B-A": 1, "Mail B-A": 0}


def test_an_exception_keeps_a_rule_from_matching(backend: Backend) -> None:
    other_phone = Condition("phone", "phone", differs=True)
    excepted = MatchRule(
        name="Mail", conditions=(Condition("mail", "mail"),), exceptions=(other_phone,), table=B, other_table=A
    )
    tables = {A: [("1", "x", "11"), ("2", "y", "12")], B: [("1", "x", "99"), ("2", "y", None)]}

    assert clusters(match(backend, tables, [excepted])) == people("a1", "b1", "a2 b2")


def test_without_rules_everybody_stays_alone(backend: Backend) -> None:
    assert clusters(match(backend, {A: TABLES[A]}, [])) == people("a1", "a2", "a3")


@pytest.mark.measured
def test_records_that_match_nobody_are_left_out_of_tables_that_bring_matched_ones_only(backend: Backend) -> None:
    losers = {B: {"4": "3"}, A: {}}
    tables = {**TABLES, B: [*TABLES[B], ("4", None, None)]}

    matched = match(backend, tables, losers=losers, only_matched=frozenset({B, C}))

    assert clusters(matched) == people("a1 b1 c1 a2 b2", "a3")
    assert matched.singletons == 1


def test_losers_of_deduplication_follow_their_winner_and_match_nobody_themselves(backend: Backend) -> None:
    tables = {A: [("1", "x", None), ("2", "y", None)], B: [("1", "x", None), ("2", "y", None), ("3", None, None)]}

    matched = match(backend, tables, losers={B: {"2": "1", "3": "1"}})

    assert clusters(matched) == people("a1 b1 b2 b3", "a2")
    assert (matched.singletons, matched.sizes) == (1, {1: 1, 4: 1})


@pytest.fixture
def pairs(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, *written: str, header: str = "Table,Key,OtherTable,OtherKey") -> Path:
        names = {"a": A, "b": B, "c": C}
        rows = [[part for record in pair.split() for part in (names[record[0]], record[1:])] for pair in written]
        file = tmp_path / name
        file.write_text("\n".join([header, *(",".join(row) for row in rows), ""]))
        return file

    return write


def test_pairs_that_always_match_are_one_whatever_the_rules_say(backend: Backend, pairs: Callable[..., Path]) -> None:
    always = pairs("always.csv", "c2 a3", "b3 b2", "a1 a1")

    matched = match(backend, TABLES, always_match=always)

    assert clusters(matched) == people("a1 b1 c1 a2 b2 b3", "a3 c2")
    assert sum(matched.by_rule.values()) == 4


def test_a_deduplicated_record_of_a_pair_stands_for_its_winner(backend: Backend, pairs: Callable[..., Path]) -> None:
    tables = {A: [("1", None, None)], B: [("1", None, None), ("2", None, None)]}

    matched = match(backend, tables, losers={B: {"2": "1"}}, always_match=pairs("always.csv", "b2 a1"))

    assert clusters(matched) == people("a1 b1 b2")


def test_pairs_that_never_match_are_kept_apart_over_others_too_at_the_weakest_link(
    backend: Backend, pairs: Callable[..., Path]
) -> None:
    matched = match(backend, TABLES, never_match=pairs("never.csv", "a3 b3", "a1 a2"))

    assert clusters(matched) == people("a1 b1", "a2 b2 c1", "a3", "b3", "c2")


@pytest.mark.measured
def test_never_outweighs_always(backend: Backend, pairs: Callable[..., Path]) -> None:
    tables = {A: [("1", "x", None), ("2", "y", None)], B: [("1", "x", None)]}
    always, never = pairs("always.csv", "b1 a2", "a1 a2"), pairs("never.csv", "a2 a1")

    matched = match(backend, tables, always_match=always, never_match=never)

    assert clusters(matched) == people("a1", "a2 b1")


def test_pairs_of_people_who_are_apart_anyway_change_nothing(backend: Backend, pairs: Callable[..., Path]) -> None:
    tables = {A: [("1", "x", None), ("2", "y", None)], B: [("1", "x", None)]}

    assert clusters(match(backend, tables, never_match=pairs("never.csv", "a2 b1"))) == people("a1 b1", "a2")


@pytest.mark.measured
def test_a_pair_that_deduplication_has_made_one_cannot_be_kept_apart(
    backend: Backend, pairs: Callable[..., Path]
) -> None:
    never = pairs("never.csv", "a1 b1", "b1 b3")

    with pytest.raises(errors.SourceFaulty, match=r"never.csv, table Shop_b, row 2: the two are one record"):
        match(backend, TABLES, losers={B: {"3": "1"}}, never_match=never)


@pytest.mark.measured
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"Table,Key,OtherTable\n", "line 1: expected the columns Table, Key, OtherTable, OtherKey"),
        (b"", "line 1: expected the columns"),
        (b"Table,Key,OtherTable,OtherKey\nCRM_a,1,Shop_b\n", "line 2: expected four values"),
        (b"Table,Key,OtherTable,OtherKey\nCRM_a,1,Shop_b,\xff\n", "line 1: the text is not UTF-8"),
        (b'Table,Key,OtherTable,OtherKey\nCRM_a,1,Shop_b,"2"x\n', "line 2: it is not CSV"),
        (
            b"Table,Key,OtherTable,OtherKey\nCRM_a,1,Shop_b,7\n",
            "table Shop_b, row 1, column OtherKey: no record has the",
        ),
        (b"Table,Key,OtherTable,OtherKey\nCRM_x,1,Shop_b,1\n", "table CRM_x, row 1, column Table: it is no table of"),
        (None, "line 1: the file cannot be read"),
    ],
)
def test_a_file_of_pairs_that_cannot_be_followed_is_refused(
    backend: Backend, tmp_path: Path, content: bytes | None, expected: str
) -> None:
    file = tmp_path / "pairs.csv"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises((errors.SourceFaulty, errors.SourceInvalid), match=expected):
        match(backend, TABLES, always_match=file)


def test_neither_the_order_of_rows_nor_unrelated_records_change_a_cluster(backend: Backend) -> None:
    """Unification is a function of the set of records (S18)."""
    chance = random.Random(7)
    values = ["p", "q", "r", "s", "t", "u", "v", None, None]
    tables = {name: [(str(n), chance.choice(values), chance.choice(values)) for n in range(6)] for name in (A, B)}
    once = clusters(match(backend, tables))

    more = {name: [*rows, (f"{name}-new", f"mail of {name}", None)] for name, rows in tables.items()}
    shuffled = {name: chance.sample(rows, len(rows)) for name, rows in more.items()}

    assert once < clusters(match(backend, shuffled))


def drawn_people(chance: random.Random) -> tuple[list[tuple[str | None, ...]], list[tuple[str | None, ...]]]:
    """300 people, and 300 records of another table, of which every other is one of them, with what went wrong."""
    given = [first + last for first in ("An", "Ber", "Car", "Dor", "Gus", "Hen") for last in ("a", "nard", "is", "ola")]
    known, others = [], []
    for number in range(300):
        name = f"{chance.choice(given)} {chance.choice(given)}{chance.choice(('son', 'berg', 'ley'))}"
        mail, phone = f"{name}.{number}", f"{chance.randrange(10**8):08}"
        known.append((str(number), mail, phone, name))
        if number % 2:
            others.append((str(number), f"{number}", f"{chance.randrange(10**8):08}", f"{chance.choice(given)} Ott"))
        else:
            mail_too = mail if chance.random() < 0.6 else None
            phone_too = phone if chance.random() < 0.8 else "00000000"
            others.append((str(number), mail_too, phone_too, f"{name[:-1]}x" if chance.random() < 0.2 else name))
    return known, others


CHANCE = random.Random(5)
KNOWN, OTHERS = drawn_people(CHANCE)
RULES_AND_MODEL = [rule("Mail", B, A, "mail"), rule("All", B, A, "mail", "phone", "name")]


@pytest.fixture(scope="module")
def modelled(backend: Backend) -> Matched:
    return match(backend, {A: KNOWN, B: OTHERS}, RULES_AND_MODEL, threshold=0.9)


@pytest.mark.measured
def test_the_model_finds_people_whom_the_rules_miss(modelled: Matched) -> None:
    pairs = {cluster for cluster in clusters(modelled) if len(cluster) == 2}
    right = {pair for pair in pairs if len({record.rpartition(":")[2] for record in pair}) == 1}

    assert modelled.by_rule[matching.MODEL] > 20
    assert min(len(right) / len(pairs), len(right) / 150) > 0.9


def test_the_model_finds_the_same_people_from_shuffled_rows(backend: Backend, modelled: Matched) -> None:
    shuffled = {A: CHANCE.sample(KNOWN, len(KNOWN)), B: CHANCE.sample(OTHERS, len(OTHERS))}

    assert clusters(match(backend, shuffled, RULES_AND_MODEL, threshold=0.9)) == clusters(modelled)


def test_where_the_rules_match_nobody_the_model_has_nothing_to_learn_from(backend: Backend) -> None:
    tables = {A: [("1", "x", "11")], B: [("1", "y", "12")]}

    matched = match(backend, tables, threshold=0.9)

    assert clusters(matched) == people("a1", "b1")


def test_columns_are_compared_whatever_they_are_called(backend: Backend) -> None:
    """Also by the names of our own columns."""
    columns = ("source_key", "Key", "cluster")
    names = [matching.KEY, *columns]
    rows = {A: [["1", "x", "y", "z"], ["2", "u", "v", "w"]], B: [["1", "u", "v", "w"]]}
    records = {name: ibis.memtable([tuple(row) for row in of], columns=names) for name, of in rows.items()}
    unification = Unification(tables=(A, B), columns=(), matching=(rule("All", B, A, *columns),))

    assert clusters(matching.match(unification, records, {}, backend)) == people("a1", "a2 b1")
