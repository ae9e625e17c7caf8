"""The calls of each instance by the hour, for 30 days; and the service's counters, which only grow."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import text

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core.usage import Counted, Counts, Dimension, Kind, Tally, UsageRow
from topcoat.store import rowset
from topcoat.store.engine import ReadConnection, WriteConnection, dump_json, load_json
from topcoat.store.point import PointStatement

_FIGURES: Final = ("calls", "received_bytes", "sent_bytes", "microseconds")
_DAY: Final = timedelta(days=1) // timedelta(microseconds=1)


_SQL: Final = {
    Dimension.OPERATION: "u.operation",
    Dimension.TABLE: "u.table_name",
    Dimension.CALLER: "u.caller",
    Dimension.STATUS: "u.status",
    Dimension.RESULT: "u.status / 100",
    Dimension.ERROR: "u.error",
    Dimension.HOUR: "u.hour",
    Dimension.DAY: f"u.hour / {_DAY} * {_DAY}",
}


async def list_callers(
    connection: ReadConnection, hour: datetime, instances: Collection[str]
) -> dict[str, Collection[str]]:
    """Those that an hour has rows of already, by instance."""
    statement = _callers(connection.is_postgresql)
    rows = await connection.fetch_point(statement, {"hour": to_microseconds(hour), "ids": dump_json(sorted(instances))})
    callers: dict[str, Collection[str]] = defaultdict(list)
    for instance, caller in rows:
        callers[instance] = [*callers[instance], caller]
    return callers


async def add_usage(connection: WriteConnection, hour: datetime, tallies: Mapping[Kind, Tally]) -> None:
    """Calls of instances that do not exist are left out."""
    rows = [_usage_row(kind, tally) for kind, tally in tallies.items()]
    values = {"hour": to_microseconds(hour), "rows": dump_json(rows)}
    await connection.fetch_point(_add_usage(connection.is_postgresql), values)


async def add_counts(connection: WriteConnection, counts: Mapping[Counted, int]) -> None:
    rows = [{"name": c.name, "labels": dump_json(c.labels), "value": value} for c, value in counts.items()]
    await connection.fetch_point(_add_counts(connection.is_postgresql), {"rows": dump_json(rows)})


async def list_counts(connection: ReadConnection) -> Counts:
    rows = await connection.fetch_all(text("SELECT name, labels, value FROM counter ORDER BY name, labels"))
    return {Counted(row.name, tuple(load_json(row.labels))): row.value for row in rows}


async def list_usage(
    connection: ReadConnection,
    instance_id: int,
    *,
    since: datetime,
    until: datetime,
    dimensions: Sequence[Dimension],
    limit: int,
) -> list[UsageRow]:
    """The calls of the hours in a half-open interval, the most frequent first."""
    values = {
        "instance_id": instance_id,
        "since": to_microseconds(since),
        "until": to_microseconds(until),
        "limit": limit,
    }
    rows = await connection.fetch_all(text(_list_usage(tuple(dimensions))), values)
    return [UsageRow(_parts(dimensions, row), *(int(number) for number in row[len(dimensions) :])) for row in rows]


async def prune_usage(connection: WriteConnection, before: datetime) -> int:
    """Delete the hours that began before an instant."""
    return await connection.run(text("DELETE FROM api_usage WHERE hour < :before"), {"before": to_microseconds(before)})


def _usage_row(kind: Kind, tally: Tally) -> dict[str, Any]:
    return {
        "guid": kind.instance,
        "operation": kind.operation,
        "table_name": kind.table,
        "caller": kind.caller,
        "status": kind.status,
        "error": kind.error,
        "calls": tally.calls,
        "received_bytes": tally.received_bytes,
        "sent_bytes": tally.sent_bytes,
        "microseconds": tally.microseconds,
    }


def _parts(dimensions: Sequence[Dimension], row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(
        from_microseconds(value) if dimension in (Dimension.HOUR, Dimension.DAY) else value
        for dimension, value in zip(dimensions, row, strict=False)
    )


@cache
def _callers(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    return PointStatement(f"""
SELECT DISTINCT i.guid, u.caller FROM api_usage u JOIN instance i ON i.instance_id = u.instance_id
WHERE u.hour = :hour AND i.guid {rowset.among_ids(is_postgresql=is_postgresql)}
""")


@cache
def _add_usage(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    """In one order, so that two workers that add at once do not wait for each other in a circle."""
    rows = rowset.rows_from_json(rowset.NEW_USAGE_COLUMNS, is_postgresql=is_postgresql)
    return PointStatement(f"""
INSERT INTO api_usage (instance_id, hour, operation, table_name, caller, status, error, calls, received_bytes,
                       sent_bytes, microseconds)
SELECT i.instance_id, :hour, new.operation, new.table_name, new.caller, new.status, new.error, new.calls,
       new.received_bytes, new.sent_bytes, new.microseconds
FROM {rows} JOIN instance i ON i.guid = new.guid WHERE true
ORDER BY i.instance_id, new.operation, new.table_name, new.caller, new.status, new.error
ON CONFLICT (instance_id, hour, operation, table_name, caller, status, error) DO UPDATE
SET calls = api_usage.calls + excluded.calls, received_bytes = api_usage.received_bytes + excluded.received_bytes,
    sent_bytes = api_usage.sent_bytes + excluded.sent_bytes,
    microseconds = api_usage.microseconds + excluded.microseconds
RETURNING instance_id
""")


@cache
def _add_counts(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    rows = rowset.rows_from_json(rowset.NEW_COUNT_COLUMNS, is_postgresql=is_postgresql)
    return PointStatement(f"""
INSERT INTO counter (name, labels, value)
SELECT new.name, new.labels, new.value FROM {rows} WHERE true ORDER BY new.name, new.labels
ON CONFLICT (name, labels) DO UPDATE SET value = counter.value + excluded.value
RETURNING name
""")


@cache
def _list_usage(dimensions: tuple[Dimension, ...]) -> str:
    shown = "".join(f"{_SQL[dimension]}, " for dimension in dimensions)
    places = [str(place) for place in range(1, len(dimensions) + 1)]
    grouped = f"GROUP BY {', '.join(places)}" if places else ""
    return f"""
SELECT {shown}{", ".join(f"COALESCE(sum(u.{name}), 0)" for name in _FIGURES)}
FROM api_usage u
WHERE u.instance_id = :instance_id AND u.hour >= :since AND u.hour < :until
{grouped}
ORDER BY {", ".join([f"{len(places) + 1} DESC", *places])} LIMIT :limit
"""
