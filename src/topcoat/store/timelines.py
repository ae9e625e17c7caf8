"""Activities as reads see them: the snapshot's and the live real-time ones, in one order (S15-S17)."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, and_, func, literal, or_, select

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core.overlay.override import View
from topcoat.core.overlay.timeline import Activity
from topcoat.store import schema, sizes
from topcoat.store.engine import ReadConnection, load_json
from topcoat.store.sizes import Size


class Comparison(enum.Enum):
    EQUAL = "eq"
    NOT_EQUAL = "ne"
    GREATER = "gt"
    GREATER_OR_EQUAL = "ge"
    LESS = "lt"
    LESS_OR_EQUAL = "le"


@dataclass(frozen=True, slots=True)
class PagePoint:
    """The last activity of the page before."""

    activity_time: datetime
    activity_id: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class ActivityQuery:
    """Which activities: all conditions hold together; None means any.

    `members` are the ids asked for with all their aliases.
    """

    members: tuple[str, ...] | None = None
    activity_ids: tuple[str, ...] | None = None
    times: tuple[tuple[Comparison, datetime], ...] = ()
    types: tuple[str, ...] = ()
    displays: tuple[str, ...] = ()
    hidden_tables: tuple[str, ...] = ()
    is_descending: bool = True
    after: PagePoint | None = None


@dataclass(frozen=True, slots=True)
class TypeCount:
    """How many activities have this ActivityType and ActivityTypeDisplay."""

    activity_type: str | None
    display: str | None
    count: int


_snapshot = schema.snapshot_activity
_realtime = schema.realtime_activity


async def list_activities(
    connection: ReadConnection,
    *,
    instance_id: int,
    view: View,
    query: ActivityQuery,
    skip: int,
    limit: int,
) -> list[Activity]:
    """Activities under the surviving ids of their profiles, by time, then id."""
    branches = [
        _page(branch, query, connection, skip + limit)
        for branch in (_snapshot_branch(instance_id, view), _realtime_branch(instance_id, view))
    ]
    together = sqlalchemy.union_all(*[select(branch.subquery()) for branch in branches]).subquery()
    statement = select(together).order_by(*_order(together.c, query)).offset(skip).limit(limit)
    return [_activity(row) for row in await connection.fetch_all(statement)]


async def count_types(
    connection: ReadConnection, *, instance_id: int, view: View, query: ActivityQuery
) -> list[TypeCount]:
    """The types of the activities that a read of the query shows."""
    shown = _shown(connection, instance_id, view, query).subquery()
    display = _display(shown.c.document, is_postgresql=connection.is_postgresql)
    kinds = select(shown.c.activity_type, display.label("display")).subquery()
    columns = (kinds.c.activity_type, kinds.c.display)
    rows = await connection.fetch_all(select(*columns, func.count().label("number")).group_by(*columns))
    counts = [TypeCount(row.activity_type, row.display, row.number) for row in rows]
    return sorted(counts, key=lambda count: (count.activity_type or "", count.display or ""))


async def get_activities_size(
    connection: ReadConnection, *, instance_id: int, view: View, query: ActivityQuery
) -> Size:
    """The size of the activities that a read of the query shows."""
    return await sizes.get_size(connection, select(_shown(connection, instance_id, view, query).subquery()))


def _shown(
    connection: ReadConnection, instance_id: int, view: View, query: ActivityQuery
) -> sqlalchemy.CompoundSelect[Any]:
    """All activities of a query, in no order."""
    branches = (_snapshot_branch(instance_id, view), _realtime_branch(instance_id, view))
    return sqlalchemy.union_all(
        *(
            branch.where(*_conditions(branch.selected_columns, query, is_postgresql=connection.is_postgresql))
            for branch in branches
        )
    )


def _snapshot_branch(instance_id: int, view: View) -> sqlalchemy.Select[Any]:
    table = _snapshot.c
    return select(
        table.activity_id,
        table.customer_id.label("customer_id"),
        table.activity_time,
        table.activity_type,
        table.source_table,
        sqlalchemy.cast(literal(None), sqlalchemy.BigInteger).label("sequence"),
        sqlalchemy.cast(literal(None), sqlalchemy.BigInteger).label("valid_until"),
        table.document,
        table.customer_id.label("stored_id"),
    ).where(table.instance_id == instance_id, _at_generation(table, view.generation))


def _realtime_branch(instance_id: int, view: View) -> sqlalchemy.Select[Any]:
    table = _realtime.c
    survivor = _survivor(instance_id, view, table.customer_id)
    return select(
        table.activity_id,
        survivor.label("customer_id"),
        table.activity_time,
        table.activity_type,
        table.source_table,
        table.sequence,
        table.valid_until,
        table.document,
        table.customer_id.label("stored_id"),
    ).where(
        table.instance_id == instance_id,
        table.sequence <= view.sequence,
        table.valid_until + 0 > to_microseconds(view.now),
        _found(_profile(instance_id, view, survivor)).is_not(None),
        _found(_same_in_snapshot(instance_id, view, survivor)).is_(None),
        _found(_earlier_twin(instance_id, view, survivor)).is_(None),
    )


def _found(look_up: sqlalchemy.Select[Any]) -> ColumnElement[Any]:
    """A look-up by key as a value: with its limit no planner makes a join of it, whatever its statistics say.

    The zero added to `valid_until` above and below keeps that column's index out of it.
    """
    return look_up.limit(1).scalar_subquery()


def _survivor(instance_id: int, view: View, named: ColumnElement[str]) -> ColumnElement[str]:
    """The id of the profile that an id names (S18)."""
    alias = schema.alias.alias()
    look_up = select(alias.c.customer_id).where(
        alias.c.instance_id == instance_id,
        alias.c.alias_id == named,
        _at_generation(alias.c, view.generation),
    )
    return func.coalesce(_found(look_up), named)


def _profile(instance_id: int, view: View, survivor: ColumnElement[str]) -> sqlalchemy.Select[Any]:
    table = schema.snapshot_profile.c
    return select(literal(1)).where(
        table.instance_id == instance_id,
        table.customer_id == survivor,
        _at_generation(table, view.generation),
    )


def _same_in_snapshot(instance_id: int, view: View, survivor: ColumnElement[str]) -> sqlalchemy.Select[Any]:
    """The snapshot's copy of a real-time activity, which is the one to show (S15)."""
    table = _snapshot.alias("same").c
    return select(literal(1)).where(
        table.instance_id == instance_id,
        table.activity_id == _realtime.c.activity_id,
        table.customer_id == survivor,
        _at_generation(table, view.generation),
    )


