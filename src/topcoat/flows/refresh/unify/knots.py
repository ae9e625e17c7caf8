"""Clusters that exchanged records with each other, and which of them keeps which id: matched as graphs (S18)."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import networkx as nx
import pyarrow as pa

EXACT_SIZE_MAX: Final = 200

_ASSIGNED: Final = pa.schema([("lowest", pa.string()), ("customer_id", pa.string())])

Node = tuple[int, str]


class Shared(NamedTuple):
    """How many records of a cluster had an id."""

    lowest: str
    customer_id: str
    records: int

    @property
    def cluster_node(self) -> Node:
        return 0, self.lowest

    @property
    def id_node(self) -> Node:
        return 1, self.customer_id


def match(shared: pa.Table) -> pa.Table:
    """Knots of up to `EXACT_SIZE_MAX` clusters and ids are matched exactly, larger ones greedily.

    `shared` is in an order of its own, which decides among equals.
    """
    pairs = [{"lowest": lowest, "customer_id": customer_id} for lowest, customer_id in _matched(shared)]
    return pa.Table.from_pylist(pairs, schema=_ASSIGNED)


def _matched(shared: pa.Table) -> Iterator[tuple[str, str]]:
    graph = nx.Graph()
    rows = [Shared(**row) for row in shared.to_pylist()]
    graph.add_edges_from((row.cluster_node, row.id_node) for row in rows)
    knots: dict[int, list[Shared]] = {}
    knot_of = {node: number for number, knot in enumerate(nx.connected_components(graph)) for node in knot}
    for row in rows:
        knots.setdefault(knot_of[row.id_node], []).append(row)
    for knot in knots.values():
        size = len({node for row in knot for node in (row.cluster_node, row.id_node)})
        yield from _exactly(knot) if size <= EXACT_SIZE_MAX else _greedily(knot)


def _exactly(knot: list[Shared]) -> Iterator[tuple[str, str]]:
    """The order of the rows alone decides between matchings of one weight."""
    graph = nx.Graph()
    graph.add_weighted_edges_from((row.cluster_node, row.id_node, row.records) for row in knot)
    for pair in nx.max_weight_matching(graph):
        (_, lowest), (_, customer_id) = sorted(pair)
        yield lowest, customer_id


def _greedily(knot: list[Shared]) -> Iterator[tuple[str, str]]:
    taken = set[Node]()
    for row in sorted(knot, key=lambda row: (-row.records, row.customer_id, row.lowest)):
        if taken.isdisjoint((row.cluster_node, row.id_node)):
            taken.update((row.cluster_node, row.id_node))
            yield row.lowest, row.customer_id
