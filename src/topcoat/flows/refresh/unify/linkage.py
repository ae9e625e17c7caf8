"""What Splink does for a refresh: links between records, by rules or by a model, and the clusters they make."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, Self

import ibis
from ibis.backends.duckdb import Backend
from ibis.expr import types as ir
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink.blocking_rule_library import CustomRule
from splink.clustering import cluster_pairwise_predictions_at_threshold
from splink.comparison_level_library import CustomLevel, ElseLevel, NullLevel
from splink.comparison_library import CustomComparison
from splink.internals.exceptions import SplinkException

from topcoat.flows.refresh.engine import count, create_table
from topcoat.flows.refresh.unify import similarity

# Splink talks to the people at its notebook; a refresh has its own report.
logging.getLogger("splink").setLevel(logging.ERROR)

CANDIDATES_MAX: Final = 20_000_000

_LEVELS: Final = (1.0, 0.8, 0.6)
_SEED: Final = 1
_SAMPLED_PAIRS: Final = 500_000
_TRAINED_PAIRS: Final = 200_000
_ROUNDS: Final = 5
_SETTLED: Final = 0.001
_RECALL: Final = 0.8  # of the rules: what share of all matches they find, by experience
_PRIOR_MAX: Final = 0.5

_SHUFFLED: Final = 8
_SIDES: Final = ("a", "b")
_SCRATCH: Final = "splink_scratch"
_BEFORE_KEY: Final = len("a-__-")  # Splink puts a record's table before its key


def linked(left: ir.Table, right: ir.Table, rules: Sequence[str]) -> ir.Table:
    """Pair the records that one of the rules matches: `(left_key, right_key, rule)`, the first rule that does.

    The records are tables that were kept, with a text `key` and the columns of which the rules speak, which are
    conditions in SQL on `l` and `r`.
    """
    backend = left.get_backend()
    with _Splink.working(backend) as splink:
        linker = splink.linker(left, right, blocking_rules_to_generate_predictions=[CustomRule(rule) for rule in rules])
        found = splink.table(linker.inference.compute_blocked_pairs_for_predict())
        return keep(
            backend,
            found.select(
                left_key=found.join_key_l.substr(_BEFORE_KEY),
                right_key=found.join_key_r.substr(_BEFORE_KEY),
                rule=found.match_key.cast("int64"),
            ),
        )


def likely(left: ir.Table, right: ir.Table, columns: Sequence[str], *, matches: int, threshold: float) -> ir.Table:
    """Pair the records that are one person with at least that probability: `(left_key, right_key)`.

    The model learns from the tables themselves what equal, alike and different values of a column tell. `matches` is
    how many pairs rules that are hardly ever wrong have found; how likely any two records are one follows from it.
    Where there is nothing to learn from, nothing is likely.
    """
    blocks = _blocks(left, right, columns)
    backend = left.get_backend()
    if not matches or not blocks:
        return keep(backend, ibis.memtable([], schema={"left_key": "string", "right_key": "string"}))
    with _Splink.working(backend) as splink:
        linker = splink.linker(
            left,
            right,
            comparisons=[_comparison(column) for column in columns],
            blocking_rules_to_generate_predictions=[block_on(*block) for block in blocks],
            probability_two_random_records_match=_prior(left, right, matches),
            retain_matching_columns=False,
            max_iterations=_ROUNDS,
            em_convergence=_SETTLED,
        )
        linker = _trained(linker, columns, blocks)
        found = splink.table(linker.inference.predict(threshold_match_probability=threshold, warning_mode="never"))
        return keep(backend, found.select(left_key="key_l", right_key="key_r"))


def connected(pairs: ir.Table, nodes: ir.Table) -> ir.Table:
    """Put the keys that pairs connect, be it over others, into clusters, named after the lowest key in each.

    Of `pairs(left_key, right_key)` and `nodes(key)` comes `(key, cluster)`, a row for each node.
    """
    backend = nodes.get_backend()
    labelled = pairs.select(label_l=_label(pairs.left_key), label_r=_label(pairs.right_key))
    ends = ibis.union(labelled.select(label="label_l"), labelled.select(label="label_r"), distinct=True)
    with _kept(backend, labelled) as links:
        if not count(backend, links):
            return keep(backend, nodes.select("key", cluster="key"))
        with _kept(backend, ends) as linked, _Splink.working(backend) as splink:
            found = cluster_pairwise_predictions_at_threshold(_name(linked), _name(links), splink.database, "label")
            return keep(backend, _named(splink.table(found), nodes))


def keep(backend: Backend, expression: ir.Table) -> ir.Table:
    """Compute a table that stays until it is dropped or the database is closed."""
    return create_table(backend, ibis.util.gen_name("linkage"), expression, is_temporary=True)


def drop(backend: Backend, table: ir.Table) -> None:
    backend.drop_table(_name(table))


@contextmanager
def _kept(backend: Backend, expression: ir.Table) -> Iterator[ir.Table]:
    """Compute a table for a while; Splink reads tables by name."""
    table = keep(backend, expression)
    try:
        yield table
    finally:
        drop(backend, table)


def _blocks(left: ir.Table, right: ir.Table, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """Columns in which two records have to be equal for the model to look at them: one, or two where one is too few.

    Those in which the fewest are equal come first.
    """
    counts = {column: _pairs_of(left, right, [column]) for column in columns}
    singles = [(column,) for column in sorted(counts, key=counts.__getitem__) if 0 < counts[column] <= CANDIDATES_MAX]
    frequent = [column for column, pairs in counts.items() if pairs > CANDIDATES_MAX]
    doubles = [both for both in combinations(frequent, 2) if 0 < _pairs_of(left, right, both) <= CANDIDATES_MAX]
    return [block for block in (*singles, *doubles) if len(block) < len(columns)]


def _pairs_of(left: ir.Table, right: ir.Table, columns: Sequence[str]) -> int:
    lefts = left.aggregate(lefts=left.count(), by=columns)
    both = lefts.join(right.aggregate(rights=right.count(), by=columns), columns)
    return int((both.lefts.cast("float64") * both.rights).sum().fill_null(0).to_pyarrow().as_py())


def _prior(left: ir.Table, right: ir.Table, matches: int) -> float:
    pairs = int(left.count().to_pyarrow().as_py()) * int(right.count().to_pyarrow().as_py())
    return min(matches / _RECALL / pairs, _PRIOR_MAX)


def _comparison(column: str) -> CustomComparison:
    alike = [
        CustomLevel(similarity.sql(f"{column}_l", f"{column}_r", precision), f"{precision:.0%} alike")
        for precision in _LEVELS
    ]
    return CustomComparison([NullLevel(column), *alike, ElseLevel()], column)


def _trained(linker: Linker, columns: Sequence[str], blocks: Sequence[tuple[str, ...]]) -> Linker:
    """What different people have in common, by chance, from any pairs; what one person has, from those of a block.

    A block tells nothing of its own columns, so a second one has to. A block whose pairs leave nothing to choose,
    because all are one person's, makes the estimate run to zero; Splink refuses that, and another block is asked.
    """
    linker.training.estimate_u_using_random_sampling(max_pairs=_SAMPLED_PAIRS, seed=_SEED, num_chunks=1)
    untold = set(columns)
    for block in blocks:
        if untold <= set(block):
            continue
        attempt = deepcopy(linker)
        with suppress(ValueError):
            attempt.training.estimate_parameters_using_expectation_maximisation(
                block_on(*block), max_pairs=_TRAINED_PAIRS
            )
            linker = attempt
            untold &= set(block)
    return linker


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


@dataclass(frozen=True, slots=True)
class _Splink:
    """The one place that knows which engine it is: DuckDB.

    Splink writes what it works with into a database in memory, which spills like everything else: several times as
    fast as into the engine's file.
    """

    backend: Backend
    database: DuckDBAPI

    @classmethod
    @contextmanager
    def working(cls, backend: Backend) -> Iterator[Self]:
        home = backend.current_catalog
        backend.raw_sql(f"ATTACH ':memory:' AS {_SCRATCH}; SET search_path = '{_SCRATCH}.main,{home}.main'")
        try:
            yield cls(backend, DuckDBAPI(connection=backend.con))
        except SplinkException as error:
            raise error.__cause__ or error from None  # what the database said, which the engine knows
        finally:
            backend.raw_sql(f"USE {home}; DETACH {_SCRATCH}")

    def linker(self, left: ir.Table, right: ir.Table, **settings: Any) -> Linker:
        chosen = SettingsCreator(link_type="link_only", unique_id_column_name="key", **settings)
        sides = zip((left, right), _SIDES, strict=True)
        inputs = [self.database.register(_name(table), table_name=side) for table, side in sides]
        return Linker(inputs, chosen, log_level=None, validate_settings=False)

    def table(self, made: Any) -> ir.Table:
        return self.backend.table(made.physical_name, database=(_SCRATCH, "main"))


def _name(table: ir.Table) -> str:
    return str(table.op().name)
