"""Which cluster keeps which id, so that the fewest records change theirs: a matching of the greatest weight (S18)."""

from typing import Final

import ibis
from ibis.expr import types as ir

from topcoat.flows.refresh.engine import Engine

ROUNDS: Final = 2


def assign(engine: Engine, shared: ir.Table) -> ir.Table:
    """One row (lowest, customer_id) for each cluster that keeps an id; `shared` has how many `records` have both.

    Nearly everything is settled by comparing neighbours, set-wise, in a few rounds. What is left are knots of clusters
    that exchanged records.
    """
    rest, settled = shared, [shared.select("lowest", "customer_id").limit(0)]
    for number in range(ROUNDS):
        if not engine.count(rest):
            break
        chosen = engine.keep(f"identity_settled_{number}", _settled(rest))
        free = rest.anti_join(chosen, "lowest").anti_join(chosen, "customer_id")
        rest = engine.keep(f"identity_unsettled_{number}", free)
        settled.append(chosen)
    if engine.count(rest):
        from topcoat.flows.refresh.unify import knots  # noqa: PLC0415 - heavy, and seldom needed

        settled.append(ibis.memtable(knots.match(rest.order_by("lowest", "customer_id").to_pyarrow())))
    return ibis.union(*settled)


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
