"""Progress bars of a refresh, with how much is done of how much, and how fast."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich import filesize
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

_BYTES: Final = "bytes"


class Bars:
    """One bar a step, on standard error; nothing where nobody looks."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._total = 0

    def start(self, stage: str, total: int, unit: str) -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=self._total)
        self._total = total
        self._task = self._progress.add_task(stage, total=total, unit=unit)

    def advance(self, amount: int) -> None:
        if self._task is not None:
            self._progress.advance(self._task, amount)


class _Done(ProgressColumn):
    def render(self, task: Task) -> Text:
        of = "" if task.total is None else f"/{_shown(task, task.total)}"
        return Text(f"{_shown(task, task.completed)}{of}", justify="right")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{_shown(task, speed)}/s", justify="right")


COLUMNS: Final = (TextColumn("{task.description:<20}"), BarColumn(), _Done(), _Rate(), TimeElapsedColumn())


@contextmanager
def bars() -> Iterator[Bars]:
    console = Console(stderr=True)
    with Progress(*COLUMNS, console=console, disable=not sys.stderr.isatty()) as progress:
        yield Bars(progress)


def _shown(task: Task, amount: float) -> str:
    unit = task.fields["unit"]
    return filesize.decimal(int(amount)) if unit == _BYTES else f"{amount:,.0f} {unit}"
