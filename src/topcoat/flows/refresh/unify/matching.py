"""Which records of several tables are one person's, by rules in order and by pairs that people know."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePath
from typing import Final

import ibis
from ibis.backends.duckdb import Backend
from ibis.expr import types as ir

from topcoat.core import errors
from topcoat.core.unification import MatchRule, Unification
from topcoat.flows.refresh.unify import conditions, linkage, pair_files
from topcoat.flows.refresh.unify.pair_files import Pair

KEY: Final = "source key"  # columns of tables have no blanks in their names
MODEL: Final = "linkage"  # what the report calls the links of the model, after its section of the environment file

_ALWAYS: Final = -1
_LINK: Final = {"left_key": "string", "right_key": "string", "strength": "int64"}


@dataclass(frozen=True, slots=True)
class Matched:
    """`clusters(source_table, source_key, cluster)` has all records that take part, deduplicated ones too.

    by_rule: pairs of records by the first rule that matched them; sizes: clusters by their number of records;
    singletons: clusters without a match.
    """

    clusters: ir.Table
    by_rule: Mapping[str, int]
    singletons: int
    sizes: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class _Bench:
    """Where tables stay until the matching has ended."""

    backend: Backend
    dropping: ExitStack

    def keep(self, expression: ir.Table) -> ir.Table:
        return self.hold(linkage.keep(self.backend, expression))

    def hold(self, table: ir.Table) -> ir.Table:
        self.dropping.callback(linkage.drop, self.backend, table)
        return table


def match(
    unification: Unification, records: Mapping[str, ir.Table], deduplicated: Mapping[str, ir.Table], backend: Backend
) -> Matched:
    """Match the records of the tables, which have their key as text in a column `KEY` beside their own.

    `deduplicated(source_key, winner_key)` is of the tables that were; only winners match, and their losers follow them.
    """
    with ExitStack() as dropping:
        bench = _Bench(backend, dropping)
        members = bench.keep(_members(unification.tables, records, deduplicated))
        always = pair_files.read_pairs(unification.always_match, members, unification.tables)
        never = pair_files.read_pairs(unification.never_match, members, unification.tables)
        _check_apart(unification.never_match, never)
        rules = _in_order(unification)
        found = _rule_links(unification, rules, records, deduplicated, bench)
        links = bench.keep(ibis.union(_known_links(always), *found))
        nodes = members.select(key="node").distinct()
        connected = bench.hold(linkage.connected(_kept_apart(links, never), nodes))
        return _matched(unification, members, connected, _by_rule(links, [rule.name for rule in rules]), backend)


def _members(tables: Iterable[str], records: Mapping[str, ir.Table], deduplicated: Mapping[str, ir.Table]) -> ir.Table:
    """All records, each with the node that it is in the net of links: its winner."""
    members = []
    for table in tables:
        keys = deduplicated.get(table)
        if keys is None:
            keys = records[table].select(source_key=KEY, winner_key=KEY)
        node = _node(table, keys.winner_key)
        members.append(keys.select("source_key", source_table=ibis.literal(table), node=node))
    return ibis.union(*members)


def _node(table: str, key: ir.StringValue) -> ir.StringValue:
    """Names of tables hold no colon."""
    return ibis.literal(f"{table}:") + key


def _in_order(unification: Unification) -> list[MatchRule]:
    """Tables in order match those before them, by the rules in order."""
    place = unification.tables.index
    return sorted(unification.matching, key=lambda rule: (place(rule.table), place(rule.other_table)))


def _rule_links(
    unification: Unification,
    rules: Sequence[MatchRule],
    records: Mapping[str, ir.Table],
    deduplicated: Mapping[str, ir.Table],
    bench: _Bench,
) -> list[ir.Table]:
    links = []
    before = 0
    for (table, other), group in groupby(rules, lambda rule: (rule.table, rule.other_table)):
        of_both = list(group)
        left, right = (
            bench.keep(_prepared(records[side], deduplicated.get(side), of_both, side)) for side in (table, other)
        )
        for rule in of_both:
            conditions.check_pairs(rule, table, left, right)
        found = bench.hold(linkage.linked(left, right, [conditions.predicate_sql(rule) for rule in of_both]))
        links.append(_links(table, other, found, found.rule + before))
        before += len(of_both)
        if unification.threshold is not None:
            likely = bench.hold(_likely(left, right, of_both, found, unification.threshold))
            others = likely.anti_join(found, ["left_key", "right_key"])
            links.append(_links(table, other, others, ibis.literal(len(rules), "int64")))
    return links


def _prepared(records: ir.Table, deduplicated: ir.Table | None, rules: Sequence[MatchRule], table: str) -> ir.Table:
    """What the rules compare, of the winners."""
    if deduplicated is not None:
        winners = deduplicated.filter(deduplicated.source_key == deduplicated.winner_key)
        records = records.semi_join(winners, records[KEY] == winners.source_key)
    return conditions.prepare(records, rules, table).select(*conditions.key_names(rules), key=KEY)


def _likely(left: ir.Table, right: ir.Table, rules: Sequence[MatchRule], found: ir.Table, threshold: float) -> ir.Table:
    """What the model links by the columns of the rules' conditions, each once."""
    columns = {
        (condition.column, condition.other_column): conditions.key_name(rule, condition)
        for rule in reversed(rules)
        for condition in reversed(rule.conditions)
        if not condition.differs
    }
    matches = int(found.count().to_pyarrow().as_py())
    return linkage.likely(left, right, list(columns.values()), matches=matches, threshold=threshold)


