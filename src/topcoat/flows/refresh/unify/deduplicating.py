"""Which records of one table are one, and which of them stands for the others."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import assert_never

import ibis
from ibis.expr import types as ir

from topcoat.core.unification import Deduplication, Rule, Winner, WinnerPolicy
from topcoat.flows.refresh.unify import conditions, linkage


@dataclass(frozen=True, slots=True)
class Deduplicated:
    """`winners(source_key, winner_key)` has a row for each record.

    A record counts for the first rule that put it together with another one.
    """

    winners: ir.Table
    records_by_rule: Mapping[str, int]


def deduplicate(records: ir.Table, deduplication: Deduplication, *, primary_key: str) -> Deduplicated:
    """Put records together that a rule matches, be it over others; the lowest key wins among equals.

    Raise `SourceFaulty` where a rule would compare too many pairs.
    """
    with _prepared(records, deduplication, primary_key).cache() as prepared:
        for rule in deduplication.rules:
            if not _is_grouping(rule):
                conditions.check_pairs(rule, deduplication.table, prepared)
        with _pairs(prepared, deduplication).cache() as pairs:
            clusters = linkage.connected(pairs, _ends(pairs).select("key").distinct())
            winners = _winners(prepared, clusters, deduplication.winner)
            return Deduplicated(linkage.keep(winners.get_backend(), winners), _count(pairs, deduplication))


def _prepared(records: ir.Table, deduplication: Deduplication, primary_key: str) -> ir.Table:
    keyed = conditions.prepare(records, deduplication.rules)
    return keyed.select(
        *conditions.key_names(deduplication.rules),
        source_key=records[primary_key].cast("string"),
        preference=_preference(records, deduplication.winner),
    )


def _preference(records: ir.Table, winner: Winner) -> ir.Value:
    match winner.policy:
        case WinnerPolicy.MOST_FILLED:
            return reduce(add, (records[column].notnull().cast("int64") for column in records.columns))
        case WinnerPolicy.MOST_RECENT | WinnerPolicy.LEAST_RECENT:
            return records[winner.column]
        case _:
            assert_never(winner.policy)


def _is_grouping(rule: Rule) -> bool:
    """Whether the records that it matches are those of a group: each is linked to one of them instead of to all."""
    return not rule.exceptions and all(condition.is_exact for condition in rule.conditions)


def _pairs(prepared: ir.Table, deduplication: Deduplication) -> ir.Table:
    found = [
        _grouped(prepared, rule) if _is_grouping(rule) else _joined(prepared, rule) for rule in deduplication.rules
    ]
    return ibis.union(*(pairs.mutate(rule=ibis.literal(n, "int64")) for n, pairs in enumerate(found)))


def _grouped(prepared: ir.Table, rule: Rule) -> ir.Table:
    keys = conditions.exact_key_names(rule)
    filled = prepared.filter([prepared[key].notnull() for key in keys])
    lowest = filled.source_key.min().over(group_by=keys)
    return filled.select(left_key=lowest, right_key="source_key").filter(ibis._.left_key != ibis._.right_key)


def _joined(prepared: ir.Table, rule: Rule) -> ir.Table:
    others = prepared.view()
    matched = conditions.predicate(rule, prepared, others)
    joined = prepared.join(others, [matched, prepared.source_key < others.source_key])
    return joined.select(left_key=prepared.source_key, right_key=others.source_key)


def _ends(pairs: ir.Table) -> ir.Table:
    return ibis.union(pairs.select("rule", key="left_key"), pairs.select("rule", key="right_key"))


def _winners(prepared: ir.Table, clusters: ir.Table, winner: Winner) -> ir.Table:
    same = clusters.join(prepared, clusters.key == prepared.source_key)
    order = ibis.asc if winner.policy is WinnerPolicy.LEAST_RECENT else ibis.desc
    best_first = [order(same.preference, nulls_first=False), same.source_key]
    won = same.select(same.key, winner_key=same.key.first().over(group_by=same.cluster, order_by=best_first))
    joined = prepared.left_join(won, prepared.source_key == won.key)
    return joined.select("source_key", winner_key=ibis.coalesce(joined.winner_key, joined.source_key))


def _count(pairs: ir.Table, deduplication: Deduplication) -> dict[str, int]:
    first = _ends(pairs).aggregate(rule=ibis._.rule.min(), by="key")
    counts = first.aggregate(records=first.count(), by="rule").to_pyarrow().to_pylist()
    rules = deduplication.rules
    by_rule = Counter({rule.name: 0 for rule in rules})  # several may have one name
    for row in counts:
        by_rule[rules[row["rule"]].name] += row["records"]
    return by_rule
