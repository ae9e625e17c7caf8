"""The unified view: whose value a profile gets. Many profiles stand in one view, because none bears on another."""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import IS_THOROUGH
from topcoat.core import unified_view
from topcoat.core.catalog import Column, ColumnType, Table, TableKind
from topcoat.core.unification import ColumnGroup, ColumnPolicy, ColumnPolicyKind, SourceColumn, Unification
from topcoat.core.unified_view import ColumnChoice
from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.unify import columns
from topcoat.flows.refresh.unify.columns import Customers

CONTACTS, MEMBERS = "A_contacts", "B_members"
NAMES = (CONTACTS, MEMBERS)
TYPES = {
    CONTACTS: {"Id": pa.string(), "Score": pa.int64(), "ChangedOn": pa.date32(), "GivenName": pa.string()},
    MEMBERS: {"Id": pa.int64(), "Score": pa.float64(), "ChangedOn": pa.timestamp("us"), "FirstName": pa.string()},
}
TEXTS = ("Mail", "City", "Phone", "Fax", "Street", "Town", "Bank", "Account")
BY = {CONTACTS: "ChangedOn", MEMBERS: "ChangedOn"}
RECENT = ColumnPolicy(ColumnPolicyKind.MOST_RECENT, BY)
TURNED = (SourceColumn(MEMBERS, "Mail"), SourceColumn(CONTACTS, "Mail"))
CHOICES = (
    ColumnChoice("Name", (SourceColumn(CONTACTS, "GivenName"), SourceColumn(MEMBERS, "FirstName"))),
    ColumnChoice("Mail", TURNED),
    ColumnChoice("Phone", policy=RECENT),
    ColumnChoice("Fax", policy=ColumnPolicy(ColumnPolicyKind.LEAST_RECENT, BY)),
    ColumnChoice("Label", join=("Name", "City", "Mail")),
)
GROUPS = (ColumnGroup(("Street", "Town")), ColumnGroup(("Bank", "Account"), RECENT))
EXCLUDED = ("ChangedOn",)

_KINDS = {pa.string(): ColumnType.STRING, pa.int64(): ColumnType.INTEGER, pa.float64(): ColumnType.DECIMAL}
_KINDS |= {pa.date32(): ColumnType.DATE, pa.timestamp("us"): ColumnType.DATE_TIME}


@dataclass(frozen=True)
class Record:
    table: str
    key: str
    values: Mapping[str, Any]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return Engine(ibis.duckdb.connect(threads=1, preserve_insertion_order=False), tmp_path_factory.mktemp("engine"))


def _table(name: str) -> Table:
    types = _schema(name)
    made = tuple(Column(field.name, _KINDS[field.type]) for field in types if field.name != "CustomerId")
    return Table(name, TableKind.SOURCE, made, primary_key="Id")


def _schema(name: str) -> pa.Schema:
    return pa.schema([*TYPES[name].items(), *((text, pa.string()) for text in TEXTS)])


def _combine(engine: Engine, people: Mapping[str, Sequence[Record]], losers: Sequence[Record] = (), previous=()):
    """The profiles by their ids, and who won what."""

    def given(name, rows, schema):
        table = pa.Table.from_pylist(rows, schema=schema)
        return engine.backend.create_table(f"given_{name}", table, overwrite=True)

    def texts(*names):
        return pa.schema([(name, pa.string()) for name in names])

    ring = [(record, customer) for customer, records in people.items() for record in records]
    customers = []
    for name in NAMES:
        records = [record for record, _ in ring if record.table == name]
        rows = given(name, [{"Id": _typed_key(r), **r.values} for r in records], _schema(name))
        winners = [{"source_key": r.key, "winner_key": "another's" if r in losers else r.key} for r in records]
        deduplicated = given(f"{name}_kept", winners, texts("source_key", "winner_key")) if losers else None
        customers.append(Customers(_table(name), rows, deduplicated))
    tables = [each.table for each in customers]
    combined = columns.combine(
        engine,
        customers,
        Unification(tables=NAMES, columns=unified_view.unified_columns(tables, CHOICES, EXCLUDED), groups=GROUPS),
        key_ring=given(
            "ring",
            [{"source_table": r.table, "source_key": r.key, "customer_id": customer} for r, customer in ring],
            texts("source_table", "source_key", "customer_id"),
        ),
        previous=given(
            "previous",
            [{"customer_id": customer, "previous_ids": ids} for customer, ids in previous],
            texts("customer_id", "previous_ids"),
        ),
    )
    profiles = engine.keep("profiles", combined.profiles).to_pyarrow().to_pylist()
    assert len(profiles) == len(people)
    return {profile["CustomerId"]: profile for profile in profiles}, combined.won


