"""Which cluster keeps which id, so that the fewest records change theirs: a matching of the greatest weight (S18)."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import ibis
import networkx as nx
import pyarrow as pa
from ibis.expr import types as ir

from topcoat.flows.refresh.engine import Engine

ROUNDS: Final = 2
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


def assign(engine: Engine, shared: ir.Table) -> ir.Table:
    """One row (lowest, customer_id) for each cluster that keeps an id; `shared` has how many `records` have both.

    Nearly everything is settled by comparing neighbours, set-wise, in a few rounds. What is left are knots of clusters
    that exchanged records: those of up to `EXACT_SIZE_MAX` clusters and ids are matched exactly, larger ones greedily.
    """
    rest, settled = shared, []
    for number in range(ROUNDS):
        chosen = engine.keep(f"identity_settled_{number}", _settled(rest))
        free = rest.anti_join(chosen, "lowest").anti_join(chosen, "customer_id")
        rest = engine.keep(f"identity_unsettled_{number}", free)
        settled.append(chosen)
    knots = rest.order_by("lowest", "customer_id").to_pyarrow()
    pairs = [{"lowest": lowest, "customer_id": customer_id} for lowest, customer_id in _matched(knots)]
    return ibis.union(*settled, ibis.memtable(pa.Table.from_pylist(pairs, schema=_ASSIGNED)))


def _settled(shared: ir.Table) -> ir.Table:
    """Pairs that share at least as many records as both their best rivals together: taking them is never worse."""
    of_cluster = ibis.window(group_by="lowest", order_by=[ibis.desc("records"), "customer_id"])
    of_id = ibis.window(group_by="customer_id", order_by=[ibis.desc("records"), "lowest"])
    rivals = shared.mutate(
        place=ibis.row_number().over(of_cluster) + ibis.row_number().over(of_id),
        rivals=ibis.coalesce(shared.records.lead().over(of_cluster), 0)
        + ibis.coalesce(shared.records.lead().over(of_id), 0),
    )
    first = rivals.filter(rivals.place == 0, rivals.records >= rivals.rivals)
    return first.select("lowest", "customer_id")


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
