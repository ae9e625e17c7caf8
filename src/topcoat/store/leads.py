"""Ways into a million profiles: indexed conditions such that every match of a question satisfies at least one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from topcoat.core.catalog import CUSTOMER_ID, Column, ColumnType, Table
from topcoat.core.odata import syntax, wildcards
from topcoat.core.odata.syntax import Expression, Function, Operator

TRIGRAM_LENGTH: Final = 3


@dataclass(frozen=True, slots=True)
class Indexed:
    """The columns of the customers that have indexes now; `has_tokens`: that of `$search` is complete."""

    ordered: frozenset[str] = frozenset()
    trigrams: frozenset[str] = frozenset()
    has_tokens: bool = False


@dataclass(frozen=True, slots=True)
class IdLead:
    """A condition on the CustomerId alone."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class ColumnLead:
    """A condition on one indexed column alone; the snapshot and each change naming the column can be asked for it."""

    column: Column
    condition: Expression


@dataclass(frozen=True, slots=True)
class SegmentLead:
    segment: str


@dataclass(frozen=True, slots=True)
class TokenLead:
    """At least one of each of these sets of tokens is in the searched columns; the first is likely to be rarest."""

    tokens: tuple[frozenset[str], ...]


Lead = IdLead | ColumnLead | SegmentLead | TokenLead


def is_of_one_value(lead: Lead) -> bool:
    """Whether it asks one column for one value."""
    match lead:
        case ColumnLead(condition=syntax.Comparison(_, Operator.EQ, _)):
            return True
        case _:
            return False


@dataclass(frozen=True, slots=True)
class _Way:
    """The higher the cost, the more rows the leads are likely to let through."""

    cost: int
    leads: tuple[Lead, ...]


def find_leads(
    tree: Expression | None, tokens: tuple[frozenset[str], ...], table: Table, indexed: Indexed
) -> tuple[Lead, ...] | None:
    """The leads that are likely to be narrowest; None where only a scan will do."""
    ways = [_Finder(table, indexed).find(tree)] if tree is not None else []
    if tokens and indexed.has_tokens:
        ways.append(_Way(3, (TokenLead(tokens),)))
    found = min((way for way in ways if way is not None), key=lambda way: way.cost, default=None)
    return None if found is None else found.leads


@dataclass(frozen=True, slots=True)
class _Finder:
    table: Table
    indexed: Indexed

    def find(self, tree: Expression) -> _Way | None:
        match tree:
            case syntax.And(terms):
                return _narrowest(map(self.find, terms))
            case syntax.Or(terms):
                return _together([self.find(term) for term in terms])
            case syntax.IsMemberOfSegment(name):
                return _Way(4, (SegmentLead(name),))
            case _:
                return self._of_column(tree)

    def _of_column(self, tree: Expression) -> _Way | None:
        tree = _as_pattern(tree) or tree
        asked = _asked_column(tree)
        if asked is None:
            return None
        name, cost = asked
        if name == CUSTOMER_ID:
            return _Way(cost - 1, (IdLead(tree),))
        column = self.table.columns_by_name[name]
        if not self._is_served(column, tree):
            return None
        return _Way(cost, (ColumnLead(column, tree),))

    def _is_served(self, column: Column, tree: Expression) -> bool:
        """Two values halve the table at best, and so lead nowhere."""
        match tree:
            case syntax.Call(Function.CONTAINS) | syntax.Like():
                return column.name in self.indexed.trigrams
            case _:
                return column.name in self.indexed.ordered and column.type is not ColumnType.BOOLEAN


def _as_pattern(tree: Expression) -> syntax.Like | None:
    """What trigrams can be asked for where a text is compared without its case; it has every match, and more."""
    match tree:
        case syntax.Comparison(syntax.Call(Function.TOLOWER, (syntax.Column() as column,)), Operator.EQ, right):
            return _pattern(column, "{}", right)
        case syntax.Call(function, (syntax.Call(Function.TOLOWER, (syntax.Column() as column,)), right)):
            return _pattern(column, _PATTERNS.get(function), right)
        case syntax.Like(syntax.Call(Function.TOLOWER, (syntax.Column() as column,)), pattern):
            return syntax.Like(column, pattern)
        case _:
            return None


_PATTERNS: Final = {Function.CONTAINS: "%{}%", Function.STARTSWITH: "{}%", Function.ENDSWITH: "%{}"}


def _pattern(column: syntax.Column, form: str | None, right: Expression) -> syntax.Like | None:
    """Wildcards in a text that has none are one more way to match more."""
    if form is None or not isinstance(right, syntax.String):
        return None
    return syntax.Like(column, form.format(right.value.replace("[", "_")))


def _has_trigram(pattern: str) -> bool:
    asked = wildcards.ascii_pattern(pattern) or ""
    return any(len(run) >= TRIGRAM_LENGTH for run in re.split("[%_]", asked))


def _asked_column(tree: Expression) -> tuple[str, int] | None:  # noqa: PLR0911 - one for each kind
    """The one column that a condition asks about in a way that an index can answer, and the cost."""
    match tree:
        case syntax.Comparison(syntax.Column(name), operator, right) if isinstance(right, syntax.Literal):
            return _compared(name, operator, right)
        case syntax.Comparison(left, operator, syntax.Column(name)) if isinstance(left, syntax.Literal):
            return _compared(name, operator, left)
        case syntax.In(syntax.Column(name)):
            return name, 1
        case syntax.Call(Function.STARTSWITH, (syntax.Column(name), syntax.String(text))) if text:
            return name, 4
        case syntax.Call(Function.CONTAINS, (syntax.Column(name), syntax.String(text))) if len(text) >= TRIGRAM_LENGTH:
            return name, 5
        case syntax.Like(syntax.Column(name), pattern) if _has_trigram(pattern):
            return name, 5
        case _:
            return None


def _compared(name: str, operator: Operator, literal: syntax.Literal) -> tuple[str, int] | None:
    if operator is Operator.NE:
        return None
    return name, 1 if operator is Operator.EQ and not isinstance(literal, syntax.Null) else 6


def _narrowest(ways: Iterable[_Way | None]) -> _Way | None:
    return min((way for way in ways if way is not None), key=lambda way: way.cost, default=None)


LEADS_MAX: Final = 20
"""Beyond it, one pass over the table is likely to be quicker, and the statement to be planned in time."""


def _together(ways: list[_Way | None]) -> _Way | None:
    """Alternatives need a way each."""
    found = [way for way in ways if way is not None]
    if len(found) < len(ways):
        return None
    leads = _grouped([lead for way in found for lead in way.leads])
    return None if len(leads) > LEADS_MAX else _Way(max(way.cost for way in found), leads)


def _grouped(leads: list[Lead]) -> tuple[Lead, ...]:
    """Conditions on the same column are one lead."""
    conditions: dict[Column | None, list[Expression]] = {}
    others: list[Lead] = []
    for lead in leads:
        match lead:
            case ColumnLead(column, condition):
                conditions.setdefault(column, []).append(condition)
            case IdLead(condition):
                conditions.setdefault(None, []).append(condition)
            case _:
                others.append(lead)
    grouped = [(column, _any_of(alternatives)) for column, alternatives in conditions.items()]
    return (*(IdLead(tree) if column is None else ColumnLead(column, tree) for column, tree in grouped), *others)


def _any_of(alternatives: list[Expression]) -> Expression:
    return alternatives[0] if len(alternatives) == 1 else syntax.Or(tuple(alternatives))