def _typed_key(record: Record) -> Any:
    return int(record.key) if record.table == MEMBERS else record.key


# --- By hand ---


def contact(key: str = "c1", **values: Any) -> Record:
    return Record(CONTACTS, key, values)


def member(key: str = "1", **values: Any) -> Record:
    return Record(MEMBERS, key, values)


EARLY, LATE = date(2026, 1, 1), datetime(2026, 1, 1, 9)

CASES: dict[str, tuple[list[Record], dict[str, Any]]] = {
    "the table that comes first is the more important": ([contact(City="Ulm"), member(City="Bonn")], {"City": "Ulm"}),
    "a null never wins over a value": ([contact(), member(City="Bonn")], {"City": "Bonn"}),
    "without a value there is null": ([contact(), member()], {"City": None, "Street": None, "Label": None}),
    "a column has an order of importance of its own": ([contact(Mail="a@c"), member(Mail="b@c")], {"Mail": "b@c"}),
    "columns of other names are one": ([contact(GivenName="Ann"), member(FirstName="Anna")], {"Name": "Ann"}),
    "a column that one table has comes from it": ([member(FirstName="Anna")], {"Name": "Anna"}),
    "integers beside decimals are decimals": ([contact(Score=3), member(Score=2.5)], {"Score": 3.0}),
    "the most recent value wins": (
        [contact(Phone="1", ChangedOn=EARLY), member(Phone="2", ChangedOn=LATE)],
        {"Phone": "2"},
    ),
    "the least recent value wins": ([member(Fax="2", ChangedOn=LATE), contact(Fax="1", ChangedOn=EARLY)], {"Fax": "1"}),
    "the most recent record without a value gives none": (
        [contact(Phone="1", ChangedOn=EARLY), member(ChangedOn=LATE)],
        {"Phone": "1"},
    ),
    "a record without an instant is not the most recent": (
        [contact(Phone="1"), member(Phone="2", ChangedOn=LATE)],
        {"Phone": "2"},
    ),
    "a record without an instant is not the least recent": (
        [contact(Fax="1"), member(Fax="2", ChangedOn=LATE)],
        {"Fax": "2"},
    ),
    "of equal instants the more important table's wins": (
        [contact(Phone="1", ChangedOn=EARLY), member(Phone="2", ChangedOn=datetime(2026, 1, 1))],
        {"Phone": "1"},
    ),
    "without any instant importance decides": ([contact(Phone="1"), member(Phone="2")], {"Phone": "1"}),
    "a group comes from one record": (
        [contact(Town="Ulm"), member(Street="Main Street 1", Town="Bonn")],
        {"Street": None, "Town": "Ulm"},
    ),
    "a record without any value of the group gives none": (
        [contact(), member(Street="Main Street 1")],
        {"Street": "Main Street 1", "Town": None},
    ),
    "a group comes from the most recent record that has any of it": (
        [contact(Bank="A", Account="1", ChangedOn=EARLY), member(Account="2", ChangedOn=LATE)],
        {"Bank": None, "Account": "2"},
    ),
    "joined texts have blanks between them and leave nulls out": (
        [contact(GivenName="Ann"), member(Mail="b@c")],
        {"Label": "Ann b@c"},
    ),
    "of several records of a table the lowest key comes first": (
        [member("20", City="Bonn", Fax="2"), member("100", City="Ulm")],
        {"City": "Ulm", "Fax": "2", f"{MEMBERS}_Id": "100"},
    ),
    "of several records of a table the most recent one comes first": (
        [
            member("20", Phone="2", ChangedOn=LATE),
            member("100", Phone="1", Bank="A"),
            contact(Phone="3", ChangedOn=EARLY),
        ],
        {"Phone": "2", "Bank": "A"},
    ),
    "alternate keys are texts, of each table that has a record": (
        [member("7", City="Bonn")],
        {f"{CONTACTS}_Id": None, f"{MEMBERS}_Id": "7"},
    ),
}


@pytest.fixture(scope="module")
def by_hand(engine):
    people = {
        name: [Record(r.table, _own_key(number, r), r.values) for r in records]
        for number, (name, (records, _)) in enumerate(CASES.items())
    }
    return _combine(engine, people)[0]


def _own_key(case: int, record: Record) -> str:
    """Ahead of it the case's number, which is of one length for all."""
    return f"{case + 100}{record.key}"


