"""What publishing a generation takes: the first, one without changes, one with 1 % of the rows changed."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from rich.console import Console

from benchmarks import databases, processes
from topcoat import sample

CHANGE_EVERY = 100
CUSTOMERS_FILE = "customers.csv"
ACTIVITIES_FILE = "activities.jsonl"

Rewrite = Callable[[TextIO, TextIO], None]


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    finished: processes.Finished

    @property
    def summary(self) -> str:
        """The last sentence that the command printed."""
        return " ".join(self.finished.output.splitlines()[-1:])


def measure_publishing(kind: databases.Kind, profiles: int, activities: int, console: Console) -> Iterator[Step]:
    with TemporaryDirectory(prefix="topcoat-home-") as home, databases.new_database(kind) as url:
        environment = {"TOPCOAT_HOME": home, "TOPCOAT_DATABASE_URL": url}
        console.print(f"{kind.value}: writing the sample, {profiles:,} profiles …")
        environment_file = sample.write_sample(Path(home), profiles, keeps_sources=False)
        _rewrite(Path(home, ACTIVITIES_FILE), lambda old, new: new.writelines(islice(old, activities)))
        processes.run_command(["topcoat", "migrate"], environment)
        refresh = ["topcoat", "refresh", str(environment_file)]
        for name, prepare in (("first", None), ("nothing changed", None), ("1 % changed", _change_some)):
            if prepare is not None:
                prepare(Path(home))
            console.print(f"{kind.value}: {name} …")
            yield Step(name, processes.run_command(refresh, environment))


def _change_some(folder: Path) -> None:
    _rewrite(folder / CUSTOMERS_FILE, _change_cities)
    _rewrite(folder / ACTIVITIES_FILE, _change_titles)


def _rewrite(file: Path, rewrite: Rewrite) -> None:
    new_file = file.with_suffix(".new")
    with file.open(newline="") as old, new_file.open("w", newline="") as new:
        rewrite(old, new)
    new_file.replace(file)


def _change_cities(old: TextIO, new: TextIO) -> None:
    rows = csv.DictReader(old)
    writer = csv.DictWriter(new, rows.fieldnames or [])
    writer.writeheader()
    for number, row in enumerate(rows):
        writer.writerow({**row, "City": "Moved away"} if number % CHANGE_EVERY == 0 else row)


def _change_titles(old: TextIO, new: TextIO) -> None:
    for number, line in enumerate(old):
        if number % CHANGE_EVERY == 0:
            new.write(json.dumps({**json.loads(line), "Title": "Corrected at the source"}) + "\n")
        else:
            new.write(line)
