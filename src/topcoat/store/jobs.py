"""Jobs: a queue for each instance, and leases by which a run that died is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, text

from topcoat.clock import from_microseconds, to_microseconds
from topcoat.core.catalog import Document
from topcoat.core.workflow import Job, Origin, Status
from topcoat.store import instances
from topcoat.store.engine import ReadConnection, WriteConnection, dump_json, load_json

JOBS_KEPT_MAX: Final = 500
_CLAIM_KEY: Final = 0x6A6F62  # one claim at a time


@dataclass(frozen=True, slots=True)
class NewJob:
    job_id: str
    origin: Origin
    operation_type: str
    submitted_at: datetime
    identifiers: tuple[str, ...] = ()
    job_type: str = "full"
    is_forced: bool = False
    principal: str | None = None
    schedule_id: str | None = None
    due_at: datetime | None = None


async def insert_job(
    connection: WriteConnection, instance_id: int, job: NewJob, tasks: Sequence[tuple[str, str]]
) -> None:
    """Behind all others of the instance, with its tasks (operation type and id) in the order of running.

    The instance's lock must be held. The oldest of too many jobs are forgotten.
    """
    values = _values(job) | {"instance_id": instance_id}
    await connection.run(instances.json_parameter(_INSERT, connection, "identifiers"), values)
    found = await connection.fetch_one(
        text("SELECT number FROM job WHERE instance_id = :instance_id AND job_id = :job_id"), values
    )
    assert found is not None  # it was just inserted
    key = {"instance_id": instance_id, "number": found.number}
    rows = [
        key | {"place": place, "operation_type": operation_type, "task_id": task_id}
        for place, (operation_type, task_id) in enumerate(tasks)
    ]
    await connection.run(_INSERT_TASKS, rows)
    for statement in _FORGET:
        await connection.run(statement, {"instance_id": instance_id, "before": found.number - JOBS_KEPT_MAX})


def _values(job: NewJob) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "origin": job.origin.value,
        "operation_type": job.operation_type,
        "identifiers": dump_json(job.identifiers),
        "job_type": job.job_type,
        "is_forced": job.is_forced,
        "principal": job.principal,
        "submitted_at": to_microseconds(job.submitted_at),
        "schedule_id": job.schedule_id,
        "due_at": None if job.due_at is None else to_microseconds(job.due_at),
    }


_INSERT = """
INSERT INTO job (instance_id, number, job_id, origin, operation_type, identifiers, job_type, is_forced, principal,
                 status, submitted_at, schedule_id, due_at, attempts, lease_until)
SELECT :instance_id, COALESCE(max(number), 0) + 1, :job_id, :origin, :operation_type, :identifiers, :job_type,
       :is_forced, :principal, 'queued', :submitted_at, :schedule_id, :due_at, 0, 0
