"""The rows of a source table from a database: read in batches, and with a watermark only those that may be new."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import ibis
from ibis.expr import types as ir

from topcoat.core.catalog import Table
from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.pull import driver_rows, marks, quarantine
from topcoat.flows.refresh.pull.driver_rows import Batch
from topcoat.flows.refresh.pull.files import RECORD_NUMBER
from topcoat.flows.refresh.pull.marks import KeptRows, Mark
from topcoat.flows.refresh.pull.quarantine import RAW_RECORD, REASON
from topcoat.flows.refresh.source_lines import Advance
from topcoat.flows.refresh.source_places import DatabaseSource
from topcoat.outbound import databases
from topcoat.outbound.databases import Reader, Relation

_MARKS_EXPECTED: Final = "expected numbers, texts, dates or date-times"
_IDENTITY: Final = "identity of the row"  # no column of a table has a blank in its name


@dataclass(frozen=True, slots=True)
class Pulled:
    """`rows` there are, `quarantined` among them are not taken; `rows_read` came from the database this time."""

    rows: int
    quarantined: int
    rows_read: int
    is_unchanged: bool


def pull_table(engine: Engine, table: Table, source: DatabaseSource, advance: Advance, *, share_max: float) -> Pulled:
    """Leave the rows as `pulled_<Table>`, and append to `quarantined`; `advance` is told rows.

    For a thread without an event loop. Raise `SourceFaulty` for a database that cannot be read and for a column that it
    does not have, `TooManyQuarantined` for more than a share of the rows.
    """
    pulling = _Pulling(engine, table, source, advance, KeptRows.of(engine.folder, table, source))
    read = databases.read(pulling.relation, pulling.stage)
    rows, is_unchanged = pulling.settle(read)
    taken = rows.filter(rows[REASON].isnull())
    repeated = engine.keep(f"repeated keys of {table.name}", quarantine.find_repeated(taken, table))
    single = taken.anti_join(repeated, RECORD_NUMBER)
    engine.show(f"pulled_{table.name}", single.select(*table.columns_by_name))
    counts = rows.agg(rows=rows.count(), faulty=rows[REASON].count()).to_pyarrow().to_pylist()[0]
    quarantined = counts["faulty"] + engine.count(repeated)
    faulty = (rows.filter(rows[REASON].notnull()), repeated) if quarantined else ()
    quarantine.quarantine(engine.backend, table, faulty)
    quarantine.check_share(engine.backend, table, rows=counts["rows"], quarantined=quarantined, share_max=share_max)
    return Pulled(counts["rows"], quarantined, read.rows, is_unchanged)


@dataclass(frozen=True, slots=True)
class _Read:
    """How many rows came, and up to which mark; `is_partial` where only those at the last mark and above were read."""

    rows: int
    mark: Mark | None = None
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class _Pulling:
    engine: Engine
    table: Table
    source: DatabaseSource
    advance: Advance
    kept: KeptRows

    @property
    def relation(self) -> Relation:
        return Relation(self.source.url, self.table.name, self.source.table, self.source.query)

    @property
    def _staged(self) -> str:
        return f"staged rows of {self.table.name}"

    def stage(self, reader: Reader) -> _Read:
        """Have rows that the database gives, judged, in a table of the engine."""
        schema = ibis.Schema.from_pyarrow(driver_rows.judged_schema(self.table))
        self.engine.backend.create_table(self._staged, schema=schema, overwrite=True)
        columns = [reader.get_column(column.name) for column in self.table.columns]
        if self.source.watermark is None:
            return _Read(self._insert(reader.batches(columns)))
        watermark = reader.get_column(self.source.watermark)
        # Taken before the rows, so that a row that comes in meanwhile is at or above it, and read again next time.
        mark = reader.highest(watermark)
        if mark is not None and not marks.is_mark(mark):
            reason = f"the watermark {watermark} holds values that have no order here, {_MARKS_EXPECTED}"
            raise self.relation.refuse(reason)
        since = self._find_since(reader, watermark, mark)
        batches = reader.batches(columns, watermark=watermark, at_least=since)
        first = 1 if since is None else self.kept.last_number(self.engine.backend) + 1
        return _Read(self._insert(batches, first), mark, is_partial=since is not None)

    def _find_since(self, reader: Reader, watermark: str, mark: Any) -> Mark | None:
        """The mark before, where rows are at it or above; where none are, the database is not what it was."""
        last = self.kept.find_mark()
        if last is None or not marks.are_alike(last, mark) or reader.highest(watermark, at_least=last) is None:
            return None
        return last

    def _insert(self, batches: Iterable[Batch], first: int = 1) -> int:
        """Records are numbered on, so that kept ones and new ones differ in their numbers."""
        number = first
        for batch in batches:
            judged = driver_rows.judge(self.table, batch, first=number, source=self.relation.name)
            self.engine.backend.insert(self._staged, judged)
            self.advance(len(batch))
            number += len(batch)
        return number - first

    def settle(self, read: _Read) -> tuple[ir.Table, bool]:
        """All rows, and whether they are those of the last time."""
        fresh = self.engine.table(self._staged)
        if not read.is_partial:
            if self.source.watermark is not None:
                self.kept.keep(self.engine.backend, fresh, read.mark)
            return fresh, False
        before = self.kept.rows(self.engine.backend)
        changes = fresh.drop(RECORD_NUMBER).difference(before.drop(RECORD_NUMBER)).count()
        is_unchanged = changes.to_pyarrow().as_py() == 0
        if is_unchanged and read.mark == self.kept.find_mark():
            return before, True
        rows = self.engine.keep(f"rows of {self.table.name}", self._upserted(before, fresh))
        self.kept.keep(self.engine.backend, rows, read.mark)
        return rows, is_unchanged

    def _upserted(self, before: ir.Table, fresh: ir.Table) -> ir.Table:
        """New rows take the place of kept ones with their keys; a row without a key is itself only."""
        new, old = (
            rows.mutate(**{_IDENTITY: ibis.coalesce(rows[self.table.primary_key].cast("string"), rows[RAW_RECORD])})
            for rows in (fresh, before)
        )
        return old.anti_join(new, _IDENTITY).union(new).drop(_IDENTITY)
