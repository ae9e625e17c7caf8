"""Reads and writes at a steady rate, alone and while raw tables are unified and published beside them."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks import databases, processes, subjects
from benchmarks.load import Figures, Load, run_load
from benchmarks.subjects import Installation, Subject
from topcoat import sample

READS_A_SECOND: Final = 200.0
WRITES_A_SECOND: Final = 100.0
CLIENTS: Final = 16
ALONE_SECONDS: Final = 30.0
SHARE_WATCHED: Final = 0.5
"""A refresh of changed rows takes less than the first, and has to outlast the traffic beside it."""


@dataclass(frozen=True, slots=True)
class Traffic:
    name: str
    reads: Figures
    writes: Figures

    @property
    def failures(self) -> int:
        answers = [*self.reads.statuses.items(), *self.writes.statuses.items()]
        return sum(count for status, count in answers if status not in (200, 201))


def measure(size: int, console: Console) -> Iterator[Traffic]:
    """The refresh changes a column of everybody."""
    kind = databases.Kind.POSTGRESQL
    with subjects.topcoat_installed(kind, size) as installation:
        console.print(f"{size:,} customers: unified once …")
        seconds = _refresh(installation)
        yield Traffic("alone", *_send(installation.subject, ALONE_SECONDS))
        _move_everybody(installation.folder)
        console.print(f"with a refresh of about {seconds:.0f} s beside it …")
        with ThreadPoolExecutor(1) as pool:
            refreshing = pool.submit(_refresh, installation)
            sent = _send(installation.subject, seconds * SHARE_WATCHED)
            took = refreshing.result()
        yield Traffic(f"beside a refresh of {took:.0f} s", *sent)


def _send(subject: Subject, seconds: float) -> tuple[Figures, Figures]:
    address = subject.server.address
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(run_load, address, subject.writes(), Load(CLIENTS, seconds, rate=WRITES_A_SECOND))
        reads = run_load(address, subject.reads(), Load(CLIENTS, seconds, rate=READS_A_SECOND))
        return reads, writing.result()


def _refresh(installation: Installation) -> float:
    environment_file = installation.folder / sample.RAW_ENVIRONMENT_FILE
    began = time.perf_counter()
    processes.run_command(["topcoat", "refresh", str(environment_file)], installation.environment)
    return time.perf_counter() - began


def _move_everybody(folder: Path) -> None:
    for file in (folder / "eCommerce_eCommerceContacts.csv", folder / "LoyaltyScheme_loyCustomers.csv"):
        header, *rows = file.read_text().splitlines(keepends=True)
        file.write_text(header + "".join(row.replace("United States", "USA").replace("Canada", "CA") for row in rows))