@pytest.mark.parametrize("name", CASES)
def test_by_hand(name, by_hand):
    profile, expected = by_hand[name], CASES[name][1]
    keys = {key: value[3:] for key, value in profile.items() if key.endswith("_Id") and value}
    assert {column: (profile | keys)[column] for column in expected} == expected


def test_the_view_has_the_columns_of_the_customer_table_in_their_order(by_hand):
    expected = ["CustomerId", "Score", "Name", *TEXTS, "Label", f"{CONTACTS}_Id", f"{MEMBERS}_Id", "PreviousCustomerId"]
    assert all(list(profile) == expected for profile in by_hand.values())


@pytest.mark.unmeasured
def test_records_that_lost_in_deduplication_give_nothing(engine):
    winner, loser = contact("c2", Phone="1"), contact("c1", City="Ulm", Phone="2", ChangedOn=EARLY)
    profiles, won = _combine(engine, {"x": [winner, loser]}, losers=[loser], previous=[("x", "w")])
    assert profiles["x"]["Phone"] == "1"
    assert (profiles["x"]["City"], profiles["x"][f"{CONTACTS}_Id"]) == (None, "c2")
    assert profiles["x"]["PreviousCustomerId"] == "w"
    assert won == {"Phone": {CONTACTS: 1}}


# --- Drawn, against the rules said once more for one profile. ---

PEOPLE = 250


def _drawn(chance: random.Random) -> dict[str, list[Record]]:
    keys = {name: iter(chance.sample(range(10_000), 5 * PEOPLE)) for name in NAMES}
    people = {}
    for number in range(PEOPLE):
        tables = chance.choices(NAMES, k=chance.choice([1, 2, 2, 3, 5]))
        people[str(number)] = [Record(name, str(next(keys[name])), _drawn_values(name, chance)) for name in tables]
    return people


def _drawn_values(name: str, chance: random.Random) -> dict[str, Any]:
    samples = {
        pa.string(): ["p", "q", "r"],
        pa.int64(): [1, 2],
        pa.float64(): [0.5, 1.5],
        pa.date32(): [date(2026, 1, day) for day in (1, 2, 3)],
        pa.timestamp("us"): [datetime(2026, 1, day) for day in (1, 2, 3)],
    }
    fields = [field for field in _schema(name) if field.name != "Id"]
    return {field.name: chance.choice([None, *samples[field.type]]) for field in fields}


@settings(max_examples=40 if IS_THOROUGH else 2, phases=[Phase.generate], deadline=None)
@given(st.integers(0, 2**32))
def test_every_value_is_from_the_record_that_the_policy_prefers(engine, seed):
    people = _drawn(random.Random(seed))
    won: dict[str, Counter[str]] = defaultdict(Counter)
    expected = {customer: _profile(customer, records, won) for customer, records in people.items()}

    assert _combine(engine, people) == (expected, won)


def _profile(customer: str, records: list[Record], won: dict[str, Counter[str]]) -> dict[str, Any]:
    profile: dict[str, Any] = {"CustomerId": customer, "PreviousCustomerId": None}
    for names, importance, sign in (
        (("Score",), NAMES, 0),
        (("Name",), NAMES, 0),
        (("Mail",), NAMES[::-1], 0),
        (("City",), NAMES, 0),
        (("Phone",), NAMES, -1),
        (("Fax",), NAMES, 1),
        (("Street", "Town"), NAMES, 0),
        (("Bank", "Account"), NAMES, -1),
    ):
        record = next((r for r in sorted(records, key=_order(importance, sign)) if any(_of(r, n) for n in names)), None)
        for name in names:
            profile[name] = None if record is None else _of(record, name)
            if profile[name] is not None:
                won[name][record.table] += 1
    profile["Label"] = " ".join(filter(None, (profile[n] for n in ("Name", "City", "Mail")))) or None
    for table in NAMES:
        profile[f"{table}_Id"] = min((r.key for r in records if r.table == table), default=None)
    return profile


def _of(record: Record, name: str) -> Any:
    sources = {"Name": {CONTACTS: "GivenName", MEMBERS: "FirstName"}[record.table]}
    return record.values[sources.get(name, name)]


def _order(importance: Sequence[str], sign: int):
    def key(record: Record) -> tuple[Any, ...]:
        changed = record.values["ChangedOn"]
        by = (changed is None, 0 if changed is None else sign * changed.day) if sign else ()
        return (*by, importance.index(record.table), record.key)

    return key
