"""What the next generation closes and opens, found by digests alone."""

from collections.abc import Sequence
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
_GONE: Final = -1


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
class _Counts:
    rows: int
    differing: int


@dataclass(frozen=True, slots=True)
class Difference:
    """`closing` are keys of open rows, if any are to be closed; `opening` is of the parts that have rows to open.

    `rows` is how many each part has, those included that are open already.
    """

    closing: Numbered | None
    opening: Sequence[Opening]
    rows: Sequence[int]

    @property
    def closed(self) -> int:
        return 0 if self.closing is None else self.closing.count

    @property
    def opened(self) -> int:
        return sum(opening.rows.count for opening in self.opening)


def compare(engine: Engine, table: SnapshotTable, open_rows: ir.Table, parts: Sequence[SnapshotRows]) -> Difference:
    """Of the open rows of a snapshot table, which have keys and digests, and all parts of what comes next."""
    if not engine.count(open_rows):
        all_rows = [_opening(engine, table, place, part, part.frame) for place, part in enumerate(parts)]
        rows = [opening.rows.count for opening in all_rows]
        return Difference(None, [opening for opening in all_rows if opening.rows.count], rows)
    come = engine.keep(f"digests_{table.name}", _digests(open_rows, parts))
    counts = _counts(open_rows, come)
    gone = open_rows.anti_join(come, "digest").select(*table.key)
    return Difference(
        closing=_numbered(engine, f"closing_{table.name}", gone, table.key) if _GONE in counts else None,
        opening=[
            _opening(engine, table, place, part, part.frame.view().anti_join(open_rows, "digest"))
            for place, part in enumerate(parts)
            if place in counts and counts[place].differing
        ],
        rows=[counts[place].rows if place in counts else 0 for place in range(len(parts))],
    )


def open_afterwards(table: SnapshotTable, difference: Difference, open_rows: ir.Table) -> ir.Table:
    """The keys and digests of the rows that are open once the difference is written."""
    gone = difference.closing
    stayed = open_rows if gone is None else open_rows.anti_join(gone.frame, table.key)
    opened = [each.part.finish(each.rows.frame).select(*open_rows.columns) for each in difference.opening]
    return ibis.union(stayed, *opened) if opened else stayed


def _digests(open_rows: ir.Table, parts: Sequence[SnapshotRows]) -> ir.Table:
    """Of all parts, each with its part's place."""
    none = open_rows.select("digest", **{_PART: ibis.literal(_GONE)}).limit(0)
    of_parts = [part.frame.select("digest", **{_PART: ibis.literal(place)}) for place, part in enumerate(parts)]
    return ibis.union(none, *of_parts)


def _counts(open_rows: ir.Table, come: ir.Table) -> dict[int, _Counts]:
    """By the place of the part, and `_GONE` for open rows that are in none."""
    gone = open_rows.anti_join(come, "digest").select(**{_PART: ibis.literal(_GONE)}, is_new=ibis.literal(True))  # noqa: FBT003
    known = open_rows.select(known="digest")
    found = come.left_join(known, come.digest == known.known)
    marked = gone.union(found.select(_PART, is_new=found.known.isnull()))
    counted = marked.aggregate(rows=marked.count(), differing=marked.is_new.sum(), by=_PART)
    return {row[_PART]: _Counts(row["rows"], row["differing"]) for row in counted.to_pyarrow().to_pylist()}


def _opening(engine: Engine, table: SnapshotTable, place: int, part: SnapshotRows, rows: ir.Table) -> Opening:
    return Opening(part, _numbered(engine, f"opening_{table.name}_{place}", rows, part.order))


def _numbered(engine: Engine, name: str, rows: ir.Table, order: Sequence[str]) -> Numbered:
    """Rows with neighbours together, as they are read later."""
    place = ibis.row_number().over(order_by=[rows[column] for column in order]) + 1
    kept = engine.keep(name, rows.mutate(**{PLACE: place}))
    return Numbered(kept, engine.count(kept))
