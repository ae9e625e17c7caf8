"""Rules as predicates over two records whose key columns were prepared: their values, levelled, as texts.

Both records of a pair have a condition's values in a column of one name, so that a rule says the same of a pair
whichever way round.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

import ibis
from ibis.expr import types as ir

from topcoat.core import errors
from topcoat.core.unification import Condition, MatchRule, Rule
from topcoat.flows.refresh.engine import count
from topcoat.flows.refresh.unify import normalising, similarity

PAIRS_COMPARED_MAX: Final = 100_000_000

_NAME_DIGITS: Final = 8
_WHOLE_NUMBER: Final = r"\.0$"
_MIDNIGHT: Final = r" 00:00:00$"


def key_name(rule: Rule, condition: Condition) -> str:
    """The column that holds a condition's values; other rules of the tables that ask for the same share it."""
    tables = (rule.table, rule.other_table) if isinstance(rule, MatchRule) else ()
    kinds = sorted(kind.value for kind in condition.normalizations)
    asked = repr((tables, condition.column, condition.other_column, kinds, condition.region))
    return f"key_{condition.column}_{hashlib.sha256(asked.encode()).hexdigest()[:_NAME_DIGITS]}"


def key_names(rules: Iterable[Rule]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key_name(rule, condition) for rule in rules for condition in _all_conditions(rule)))


def exact_key_names(rule: Rule) -> tuple[str, ...]:
    """Keys that are equal in every pair that the rule matches."""
    return tuple(dict.fromkeys(key_name(rule, condition) for condition in rule.conditions if condition.is_exact))


def prepare(records: ir.Table, rules: Sequence[Rule], table: str | None = None) -> ir.Table:
    """Add the key columns of all rules; of match rules, `table` is whose records these are.

    A key is null in records that its rule is not about, and so matches nothing there.
    """
    asked = {key_name(rule, condition): (rule, condition) for rule in rules for condition in _all_conditions(rule)}
    return records.mutate(**{name: _key(records, rule, condition, table) for name, (rule, condition) in asked.items()})


def predicate(rule: Rule, left: ir.Table, right: ir.Table) -> ir.BooleanValue:
    """Whether the rule matches two prepared records; null where it does not for want of a value."""
    holds = ibis.and_(*(_holds(rule, condition, left, right) for condition in rule.conditions))
    excepted = (_holds(rule, exception, left, right).fill_null(False) for exception in rule.exceptions)  # noqa: FBT003
    return ibis.and_(holds, *(~each for each in excepted))


def predicate_sql(rule: Rule, left: str = "l", right: str = "r") -> str:
    """The same of two aliases, in the words of SQL: what Splink takes."""
    holds = [_holds_sql(rule, condition, left, right) for condition in rule.conditions]
    excepted = [_holds_sql(rule, exception, left, right) for exception in rule.exceptions]
    return " AND ".join([*holds, *(f"NOT coalesce({each}, FALSE)" for each in excepted)])


def check_pairs(rule: Rule, table: str, left: ir.Table, right: ir.Table | None = None) -> None:
    """Raise `SourceFaulty` where the rule would look at too many pairs of prepared records, of one or two tables.

    Those are the pairs that have their exact keys in common; without exact conditions, all. The tables are kept ones.
    """
    backend = left.get_backend()
    if count(backend, left) * count(backend, left if right is None else right) <= PAIRS_COMPARED_MAX:
        return
    compared = _pairs_compared(rule, left, right)
    if compared > PAIRS_COMPARED_MAX:
        reason = (
            f"it would compare {compared:,} pairs of records, more than {PAIRS_COMPARED_MAX:,}; "
            "add an exact condition on a column in which fewer records are equal"
        )
        raise errors.SourceFaulty(source=f"Rule '{rule.name}'", table=table, where="", reason=reason)


def _all_conditions(rule: Rule) -> tuple[Condition, ...]:
    return (*rule.conditions, *rule.exceptions)


def _key(records: ir.Table, rule: Rule, condition: Condition, table: str | None) -> ir.StringValue:
    if not isinstance(rule, MatchRule) or rule.table == table:
        column = condition.column
    elif rule.other_table == table:
        column = condition.other_column
    else:
        return ibis.null("string")
    return normalising.normalise(_text(records[column]), condition.normalizations, region=condition.region)


def _text(value: ir.Value) -> ir.StringValue:
    """A whole number reads the same as an integer and as a decimal, a day as a date and as its first instant."""
    text = value.cast("string")
    if value.type().is_floating():
        return text.re_replace(_WHOLE_NUMBER, "")
    return text.re_replace(_MIDNIGHT, "") if value.type().is_timestamp() else text


def _holds(rule: Rule, condition: Condition, left: ir.Table, right: ir.Table) -> ir.BooleanValue:
    name = key_name(rule, condition)
    alike = similarity.are_alike(left[name], right[name], condition.precision)
    return ~alike if condition.differs else alike


def _holds_sql(rule: Rule, condition: Condition, left: str, right: str) -> str:
    name = key_name(rule, condition)
    alike = similarity.sql(f"{left}.{name}", f"{right}.{name}", condition.precision)
    return f"NOT ({alike})" if condition.differs else alike


def _pairs_compared(rule: Rule, left: ir.Table, right: ir.Table | None) -> int:
    keys = exact_key_names(rule)
    lefts = _counted(left, rule)
    if right is None:
        pairs = lefts.records * (lefts.records - 1) / 2
    else:
        rights = _counted(right, rule).rename(others="records")
        both = lefts.join(rights, keys) if keys else lefts.cross_join(rights)
        pairs = both.records * both.others
    return int(pairs.sum().fill_null(0).to_pyarrow().as_py())


def _counted(records: ir.Table, rule: Rule) -> ir.Table:
    """How many records have the same exact keys, of those that the rule can match at all."""
    matchable = records.filter([records[key_name(rule, condition)].notnull() for condition in rule.conditions])
    return matchable.aggregate(records=matchable.count().cast("float64"), by=exact_key_names(rule))
