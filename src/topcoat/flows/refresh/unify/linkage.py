"""What Splink does for a refresh: links between records, by rules or by a model, and the clusters they make."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import ibis
from ibis.backends import BaseBackend
from ibis.expr import types as ir
from splink import DuckDBAPI
from splink.clustering import cluster_pairwise_predictions_at_threshold
from splink.internals.exceptions import SplinkException

# Splink talks to the people at its notebook; a refresh has its own report.
logging.getLogger("splink").setLevel(logging.ERROR)

_SHUFFLED: Final = 8


def connected(pairs: ir.Table, nodes: ir.Table) -> ir.Table:
    """Put the keys that pairs connect, be it over others, into clusters, named after the lowest key in each.

    Of `pairs(left_key, right_key)` and `nodes(key)` comes `(key, cluster)`, a row for each node.
    """
    backend = nodes.get_backend()
    labelled = pairs.select(label_l=_label(pairs.left_key), label_r=_label(pairs.right_key))
    with _kept(backend, labelled) as links, _database_of(backend) as database:
        ends = ibis.union(links.select(label="label_l"), links.select(label="label_r"), distinct=True)
        with _kept(backend, ends) as linked:
            found = cluster_pairwise_predictions_at_threshold(_name(linked), _name(links), database, "label")
            return _keep(backend, _named(backend.table(found.physical_name), nodes))


def _label(key: ir.StringValue) -> ir.StringValue:
    """Names in an order that has nothing to do with that of the keys.

    Splink hands the lowest name on from neighbour to neighbour: along a chain in order it needs a round a link.
    """
    return key.hexdigest("md5").left(_SHUFFLED) + key


def _named(found: ir.Table, nodes: ir.Table) -> ir.Table:
    linked = found.select("cluster_id", linked_key=found.label.substr(_SHUFFLED))
    lowest = linked.linked_key.min().over(group_by=linked.cluster_id)
    clusters = linked.select("linked_key", cluster=lowest)
    joined = nodes.left_join(clusters, nodes.key == clusters.linked_key)
    return joined.select("key", cluster=ibis.coalesce(joined.cluster, joined.key))


@contextmanager
def _database_of(backend: BaseBackend) -> Iterator[Any]:
    """Where Splink works: the database that the tables are in. This is the one place that knows which kind it is."""
    database = DuckDBAPI(connection=backend.con)
    try:
        yield database
    except SplinkException as error:
        raise error.__cause__ or error from None  # what the database said, which the engine knows
    finally:
        database.delete_tables_created_by_splink_from_db()  # type: ignore[no-untyped-call]  # Splink's


@contextmanager
def _kept(backend: BaseBackend, expression: ir.Table) -> Iterator[ir.Table]:
    """For Splink, which reads tables by name."""
    table = _keep(backend, expression)
    try:
        yield table
    finally:
        backend.drop_table(_name(table))


def _keep(backend: BaseBackend, expression: ir.Table) -> ir.Table:
    return backend.create_table(ibis.util.gen_name("linkage"), expression, temp=True)


def _name(table: ir.Table) -> str:
    return str(table.op().name)
