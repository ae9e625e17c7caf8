"""The search configuration of an instance, and the building of its index, beside everything else."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from topcoat.clock import Clock
from topcoat.core import errors, search_configuration
from topcoat.core.catalog import CUSTOMER, Table, shown, suggestion
from topcoat.core.search_configuration import IndexedColumn, SearchConfiguration
from topcoat.flows.instances import CurrentCatalog, Instances
from topcoat.flows.query.profile_reads import Index
from topcoat.store import instances, search_configurations, search_index
from topcoat.store.engine import Store
from topcoat.store.leads import Indexed
from topcoat.store.search_index import BuiltIndex

BUILT_KEPT_SECONDS: Final = 5.0
LOOKED_AFTER_SECONDS: Final = 60.0
log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TableColumns:
    """What a caller configures for one table."""

    table: str
    columns: tuple[IndexedColumn, ...]


class SearchIndex:
    def __init__(self, store: Store, instances: Instances, clock: Clock) -> None:
        self._store = store
        self._instances = instances
        self._clock = clock
        self._built: dict[int, tuple[float, BuiltIndex]] = {}
        self._replaced = asyncio.Event()
        self._is_stopping = False

    async def get_configuration(self, guid: str) -> SearchConfiguration:
        """The one that holds, be it built or not; raise `InstanceNotFound`."""
        current = await self._instances.read_current(guid)
        async with self._store.glancing() as connection:
            stored = await search_configurations.find_stored(connection, current.instance_id)
        if stored is not None:
            return stored.configuration
        return search_configuration.system_generated(search_configuration.customer_table(current.catalog))

    async def replace_configuration(
        self, guid: str, tables: Sequence[TableColumns], principal: str
    ) -> SearchConfiguration:
        """Store it and have it built in the background; raise what is wrong with the tables and columns it names."""
        current = await self._instances.read_current(guid)
        columns = _checked(current, tables)
        async with self._store.writing() as connection:
            stand = await instances.lock_stand(connection, guid)
            if stand is None or stand.instance_id != current.instance_id:
                raise errors.InstanceNotFound(instance=shown(guid))
            saved = await search_configurations.save_configuration(
                connection, current.instance_id, columns, principal=principal, now=self._clock.system_now()
            )
        self._built.pop(current.instance_id, None)
        self._replaced.set()
        return saved

    async def find_built(self, guid: str) -> BuiltIndex:
        """What a query can rely on, as it was at most a few seconds ago; raise `InstanceNotFound`."""
        return await self._find_built((await self._instances.read_current(guid)).instance_id)

    async def find_index(self, instance_id: int, table: Table) -> Index:
        """The same, as reads of the customers' table take it."""
        built = await self._find_built(instance_id)
        indexed = Indexed(frozenset(built.ordered), frozenset(built.trigrams), has_tokens=built.is_token_complete)
        return Index(indexed, built.configuration.searched(table))

    async def run(self, guid: str) -> None:
        """Bring the index in line with the configuration that holds now."""
        current = await self._instances.read_current(guid)
        await search_index.build(self._store, current.instance_id)
        self._built.pop(current.instance_id, None)

    async def _find_built(self, instance_id: int) -> BuiltIndex:
        kept = self._built.get(instance_id)
        now = self._clock.monotonic_seconds()
        if kept is not None and now < kept[0]:
            return kept[1]
        async with self._store.reading() as connection:
            built = await search_index.find_built(connection, instance_id)
        self._built[instance_id] = (now + BUILT_KEPT_SECONDS, built)
        return built

    async def run_until_stopped(self) -> None:
        """Build what was replaced here, in other processes, or before a restart."""
        while not self._is_stopping:
            self._replaced.clear()
            try:
                await self._run_unbuilt()
            except Exception:  # the edge of the loop: a build is tried again, queries do without meanwhile
                log.exception("search_index_failed")
            await self._wait()

    def stop(self) -> None:
        """End the loop behind the build that it is at."""
        self._is_stopping = True
        self._replaced.set()

    async def _run_unbuilt(self) -> None:
        async with self._store.glancing() as connection:
            unbuilt = await search_configurations.list_unbuilt(connection)
        for guid in unbuilt:
            if not self._is_stopping:
                await self.run(guid)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOKED_AFTER_SECONDS):
                await self._replaced.wait()
        except TimeoutError:
            pass


def _checked(current: CurrentCatalog, tables: Sequence[TableColumns]) -> tuple[IndexedColumn, ...]:
    """Raise `TableNotFoundForWriting`, or what is wrong with a column."""
    columns: list[IndexedColumn] = []
    for configured in tables:
        _check_table(current, configured.table)
        columns += configured.columns
    table = search_configuration.customer_table(current.catalog)
    return () if table is None else search_configuration.checked_columns(table, columns)


def _check_table(current: CurrentCatalog, name: str) -> None:
    known = current.catalog.tables_by_name
    if name not in known:
        raise errors.TableNotFoundForWriting(table=shown(name), suggestion=suggestion(name, known))
    if name != CUSTOMER:
        raise errors.ParameterInvalid(
            parameter="qualifiedEntityName",
            found=f"the table '{name}'",
            expected=f"{CUSTOMER}, the only table whose search can be configured",
        )