def _links(table: str, other: str, pairs: ir.Table, strength: ir.IntegerValue) -> ir.Table:
    """A lower strength is stronger."""
    return pairs.select(
        left_key=_node(table, pairs.left_key), right_key=_node(other, pairs.right_key), strength=strength
    )


def _known_links(pairs: Iterable[Pair]) -> ir.Table:
    return ibis.memtable([(pair.left, pair.right, _ALWAYS) for pair in pairs], schema=_LINK)


def _check_apart(file: PurePath | None, never: Iterable[Pair]) -> None:
    for pair in never:
        if pair.left == pair.right:
            table, _, key = pair.left.partition(":")
            reason = f"the two are one record, or deduplication has made them one, with the key '{key}'"
            raise errors.SourceFaulty(source=file, table=table, where=f", row {pair.row}", reason=reason)


def _kept_apart(links: ir.Table, never: Sequence[Pair]) -> ir.Table:
    """Leave out links that would bring a pair together that never matches, the weakest first.

    Only the clusters that hold such a pair are looked at link by link.
    """
    if not never:
        return links
    ends = ibis.union(links.select(key="left_key"), links.select(key="right_key"), distinct=True)
    backend = links.get_backend()
    clusters = linkage.connected(links, ends)
    try:
        refused = _refused(_tied_links(links, clusters, never), never)
    finally:
        linkage.drop(backend, clusters)
    return links.anti_join(ibis.memtable(refused, schema=_LINK), ["left_key", "right_key"]) if refused else links


def _tied_links(links: ir.Table, clusters: ir.Table, never: Iterable[Pair]) -> list[tuple[str, str, int]]:
    pairs = ibis.memtable([(pair.left, pair.right) for pair in never], schema={"left": "string", "right": "string"})
    lefts = clusters.select(left="key", cluster="cluster")
    rights = clusters.select(right="key", other_cluster="cluster")
    both = pairs.inner_join(lefts, "left").inner_join(rights, "right")
    tied = both.filter(both.cluster == both.other_cluster).select("cluster").distinct()
    keys = clusters.semi_join(tied, "cluster")
    found = links.semi_join(keys, links.left_key == keys.key).select("left_key", "right_key", "strength")
    return [tuple(row.values()) for row in found.to_pyarrow().to_pylist()]


def _refused(links: Iterable[tuple[str, str, int]], never: Iterable[Pair]) -> list[tuple[str, str, int]]:
    """Take the links in the order of their strength, then of their keys, and refuse one that no longer can be taken."""
    strangers: dict[str, set[str]] = {}
    for pair in never:
        strangers.setdefault(pair.left, set()).add(pair.right)
        strangers.setdefault(pair.right, set()).add(pair.left)
    groups: dict[str, set[str]] = {}
    refused = []
    for link in sorted(links, key=lambda link: (link[2], min(link[:2]), max(link[:2]))):
        small, large = sorted((groups.setdefault(key, {key}) for key in link[:2]), key=len)
        if small is large:
            continue
        if any(strangers.get(key, frozenset()) & large for key in small):
            refused.append(link)
            continue
        large |= small
        groups.update(dict.fromkeys(small, large))
    return refused


def _by_rule(links: ir.Table, names: Sequence[str]) -> Mapping[str, int]:
    ruled = links.filter(links.strength != _ALWAYS)
    counts = ruled.aggregate(pairs=ruled.count(), by="strength")
    named = [*names, MODEL]
    by_rule = Counter(dict.fromkeys(names, 0))
    for row in counts.order_by("strength").to_pyarrow().to_pylist():
        by_rule[named[row["strength"]]] += row["pairs"]
    return dict(by_rule)


def _matched(
    unification: Unification, members: ir.Table, connected: ir.Table, by_rule: Mapping[str, int], backend: Backend
) -> Matched:
    nodes = connected.mutate(is_single=connected.count().over(group_by=connected.cluster) == 1)
    everybody = members.inner_join(nodes, members.node == nodes.key)
    is_left_out = everybody.is_single & everybody.source_table.isin(sorted(unification.only_matched))
    kept = everybody.filter(~is_left_out) if unification.only_matched else everybody
    clusters = linkage.keep(backend, kept.select("source_table", "source_key", "cluster"))
    counted = clusters.aggregate(records=clusters.count(), by="cluster")
    sizes = counted.aggregate(clusters=counted.count(), by="records").order_by("records")
    singletons = kept.filter(kept.is_single).cluster.nunique()
    return Matched(
        clusters,
        by_rule,
        int(singletons.to_pyarrow().as_py()),
        {row["records"]: row["clusters"] for row in sizes.to_pyarrow().to_pylist()},
    )
