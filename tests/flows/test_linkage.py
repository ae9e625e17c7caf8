from collections.abc import Iterable, Iterator
from itertools import pairwise

import ibis
import pyarrow
import pytest
from ibis.backends.duckdb import Backend

from topcoat.flows.refresh.unify import linkage


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = ibis.duckdb.connect()
    yield backend
    backend.disconnect()


def clusters_of(backend: Backend, keys: Iterable[str], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    nodes = ibis.memtable(pyarrow.table({"key": list(keys)}))
    text = pyarrow.schema([("left_key", pyarrow.string()), ("right_key", pyarrow.string())])
    rows = pyarrow.Table.from_pylist([{"left_key": left, "right_key": right} for left, right in pairs], schema=text)
    links = ibis.memtable(rows)
    return {row["key"]: row["cluster"] for row in linkage.connected(links, nodes).to_pyarrow().to_pylist()}


def test_keys_that_pairs_connect_over_others_are_one_cluster_named_after_the_lowest(backend: Backend) -> None:
    pairs = [("d", "c"), ("c", "e"), ("e", "b"), ("x", "y"), ("y", "x"), ("z", "z")]

    clusters = clusters_of(backend, "zyxedcba", pairs)

    assert clusters == {"a": "a", "b": "b", "c": "b", "d": "b", "e": "b", "x": "x", "y": "x", "z": "z"}


def test_without_pairs_every_key_is_a_cluster_of_its_own(backend: Backend) -> None:
    assert clusters_of(backend, "ab", []) == {"a": "a", "b": "b"}


@pytest.mark.unmeasured
def test_a_long_chain_is_one_cluster(backend: Backend) -> None:
    keys = [f"{number:03}" for number in range(200)]

    assert set(clusters_of(backend, keys, pairwise(keys)).values()) == {"000"}


def test_nothing_of_splink_is_left_in_the_database(backend: Backend) -> None:
    clusters_of(backend, "ab", [("a", "b")])

    assert backend.con.sql("FROM duckdb_tables() WHERE table_name LIKE '%splink%'").fetchall() == []
