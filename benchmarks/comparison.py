"""Topcoat and its peers under the same load, in turns, so that a slower minute of the machine hits them all."""

import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from rich.console import Console

from benchmarks import databases, subjects
from benchmarks.load import Figures, Load, NextRequest, run_load
from benchmarks.subjects import Subject

ROUNDS = 3
WARM_UP_SECONDS = 1.0


class Work(Enum):
    WRITES = "writes"
    READS = "reads"


@dataclass(frozen=True, slots=True)
class Plan:
    databases: list[databases.Kind]
    works: list[Work]
    clients: list[int]
    seconds: float
    size: int


@dataclass(frozen=True, slots=True)
class Row:
    """One database, work and number of clients; figures by the subject's name."""

    database: databases.Kind
    work: Work
    clients: int
    figures: dict[str, Figures]
    failures: dict[str, int]

    def ratio(self, peer: str) -> float:
        return self.figures[subjects.TOPCOAT].requests_per_second / self.figures[peer].requests_per_second


@dataclass(frozen=True, slots=True)
class Memory:
    database: databases.Kind
    peaks_mb: dict[str, float | None]


def measure(plan: Plan, console: Console) -> Iterator[Row | Memory]:
    """Rows as they are ready, and after those of a database what memory its servers took."""
    for database in databases.available(plan.databases, console):
        with ExitStack() as stack:
            console.print(f"{database.value}: preparing {plan.size:,} customers …")
            measured = [
                stack.enter_context(subjects.topcoat_serving(database, plan.size)),
                stack.enter_context(subjects.plain_service_serving(database, plan.size)),
            ]
            for subject in measured:
                subject.prepare()
            measured += stack.enter_context(subjects.constants_serving())
            for work in plan.works:
                for clients in plan.clients:
                    console.print(f"{database.value}: {work.value}, {clients} clients …")
                    yield _measure_row(database, work, Load(clients, plan.seconds), measured)
            yield Memory(database, {subject.name: subject.server.peak_memory_mb() for subject in measured})


def _measure_row(database: databases.Kind, work: Work, load: Load, measured: list[Subject]) -> Row:
    sources = [(subject, _requests(subject, work)) for subject in measured]
    for subject, source in sources:
        run_load(subject.server.address, source, Load(load.clients, WARM_UP_SECONDS))
    runs: dict[str, list[Figures]] = {subject.name: [] for subject in measured}
    for _ in range(ROUNDS):
        for subject, source in sources:
            runs[subject.name].append(run_load(subject.server.address, source, load))
    return Row(
        database,
        work,
        load.clients,
        {name: _median(figures) for name, figures in runs.items()},
        {subject.name: _failures(runs[subject.name], _expected(subject, work)) for subject in measured},
    )


def _requests(subject: Subject, work: Work) -> NextRequest:
    match work:
        case Work.WRITES:
            return subject.writes()
        case Work.READS:
            return subject.reads()
        case _:
            assert_never(work)


def _expected(subject: Subject, work: Work) -> int:
    return subject.write_status if work is Work.WRITES else 200


def _failures(runs: list[Figures], expected_status: int) -> int:
    return sum(number for run in runs for status, number in run.statuses.items() if status != expected_status)


def _median(runs: list[Figures]) -> Figures:
    return Figures(
        requests_per_second=statistics.median(run.requests_per_second for run in runs),
        p50_ms=statistics.median(run.p50_ms for run in runs),
        p99_ms=statistics.median(run.p99_ms for run in runs),
        statuses={},
    )