FROM job WHERE instance_id = :instance_id
"""

_INSERT_TASKS = text("""
INSERT INTO job_task (instance_id, number, operation_type, place, task_id, status)
VALUES (:instance_id, :number, :operation_type, :place, :task_id, 'queued')
""")

_FORGET = tuple(
    text(
        f"DELETE FROM {table} WHERE instance_id = :instance_id AND number <= :before AND number NOT IN"
        " (SELECT number FROM job WHERE instance_id = :instance_id AND status IN ('queued', 'running'))"
    )
    for table in ("job_task", "job")
)


async def count_waiting(connection: ReadConnection, instance_id: int) -> int:
    row = await connection.fetch_one(
        text("SELECT count(*) FROM job WHERE instance_id = :instance_id AND status = 'queued'"),
        {"instance_id": instance_id},
    )
    return 0 if row is None else int(row[0])


async def has_waiting(connection: ReadConnection, instance_id: int, schedule_id: str) -> bool:
    """Whether an earlier job of the schedule has not even begun."""
    row = await connection.fetch_one(
        text("SELECT 1 FROM job WHERE instance_id = :instance_id AND schedule_id = :schedule_id AND status = 'queued'"),
        {"instance_id": instance_id, "schedule_id": schedule_id},
    )
    return row is not None


async def find_job(connection: ReadConnection, guid: str, job_id: str) -> Job | None:
    row = await connection.fetch_one(
        text(f"{_SELECT} WHERE i.guid = :guid AND j.job_id = :job_id"), {"guid": guid, "job_id": job_id}
    )
    return None if row is None else _job(row)


async def list_jobs(connection: ReadConnection, guid: str, *, limit: int) -> list[Job]:
    """The newest first."""
    rows = await connection.fetch_all(
        text(f"{_SELECT} WHERE i.guid = :guid ORDER BY j.number DESC LIMIT :limit"), {"guid": guid, "limit": limit}
    )
    return [_job(row) for row in rows]


async def list_due_jobs(connection: ReadConnection, since: datetime, until: datetime, *, limit: int) -> list[Job]:
    """Those of schedules of all instances that fell due after one instant and up to another, in that order."""
    rows = await connection.fetch_all(
        text(
            f"{_SELECT} WHERE j.due_at > :since AND j.due_at <= :until ORDER BY j.due_at, i.guid, j.number LIMIT :limit"
        ),
        {"since": to_microseconds(since), "until": to_microseconds(until), "limit": limit},
    )
    return [_job(row) for row in rows]


async def count_due_jobs(connection: ReadConnection, since: datetime, until: datetime) -> int:
    row = await connection.fetch_one(
        text(
            "SELECT count(*) FROM job j JOIN instance i ON i.instance_id = j.instance_id"
            " WHERE j.due_at > :since AND j.due_at <= :until"
        ),
        {"since": to_microseconds(since), "until": to_microseconds(until)},
    )
    return 0 if row is None else int(row[0])


async def has_unfinished_due(connection: ReadConnection, until: datetime) -> bool:
    """Whether a job that fell due by an instant still has to run to its end."""
    row = await connection.fetch_one(
        text(
            "SELECT 1 FROM job j JOIN instance i ON i.instance_id = j.instance_id"
            " WHERE j.status IN ('queued', 'running') AND j.due_at <= :until"
        ),
        {"until": to_microseconds(until)},
    )
    return row is not None


_SELECT = """
SELECT i.guid, j.instance_id, j.number, j.job_id, j.origin, j.operation_type,
       CAST(j.identifiers AS TEXT) AS identifiers, j.job_type, j.is_forced, j.status, j.submitted_at, j.started_at,
       j.ended_at, j.schedule_id, j.due_at, j.attempts, j.lease_owner, j.generation,
       CAST(j.report -> 'reconciliation' AS text) AS outcomes
FROM job j JOIN instance i ON i.instance_id = j.instance_id
"""


async def find_claimable(connection: ReadConnection, now: datetime) -> Job | None:
    """The job that a worker should run next: the first of its instance's queue, where none of the instance runs.

    One whose run let its lease lapse counts as waiting at its place. Who could not run lately comes last.
    """
    row = await connection.fetch_one(_CLAIMABLE, {"now": to_microseconds(now)})
    return None if row is None else _job(row)


_CLAIMABLE = text(f"""{_SELECT}
WHERE (j.status = 'queued' OR (j.status = 'running' AND j.lease_until < :now))
  AND NOT EXISTS (SELECT 1 FROM job e WHERE e.instance_id = j.instance_id AND (
      (e.status IN ('queued', 'running') AND e.number < j.number)
      OR (e.status = 'running' AND e.lease_until >= :now)))
