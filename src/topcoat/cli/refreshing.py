"""The refresh command, with its progress bars."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from topcoat import app
from topcoat.clock import Clock
from topcoat.flows.jobs import command_line
from topcoat.flows.refresh import environment as environment_file
from topcoat.flows.refresh import publish
from topcoat.flows.refresh.report import RunReport
from topcoat.settings import Settings
from topcoat.store.engine import Store


def refresh(settings: Settings, path: Path) -> str:
    """Publish and return what happened, in one sentence."""
    environment = environment_file.load_environment(path)
    with _bars() as bars:
        report = asyncio.run(_refresh(settings, environment, bars))
    return _sentence(report)


def undo(settings: Settings, path: Path) -> str:
    environment = environment_file.load_environment(path)
    active = asyncio.run(_undo(settings, environment.instance_id))
    return f"Generation {active} is active again; the later one is gone for good."


async def _refresh(settings: Settings, environment: environment_file.Environment, bars: "Bars") -> RunReport:
    store = Store(settings.effective_database_url)
    try:
        await store.check_schema()
        clock = Clock(is_adjustable=settings.is_emulator)
        return await command_line.refresh(
            store,
            clock,
            environment,
            bars,
            horizon=app.horizon(settings),
            workspace=app.workspace(settings),
        )
    finally:
        await store.close()


async def _undo(settings: Settings, guid: str) -> int:
    store = Store(settings.effective_database_url)
    try:
        await store.check_schema()
        return await publish.undo_refresh(store, Clock(is_adjustable=settings.is_emulator), guid)
    finally:
        await store.close()


class Bars:
    """One bar a stage, on standard error; nothing where nobody looks."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._total = 0

    def start(self, stage: str, total: int, unit: str) -> None:
        self._progress.columns = (
            TextColumn("{task.description:<20}"),
            BarColumn(),
            DownloadColumn() if unit == "bytes" else MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        if self._task is not None:
            self._progress.update(self._task, completed=self._total)
        self._total = total
        self._task = self._progress.add_task(stage, total=total)

    def advance(self, amount: int) -> None:
        if self._task is not None:
            self._progress.advance(self._task, amount)


@contextmanager
def _bars() -> Iterator[Bars]:
    console = Console(stderr=True)
    with Progress(console=console, disable=not sys.stderr.isatty()) as progress:
        yield Bars(progress)


def _sentence(report: RunReport) -> str:
    changed = sum(report.opened.values())
    ended = sum(report.closed.values())
    parts = [
        f"Generation {report.generation} is active: {report.profiles:,} profiles, {report.activities:,} activities",
        f"{changed:,} rows written, {ended:,} ended",
    ]
    if report.confirmed:
        parts.append(f"{report.confirmed:,} real-time values confirmed by the source")
    if report.attached:
        parts.append(f"{report.attached:,} waiting activities attached")
    return "; ".join(parts) + "."
