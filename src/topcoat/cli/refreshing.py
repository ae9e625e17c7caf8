"""The refresh command: what it did, in one sentence and in tables."""

import asyncio
from pathlib import Path

import orjson
from rich.console import Console

from topcoat import app
from topcoat.cli import bars, report_tables
from topcoat.cli.bars import Bars
from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.flows.jobs import command_line
from topcoat.flows.refresh import environment as environment_file
from topcoat.flows.refresh import publish
from topcoat.flows.refresh.report import Quality, RunReport
from topcoat.settings import Settings
from topcoat.store.engine import Store


def refresh(settings: Settings, path: Path, *, truth: Path | None = None) -> RunReport:
    environment = environment_file.load_environment(path)
    with bars.bars() as progress:
        return asyncio.run(_refresh(settings, environment, progress, truth))


def tell(report: RunReport) -> None:
    """Print what happened: in a sentence, a score where there is one, and tables."""
    console = Console(highlight=False)
    console.print(sentence(report), soft_wrap=True)
    if report.quality is not None:
        console.print(_score(report.quality), soft_wrap=True)
    for table in report_tables.tables_of(report):
        console.print(table)


def write(report: RunReport, file: Path) -> None:
    file.write_bytes(orjson.dumps(report.document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def check_writable(file: Path) -> None:
    """Before the refresh: a file that is there already stays as it is until then."""
    try:
        file.open("ab").close()
    except OSError as error:
        expected = f"a file that can be written ({error.strerror})"
        raise errors.ParameterInvalid(parameter="--report", found=f"'{file}'", expected=expected) from None


def undo(settings: Settings, path: Path) -> str:
    environment = environment_file.load_environment(path)
    active = asyncio.run(_undo(settings, environment.instance_id))
    return f"Generation {active} is active again; the later one is gone for good."


async def _refresh(
    settings: Settings, environment: environment_file.Environment, progress: Bars, truth: Path | None
) -> RunReport:
    store = Store(settings.effective_database_url)
    try:
        await store.check_schema()
        clock = Clock(is_adjustable=settings.is_emulator)
        return await command_line.refresh(
            store,
            clock,
            environment,
            progress,
            horizon=app.horizon(settings),
            workspace=app.workspace(settings),
            truth=truth,
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


def sentence(report: RunReport) -> str:
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


def _score(quality: Quality) -> str:
    return (
        f"Held against the truth, pair by pair: precision {quality.precision:.4f}, recall {quality.recall:.4f},"
        f" F1 {quality.f1:.4f}."
    )