ORDER BY j.lease_until, j.submitted_at, j.instance_id LIMIT 1
""")


async def lock_claims(connection: WriteConnection) -> None:
    """Until the end of the transaction nobody else claims a job."""
    if connection.is_postgresql:
        await connection.fetch_all(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CLAIM_KEY})


async def start_job(connection: WriteConnection, job: Job, *, owner: str, lease_until: datetime, now: datetime) -> None:
    """Give the job to a run; what an earlier run of it did is forgotten."""
    await connection.run(
        text(
            "UPDATE job SET status = 'running', started_at = :now, attempts = attempts + 1, lease_owner = :owner,"
            f" lease_until = :lease_until, report = NULL WHERE {KEY}"
        ),
        key_of(job) | {"owner": owner, "lease_until": to_microseconds(lease_until), "now": to_microseconds(now)},
    )
    await connection.run(_REQUEUE_TASKS, key_of(job))


async def keep_lease(connection: WriteConnection, job: Job, *, owner: str, lease_until: datetime) -> bool:
    """Whether the run still has the job: it was neither cancelled nor given to another run."""
    kept = await connection.run(
        text(f"UPDATE job SET lease_until = :lease_until WHERE {KEY} AND {_HELD}"),
        key_of(job) | {"owner": owner, "lease_until": to_microseconds(lease_until)},
    )
    return kept == 1


async def requeue_job(connection: WriteConnection, job: Job, *, owner: str, now: datetime) -> None:
    """Put a job that could not run back to its place; the attempt does not count."""
    requeued = await connection.run(
        text(
            "UPDATE job SET status = 'queued', started_at = NULL, attempts = attempts - 1, lease_owner = NULL,"
            f" lease_until = :now WHERE {KEY} AND {_HELD}"
        ),
        key_of(job) | {"owner": owner, "now": to_microseconds(now)},
    )
    if requeued:
        await connection.run(_REQUEUE_TASKS, key_of(job))


async def mark_activated(connection: WriteConnection, job: Job, *, owner: str, generation: int) -> bool:
    """In the transaction that activates the generation; False where the run lost the job."""
    marked = await connection.run(
        text(f"UPDATE job SET generation = :generation WHERE {KEY} AND {_HELD}"),
        key_of(job) | {"owner": owner, "generation": generation},
    )
    return marked == 1


async def save_report(connection: WriteConnection, job: Job, report: Document) -> None:
    statement = instances.json_parameter(f"UPDATE job SET report = :report WHERE {KEY}", connection, "report")
    await connection.run(statement, key_of(job) | {"report": dump_json(report)})


async def find_report(connection: ReadConnection, job: Job) -> Document | None:
    """None before a run of the job has ended, or where none came to read anything."""
    row = await connection.fetch_one(text(f"SELECT CAST(report AS text) AS report FROM job WHERE {KEY}"), key_of(job))
    return None if row is None or row.report is None else load_json(row.report)


async def end_job(connection: WriteConnection, job: Job, status: Status, now: datetime, *, owner: str | None) -> bool:
    """Only the run that has it ends a job, or, without an owner, anybody before it has activated a generation.

    Tasks that did not end by themselves end as aborted. Return whether it was ended.
    """
    condition = f"{_HELD}" if owner is not None else "status IN ('queued', 'running') AND generation IS NULL"
    ended = await connection.run(
        text(f"UPDATE job SET status = :status, ended_at = :now WHERE {KEY} AND {condition}"),
        key_of(job) | {"status": status.value, "now": to_microseconds(now), "owner": owner},
    )
    if ended:
        await connection.run(
            text(
                f"UPDATE job_task SET status = 'aborted', ended_at = :now WHERE {KEY}"
                " AND status IN ('queued', 'running')"
            ),
            key_of(job) | {"now": to_microseconds(now)},
        )
    return ended == 1


KEY: Final = "instance_id = :instance_id AND number = :number"
_HELD: Final = "status = 'running' AND lease_owner = :owner"
_REQUEUE_TASKS: Final = text(
    f"UPDATE job_task SET status = 'queued', started_at = NULL, ended_at = NULL, fault = NULL WHERE {KEY}"
)


def key_of(job: Job) -> dict[str, Any]:
    """The parameters of `KEY`."""
    return {"instance_id": job.instance_id, "number": job.number}


def _job(row: Row[Any]) -> Job:
    return Job(
        instance=row.guid,
        instance_id=row.instance_id,
        number=row.number,
        job_id=row.job_id,
        origin=Origin(row.origin),
        operation_type=row.operation_type,
        identifiers=tuple(load_json(row.identifiers)),
        job_type=row.job_type,
        is_forced=bool(row.is_forced),
        status=Status(row.status),
        submitted_at=from_microseconds(row.submitted_at),
        started_at=_instant(row.started_at),
        ended_at=_instant(row.ended_at),
        schedule_id=row.schedule_id,
        due_at=_instant(row.due_at),
        attempts=row.attempts,
        lease_owner=row.lease_owner,
        generation=row.generation,
        outcomes={} if row.outcomes is None else load_json(row.outcomes),
    )


def _instant(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else from_microseconds(microseconds)
