"""A question about profiles, and its leads as SQL."""

from dataclasses import dataclass, field, replace
from typing import assert_never

from topcoat.core.catalog import Column, Table
from topcoat.core.odata import evaluate, syntax
from topcoat.core.odata.syntax import Expression, Function
from topcoat.core.tokens import indexed_token
from topcoat.store import values
from topcoat.store.filters import EVERYTHING, Parameters
from topcoat.store.leads import ColumnLead, IdLead, Lead, SegmentLead, TokenLead, is_of_one_value
from topcoat.store.profile_sql import Changes, ProfileSql


@dataclass(frozen=True, slots=True)
class SortKey:
    column: Column
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class ProfileQuestion:
    """`order` leaves the CustomerId out, which settles ties, downwards where `is_descending`."""

    instance_id: int
    generation: int
    table: Table
    filter: Expression | None = None
    leads: tuple[Lead, ...] | None = None
    order: tuple[SortKey, ...] = ()
    is_descending: bool = False
    has_aliases: bool = True

    @property
    def columns(self) -> frozenset[str]:
        """Those that the filter and the order are about."""
        filtered = frozenset() if self.filter is None else evaluate.columns_of(self.filter)
        return filtered.union(key.column.name for key in self.order)

    @property
    def is_streamed(self) -> bool:
        """Whether candidates come in the order of one column from snapshot and changes alike."""
        return len(self.order) == 1 and self.leads is None

    @property
    def has_one_way(self) -> bool:
        """Whether an index has the candidates in order, whatever values are asked for."""
        if self.leads is None:
            return self.filter is None and len(self.order) < 2
        return not self.order and len(self.leads) == 1 and is_of_one_value(self.leads[0])


