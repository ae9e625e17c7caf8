"""What became of each definition at each evaluation; the newest ones are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, text

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core.insights.definition import Kind
from topcoat.core.insights.evaluated import Evaluated
from topcoat.store import instances
from topcoat.store.engine import ReadConnection, WriteConnection, dump_json, load_json
from topcoat.store.schema import GENERATION_OPEN

KEPT_MAX: Final = 400  # generations; four a day for a hundred days


async def record_evaluations(connection: WriteConnection, instance_id: int, evaluated: Sequence[Evaluated]) -> None:
    """Those of one generation; what is older than is kept goes."""
    for one in evaluated:
        values = {
            "instance_id": instance_id,
            "kind": one.kind.value,
            "name": one.name,
            "generation": one.generation,
            "run_id": one.run_id,
            "now": to_microseconds(one.evaluated_at),
            "error": one.error,
            "record_count": one.record_count,
            "output": None if one.output is None else dump_json(one.output),
        }
        await connection.run(instances.json_parameter(_RECORD, connection, "output"), values)
    for generation in {one.generation for one in evaluated}:
        await connection.run(
            text("DELETE FROM insight_evaluation WHERE instance_id = :instance_id AND generation <= :last"),
            {"instance_id": instance_id, "last": generation - KEPT_MAX},
        )


_RECORD = """
INSERT INTO insight_evaluation (instance_id, kind, name, generation, run_id, evaluated_at, error, record_count, output)
VALUES (:instance_id, :kind, :name, :generation, :run_id, :now, :error, :record_count, :output)
"""


async def list_evaluations(
    connection: ReadConnection, instance_id: int, kind: Kind, since: datetime | None = None
) -> dict[str, list[Evaluated]]:
    """By name and newest first: all back to the last success, and all since the instant."""
    rows = await connection.fetch_all(
        _LIST,
        {
            "instance_id": instance_id,
            "kind": kind.value,
            "since": GENERATION_OPEN if since is None else to_microseconds(since),
        },
    )
    found: dict[str, list[Evaluated]] = {}
    for row in rows:
        found.setdefault(row.name, []).append(_evaluated(kind, row))
    return found


_LIST = text("""
SELECT name, generation, run_id, evaluated_at, error, record_count, output FROM (
    SELECT name, generation, run_id, evaluated_at, error, record_count, CAST(output AS TEXT) AS output,
           max(CASE WHEN error IS NULL THEN generation ELSE 0 END) OVER (PARTITION BY name) AS last_success
    FROM insight_evaluation WHERE instance_id = :instance_id AND kind = :kind
) AS evaluations
WHERE generation >= last_success OR evaluated_at >= :since
ORDER BY name, generation DESC
""")


async def forget_evaluations(connection: WriteConnection, instance_id: int, kind: Kind, name: str) -> None:
    """Those of a definition that is deleted: the next one of that name is another."""
    await connection.run(
        text("DELETE FROM insight_evaluation WHERE instance_id = :instance_id AND kind = :kind AND name = :name"),
        {"instance_id": instance_id, "kind": kind.value, "name": name},
    )


def _evaluated(kind: Kind, row: Row[Any]) -> Evaluated:
    return Evaluated(
        kind=kind,
        name=row.name,
        generation=row.generation,
        run_id=row.run_id,
        evaluated_at=from_microseconds(row.evaluated_at),
        error=row.error,
        record_count=row.record_count,
        output=None if row.output is None else load_json(row.output),
    )
