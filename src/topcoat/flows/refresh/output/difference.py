"""What the next generation closes and opens, found by digests alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import ibis
from ibis.expr import types as ir

from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.output.snapshot_rows import SnapshotRows
from topcoat.store.staging import SnapshotTable

PLACE: Final = "place"


@dataclass(frozen=True, slots=True)
class Numbered:
    """Kept rows, `place` counted from one."""

    frame: ir.Table
    count: int

    def between(self, first: int, last: int) -> ir.Table:
        return self.frame.filter(self.frame[PLACE].between(first, last)).drop(PLACE)


@dataclass(frozen=True, slots=True)
class Difference:
    """`closing` are keys of open rows; `opening` rows for each of the parts, not finished yet; `digests` of all."""

    closing: Numbered
    opening: Sequence[Numbered]
    digests: ir.Table

    @property
    def opened(self) -> int:
        return sum(numbered.count for numbered in self.opening)

    @property
    def is_empty(self) -> bool:
        return not (self.closing.count or self.opened)


def compare(engine: Engine, table: SnapshotTable, open_rows: ir.Table, parts: Sequence[SnapshotRows]) -> Difference:
    """Of the open rows of a snapshot table, which have keys and digests, and all parts of what comes next."""
    none = open_rows.select("digest").limit(0)
    digests = engine.keep(f"digests_{table.name}", ibis.union(none, *(part.frame.select("digest") for part in parts)))
    gone = open_rows.anti_join(digests, "digest").select(*table.key)
    come = [part.frame.view().anti_join(open_rows, "digest") for part in parts]
    return Difference(
        closing=_numbered(engine, f"closing_{table.name}", gone, table.key),
        opening=[
            _numbered(engine, f"opening_{table.name}_{number}", rows, part.order)
            for number, (rows, part) in enumerate(zip(come, parts, strict=True))
        ],
        digests=digests,
    )


def open_afterwards(difference: Difference, open_rows: ir.Table, parts: Sequence[SnapshotRows]) -> ir.Table:
    """The keys and digests of the rows that are open once the difference is written."""
    stayed = open_rows.semi_join(difference.digests, "digest")
    opened = [
        part.finish(numbered.frame).select(*open_rows.columns)
        for part, numbered in zip(parts, difference.opening, strict=True)
    ]
    return ibis.union(stayed, *opened)


def _numbered(engine: Engine, name: str, rows: ir.Table, order: Sequence[str]) -> Numbered:
    """Rows with neighbours together, as they are read later."""
    place = ibis.row_number().over(order_by=[rows[column] for column in order]) + 1
    kept = engine.keep(name, rows.mutate(**{PLACE: place}))
    return Numbered(kept, int(kept.count().execute()))