@dataclass(frozen=True, slots=True)
class LedProfiles:
    """The parts of one statement, and its parameters."""

    question: ProfileQuestion
    is_postgresql: bool
    sql: ProfileSql = field(init=False)
    parameters: Parameters = field(init=False)

    def __post_init__(self) -> None:
        question = self.question
        generation, is_postgresql = question.generation, self.is_postgresql
        sql = ProfileSql(question.instance_id, generation, question.table, is_postgresql, question.has_aliases)
        object.__setattr__(self, "sql", sql)
        object.__setattr__(self, "parameters", Parameters(self.is_postgresql))

    def snapshot(self, lead: Lead | None) -> str:
        """FROM and WHERE of the snapshot's profiles `p` along a lead; changed ones stay in, whatever they hold."""
        filter_ = self.question.filter
        if filter_ is None and isinstance(lead, TokenLead):
            return f"{self.sql.fenced('p', 'w.customer_id', self._with_tokens(lead.tokens))} WHERE 1 = 1"
        source, conditions = self.led(lead)
        condition = self.sql.snapshot_translation(self.parameters, "p").condition(filter_)
        if filter_ is not None and condition is not EVERYTHING and not _is_whole(lead, filter_):
            touched = self.sql.touched("p.customer_id", evaluate.columns_of(filter_), of_few=lead is not None)
            changed = touched if lead is None else f"({touched} AND {self._becomes(filter_)})"
            conditions.append(f"(({condition.sql}) OR {changed})")
        return f"{source} WHERE {' AND '.join(conditions)}"

    def _becomes(self, filter_: Expression) -> str:
        """Whether changes make a profile `p` match; asked of few."""
        condition = self.sql.merged_translation(self.parameters, "m").condition(filter_)
        overlaid = self.sql.overlaid("p", evaluate.columns_of(filter_))
        return f"(SELECT m.overlay IS NOT NULL AND ({condition.sql}) FROM {overlaid} AS m)"

    def _is_match(self, customer: str, filter_: Expression) -> str:
        """Whether a changed profile matches, so that a page is not full of those that do not."""
        profile = f"snapshot_profile p WHERE {self.sql.rows('p')} AND p.customer_id = {customer}"
        return f"(SELECT {self._becomes(filter_)} FROM {profile} LIMIT 1)"

    def led(self, lead: Lead | None) -> tuple[str, list[str]]:
        """FROM and conditions of the snapshot's profiles `p` that satisfy a lead."""
        translation = self.sql.snapshot_translation(self.parameters, "p")
        source, conditions = "snapshot_profile p", [self.sql.rows("p")]
        match lead:
            case None:
                pass
            case ColumnLead(condition=condition) if _asks_for_part(condition):
                found = f"snapshot_profile p WHERE {self.sql.rows('p')} AND ({translation.condition(condition).sql})"
                source, conditions = self.sql.fenced("p", "p.customer_id, p.document", found), ["1 = 1"]
            case IdLead(condition) | ColumnLead(condition=condition):
                conditions.append(f"({translation.condition(condition).sql})")
            case SegmentLead(segment):
                source = "segment_membership g JOIN snapshot_profile p ON p.customer_id = g.customer_id"
                conditions += [self.sql.rows("g"), f"g.segment = {self.parameters.bind(segment, 'text')}"]
            case TokenLead(tokens):
                found = self.sql.fenced("w", "w.customer_id, w.generation_from", self._with_tokens(tokens))
                source = f"{found} JOIN snapshot_profile p ON p.customer_id = w.customer_id"
                conditions.append("w.generation_from = p.generation_from")
            case _:
                assert_never(lead)
        return source, conditions

    def changes(self, lead: Lead) -> list[Changes]:
        """The live changes that bring a value along a lead."""
        if isinstance(lead, TokenLead):
            return self.sql.changes(self._has_token(lead.tokens[0], "o.tokens"), is_fenced=True)
        if not isinstance(lead, ColumnLead):
            return []
        named = values.names_sql(lead.column, "o.column_values", is_postgresql=self.is_postgresql)
        condition = self.sql.change_translation(self.parameters, "o").condition(lead.condition)
        changes = self.sql.changes(f"{named} AND ({condition.sql})", is_fenced=_asks_for_part(lead.condition))
        filter_ = self.question.filter
        if filter_ is None or _is_whole(lead, filter_):
            return changes
        return [replace(each, rows=f"{each.rows} AND {self._is_match(each.customer, filter_)}") for each in changes]

    def _with_tokens(self, tokens: tuple[frozenset[str], ...]) -> str:
        """FROM and WHERE of rows `w` of the token index, which may be of profiles that are no more.

        A change may have brought any of the sets; it leads to its profile by itself where it brought the first.
        """
        first, *others = tokens
        rows = f"w.instance_id = {self.question.instance_id} AND {self._has_token(first, 'w.tokens', 'w.text_row')}"
        if not others:
            return f"profile_search w WHERE {rows}"
        have_others = " AND ".join(self._has_token(other, "w.tokens") for other in others)
        return (
            f"profile_search w WHERE {rows} AND (({have_others}) OR {self.sql.touched('w.customer_id', of_few=True)})"
        )

    def _has_token(self, tokens: frozenset[str], column: str, text_row: str | None = None) -> str:
        """On SQLite by full text where there is one, else in the text itself, which has blanks around each token."""
        wanted = sorted(map(indexed_token, tokens))
        if not wanted:
            return "1 = 0"
        if self.is_postgresql:
            return f"{column} && {self.parameters.bind(tuple(wanted), 'text[]')}"
        if text_row is not None:
            matched = self.parameters.bind(" OR ".join(f'"{token}"' for token in wanted), "text")
            return f"{text_row} IN (SELECT rowid FROM profile_search_text WHERE profile_search_text MATCH {matched})"
        return "(" + " OR ".join(f"instr({column}, {self._spaced(token)}) > 0" for token in wanted) + ")"

    def _spaced(self, token: str) -> str:
        return self.parameters.bind(f" {token} ", "text")

    def ids(self) -> str:
        """All ids along the leads."""
        selects = []
        for lead in self.question.leads or ():
            source, conditions = self.led(lead)
            selects.append(f"SELECT p.customer_id FROM {source} WHERE {' AND '.join(conditions)}")
            selects += [f"SELECT {changes.customer} FROM {changes.rows}" for changes in self.changes(lead)]
        return " UNION ALL ".join(selects)


def _is_whole(lead: Lead | None, filter_: Expression) -> bool:
    """Whether the lead's condition is all that the filter says."""
    return isinstance(lead, IdLead | ColumnLead) and lead.condition == filter_


def _asks_for_part(condition: Expression) -> bool:
    """Whether trigrams lead to what matches."""
    return any(map(_is_of_part, syntax.walk(condition)))


def _is_of_part(node: Expression) -> bool:
    is_search = isinstance(node, syntax.Call) and node.function is Function.CONTAINS
    return is_search or isinstance(node, syntax.Like)
