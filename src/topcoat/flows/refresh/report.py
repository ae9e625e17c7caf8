"""What a run of a refresh did and what it took: the numbers that its stages hand over, kept with the job."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from topcoat.core.catalog import Document
from topcoat.store.generations import Counts


@dataclass(frozen=True, slots=True)
class TableFigures:
    """`is_unchanged`: the inputs are those of the run before, so their rows were not read again."""

    rows: int
    quarantined: int = 0
    is_unchanged: bool = False


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """`peak_memory_bytes` is of the whole process, whatever else it did meanwhile."""

    seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True)
class Quality:
    """Of all pairs of records that are said to be one person, how many are; of those that are, how many are said to."""

    precision: float
    recall: float
    f1: float


@dataclass(slots=True)
class RunReport:
    """Whatever a run does not do stays empty.

    tables: rows in by source table; deduplicated: records by rule; matched: pairs of records by rule; clusters: how
    many there are by their number of records; columns: values won, by unified column and then source table; ambiguous:
    profiles that met more than one row, by table of reference; without_customer: rows of nobody by source table;
    opened, closed: rows by table of the snapshot; reconciliation: outcomes of changes and activities.
    """

    generation: int = 0
    profiles: int = 0
    activities: int = 0
    measures: int = 0
    segments: int = 0
    tables: dict[str, TableFigures] = field(default_factory=dict)
    deduplicated: Mapping[str, int] = field(default_factory=dict)
    matched: Mapping[str, int] = field(default_factory=dict)
    singletons: int = 0
    clusters: Mapping[int, int] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    ambiguous: Mapping[str, int] = field(default_factory=dict)
    without_customer: dict[str, int] = field(default_factory=dict)
    opened: dict[str, int] = field(default_factory=dict)
    closed: dict[str, int] = field(default_factory=dict)
    reconciliation: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    confirmed: int = 0
    attached: int = 0
    pruned: int = 0
    tasks: dict[str, TaskFigures] = field(default_factory=dict)
    quality: Quality | None = None

    @property
    def counts(self) -> Counts:
        return Counts(self.profiles, self.activities, self.measures)

    def document(self) -> Document:
        """As it is kept and written: names of fields as on the wire; names of tables, rules and columns as they are."""
        written: Document = _written(self)
        return written


def _written(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {_camel(part.name): _written(getattr(value, part.name)) for part in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _written(part) for name, part in value.items()}
    return value


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
