"""The workflow of an instance: what a job may be asked to run, and what can become of it."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from topcoat.core import errors

NAME: Final = "main"
EVERYTHING: Final = "all"

# The vendor's list; which of them there are here is for the refresh to say.
OPERATION_TYPES: Final = (
    "none",
    "ingestion",
    "derivedEntity",
    "hierarchy",
    "dataPreparation",
    "map",
    "realtimeM3Search",
    "match",
    "merge",
    "profileStore",
    "search",
    "activity",
    "contact",
    "attributeMeasures",
    "entityMeasures",
    "measures",
    "segmentation",
    "segmentMembership",
    "enrichment",
    "preEnrichment",
    "transform",
    "intelligence",
    "aiBuilder",
    "insights",
    "export",
    "modelManagement",
    "relationship",
    "roleAssignment",
    "analysis",
    "semanticEntity",
    EVERYTHING,
)


class Status(enum.Enum):
    """Of a job, and of each of its tasks."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    SKIPPED = "skipped"
    ABORTED = "aborted"

    @property
    def is_final(self) -> bool:
        return self not in (Status.QUEUED, Status.RUNNING)


class Origin(enum.Enum):
    """Who asked for a job."""

    CALLER = "caller"
    SCHEDULE = "schedule"
    COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a task failed or was skipped, fit to be told."""

    code: str
    message: str
    is_callers: bool = True

    @classmethod
    def of(cls, error: Exception) -> Self:
        """What is unexpected is told without details; the log has them."""
        if isinstance(error, errors.TopcoatError):
            return cls(error.code, error.message, not isinstance(error, errors.Unavailable))
        return cls(
            "UnexpectedError",
            "Something unexpected went wrong in the service; its log has the details.",
            is_callers=False,
        )


@dataclass(frozen=True, slots=True)
class Job:
    """`lease_owner` names the run that may write to it, and the number of that run is `attempts`.

    `outcomes` are those of changes and activities, counted by kind (S9); empty where it did not come to that.
    """

    instance: str
    instance_id: int
    number: int
    job_id: str
    origin: Origin
    operation_type: str
    identifiers: tuple[str, ...]
    job_type: str
    is_forced: bool
    status: Status
    submitted_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    schedule_id: str | None
    due_at: datetime | None
    attempts: int
    lease_owner: str | None
    generation: int | None
    outcomes: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Task:
    """Of a job, which was asked for one operation type; `submitted_at` is the job's."""

    job_id: str
    asked_for: str
    task_id: str
    operation_type: str
    status: Status
    submitted_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    fault: Fault | None
