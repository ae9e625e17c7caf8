"""What became of changes and activities at each refresh (S9): staged, counted, written like the snapshot, and read.

A row says who and which, never what: the values are in the change itself, for as long as it is kept.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import text

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core.overlay.reconciliation import OUTCOMES, Kind, Outcome, Reconciled, Verdict
from topcoat.store import rowset, staging
from topcoat.store.engine import ReadConnection, Session, dump_json
from topcoat.store.point import PointConnection, PointStatement
from topcoat.store.profile_sql import at_generation
from topcoat.store.schema import GENERATION_OPEN
from topcoat.store.staging import RECONCILIATION

_NOWHERE: Final = (0, 0)  # no file and no line brought them


Position = tuple[str, int, str]
START: Final[Position] = ("", 0, "")


async def stage_verdicts(session: Session, verdicts: Iterable[Verdict]) -> None:
    rows = [
        (
            *_NOWHERE,
            change.customer_id,
            change.sequence,
            column,
            None,
            outcome.value,
            to_microseconds(change.recorded_at),
            to_microseconds(change.valid_until),
            change.caller,
        )
        for column, change, outcome in ((v.column, v.change, v.outcome) for v in verdicts)
    ]
    if rows:
        await staging.stage(session, RECONCILIATION, rows)


async def stage_activities(
    session: Session, instance_id: int, generation: int, *, since: datetime, now: datetime
) -> None:
    """Every real-time activity that is live, and those that lapsed after `since` without being in the snapshot."""
    values = {
        "instance_id": instance_id,
        "generation": generation,
        "since": to_microseconds(since),
        "now": to_microseconds(now),
        "taken_over": Outcome.TAKEN_OVER.value,
        "only_real_time": Outcome.ONLY_REAL_TIME.value,
        "lost": Outcome.LOST.value,
    }
    async with session.scratch() as connection:
        await connection.run(_STAGE_ACTIVITIES, values)


_STAGE_ACTIVITIES = text(f"""
INSERT INTO {RECONCILIATION.staged} (file, line, customer_id, sequence, column_name, activity_id, outcome,
                                     recorded_at, valid_until, caller)
SELECT 0, 0, a.customer_id, a.sequence, '', a.activity_id,
       CASE WHEN s.activity_id IS NOT NULL THEN CAST(:taken_over AS text)
            WHEN a.valid_until > :now THEN CAST(:only_real_time AS text) ELSE CAST(:lost AS text) END,
       a.recorded_at, a.valid_until, a.caller
FROM realtime_activity a
LEFT JOIN alias b ON b.instance_id = a.instance_id AND b.alias_id = a.customer_id AND {at_generation("b")}
LEFT JOIN snapshot_activity s ON s.instance_id = a.instance_id AND s.activity_id = a.activity_id
      AND s.customer_id = COALESCE(b.customer_id, a.customer_id) AND {at_generation("s")}
WHERE a.instance_id = :instance_id AND a.valid_until > :since
  AND (a.valid_until > :now OR s.activity_id IS NULL)
""")


async def count_outcomes(session: Session) -> dict[str, dict[str, int]]:
    """Of what is staged: by kind, then by outcome, be there any or none."""
    async with session.scratch() as connection:
        rows = await connection.fetch_all(_COUNT)
    counts = {kind.value: {outcome.value: 0 for outcome in outcomes} for kind, outcomes in OUTCOMES.items()}
    for row in rows:
        kind = Kind.ACTIVITY if row.is_activity else Kind.CHANGE
        counts[kind.value][row.outcome] = row.number
    return counts


_COUNT = text(f"""
SELECT column_name = '' AS is_activity, outcome, count(*) AS number FROM {RECONCILIATION.staged}
GROUP BY 1, 2
""")


async def list_contradicted(
    connection: PointConnection, instance_id: int, customer_ids: Sequence[str]
) -> set[tuple[int, str]]:
    """Sequence and column of what the last refresh judged so, of changes under these ids."""
    values = {
        "instance_id": instance_id,
        "ids": dump_json(list(customer_ids)),
        "outcome": Outcome.CONTRADICTED.value,
        "open": GENERATION_OPEN,
    }
    rows = await connection.fetch_point(_list_contradicted(connection.is_postgresql), values)
    return {(sequence, column) for sequence, column in rows}


@cache
def _list_contradicted(is_postgresql: bool) -> PointStatement:  # noqa: FBT001 - a cache key
    return PointStatement(f"""
SELECT r.sequence, r.column_name FROM reconciliation r
WHERE r.instance_id = :instance_id AND r.customer_id {rowset.among_ids(is_postgresql=is_postgresql)}
  AND r.generation_to = :open AND r.outcome = :outcome
""")


async def list_reconciled(
    connection: ReadConnection,
    instance_id: int,
    generation: int,
    *,
    kind: Kind | None,
    outcome: Outcome | None,
    after: Position = START,
    limit: int,
) -> list[Reconciled]:
    """As the last refresh up to a generation judged, in the order of their positions, from behind one on."""
    conditions = [_OF_KIND[kind]] if kind is not None else []
    values: dict[str, Any] = {
        "instance_id": instance_id,
        "generation": generation,
        "customer_id": after[0],
        "sequence": after[1],
        "column_name": after[2],
        "limit": limit,
    }
    if outcome is not None:
        conditions.append("r.outcome = :outcome")
        values["outcome"] = outcome.value
    asked = "".join(f" AND {condition}" for condition in conditions)
    rows = await connection.fetch_all(text(_LIST.format(asked=asked)), values)
    return [_reconciled(row) for row in rows]


_OF_KIND: Final = {Kind.CHANGE: "r.column_name <> ''", Kind.ACTIVITY: "r.column_name = ''"}
_LIST: Final = f"""
SELECT r.customer_id, r.sequence, r.column_name, r.activity_id, r.outcome, r.recorded_at, r.valid_until, r.caller
FROM reconciliation r
WHERE r.instance_id = :instance_id AND {at_generation("r")}
  AND (r.customer_id, r.sequence, r.column_name) > (:customer_id, :sequence, :column_name){{asked}}
ORDER BY r.customer_id, r.sequence, r.column_name LIMIT :limit
"""


def _reconciled(row: Any) -> Reconciled:
    return Reconciled(
        customer_id=row.customer_id,
        sequence=row.sequence,
        column=row.column_name or None,
        activity_id=row.activity_id,
        outcome=Outcome(row.outcome),
        recorded_at=from_microseconds(row.recorded_at),
        valid_until=from_microseconds(row.valid_until),
        caller=row.caller,
    )
