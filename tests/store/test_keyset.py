"""Order and continuation: null is lowest, and what is behind a position is exactly the rest (S25, S26)."""

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from topcoat.store import keyset
from topcoat.store.keyset import Key

VALUES = (None, 0, 1, 2)
DIRECTIONS = list(itertools.product([False, True], repeat=3))


def keys_of(directions: tuple[bool, bool, bool]) -> list[Key]:
    first, second, last = directions
    return [Key("a", first), Key("b", second), Key("id", last, is_nullable=False)]


@pytest.fixture
def select() -> Iterator[Callable[[str], list[tuple[object, ...]]]]:
    """Reads a table with every pair of values twice."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (a, b, id INTEGER PRIMARY KEY)")
        rows = [(a, b) for a in VALUES for b in VALUES for _ in range(2)]
        connection.executemany("INSERT INTO t (a, b) VALUES (?, ?)", rows)
        yield lambda rest: connection.execute(f"SELECT a, b, id FROM t {rest}").fetchall()


@pytest.mark.parametrize("directions", DIRECTIONS)
def test_null_sorts_below_every_value_in_either_direction(
    select: Callable[[str], list[tuple[object, ...]]], directions: tuple[bool, bool, bool]
) -> None:
    def place(row: tuple[object, ...]) -> tuple[int, ...]:
        lowest_first = [-1 if value is None else int(str(value)) for value in row]
        return tuple(-n if is_down else n for n, is_down in zip(lowest_first, directions, strict=True))

    ordered = select(f"ORDER BY {keyset.order_by(keys_of(directions))}")

    assert ordered == sorted(ordered, key=place)


@pytest.mark.parametrize("directions", DIRECTIONS)
def test_behind_a_row_is_the_rest_of_the_order(
    select: Callable[[str], list[tuple[object, ...]]], directions: tuple[bool, bool, bool]
) -> None:
    """S25: no gap, no repeat."""
    keys = keys_of(directions)
    order = f"ORDER BY {keyset.order_by(keys)}"
    ordered = select(order)

    for place, row in enumerate(ordered):
        position = [None if value is None else str(value) for value in row]
        assert select(f"WHERE {keyset.behind(keys, position)} {order}") == ordered[place + 1 :]


@pytest.mark.parametrize("directions", DIRECTIONS)
def test_the_ranges_behind_a_row_are_disjoint_and_together_the_rest(
    select: Callable[[str], list[tuple[object, ...]]], directions: tuple[bool, bool, bool]
) -> None:
    """Each can be sought in an index of the first key."""
    keys = keys_of(directions)
    ordered = select(f"ORDER BY {keyset.order_by(keys)}")

    for place, row in enumerate(ordered):
        position = [None if value is None else str(value) for value in row]
        found = [found for part in keyset.ranges(keys, position) for found in select(f"WHERE {part}")]
        assert sorted(found, key=str) == sorted(ordered[place + 1 :], key=str)
        assert len(keyset.ranges(keys, position)) <= 2
