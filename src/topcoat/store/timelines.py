"""Activities as reads see them: the snapshot's and the live real-time ones, in one order (S12, S15-S17).

Look-ups by key stand as scalar subqueries with a limit, which no planner turns into a join of tables whatever its
statistics say, and a unary plus keeps a condition from choosing the index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core.catalog import UNIFIED_ACTIVITY_TABLE, ColumnType, Document, parse_instant
from topcoat.core.odata.syntax import Expression
from topcoat.core.overlay.override import View
from topcoat.core.overlay.timeline import Activity
from topcoat.store import keyset, profile_sql, sizes, values
from topcoat.store.engine import load_json
from topcoat.store.filters import Operand, Parameters, Translation
from topcoat.store.keyset import Cut, Key
from topcoat.store.led_profiles import SortKey
from topcoat.store.point import prepared
from topcoat.store.profile_sql import at_generation
from topcoat.store.scans import ScanReader
from topcoat.store.sizes import Size

_TIE_BREAKERS: Final = ("ActivityId", "CustomerId")
_COLUMNS: Final = UNIFIED_ACTIVITY_TABLE.columns_by_name
_KEPT_APART: Final = {"ActivityId": "activity_id", "ActivityType": "activity_type", "EntityName": "source_table"}


NEWEST_FIRST: Final = (SortKey(_COLUMNS["ActivityTime"], is_descending=True),)


@dataclass(frozen=True, slots=True)
class ActivityQuestion:
    """`members` are the ids asked for with all their aliases, None for anybody's; ids settle ties of the order.

    `is_of_one`: they all name one profile, of which an ActivityId is unique; its timeline then is in an index's order.
    """

    instance_id: int
    members: tuple[str, ...] | None = None
    is_of_one: bool = False
    activity_id: str | None = None
    filter: Expression | None = None
    hidden_tables: tuple[str, ...] = ()
    order: tuple[SortKey, ...] = NEWEST_FIRST
    has_aliases: bool = True

    @property
    def keys(self) -> tuple[SortKey, ...]:
        """The order down to ids, which settle ties in the direction of the first key."""
        named = {key.column.name for key in self.order}
        ties = _TIE_BREAKERS[:1] if self.is_of_one else _TIE_BREAKERS
        is_descending = self.order[0].is_descending
        return (*self.order, *(SortKey(_COLUMNS[name], is_descending) for name in ties if name not in named))


@dataclass(frozen=True, slots=True)
class TypeCount:
    """How many activities have this ActivityType and ActivityTypeDisplay."""

    activity_type: str | None
    display: str | None
    count: int


async def list_activities(
    reader: ScanReader,
    question: ActivityQuestion,
    view: View,
    *,
    after: Document | None = None,
    skip: int = 0,
    limit: int,
) -> list[Activity]:
    """Under the surviving ids of their profiles; from behind `after`, a record of UnifiedActivity, on.

    Where the filter is not exact in SQL, there may be more than match.
    """
    sql, cut = _ActivitySql(question, Parameters(reader.is_postgresql)), Cut(limit, skip)
    pages = " UNION ALL ".join(f"SELECT * FROM ({page}) AS s{n}" for n, page in enumerate(sql.pages(after, cut)))
    order = keyset.order_by([Key(f"u.k{n}", key.is_descending) for n, key in enumerate(question.keys)])
    text = f"SELECT * FROM ({pages}) AS u ORDER BY {order} {cut.of_all}"
    is_timeline = question.is_of_one and question.order == NEWEST_FIRST
    rows = await reader.fetch(prepared(text, has_one_plan=is_timeline), sql.bound(view) | cut.parameters)
    return [_activity(row) for row in rows]


async def count_activities(reader: ScanReader, question: ActivityQuestion, view: View) -> int | None:
    """None where SQL cannot say the filter exactly."""
    sql = _ActivitySql(question, Parameters(reader.is_postgresql))
    if not sql.is_exact():
        return None
    counts = " + ".join(f"(SELECT count(*) FROM {branch.rows})" for branch in sql.branches())
    rows = await reader.fetch(prepared(f"SELECT {counts}"), sql.bound(view))
    return int(rows[0][0])


async def count_types(reader: ScanReader, question: ActivityQuestion, view: View) -> list[TypeCount]:
    """The types of the activities that a read shows."""
    sql = _ActivitySql(question, Parameters(reader.is_postgresql))
    display = values.value_sql(_COLUMNS["ActivityTypeDisplay"], "a.document", is_postgresql=reader.is_postgresql)
    kinds = " UNION ALL ".join(
        f"SELECT a.activity_type AS type, {display} AS display FROM {b.rows}" for b in sql.branches()
    )
    text = f"SELECT type, display, count(*) FROM ({kinds}) AS k GROUP BY type, display"
    counts = [TypeCount(*row) for row in await reader.fetch(prepared(text), sql.bound(view))]
    return sorted(counts, key=lambda count: (count.activity_type or "", count.display or ""))


async def get_activities_size(reader: ScanReader, question: ActivityQuestion, view: View) -> Size:
    """The size of the activities that a read shows."""
    sql = _ActivitySql(question, Parameters(reader.is_postgresql))
    parts = [await sizes.get_size(reader, branch.rows, sql.bound(view)) for branch in sql.branches()]
    return Size(sum(part.records for part in parts), sum(part.size_bytes for part in parts))


@dataclass(frozen=True, slots=True)
class _Branch:
    """`rows` is FROM and WHERE of activities `a`; `customer` the surviving id of their profile."""

    table: str
    customer: str
    rows: str
    translation: Translation


@dataclass(frozen=True, slots=True)
class _ActivitySql:
    question: ActivityQuestion
    parameters: Parameters

    @property
    def is_postgresql(self) -> bool:
        return self.parameters.is_postgresql

    def bound(self, view: View) -> dict[str, Any]:
        return self.parameters.values | profile_sql.view_parameters(view)

    def is_exact(self) -> bool:
        return all(branch.translation.condition(self.question.filter).is_exact for branch in self.branches())

    def branches(self) -> tuple[_Branch, ...]:
        """Of real-time activities those stored under their profile's own id apart: an index has them in order."""
        instance = f"a.instance_id = {self.question.instance_id}"
        snapshot = self._branch("snapshot_activity a", "a.customer_id", f"{instance} AND {at_generation('a')}")
        own = self._own_id()
        if not self.question.has_aliases:
            shown = self._is_shown(own, "twin.customer_id")
            return snapshot, self._branch("realtime_activity a", own, f"{instance} AND {shown}")
        aliased = f"b.instance_id = {self.question.instance_id} AND b.alias_id = a.customer_id AND {at_generation('b')}"
        is_own = f"(SELECT 1 FROM alias b WHERE {aliased} LIMIT 1) IS NULL"
        twin = f"""COALESCE((SELECT v.customer_id FROM alias v WHERE v.instance_id = {self.question.instance_id}
            AND v.alias_id = twin.customer_id AND {at_generation("v")} LIMIT 1), twin.customer_id)"""
        shown, shown_aliased = self._is_shown(own, twin), self._is_shown("b.customer_id", twin)
        return (
            snapshot,
            self._branch("realtime_activity a", own, f"{instance} AND {is_own} AND {shown}"),
            self._branch(
                f"realtime_activity a JOIN alias b ON {aliased}", "b.customer_id", f"{instance} AND {shown_aliased}"
            ),
        )

    def _own_id(self) -> str:
        """The id that an activity is stored under; as a value where only one is asked for, to be looked up once."""
        members = self.question.members
        is_one = members is not None and len(members) == 1 and not self.question.has_aliases
        if not members or not is_one:
            return "a.customer_id"
        own = self.parameters.bind(members[0], "text")
        return f'({own} COLLATE "C")' if self.is_postgresql else own

    def pages(self, after: Document | None, cut: Cut) -> list[str]:
        """Conditions, order and limit inside each branch, so that it reads no more than a page can show."""
        pages = []
        for branch in self.branches():
            keys = self._keys(branch)
            ranges = ["1 = 1"] if after is None else keyset.ranges(keys, self._position(after))
            order = keyset.order_by(keys)
            shown = ", ".join((self._shown(branch), *(f"{key.sql} AS k{n}" for n, key in enumerate(keys))))
            pages += [f"SELECT {shown} FROM {branch.rows} AND ({r}) ORDER BY {order} {cut.of_part}" for r in ranges]
        return pages

    def _branch(self, table: str, customer: str, visible: str) -> _Branch:
        translation = Translation(self.parameters, lambda name: self._operand(name, customer))
        conditions = [visible, f"({translation.condition(self.question.filter).sql})", *self._asked()]
        return _Branch(table, customer, f"{table} WHERE {' AND '.join(conditions)}", translation)

    def _asked(self) -> list[str]:
        question, conditions = self.question, []
        if question.members is not None:
            conditions.append(f"a.customer_id {self.parameters.among(question.members)}")
        if question.activity_id is not None:
            conditions.append(f"a.activity_id = {self.parameters.bind(question.activity_id, 'text')}")
        conditions.append(self._is_seen("a"))
        return conditions

    def _is_seen(self, table: str) -> str:
        """Not of a kind that no read returns (S16); such an activity does not stand in for another of its id either."""
        if not self.question.hidden_tables:
            return "1 = 1"
        hidden = ", ".join(self.parameters.bind(name, "text") for name in self.question.hidden_tables)
        return f"({table}.source_table IS NULL OR {table}.source_table NOT IN ({hidden}))"

    def _operand(self, name: str, customer: str) -> Operand:
        column = _COLUMNS[name]
        if name == "ActivityTime":
            return Operand("a.activity_time", ColumnType.DATE_TIME, is_instant=True)
        if name == "CustomerId":
            return Operand(customer, ColumnType.STRING)
        if name in _KEPT_APART:
            collation = ' COLLATE "C"' if self.is_postgresql else ""
            return Operand(f"(a.{_KEPT_APART[name]}{collation})", ColumnType.STRING)
        return Operand(values.value_sql(column, "a.document", is_postgresql=self.is_postgresql), column.type)

    def _keys(self, branch: _Branch) -> list[Key]:
        return [
            Key(branch.translation.operand(key.column.name).sql, key.is_descending, key.column.name not in _NEVER_NULL)
            for key in self.question.keys
        ]

    def _position(self, record: Document) -> list[str | None]:
        return [self._placed(key, record[key.column.name]) for key in self.question.keys]

    def _placed(self, key: SortKey, value: Any) -> str | None:
        if value is None:
            return None
        if key.column.name == "ActivityTime":
            return self.parameters.bind(to_microseconds(parse_instant(value)), "bigint")
        return self.parameters.bind(values.bound(key.column, value, is_postgresql=self.is_postgresql), "text")

    def _shown(self, branch: _Branch) -> str:
        document = "CAST(a.document AS text) AS document"
        common = f"a.activity_id, {branch.customer} AS customer_id, a.activity_time, {document}, a.source_table"
        if branch.table.startswith("realtime_activity"):
            return f"{common}, a.sequence, a.valid_until, a.recorded_at, a.caller, a.principal"
        numbers = ", ".join(f"CAST(NULL AS bigint) AS {name}" for name in ("sequence", "valid_until", "recorded_at"))
        return f"{common}, {numbers}, CAST(NULL AS text) AS caller, CAST(NULL AS text) AS principal"

    def _is_shown(self, survivor: str, twin: str) -> str:
        """Live, of a profile that there is, not seen in the snapshot as well (S15), the first of its id.

        As CASE, because a plan takes each of these conditions for one that hardly any row satisfies, and so would
        rather read and sort all of a customer's activities than walk the newest of them.
        """
        instance = self.question.instance_id
        return f"""CASE WHEN {_live("a")}
  AND (SELECT 1 FROM snapshot_profile q WHERE q.instance_id = {instance} AND q.customer_id = {survivor}
       AND {at_generation("q")} LIMIT 1) IS NOT NULL
  AND (SELECT 1 FROM snapshot_activity same WHERE same.instance_id = {instance}
       AND same.activity_id = a.activity_id AND same.customer_id = {survivor}
       AND {at_generation("same")} AND {self._is_seen("same")} LIMIT 1) IS NULL
  AND {self._is_first(survivor, twin)} THEN 1 = 1 ELSE 1 = 0 END"""

    def _is_first(self, survivor: str, twin: str) -> str:
        """The first of its id (S12); `twin` is the surviving id of another's profile.

        Compared twice, because for an equal id a plan may take the index of a customer's timeline, and read all of it.
        """
        return f"""(SELECT 1 FROM realtime_activity twin WHERE twin.instance_id = {self.question.instance_id}
       AND twin.activity_id = a.activity_id AND twin.sequence < a.sequence AND {_live("twin")}
       AND {twin} >= {survivor} AND {twin} <= {survivor} AND {self._is_seen("twin")} LIMIT 1) IS NULL"""


def _live(table: str) -> str:
    return f"+{table}.valid_until > :now AND +{table}.sequence <= :sequence AND +{table}.recorded_at <= :recorded_until"


_NEVER_NULL: Final = frozenset({"ActivityTime", "ActivityId", "CustomerId"})


def _activity(row: Sequence[Any]) -> Activity:
    activity_id, customer_id, activity_time, document, source_table, sequence, valid_until, recorded_at = row[:8]
    return Activity(
        activity_id=activity_id,
        customer_id=customer_id,
        activity_time=from_microseconds(activity_time),
        document=load_json(document),
        source_table=source_table,
        sequence=sequence,
        valid_until=None if valid_until is None else from_microseconds(valid_until),
        recorded_at=None if recorded_at is None else from_microseconds(recorded_at),
        caller=row[8],
        principal=row[9],
    )
