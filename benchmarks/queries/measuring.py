"""Topcoat and the snapshot alone take turns at every question; then the merging view, which is slow, gets a few."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final

from rich.console import Console

from benchmarks import databases
from benchmarks.load import percentile
from benchmarks.queries import data, naive, questions
from benchmarks.queries.answers import Answer, Subject
from benchmarks.queries.floor import SnapshotAlone
from benchmarks.queries.naive import MergingView
from benchmarks.queries.questions import Asking, Question
from benchmarks.queries.scale import Scale
from benchmarks.queries.worker import Worker
from topcoat import app
from topcoat.store import migrate

WARM_UPS: Final = 10
VIEW_REPETITIONS_MIN, VIEW_REPETITIONS_MAX = 3, 20
VIEW_SECONDS_MAX: Final = 30.0


@dataclass(frozen=True, slots=True)
class Plan:
    repetitions: int
    view_timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Times:
    median_ms: float
    p99_ms: float
    repetitions: int


@dataclass(frozen=True, slots=True)
class Measured:
    """In place of times a word says why there are none; `disagreements` counts pages where Topcoat and view differ."""

    question: Question
    rows: int
    topcoat: Times | str
    floor: Times | str
    view: Times | str
    disagreements: int


@dataclass(frozen=True, slots=True)
class Result:
    scale: Scale
    measured: list[Measured]
    peak_memory_mb: float | None


def measure(scale: Scale, plan: Plan, console: Console, *, only_look_ups: bool = False) -> Result:
    """Make a database of that scale, ask everything of it, and drop it."""
    asked = questions.list_questions(scale, plan.repetitions)
    if only_look_ups:
        asked = [question for question in asked if question.is_look_up]
    with databases.new_database(databases.Kind.POSTGRESQL) as url:
        console.print(f"{scale.profiles:,} profiles: making the database …")
        migrate.migrate(url)
        instance_id = asyncio.run(data.fill(url, scale, console))
        asyncio.run(naive.make_views(url))
        app.settle_garbage_collection()
        with (
            Worker(url) as worker,
            SnapshotAlone(url, instance_id) as floor,
            MergingView(url, instance_id, timeout_seconds=plan.view_timeout_seconds) as view,
        ):
            subjects = _Subjects(worker, floor, view)
            measured = [_measure_question(question, subjects, plan, console) for question in asked]
            return Result(scale, measured, worker.peak_memory_mb())


@dataclass(frozen=True, slots=True)
class _Subjects:
    worker: Worker
    floor: SnapshotAlone
    view: MergingView


def _measure_question(question: Question, subjects: _Subjects, plan: Plan, console: Console) -> Measured:
    console.print(f"{question.name} …")
    worker, floor, view = subjects.worker, subjects.floor, subjects.view
    for subject in (worker, floor, view):
        subject.prepare(question)
    topcoat, snapshot = _take_turns(question, (worker, floor), plan.repetitions)
    seen, disagreements = _try_view(question, worker, view)
    return Measured(
        question,
        floor.count_rows(question),
        _times(topcoat),
        _times(snapshot),
        _times(seen, f"> {plan.view_timeout_seconds:g} s"),
        disagreements,
    )


def _take_turns(question: Question, subjects: Sequence[Subject], repetitions: int) -> list[list[Answer]]:
    """Who is first changes each time, because the first one warms the cache for the other."""
    for asking in islice(cycle(question.askings), WARM_UPS):
        for subject in subjects:
            subject.ask(asking)
    answers: list[list[Answer]] = [[] for _ in subjects]
    for number, asking in enumerate(islice(cycle(question.askings), repetitions)):
        turn = list(zip(subjects, answers, strict=True))
        for subject, given in turn if number % 2 else turn[::-1]:
            given.append(_without_records(subject.ask(asking)))
    return answers


def _without_records(answer: Answer) -> Answer:
    return Answer(answer.seconds, refusal=answer.refusal)


def _try_view(question: Question, worker: Worker, view: MergingView) -> tuple[list[Answer], int]:
    """The view is simple enough to be right, so Topcoat's answers are compared with its."""
    seen: list[Answer] = []
    disagreements = 0
    started = time.perf_counter()
    for asking in islice(cycle(question.askings), VIEW_REPETITIONS_MAX):
        answer = view.ask(asking)
        seen.append(answer)
        if answer.refusal is not None:
            break
        disagreements += _disagrees(worker, asking, answer)
        if len(seen) >= VIEW_REPETITIONS_MIN and time.perf_counter() - started > VIEW_SECONDS_MAX:
            break
    return seen, disagreements


def _disagrees(worker: Worker, asking: Asking, expected: Answer) -> bool:
    answer = worker.ask(asking)
    return answer.refusal is None and not answer.agrees_with(expected)


def _times(answers: list[Answer], instead: str | None = None) -> Times | str:
    """A single refusal stands for all."""
    refusals = [answer.refusal for answer in answers if answer.refusal is not None]
    if refusals:
        return instead or refusals[0]
    ordered = sorted(answer.seconds * 1000 for answer in answers)
    return Times(statistics.median(ordered), percentile(ordered, 0.99), len(ordered))
