"""Where each value of a merged record comes from, and what it hides (S29)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from topcoat.core.catalog import Document, Table
from topcoat.core.overlay import override
from topcoat.core.overlay.override import Override


@dataclass(frozen=True, slots=True)
class Provenance:
    """`override` is None where the value is the snapshot's; `hidden` are the live overrides below it, newest first."""

    value: Any
    generation: int
    override: Override | None
    hidden: tuple[Override, ...]
    snapshot_value: Any


def explain_record(
    table: Table, snapshot: Mapping[str, Any], overrides: Iterable[Override], generation: int
) -> dict[str, Provenance]:
    """Column -> provenance, for every column of the table, in catalog order."""
    newest_first = sorted(overrides, key=lambda change: -change.sequence)
    counting = [(change, override.counting_columns(table, change)) for change in newest_first]
    return {
        column.name: _explain_column(column.name, snapshot.get(column.name), counting, generation)
        for column in table.columns
    }


def _explain_column(
    name: str, snapshot_value: Any, counting: Sequence[tuple[Override, Document]], generation: int
) -> Provenance:
    naming = [change for change, columns in counting if name in columns]
    winner = naming[0] if naming else None
    return Provenance(
        value=snapshot_value if winner is None else winner.columns[name],
        generation=generation,
        override=winner,
        hidden=tuple(naming[1:]),
        snapshot_value=snapshot_value,
    )
