"""What the stages of one refresh share: where they read, how far they are, and the generation in the making."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.core.catalog import Catalog
from topcoat.core.insights import plan as plans
from topcoat.core.insights.evaluated import Evaluated
from topcoat.flows.refresh.environment import Environment
from topcoat.flows.refresh.indexing import Indexing
from topcoat.flows.refresh.progress import Progress
from topcoat.flows.refresh.report import RunReport
from topcoat.flows.refresh.steps import Steps
from topcoat.flows.refresh.workspace import Workspace
from topcoat.store import generations, instances, search_index, staging
from topcoat.store.engine import ReadConnection, Session
from topcoat.store.instances import Stand
from topcoat.store.staging import SnapshotTable

WRITTEN_ROWS_MAX: Final = 10_000
WRITTEN_ROWS_MAX_ON_SQLITE: Final = 1_000  # SQLite has one writer at a time, and real-time writes wait for it


@dataclass(slots=True)
class Publication:
    """`files` are those that staged rows name by their place; `report.generation` is 0 until it has begun.

    `catalog` is without what definitions bring; `read_from` is None where nothing is read from files. `steps` are there
    where the environment has raw tables.
    """

    clock: Clock
    guid: str
    catalog: Catalog
    read_from: Environment | None
    progress: Progress
    session: Session
    stand: Stand
    locks: AsyncExitStack
    workspace: Workspace
    files: list[Path] = field(default_factory=list)
    report: RunReport = field(default_factory=RunReport)
    indexing: Indexing | None = None
    evaluated: Sequence[Evaluated] = ()
    steps: Steps | None = None

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        clock: Clock,
        read_from: Environment | str,
        progress: Progress,
        session: Session,
        *,
        instance_id: int,
        workspace: Workspace,
    ) -> AsyncIterator[Self]:
        """From an environment's files, or from what is active in an instance alone.

        What an earlier refresh left is taken away first, and at the end what this one leaves if it fails. Raise
        `InstanceNotFound` where the instance was removed or reset before its refresh was owned.
        """
        environment, guid = (None, read_from) if isinstance(read_from, str) else (read_from, read_from.instance_id)
        async with session.scratch() as connection:
            stand = await instances.find_stand(connection, guid)
            if stand is None or stand.instance_id != instance_id:
                raise errors.InstanceNotFound(instance=guid)
            catalog = await _catalog(connection, stand, environment)
        await _discard_unfinished(session, stand)
        await staging.create_staging(session)
        try:
            async with AsyncExitStack() as locks:
                yield cls(clock, guid, catalog, environment, progress, session, stand, locks, workspace)
        except Exception:
            with suppress(errors.Unavailable):  # then the next refresh takes it away
                await _discard_unfinished(session, stand)
            raise

    @property
    def environment(self) -> Environment:
        """For the stages that read files."""
        assert self.read_from is not None
        return self.read_from

    @property
    def instance_id(self) -> int:
        return self.stand.instance_id

    @property
    def active(self) -> int:
        """The generation that is active meanwhile; 0 before the first."""
        return self.stand.generation or 0

    async def begin(self) -> int:
        """The number of the generation in the making; rows may be written under it, and nobody reads them yet."""
        if not self.report.generation:
            await self.locks.enter_async_context(search_index.owned(self.session, self.instance_id))
            self.report.generation = await generations.begin_generation(
                self.session, self.instance_id, self.catalog, self.clock.now(self.stand.service_time)
            )
        return self.report.generation

    async def write(self, *tables: SnapshotTable) -> None:
        """What is staged for the tables and differs from the active generation, in bounded transactions."""
        generation = await self.begin()
        differences = [await staging.compare(self.session, table, self.instance_id) for table in tables]
        self.progress.start("Publishing", sum(d.closing + d.opening for d in differences), "rows")
        for difference in differences:
            await self._write_difference(difference, generation)
            self.report.closed[difference.table.name] = difference.closing
            self.report.opened[difference.table.name] = difference.opening

    async def _write_difference(self, difference: staging.Difference, generation: int) -> None:
        for write, rows in ((staging.close_rows, difference.closing), (staging.open_rows, difference.opening)):
            for first, last in self.spans(rows):
                await write(
                    self.session,
                    difference,
                    instance_id=self.instance_id,
                    generation=generation,
                    first=first,
                    last=last,
                )
                self.progress.advance(last - first + 1)

    def spans(self, rows: int, most: int = WRITTEN_ROWS_MAX) -> Iterator[tuple[int, int]]:
        """The first and the last of the rows of each transaction, counted from one; `most` is for PostgreSQL."""
        size = most if self.session.is_postgresql else WRITTEN_ROWS_MAX_ON_SQLITE
        for first in range(1, rows + 1, size):
            yield first, min(first + size - 1, rows)


async def _discard_unfinished(session: Session, stand: Stand) -> None:
    async with search_index.owned(session, stand.instance_id):
        await generations.discard_unfinished(session, stand.instance_id, stand.generation or 0)


async def _catalog(connection: ReadConnection, stand: Stand, environment: Environment | None) -> Catalog:
    """Raise `NotRefreshed` where there are neither files nor anything active."""
    active = (
        None
        if stand.generation is None
        else await instances.find_catalog(connection, stand.instance_id, stand.generation)
    )
    if environment is not None:
        return environment.catalog if active is None else environment.catalog.following(active)
    if active is None:
        raise errors.NotRefreshed
    return plans.without_defined(active)
