"""Data sources: what the active generation says of each, and deletion, which makes a generation without it."""

import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from topcoat.clock import Clock
from topcoat.core import catalog, errors
from topcoat.core.catalog import CUSTOMER, Catalog, Table
from topcoat.core.workflow import Status
from topcoat.flows.instances import Instances
from topcoat.store import generations, instances, job_tasks, key_rings, search_index
from topcoat.store.engine import Session, Store
from topcoat.store.instances import Stand

_DATA_SOURCES: Final = uuid.UUID("7c0a7000-0000-5000-8000-00000000da7a")


class RefreshState(enum.Enum):
    UPDATED = "updated"
    UPDATING = "updating"
    FAILED = "updateFailed"
    CANCELLED = "updateCancelled"


_INGESTION: Final = "ingestion"
_STATES: Final = {
    Status.QUEUED: RefreshState.UPDATING,
    Status.RUNNING: RefreshState.UPDATING,
    Status.SUCCESSFUL: RefreshState.UPDATED,
    Status.SKIPPED: RefreshState.UPDATED,
    Status.FAILED: RefreshState.FAILED,
    Status.ABORTED: RefreshState.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class DataSource:
    """`state` is that of the last job's reading of files."""

    id: str
    name: str
    tables: tuple[Table, ...]
    refreshed_at: datetime
    state: RefreshState


def data_source_id(guid: str, name: str) -> str:
    """The same for the same data source of an instance, however often it is asked for, and after a deletion."""
    return str(uuid.uuid5(_DATA_SOURCES, f"{guid}/{name}"))


class DataSources:
    def __init__(self, store: Store, instances: Instances, clock: Clock) -> None:
        self._store = store
        self._instances = instances
        self._clock = clock

    async def list_data_sources(self, guid: str) -> list[DataSource]:
        """Those that the environment file had at the last refresh and that were not deleted since, by name."""
        current = await self._instances.read_current(guid)
        tables: dict[str, list[Table]] = {}
        for table in current.catalog.tables:
            if table.data_source is not None:
                tables.setdefault(table.data_source, []).append(table)
        if not tables:
            return []
        async with self._store.reading() as connection:
            refreshed = await generations.get_refreshed(connection, current.instance_id)
            tasks = await job_tasks.list_last_tasks(connection, guid)
        state = _STATES[tasks[_INGESTION].status] if _INGESTION in tasks else RefreshState.UPDATED
        return [
            DataSource(data_source_id(guid, name), name, tuple(tables[name]), refreshed.at, state)
            for name in sorted(tables)
        ]

    async def get_data_source(self, guid: str, source_id: str) -> DataSource:
        for source in await self.list_data_sources(guid):
            if source.id == source_id.lower():
                return source
        raise errors.DataSourceNotFound(data_source=catalog.shown(source_id))

    async def delete_data_source(self, guid: str, source_id: str) -> None:
        """Take its tables, their records and their activity configurations away, until a refresh brings them again.

        Raise `DataSourceInUse` while unified customers are made of it, `RefreshRunning` while there is a refresh.
        """
        instance_id = (await self._instances.read_current(guid)).instance_id
        async with self._store.session() as session, generations.owned(session, instance_id):
            source = await self.get_data_source(guid, source_id)
            current = await self._instances.read_current(guid)
            await self._refuse_used(instance_id, current.generation, current.catalog, source)
            async with search_index.owned(session, instance_id):
                await generations.discard_unfinished(session, instance_id, current.generation)
            await self._publish_without(session, guid, current.catalog, source)
        await self._instances.read_current(guid)

    async def _refuse_used(self, instance_id: int, generation: int, known: Catalog, source: DataSource) -> None:
        """What a table's key identifies customers by, in their table or in the key ring."""
        customer_columns = known.get_table(CUSTOMER).columns_by_name
        for table in source.tables:
            key = catalog.alternate_key(table.name, table.primary_key)
            has_keys = key in customer_columns or await key_rings.has_keys(
                self._store.point, instance_id=instance_id, generation=generation, table=table.name
            )
            if has_keys:
                raise errors.DataSourceInUse(data_source=source.name, table=table.name)

    async def _publish_without(self, session: Session, guid: str, known: Catalog, source: DataSource) -> None:
        stand = await self._stand(session, guid)
        coming = known.without_data_source(source.name)
        now = self._clock.now(stand.service_time)
        number = await generations.begin_generation(session, stand.instance_id, coming, now)
        await _end_tables(session, stand.instance_id, source.tables, number)
        async with session.transaction() as connection:
            locked = await instances.lock_stand(connection, guid)
            assert locked is not None  # instances are not deleted while their refresh is owned
            refreshed = await generations.get_refreshed(connection, stand.instance_id)
            await generations.activate_generation(
                connection,
                locked,
                generation=number,
                counts=refreshed.counts,
                now=max(self._clock.now(locked.service_time), locked.recorded_at),
                judged=refreshed.judged,
                refreshed_at=refreshed.at,
            )

    async def _stand(self, session: Session, guid: str) -> Stand:
        async with session.scratch() as connection:
            stand = await instances.find_stand(connection, guid)
        assert stand is not None  # likewise
        return stand


async def _end_tables(session: Session, instance_id: int, tables: Sequence[Table], generation: int) -> None:
    for table in tables:
        await generations.end_source_table(session, instance_id, table.name, generation=generation)
