"""What the next generation closes and opens, found by digests alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import ibis
from ibis.expr import types as ir

from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.output import functions
from topcoat.flows.refresh.output.snapshot_rows import SnapshotRows
from topcoat.store.staging import SnapshotTable

PLACE: Final = "place"
FIRST: Final = "first_place"
LAST: Final = "last_place"

_PART: Final = "part"
_CLOSING: Final = -1


@dataclass(frozen=True, slots=True)
class Numbered:
    """Kept rows, `place` counted from one."""

    frame: ir.Table
    count: int

    @property
    def span(self) -> ir.Table:
        """The rows from place to place, which are the engine's variables `FIRST` and `LAST` whenever it is asked."""
        place = self.frame[PLACE]
        return self.frame.filter(place.between(functions.variable(FIRST), functions.variable(LAST))).drop(PLACE)


@dataclass(frozen=True, slots=True)
class Opening:
    """Rows of a part, not finished yet."""

    part: SnapshotRows
    rows: Numbered


@dataclass(frozen=True, slots=True)
class Difference:
    """`closing` are keys of open rows, if any are to be closed; `opening` is of the parts that have rows to open."""

    closing: Numbered | None
    opening: Sequence[Opening]

    @property
    def closed(self) -> int:
        return 0 if self.closing is None else self.closing.count

    @property
    def opened(self) -> int:
        return sum(opening.rows.count for opening in self.opening)


def compare(engine: Engine, table: SnapshotTable, open_rows: ir.Table, parts: Sequence[SnapshotRows]) -> Difference:
    """Of the open rows of a snapshot table, which have keys and digests, and all parts of what comes next."""
    if not engine.count(open_rows):
        return Difference(None, list(_opening(engine, table, [(part, part.frame) for part in parts])))
    digests = [part.frame.select("digest", **{_PART: ibis.literal(place)}) for place, part in enumerate(parts)]
    none = open_rows.select("digest", **{_PART: ibis.literal(0)}).limit(0)
    come = engine.keep(f"digests_{table.name}", ibis.union(none, *digests))
    counts = _counts(open_rows, come)
    gone = open_rows.anti_join(come, "digest").select(*table.key)
    closing = _numbered(engine, f"closing_{table.name}", gone, table.key) if counts.get(_CLOSING) else None
    changed = [part for place, part in enumerate(parts) if counts.get(place)]
    return Difference(
        closing,
        list(_opening(engine, table, [(part, part.frame.view().anti_join(open_rows, "digest")) for part in changed])),
    )


def open_afterwards(table: SnapshotTable, difference: Difference, open_rows: ir.Table) -> ir.Table:
    """The keys and digests of the rows that are open once the difference is written."""
    gone = difference.closing
    stayed = open_rows if gone is None else open_rows.anti_join(gone.frame, table.key)
    opened = [each.part.finish(each.rows.frame).select(*open_rows.columns) for each in difference.opening]
    return ibis.union(stayed, *opened) if opened else stayed


def _counts(open_rows: ir.Table, come: ir.Table) -> dict[int, int]:
    """How many rows differ, by their part."""
    gone = open_rows.anti_join(come, "digest").select(**{_PART: ibis.literal(_CLOSING)})
    differing = gone.union(come.anti_join(open_rows, "digest").select(_PART))
    counted = differing.aggregate(rows=differing.count(), by=_PART)
    return {row[_PART]: row["rows"] for row in counted.to_pyarrow().to_pylist()}


def _opening(
    engine: Engine, table: SnapshotTable, changed: Sequence[tuple[SnapshotRows, ir.Table]]
) -> Iterator[Opening]:
    for number, (part, rows) in enumerate(changed):
        numbered = _numbered(engine, f"opening_{table.name}_{number}", rows, part.order)
        if numbered.count:
            yield Opening(part, numbered)


def _numbered(engine: Engine, name: str, rows: ir.Table, order: Sequence[str]) -> Numbered:
    """Rows with neighbours together, as they are read later."""
    place = ibis.row_number().over(order_by=[rows[column] for column in order]) + 1
    kept = engine.keep(name, rows.mutate(**{PLACE: place}))
    return Numbered(kept, engine.count(kept))
