"""What became of definitions when they were evaluated."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from topcoat.core.catalog import Document
from topcoat.core.insights.definition import Key, Kind


@dataclass(frozen=True, slots=True)
class Totals:
    """Of all customers: `counts` are members, customers with a value or, of scalar measures, rows; `outputs` are what
    scalar measures came to, by their names.
    """

    counts: Mapping[Key, int]
    outputs: Mapping[str, Document]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """`error` is None where it succeeded, and then `record_count` tells members or customers with a value.

    `run_id` is None where nothing was run here.
    """

    kind: Kind
    name: str
    generation: int
    run_id: str | None
    evaluated_at: datetime
    error: str | None
    record_count: int | None
    output: Document | None
