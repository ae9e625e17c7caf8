"""The tasks of jobs: what became of each stage."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core.workflow import Fault, Job, Status, Task
from topcoat.store import instances
from topcoat.store.engine import ReadConnection, WriteConnection, dump_json, load_json
from topcoat.store.jobs import KEY, key_of


async def list_tasks(connection: ReadConnection, instance_id: int, numbers: Sequence[int]) -> dict[int, list[Task]]:
    """Of those jobs, by the job's number, in the order of running."""
    tasks: dict[int, list[Task]] = {number: [] for number in numbers}
    if numbers:
        values = {"instance_id": instance_id, "first": min(numbers), "last": max(numbers)}
        for row in await connection.fetch_all(_LIST_TASKS, values):
            tasks.get(row.number, []).append(_task(row))
    return tasks


_SELECT_TASK = """
SELECT j.number, j.job_id, j.submitted_at, j.operation_type AS asked_for, t.task_id, t.operation_type, t.status,
       t.started_at, t.ended_at, CAST(t.fault AS TEXT) AS fault
FROM job_task t JOIN job j ON j.instance_id = t.instance_id AND j.number = t.number
"""

_LIST_TASKS = text(
    f"{_SELECT_TASK} WHERE t.instance_id = :instance_id AND t.number BETWEEN :first AND :last"
    " ORDER BY t.number, t.place"
)


async def list_ended_tasks(connection: ReadConnection, guid: str, *, limit: int) -> list[Task]:
    """Of all jobs, the last to end first."""
    return [_task(row) for row in await connection.fetch_all(_LIST_ENDED, {"guid": guid, "limit": limit})]


_LIST_ENDED = text(
    f"{_SELECT_TASK} JOIN instance i ON i.instance_id = t.instance_id"
    " WHERE i.guid = :guid AND t.ended_at IS NOT NULL"
    " ORDER BY t.ended_at DESC, t.number DESC, t.place DESC LIMIT :limit"
)


async def list_last_tasks(connection: ReadConnection, guid: str, *, status: Status | None = None) -> dict[str, Task]:
    """The newest task of each operation type, of that status if one is named."""
    condition = "" if status is None else f" AND {{}}.status = '{status.value}'"
    statement = (
        f"{_SELECT_TASK} JOIN instance i ON i.instance_id = t.instance_id WHERE i.guid = :guid{condition.format('t')}"
        " AND NOT EXISTS (SELECT 1 FROM job_task u WHERE u.instance_id = t.instance_id"
        f" AND u.operation_type = t.operation_type AND u.number > t.number{condition.format('u')})"
    )
    tasks = [_task(row) for row in await connection.fetch_all(text(statement), {"guid": guid})]
    return {task.operation_type: task for task in tasks}


async def start_task(connection: WriteConnection, job: Job, operation_type: str, now: datetime) -> None:
    await connection.run(
        text(
            f"UPDATE job_task SET status = 'running', started_at = :now WHERE {KEY}"
            " AND operation_type = :operation_type"
        ),
        key_of(job) | {"operation_type": operation_type, "now": to_microseconds(now)},
    )


async def end_task(
    connection: WriteConnection,
    job: Job,
    operation_type: str,
    *,
    status: Status,
    now: datetime,
    fault: Fault | None = None,
) -> None:
    statement = (
        "UPDATE job_task SET status = :status, ended_at = :now, fault = :fault"
        f" WHERE {KEY} AND operation_type = :operation_type"
    )
    values = {
        "operation_type": operation_type,
        "status": status.value,
        "now": to_microseconds(now),
        "fault": None if fault is None else dump_json(fault),
    }
    await connection.run(instances.json_parameter(statement, connection, "fault"), key_of(job) | values)


def _task(row: Row[Any]) -> Task:
    return Task(
        job_id=row.job_id,
        asked_for=row.asked_for,
        task_id=row.task_id,
        operation_type=row.operation_type,
        status=Status(row.status),
        submitted_at=from_microseconds(row.submitted_at),
        started_at=_instant(row.started_at),
        ended_at=_instant(row.ended_at),
        fault=None if row.fault is None else Fault(**load_json(row.fault)),
    )


def _instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else from_microseconds(microseconds)
