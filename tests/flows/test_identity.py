"""Ids from refresh to refresh (S18, S19). Many small families stand in one refresh, because none bears on another."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import ibis
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import IS_THOROUGH
from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.unify import assignment, identity, knots
from topcoat.flows.refresh.unify.knots import Shared

TABLES = ("B_contacts", "A_members")
FRESH = re.compile("[0-9a-f]{32}")

Record = tuple[str, str]


@dataclass(frozen=True)
class State:
    """What a generation has: of records their ids, of aliases their profiles, of profiles the text of earlier ids."""

    ring: Mapping[Record, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    previous: Mapping[str, str] = field(default_factory=dict)
    ended: Mapping[Record, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return Engine(ibis.duckdb.connect(threads=1, preserve_insertion_order=False), tmp_path_factory.mktemp("engine"))


def _refresh(engine: Engine, clusters: Mapping[Record, str], earlier: State) -> State:
    """Rows go in in the order of the mappings."""
    found = identity.identify(
        engine,
        _table(engine, ("source_table", "source_key", "cluster"), ((*key, name) for key, name in clusters.items())),
        identity.Identity(
            _table(engine, ("source_table", "source_key", "customer_id"), ((*k, i) for k, i in earlier.ring.items())),
            _table(engine, ("alias_id", "customer_id"), earlier.aliases.items()),
            _table(engine, ("customer_id", "previous_ids"), earlier.previous.items()),
            _ended(engine, earlier.ended) if earlier.ended else None,
        ),
    )
    ring = {(row["source_table"], row["source_key"]): row["customer_id"] for row in _rows(found.key_ring)}
    aliases, previous = _rows(found.aliases), _rows(found.previous)
    assert (len(ring), len({row["alias_id"] for row in aliases})) == (len(_rows(found.key_ring)), len(aliases))
    return State(
        ring,
        {row["alias_id"]: row["customer_id"] for row in aliases},
        {row["customer_id"]: row["previous_ids"] for row in previous},
    )


def _ended(engine: Engine, ended: Mapping[Record, str]):
    """In another order of columns, and so under another name than the key ring."""
    names = ("customer_id", "source_table", "source_key")
    return _table(engine, names, ((customer_id, *record) for record, customer_id in ended.items()))


def _rows(table):
    return table.to_pyarrow().to_pylist()


def _table(engine: Engine, names: tuple[str, ...], rows: Iterable[tuple[str, ...]]):
    schema = pa.schema([(name, pa.string()) for name in names])
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=schema)
    return engine.backend.create_table("given_" + "_".join(names), table, overwrite=True)


# --- By hand: records are digits and small letters, ids letters, clusters words. ---


@dataclass(frozen=True)
class Case:
    """`had` is `A12 B3`: records 1 and 2 had the id A; `gets` likewise, with `*` for an id that is new."""

    had: str
    clusters: str
    gets: str
    aliases: Mapping[str, str] = field(default_factory=dict)
    previous: Mapping[str, str] = field(default_factory=dict)
    has_aliases: Mapping[str, str] = field(default_factory=dict)
    has_previous: Mapping[str, str] = field(default_factory=dict)


CASES = {
    "the same clusters keep their ids": Case("A12 B3", "12 3", "A12 B3"),
    "records that nobody knew get an id": Case("", "12 3", "*12 *3"),
    "a record that joins gets the id": Case("A12", "123", "A123"),
    "a record that leaves takes nothing along": Case("A123", "12", "A12"),
    "an id without records ends and is no alias": Case("A12 B3", "12", "A12", {"C": "B"}, {"B": "C"}),
    "of a merge the id of most records survives": Case("A1 B23", "123", "B123", {}, {}, {"A": "B"}, {"B": "A"}),
    "of equals the lowest id survives": Case("B12 A34", "1234", "A1234", {}, {}, {"B": "A"}, {"A": "B"}),
    "several merge at once": Case("A1 B2 C34", "1234", "C1234", {}, {}, {"A": "C", "B": "C"}, {"C": "A;B"}),
    "earlier aliases lead on to the survivor": Case(
        "A123 B45",
        "12345",
        "A12345",
        aliases={"D": "B", "C": "A"},
        previous={"B": "D", "A": "C"},
        has_aliases={"B": "A", "C": "A", "D": "A"},
        has_previous={"A": "B;C;D"},
    ),
    "an alias whose profile goes on stays": Case(
        "A1 B2", "1 2", "A1 B2", {"C": "B"}, {"B": "C"}, {"C": "B"}, {"B": "C"}
    ),
    "of a split the larger part keeps all": Case(
        "A123", "3 12", "A12 *3", {"C": "A"}, {"A": "C"}, {"C": "A"}, {"A": "C", "3": "A"}
    ),
    "of equal parts that with the lowest record keeps the id": Case(
        "A1234", "24 13", "A13 *24", has_previous={"2": "A"}
    ),
    "a record that moves changes its id alone": Case("A123 B45", "12 345", "A12 B345"),
    "two that exchange a record keep their ids": Case("A123 B456", "126 453", "A126 B453"),
    "two that exchange most of their records exchange ids": Case("A123 B456", "156 423", "A423 B156"),
    "an id goes where it is worth less if the other is worth more": Case(
        "Aabcdefghi Bjklmn", "abcdejklm fghin", "Babcdejklm Afghin"
    ),
    "a lost id leads to where most of its records are": Case(
        "A123 B456 C789", "1237 45689", "A1237 B45689", has_aliases={"C": "B"}, has_previous={"B": "C"}
    ),
    "a part of two profiles that both go on came from both": Case(
        "A123 B456", "12 45 36", "A12 B45 *36", has_previous={"3": "A;B"}
    ),
    "an alias does not come back when a merge is undone": Case(
        "A123", "12 3", "A12 *3", {"B": "A"}, {"A": "B"}, {"B": "A"}, {"A": "B", "3": "A"}
    ),
    "parts that merge again are one with their id": Case(
        "A12 B3", "123", "A123", {}, {"B": "A"}, {"B": "A"}, {"A": "B"}
    ),
    "ids of ready-made files are kept, their lists put in order": Case(
        "A1", "1", "A1", previous={"A": " c ;b;; c"}, has_previous={"A": "b;c"}
    ),
}


@pytest.fixture(scope="module")
def settled(engine):
    """Every case after its refresh, all of them in one."""
    ring, aliases, previous, clusters = {}, {}, {}, {}
    for name, case in CASES.items():
        ring |= {record: f"{letter} of {name}" for letter, record in _read(name, case.had)}
        aliases |= {f"{alias} of {name}": f"{letter} of {name}" for alias, letter in case.aliases.items()}
        previous |= {f"{letter} of {name}": _named(name, text) for letter, text in case.previous.items()}
        clusters |= {record: word + name for word in case.clusters.split() for _, record in _read(name, f"?{word}")}
    return _refresh(engine, clusters, State(ring, aliases, previous))


def _named(case: str, letters: str) -> str:
    return re.sub("[a-zA-Z]", lambda letter: f"{letter[0]} of {case}", letters)


def _read(case: str, text: str) -> list[tuple[str, Record]]:
    return [(word[0], (TABLES[ord(mark) % 2], f"{case} {mark}")) for word in text.split() for mark in word[1:]]


@pytest.mark.parametrize("name", CASES)
def test_by_hand(name, settled):
    """S18."""
    case = CASES[name]
    ring = {record[1][-1]: id_ for record, id_ in sorted(settled.ring.items()) if record[1].startswith(f"{name} ")}
    letters = {id_: "*" if FRESH.fullmatch(id_) else id_[0] for id_ in ring.values()}
    lowest = {id_: min(mark for mark, other in ring.items() if other == id_) for id_ in letters}
    shown = {id_: lowest[id_] if letter == "*" else letter for id_, letter in letters.items()}

    assert {mark: letters[id_] for mark, id_ in ring.items()} == {r[1][-1]: id_ for id_, r in _read(name, case.gets)}
    assert len(letters) == len(case.gets.split())
    aliases = {alias[0]: shown[id_] for alias, id_ in settled.aliases.items() if alias.endswith(f" of {name}")}
    assert aliases == case.has_aliases
    previous = {shown[id_]: text for id_, text in settled.previous.items() if id_ in shown}
    assert {id_: text.replace(f" of {name}", "") for id_, text in previous.items()} == case.has_previous


# --- Drawn: families of a few records, clustered anew in several refreshes. ---

FAMILIES = 120
RECORDS_MAX = 7
REFRESHES = 3


def _drawn(chance: random.Random) -> list[dict[Record, str]]:
    """Clusters of several refreshes, in which records come, go, and change sides; most stay where they are."""
    history = []
    sides = {
        (chance.choice(TABLES), f"{family}-{number}"): chance.randrange(3)
        for family in range(FAMILIES)
        for number in range(chance.randint(1, RECORDS_MAX))
    }
    for _ in range(REFRESHES):
        there = [record for record in sides if chance.random() < 0.9]
        history.append({record: f"{record[1].partition('-')[0]}/{sides[record]}" for record in there})
        sides |= {record: chance.randrange(3) for record in sides if chance.random() < 0.4}
    return history


def _shuffled(rows: Mapping, chance: random.Random) -> dict:
    return dict(chance.sample(list(rows.items()), len(rows)))


def _renamed(clusters: Mapping[Record, str], chance: random.Random) -> dict[Record, str]:
    names = sorted(set(clusters.values()))
    others = dict(zip(names, chance.sample(range(len(names)), len(names)), strict=True))
    return {record: f"cluster {others[name]}" for record, name in clusters.items()}


@settings(max_examples=40 if IS_THOROUGH else 2, phases=[Phase.generate], deadline=None)
@given(st.integers(0, 2**32))
def test_over_refreshes(engine, seed):
    """S18, S19: the laws of identity. The same clusters change nothing; half of the families without the others, in
    another order and under other names of clusters, get the same ids."""
    chance = random.Random(seed)
    before, state, clusters = State(), State(), {}
    for clusters in _drawn(chance):
        before, state = state, _refresh(engine, clusters, state)
        _check(clusters, before, state)

    assert _refresh(engine, clusters, state) == state
    half = {record: name for record, name in clusters.items() if int(name.partition("/")[0]) % 2}
    shuffled = State(*(_shuffled(rows, chance) for rows in (before.ring, before.aliases, before.previous)))
    alone = _refresh(engine, _renamed(_shuffled(half, chance), chance), shuffled)
    assert alone.ring == {record: state.ring[record] for record in half}


def _check(clusters: Mapping[Record, str], before: State, after: State) -> None:
    ids = {name: after.ring[record] for record, name in clusters.items()}
    assert after.ring == {record: ids[name] for record, name in clusters.items()}
    live = set(ids.values())
    assert len(live) == len(ids), "an id names two profiles"

    shared = Counter((name, before.ring[record]) for record, name in clusters.items() if record in before.ring)
    kept = {pair: records for pair, records in shared.items() if ids[pair[0]] == pair[1]}
    assert sum(kept.values()) == _most_kept(shared)
    known = {*before.ring.values(), *before.aliases, *before.previous}
    fresh = live - {id_ for _, id_ in kept}
    assert not fresh & known, "an id is given again"
    assert all(FRESH.fullmatch(id_) for id_ in fresh)

    assert not live & set(after.aliases), "an alias names a profile"
    assert set(after.aliases.values()) <= live, "an alias leads nowhere, or to an alias"
    lost = {id_ for _, id_ in shared} - live
    going_on = {alias for alias, id_ in before.aliases.items() if id_ in live | lost}
    assert set(after.aliases) == going_on | lost
    for id_ in lost:
        most = max(records for pair, records in shared.items() if pair[1] == id_)
        assert after.aliases[id_] in {
            ids[name] for (name, other), records in shared.items() if (other, records) == (id_, most)
        }

    assert set(after.previous) <= live
    lists = {id_: text.split(";") for id_, text in after.previous.items()}
    assert all(id_ not in listed and listed == sorted(set(listed)) for id_, listed in lists.items())
    assert all(alias in lists[id_] for alias, id_ in after.aliases.items())
    assert all({*text.split(";")} - {id_} <= {*lists[id_]} for id_, text in before.previous.items() if id_ in live)
    origins = {name: {id_ for other, id_ in shared if other == name} for name in ids}
    assert all({*lists.get(id_, ())} == origins[name] for name, id_ in ids.items() if id_ in fresh)


def _most_kept(shared: Mapping[tuple[str, str], int]) -> int:
    """The most records that can keep their ids, by trying everything, family by family."""
    families = defaultdict(dict)
    for (name, id_), records in shared.items():
        families[name.partition("/")[0]][name, id_] = records
    return sum(_best(list(family.items())) for family in families.values())


def _best(pairs: list[tuple[tuple[str, str], int]]) -> int:
    if not pairs:
        return 0
    ((name, id_), records), *rest = pairs
    free = [(pair, others) for pair, others in rest if pair[0] != name and pair[1] != id_]
    return max(records + _best(free), _best(rest))


def test_records_that_come_back_get_the_id_they_had_where_nobody_has_it(engine):
    """S18: and outweigh nobody who was there meanwhile."""
    record = {key: ("CRM_people", key) for key in "1234567"}
    had = {"1": "A", "2": "A", "3": "B", "4": "C", "5": "C"}
    earlier = State({record["6"]: "B", record["7"]: "D"}, ended={record[key]: id_ for key, id_ in had.items()})
    clusters = {record[key]: name for name, keys in {"x": "12", "y": "3", "z": "457", "w": "6"}.items() for key in keys}

    found = _refresh(engine, clusters, earlier)

    ids = {key: found.ring[record[key]] for key in "1234567"}
    assert FRESH.fullmatch(ids.pop("3"))
    assert ids == {"1": "A", "2": "A", "4": "D", "5": "D", "6": "B", "7": "D"}
    assert found.aliases == {"C": "D"}


@pytest.mark.parametrize(
    ("size", "records"),
    [(24, 28), (knots.EXACT_SIZE_MAX + 4, knots.EXACT_SIZE_MAX + 4)],
    ids=["every other pair of a small ring", "the largest pairs of a large ring"],
)
def test_knots_are_matched_exactly_up_to_a_size_and_greedily_beyond(engine, size, records):
    """In a ring of clusters and ids that share 3, 2, 2, 3, … records, the greedy take all that share three."""
    ring = [
        Shared(f"cluster {(place + 1) // 2 % (size // 2):03}", f"id {place // 2:03}", (3, 2, 2)[place % 3])
        for place in range(size)
    ]
    schema = pa.schema([("lowest", pa.string()), ("customer_id", pa.string()), ("records", pa.int64())])
    rows = pa.Table.from_pylist([pair._asdict() for pair in ring], schema=schema)
    pairs = _rows(assignment.assign(engine, engine.backend.create_table("given_ring", rows, overwrite=True)))

    shared = {(pair.lowest, pair.customer_id): pair.records for pair in ring}
    assert sum(shared[pair["lowest"], pair["customer_id"]] for pair in pairs) == records
    assert len({pair["lowest"] for pair in pairs}) == len({pair["customer_id"] for pair in pairs}) == len(pairs)
