"""A first run, one with 1 % changed, and one without changes, beside the floors."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from benchmarks import databases, processes
from benchmarks.unification import data, floors
from benchmarks.unification.data import Scale


@dataclass(frozen=True, slots=True)
class Run:
    name: str
    finished: processes.Finished
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Floor:
    """Of both numbers of seconds the sum is what the first run is held against."""

    joined_seconds: float
    loaded_seconds: float

    @property
    def seconds(self) -> float:
        return self.joined_seconds + self.loaded_seconds


def measure(scale: Scale, memory_max: str, threads: int, console: Console) -> Iterator[Run | Floor]:
    kind = databases.Kind.POSTGRESQL
    with TemporaryDirectory(prefix="topcoat-home-") as home, databases.new_database(kind) as url:
        folder = Path(home)
        console.print(f"writing {scale.customers:,} customer rows and {scale.activities:,} activities …")
        environment_file = data.write(folder, scale)
        environment = {
            "TOPCOAT_HOME": home,
            "TOPCOAT_DATABASE_URL": url,
            "TOPCOAT_REFRESH_MEMORY": memory_max,
            "TOPCOAT_REFRESH_THREADS": str(threads),
        }
        processes.run_command(["topcoat", "migrate"], environment)
        yield _run("first", environment_file, environment, console)
        yield _floor(folder, url, threads, memory_max, console)
        data.change(folder, scale)
        yield _run("1 % changed", environment_file, environment, console)
        yield _run("nothing changed", environment_file, environment, console)


def _run(name: str, environment_file: Path, environment: dict[str, str], console: Console) -> Run:
    console.print(f"{name} …")
    report = environment_file.with_name("report.json")
    command = ["topcoat", "refresh", str(environment_file), "--report", str(report)]
    finished = processes.run_command(command, environment)
    return Run(name, finished, json.loads(report.read_text()))


def _floor(folder: Path, url: str, threads: int, memory_max: str, console: Console) -> Floor:
    console.print("floors …")
    joined = floors.read_and_join(folder, threads, memory_max)
    (folder / "floor.duckdb").unlink()
    asyncio.run(floors.unload(url, folder))
    with databases.new_database(databases.Kind.POSTGRESQL) as beside:
        processes.run_command(["topcoat", "migrate"], {"TOPCOAT_DATABASE_URL": beside})
        loaded = asyncio.run(floors.load(beside, folder))
    for table in floors.LOADED:
        (folder / f"{table}.copy").unlink()
    return Floor(joined, loaded)
