"""The engine of a refresh's set work: Ibis expressions on a DuckDB database of the refresh's own, spilling to disk."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Self, TypeVar

import duckdb
import ibis
from ibis.backends.duckdb import Backend
from ibis.expr import types as ir

from topcoat.core import errors
from topcoat.flows.refresh.workspace import Workspace

_DATABASE: Final = "work.duckdb"
_SPILLED: Final = "spilled"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Engine:
    """`folder` outlives the refresh; the database in it does not."""

    backend: Backend
    folder: Path

    @classmethod
    @asynccontextmanager
    async def opened(cls, workspace: Workspace, guid: str) -> AsyncIterator[Self]:
        """For the one refresh of the instance that runs at a time."""
        with ExitStack() as stack:
            folder = workspace.folder or Path(stack.enter_context(TemporaryDirectory(prefix="topcoat-")))
            folder = folder / guid
            _remove_database(folder)
            folder.mkdir(parents=True, exist_ok=True)
            stack.callback(_remove_database, folder)
            backend = await asyncio.to_thread(_connect, folder, workspace)
            stack.callback(backend.disconnect)
            yield cls(backend, folder)

    def table(self, name: str) -> ir.Table:
        return self.backend.table(name)

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        """Compute a table now, under a name of its own; one that has the name is replaced."""
        return self.backend.create_table(name, expression, overwrite=True)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do set work in a thread, so that the event loop goes on; one piece at a time.

        Raise `RefreshTooLarge` where disk or memory are not enough. A refresh that is cancelled interrupts the work.
        """
        running = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self.backend.con.interrupt()
            await asyncio.wait([running])
            raise
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            raise errors.RefreshTooLarge(folder=self.folder, reason=_first_line(error)) from error


def _connect(folder: Path, workspace: Workspace) -> Backend:
    backend = ibis.duckdb.connect(
        folder / _DATABASE,
        memory_limit=workspace.memory_max,
        threads=workspace.threads,
        temp_directory=str(folder / _SPILLED),
        preserve_insertion_order=False,
        autoinstall_known_extensions=False,  # nothing is fetched while it runs
    )
    backend.raw_sql("SET TimeZone = 'UTC'")
    return backend


def _remove_database(folder: Path) -> None:
    """With its log, which a refresh that was killed left."""
    for file in folder.glob(f"{_DATABASE}*"):
        file.unlink()
    shutil.rmtree(folder / _SPILLED, ignore_errors=True)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
