"""The pieces of SQL that reads of profiles are made of.

Instance and generation stand in the text as numbers: the indexes of an instance are partial, and a plan must know that
it may use them; and that takes the rows of a generation it does not know for few of them all. The rest of the view
comes as the parameters now, sequence and recorded_until.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from topcoat.clock import to_microseconds
from topcoat.core.catalog import CUSTOMER_ID, ColumnType, Table
from topcoat.core.overlay.override import View
from topcoat.store import values
from topcoat.store.filters import Operand, Parameters, Translation

_NEVER_ENDING: Final = 2**63 - 1


def view_parameters(view: View) -> dict[str, Any]:
    return {
        "generation": view.generation,
        "now": to_microseconds(view.now),
        "sequence": view.sequence,
        "recorded_until": recorded_until(view),
    }


def recorded_until(view: View | None) -> int:
    """Present and future views see whatever is recorded."""
    if view is None or view.recorded_until is None:
        return _NEVER_ENDING
    return to_microseconds(view.recorded_until)


def at_generation(table: str, generation: str = ":generation") -> str:
    return f"{table}.generation_from <= {generation} AND {table}.generation_to > {generation}"


_CHANGE: Final = "o.customer_id, o.sequence, o.valid_until, o.recorded_at, o.caller, o.principal"
_RELEASE: Final = "r.sequence, r.released_sequence, r.column_name, r.generation"


def changes_as_json(*, is_postgresql: bool) -> str:
    """All rows `o` of `override` as one text, for `profiles.assemble_profile`."""
    if is_postgresql:
        return f"CAST(json_agg(json_build_array({_CHANGE}, o.column_values)) AS text)"
    return f"json_group_array(json_array({_CHANGE}, json(o.column_values)))"


def releases_as_json(*, is_postgresql: bool) -> str:
    """All rows `r` of `override_release`, likewise."""
    if is_postgresql:
        return f"CAST(json_agg(json_build_array({_RELEASE})) AS text)"
    return f"json_group_array(json_array({_RELEASE}))"


@dataclass(frozen=True, slots=True)
class Changes:
    """`rows` is FROM and WHERE of changes `o`; `customer` the surviving id of their profile."""

    rows: str
    customer: str


@dataclass(frozen=True, slots=True)
class ProfileSql:
    """Fragments for one generation on one kind of database; without aliases they are simpler, and quicker."""

    instance_id: int
    generation: int
    table: Table
    is_postgresql: bool
    has_aliases: bool

    def rows(self, table: str) -> str:
        """The condition on a snapshot table's rows."""
        return f"{table}.instance_id = {self.instance_id} AND {at_generation(table, str(self.generation))}"

    def live(self, table: str) -> str:
        """The condition on changes that the view sees and that have not lapsed; some of them may be released."""
        return (
            f"{table}.instance_id = {self.instance_id} AND {table}.valid_until > :now"
            f" AND {table}.sequence <= :sequence AND {table}.recorded_at <= :recorded_until"
        )

    def live_of(self, table: str, customer: str) -> str:
        """The same of one profile's id; a unary plus keeps all but the key from choosing the index."""
        return (
            f"{table}.instance_id = {self.instance_id} AND {table}.customer_id {customer}"
            f" AND {table}.valid_until > :now"
            f" AND +{table}.sequence <= :sequence AND +{table}.recorded_at <= :recorded_until"
        )

    def touched(self, customer: str, columns: Collection[str] | None = None, *, of_few: bool) -> str:
        """Whether there is a live change of a profile, under its id or an alias, that names any of these columns.

        `of_few`: asked of few profiles, it is a look-up each, never a table of all that are changed.
        """
        named = self.names_any("t", columns)
        own = f"SELECT 1 FROM override t WHERE {self.live_of('t', f'= {customer}')} AND {named}"
        is_changed = f"({own} LIMIT 1) IS NOT NULL" if of_few else f"EXISTS ({own})"
        if not self.has_aliases:
            return f"({is_changed})"
        return (
            f"({is_changed} OR {customer} IN (SELECT b.customer_id FROM alias b WHERE {self.rows('b')}"
            f" AND EXISTS (SELECT 1 FROM override t WHERE {self.live_of('t', '= b.alias_id')} AND {named})))"
        )

    def names_any(self, change: str, columns: Collection[str] | None) -> str:
        """Whether a change names any of these columns; None for any at all."""
        if columns is None:
            return "1 = 1"
        known, document = self.table.columns_by_name, f"{change}.column_values"
        names = [values.names_sql(known[name], document, is_postgresql=self.is_postgresql) for name in sorted(columns)]
        return f"({' OR '.join(names)})" if names else "1 = 0"

    def changes(self, condition: str, *, is_fenced: bool = False) -> list[Changes]:
        """Live changes `o` by the surviving id of their profile: an index can give those in order whose id it is."""
        aliased = f"{self.rows('b')} AND b.alias_id = o.customer_id"
        source, asked = "override o", f"{self.live('o')} AND ({condition})"
        if is_fenced:
            source, asked = self.fenced("o", "o.customer_id, o.column_values", f"{source} WHERE {asked}"), "1 = 1"
        if not self.has_aliases:
            return [Changes(f"{source} WHERE {asked}", "o.customer_id")]
        own = f"{source} WHERE {asked} AND NOT EXISTS (SELECT 1 FROM alias b WHERE {aliased})"
        return [
            Changes(own, "o.customer_id"),
            Changes(f"{source} JOIN alias b ON {aliased} WHERE {asked}", "b.customer_id"),
        ]

    def fenced(self, alias: str, columns: str, rows: str) -> str:
        """Has PostgreSQL find all that an inverted index leads to before it sorts: a plan for any word or part of one
        takes each for frequent, and would rather walk the table in the order asked for."""
        fence = " OFFSET 0" if self.is_postgresql else ""
        return f"(SELECT {columns} FROM {rows}{fence}) AS {alias}"

    def family(self, customer: str) -> str:
        """`= …`, `IN (…)` or `= ANY(…)`: the ids under which the changes of a profile are stored."""
        if not self.has_aliases:
            return f"= {customer}"
        members = (
            f"SELECT {customer} UNION ALL SELECT b.alias_id FROM alias b"
            f" WHERE {self.rows('b')} AND b.customer_id = {customer}"
        )
        return f"= ANY(ARRAY({members}))" if self.is_postgresql else f"IN ({members})"

    def overlay(self, customer: str, columns: Collection[str]) -> str:
        """What live changes give a profile of these columns, as one document; null where there is nothing."""
        family = self.family(customer)
        not_released = (
            f"NOT EXISTS (SELECT 1 FROM override_release r WHERE r.instance_id = {self.instance_id}"
            f" AND r.customer_id {family} AND +r.sequence <= :sequence AND +r.recorded_at <= :recorded_until"
            " AND ((r.column_name IS NULL AND r.released_sequence = o.sequence) OR (r.column_name = e.key"
            f" AND r.released_sequence >= o.sequence AND r.generation <= {self.generation})))"
        )
        changes = f"{self.live_of('o', family)} AND {self._accepted('e', columns)} AND {not_released}"
        if self.is_postgresql:
            return (
                "(SELECT jsonb_object_agg(e.key, e.value ORDER BY o.sequence)"
                f" FROM override o CROSS JOIN LATERAL jsonb_each(o.column_values) AS e WHERE {changes})"
            )
        # Of the columns beside max(), SQLite takes the row's that has it.
        return (
            "(SELECT json_group_object(w.key, json(w.value)) FROM (SELECT e.key AS key,"
            " o.column_values -> e.fullkey AS value, max(o.sequence) FROM override o, json_each(o.column_values) AS e"
            f" WHERE {changes} GROUP BY e.key) AS w)"
        )

    def _accepted(self, element: str, columns: Collection[str]) -> str:
        """Whether an element of a change counts: S5."""
        known, is_postgresql = self.table.columns_by_name, self.is_postgresql
        accepted = (
            f" WHEN '{name}' THEN {values.accepts_sql(known[name], element, is_postgresql=is_postgresql)}"
            for name in sorted(columns)
        )
        return f"CASE {element}.key{''.join(accepted)} ELSE 1 = 0 END" if columns else "1 = 0"

    def stored(self, customer: str, document: str) -> str:
        """What a merged record is made of, three columns: the snapshot's document, the changes and the releases.

        `document` is looked up where it is null.
        """
        family = self.family(customer)
        is_postgresql = self.is_postgresql
        return f"""
       CASE WHEN {document} IS NOT NULL THEN CAST({document} AS text) ELSE
       (SELECT CAST(p.document AS text) FROM snapshot_profile p WHERE {self.rows("p")} AND p.customer_id = {customer})
       END,
       (SELECT {changes_as_json(is_postgresql=is_postgresql)} FROM override o
        WHERE {self.live_of("o", family)}),
       (SELECT {releases_as_json(is_postgresql=is_postgresql)} FROM override_release r
        WHERE r.instance_id = {self.instance_id} AND r.customer_id {family}
          AND +r.sequence <= :sequence AND +r.recorded_at <= :recorded_until)"""

    def merged(self, profiles: str, columns: Collection[str], *, of_few: bool) -> str:
        """A table expression over profiles `p`, of which only changed ones are folded, in the columns asked about; see
        `merged_operand`."""
        overlay = self.overlay("p.customer_id", columns)
        if not of_few:
            overlay = f"CASE WHEN {self.touched('p.customer_id', columns, of_few=False)} THEN {overlay} END"
        if self.is_postgresql:
            document = f"p.document || COALESCE({overlay}, '{{}}')"
            return f"(SELECT p.customer_id, p.document AS before, {document} AS document FROM {profiles})"
        return f"(SELECT p.customer_id, p.document AS before, p.document, {overlay} AS overlay FROM {profiles})"

    def overlaid(self, profile: str, columns: Collection[str]) -> str:
        """A table expression of the one row `profile` with its overlay in some columns, null without any."""
        shown = f"{profile}.customer_id, {profile}.document AS before"
        overlay = f"SELECT {shown}, {self.overlay(f'{profile}.customer_id', columns)} AS overlay LIMIT 1"
        document = "f.before || f.overlay" if self.is_postgresql else "f.before"
        return f"(SELECT f.customer_id, f.before, f.overlay, {document} AS document FROM ({overlay}) AS f LIMIT 1)"

    def operand(self, name: str, document: str, customer: str) -> Operand:
        """A column of a document that is whole."""
        column = self.table.columns_by_name[name]
        if name == CUSTOMER_ID:
            return Operand(customer, ColumnType.STRING)
        return Operand(values.value_sql(column, document, is_postgresql=self.is_postgresql), column.type)

    def merged_operand(self, name: str, merged: str) -> Operand:
        """A column of a merged document; SQLite keeps what covers it apart, having no way to lay one on the other."""
        covered = self.operand(name, f"{merged}.document", f"{merged}.customer_id")
        if self.is_postgresql or name == CUSTOMER_ID:
            return covered
        column = self.table.columns_by_name[name]
        overlay = f"{merged}.overlay"
        covering = values.value_sql(column, overlay, is_postgresql=False)
        is_covered = values.names_sql(column, overlay, is_postgresql=False)
        return Operand(f"CASE WHEN {is_covered} THEN {covering} ELSE {covered.sql} END", column.type)

    def snapshot_translation(self, parameters: Parameters, profile: str) -> Translation:
        """Conditions on a row of `snapshot_profile`."""
        return Translation(
            parameters,
            lambda name: self.operand(name, f"{profile}.document", f"{profile}.customer_id"),
            lambda segment: self.is_member(f"{profile}.customer_id", segment),
        )

    def merged_translation(self, parameters: Parameters, merged: str) -> Translation:
        """Conditions on a row of `merged`."""
        return Translation(
            parameters,
            lambda name: self.merged_operand(name, merged),
            lambda segment: self.is_member(f"{merged}.customer_id", segment),
        )

    def before_translation(self, parameters: Parameters, merged: str) -> Translation:
        """Conditions on a row of `merged` as the snapshot has it."""
        customer = f"{merged}.customer_id"
        return Translation(
            parameters,
            lambda name: self.operand(name, f"{merged}.before", customer),
            lambda segment: self.is_member(customer, segment),
        )

    def change_translation(self, parameters: Parameters, change: str) -> Translation:
        """Conditions on the values that a change brings."""
        return Translation(
            parameters, lambda name: self.operand(name, f"{change}.column_values", f"{change}.customer_id")
        )

    def is_member(self, customer: str, segment: str) -> str:
        return (
            f"EXISTS (SELECT 1 FROM segment_membership g WHERE {self.rows('g')}"
            f" AND g.customer_id = {customer} AND g.segment = {segment})"
        )
