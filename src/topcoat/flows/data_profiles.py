"""Data profiles: what the columns of a table hold, computed from the snapshot when asked for (S10)."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from topcoat.clock import Clock
from topcoat.core import data_profile, errors
from topcoat.core.catalog import Column, ColumnType, Contents, Table, TableKind, shown, suggestion
from topcoat.core.corrupt_rows import corrupt_table
from topcoat.core.data_profile import NumberProfile
from topcoat.flows.query import plan
from topcoat.flows.query.gathering import Deadline
from topcoat.flows.query.sight import Sight, Sights
from topcoat.store import column_profiles
from topcoat.store.column_profiles import ColumnSummary, ProfileQuestion
from topcoat.store.engine import Store

FREQUENT_MAX: Final = 20
BLOCKS_MAX: Final = 10_000
KEPT_MAX: Final = 500
_NUMBERS: Final = (ColumnType.INTEGER, ColumnType.DECIMAL)
_KEYS: Final = (ColumnType.STRING, ColumnType.INTEGER)


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """`numbers` is None where there are none."""

    table: Table
    column: Column
    summary: ColumnSummary
    numbers: NumberProfile | None
    profiled_at: datetime

    @property
    def is_suggested_key(self) -> bool:
        """Whether every record has a value that a key could be, and none that of another."""
        return self.column.type in _KEYS and 0 < self.summary.records == self.summary.unique


@dataclass(frozen=True, slots=True)
class TableProfile:
    """`columns` is empty unless they were asked for; `quarantined` rows are not among the records."""

    table: Table
    records: int
    quarantined: int
    profiled_at: datetime
    columns: tuple[ColumnProfile, ...] = ()


class DataProfiles:
    """Keeps the columns that it computed last; a generation's records never change.

    One column is computed at a time, so that profiles leave connections for other reads.
    """

    def __init__(self, store: Store, sights: Sights, clock: Clock) -> None:
        self._store = store
        self._sights = sights
        self._clock = clock
        self._kept: dict[tuple[int, int, str, str], ColumnProfile] = {}
        self._computing = asyncio.Lock()

    async def profile_table(self, guid: str, name: str, *, has_columns: bool) -> TableProfile:
        """All columns together may take the time of one statement; what was done by then is kept for the next call."""
        deadline = self._deadline()
        sight, table = await self._look(guid, name)
        records = await column_profiles.count_records(self._store.scan, _question(sight, table), sight.view)
        quarantined = await self._count_quarantined(sight, table)
        wanted = table.columns if has_columns else ()
        columns = [await self._profile(sight, table, column, deadline) for column in wanted]
        return TableProfile(table, records, quarantined, sight.view.now, tuple(columns))

    async def profile_column(self, guid: str, name: str, column_name: str) -> ColumnProfile:
        deadline = self._deadline()
        sight, table = await self._look(guid, name)
        column = table.columns_by_name.get(column_name)
        if column is None:
            near = suggestion(column_name, table.columns_by_name)
            raise errors.ColumnNotFound(table=table.name, column=shown(column_name), suggestion=near)
        return await self._profile(sight, table, column, deadline)

    async def _count_quarantined(self, sight: Sight, table: Table) -> int:
        corrupt = sight.catalog.tables_by_name.get(corrupt_table(table).name)
        if corrupt is None or corrupt.contents is not Contents.CORRUPT:
            return 0
        return await column_profiles.count_records(self._store.scan, _question(sight, corrupt), sight.view)

    def _deadline(self) -> Deadline:
        return Deadline(self._clock, self._store.statement_timeout_seconds)

    async def _look(self, guid: str, name: str) -> tuple[Sight, Table]:
        sight = await self._sights.look(guid)
        table = sight.catalog.get_table(name)
        plan.refuse_unkept(table, "The data profile of")
        return sight, table

    async def _profile(self, sight: Sight, table: Table, column: Column, deadline: Deadline) -> ColumnProfile:
        key = (sight.instance_id, sight.view.generation, table.name, column.name)
        if key not in self._kept:
            async with self._computing:
                deadline.check()
                if key not in self._kept:  # others may have waited for the same
                    self._keep(key, await self._compute(sight, table, column))
        return self._kept[key]

    def _keep(self, key: tuple[int, int, str, str], profile: ColumnProfile) -> None:
        while len(self._kept) >= KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = profile

    async def _compute(self, sight: Sight, table: Table, column: Column) -> ColumnProfile:
        reader, question, view = self._store.scan, _question(sight, table), sight.view
        summary = await column_profiles.summarize_column(reader, question, view, column, frequent_max=FREQUENT_MAX)
        numbers = None
        if column.type in _NUMBERS:
            blocks = await column_profiles.list_blocks(reader, question, view, column, blocks_max=BLOCKS_MAX)
            numbers = data_profile.profile_numbers(blocks)
        return ColumnProfile(table, column, summary, numbers, view.now)


def _question(sight: Sight, table: Table) -> ProfileQuestion:
    is_of_activities = table.kind is TableKind.UNIFIED_ACTIVITY
    return ProfileQuestion(sight.instance_id, table, sight.catalog.hidden_activity_tables() if is_of_activities else ())