def _earlier_twin(instance_id: int, view: View, survivor: ColumnElement[str]) -> sqlalchemy.Select[Any]:
    """A live activity with the same id and a lower sequence, under another id of a merged profile (S12)."""
    twin = _realtime.alias("twin").c
    return select(literal(1)).where(
        twin.instance_id == instance_id,
        twin.activity_id == _realtime.c.activity_id,
        twin.sequence < _realtime.c.sequence,
        twin.valid_until + 0 > to_microseconds(view.now),
        _survivor(instance_id, view, twin.customer_id) == survivor,
    )


def _at_generation(columns: Any, generation: int) -> ColumnElement[bool]:
    return and_(columns.generation_from <= generation, columns.generation_to > generation)


def _page(
    branch: sqlalchemy.Select[Any], query: ActivityQuery, connection: ReadConnection, limit: int
) -> sqlalchemy.Select[Any]:
    """Conditions, order and limit pushed into one branch, so that it reads no more than a page can show."""
    table = branch.selected_columns
    conditions = [*_conditions(table, query, is_postgresql=connection.is_postgresql)]
    if query.after is not None:
        conditions.append(_behind(table, query, query.after))
    return branch.where(*conditions).order_by(*_order(table, query)).limit(limit)


def _conditions(table: Any, query: ActivityQuery, *, is_postgresql: bool) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.members is not None:
        conditions.append(_among(table.stored_id, query.members))
    if query.activity_ids is not None:
        conditions.append(_among(table.activity_id, query.activity_ids))
    for comparison, instant in query.times:
        conditions.append(_compared(table.activity_time, comparison, to_microseconds(instant)))
    conditions += [table.activity_type == value for value in query.types]
    display = _display(table.document, is_postgresql=is_postgresql)
    conditions += [display == value for value in query.displays]
    if query.hidden_tables:
        source = table.source_table
        conditions.append(or_(source.is_(None), source.not_in(query.hidden_tables)))
    return conditions


def _among(column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
    return column == values[0] if len(values) == 1 else column.in_(values)


def _display(document: Any, *, is_postgresql: bool) -> ColumnElement[str]:
    if is_postgresql:
        return func.jsonb_extract_path_text(document, "ActivityTypeDisplay")
    return func.json_extract(document, "$.ActivityTypeDisplay")


def _compared(column: Any, comparison: Comparison, value: int) -> ColumnElement[bool]:
    comparisons: dict[Comparison, ColumnElement[bool]] = {
        Comparison.EQUAL: column == value,
        Comparison.NOT_EQUAL: column != value,
        Comparison.GREATER: column > value,
        Comparison.GREATER_OR_EQUAL: column >= value,
        Comparison.LESS: column < value,
        Comparison.LESS_OR_EQUAL: column <= value,
    }
    return comparisons[comparison]


def _behind(table: Any, query: ActivityQuery, point: PagePoint) -> ColumnElement[bool]:
    """Keyset: an index can seek to the first comparison, the rest settles ties."""
    time, activity_id = table.activity_time, table.activity_id
    instant = to_microseconds(point.activity_time)
    if query.is_descending:
        tie = or_(
            activity_id < point.activity_id,
            and_(activity_id == point.activity_id, table.customer_id < point.customer_id),
        )
        return and_(time <= instant, or_(time < instant, tie))
    tie = or_(
        activity_id > point.activity_id,
        and_(activity_id == point.activity_id, table.customer_id > point.customer_id),
    )
    return and_(time >= instant, or_(time > instant, tie))


def _order(table: Any, query: ActivityQuery) -> list[ColumnElement[Any]]:
    keys = [table.activity_time, table.activity_id, table.customer_id]
    return [key.desc() if query.is_descending else key.asc() for key in keys]


def _activity(row: Any) -> Activity:
    document = row.document if isinstance(row.document, dict) else load_json(row.document)
    return Activity(
        activity_id=row.activity_id,
        customer_id=row.customer_id,
        activity_time=from_microseconds(row.activity_time),
        document=document,
        source_table=row.source_table,
        sequence=row.sequence,
        valid_until=None if row.valid_until is None else from_microseconds(row.valid_until),
    )
