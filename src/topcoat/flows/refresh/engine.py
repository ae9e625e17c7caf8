"""The engine of a refresh's set work: Ibis expressions on a DuckDB database of the refresh's own, spilling to disk."""

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self, TypeVar

import duckdb
import ibis
from ibis.backends.duckdb import Backend
from ibis.expr import operations as ops
from ibis.expr import types as ir

from topcoat.core import errors
from topcoat.flows.refresh.workspace import Workspace

_DATABASE: Final = "work.duckdb"
_SCRATCH: Final = "scratch"
# That the folder cannot be written is the least that there can be.
_SHORTAGES: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS, errno.ENOTDIR)
_WATCHED_SECONDS: Final = 0.5
_INTERRUPTED_SECONDS: Final = 0.05
_READ_ROWS: Final = 50_000

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Engine:
    """`folder` outlives the refresh; the database in it does not.

    `check` is asked again and again while there is work, and raises where it is to end.
    """

    backend: Backend
    folder: Path
    check: Callable[[], None] = lambda: None
    _tables: dict[str, ir.Table] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def opened(cls, workspace: Workspace, guid: str, check: Callable[[], None]) -> AsyncIterator[Self]:
        """For the one refresh of the instance that runs at a time."""
        with ExitStack() as stack:
            folder = workspace.folder or Path(stack.enter_context(TemporaryDirectory(prefix="topcoat-")))
            folder = folder / guid
            with _within_limits(folder):
                _remove_database(folder)
                (folder / _SCRATCH).mkdir(parents=True, exist_ok=True)
                stack.callback(_remove_database, folder)
                backend = await asyncio.to_thread(_connect, folder, workspace)
            stack.callback(backend.disconnect)
            yield cls(backend, folder, check)

    @property
    def scratch(self) -> Path:
        """For files that hold something for a moment; what a failure leaves there goes with the database."""
        return self.folder / _SCRATCH

    def table(self, name: str) -> ir.Table:
        known = self._tables.get(name)
        return self.backend.table(name) if known is None else known

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        """Compute a table now, under a name of its own; one that has the name is replaced."""
        self._tables[name] = create_table(self.backend, name, expression)
        return self._tables[name]

    def show(self, name: str, expression: ir.Table) -> ir.Table:
        """As `keep`, and computed whenever it is asked."""
        self._tables[name] = create_view(self.backend, name, expression)
        return self._tables[name]

    def count(self, table: ir.Table) -> int:
        return count(self.backend, table)

    def read(self, table: ir.Table) -> Iterator[dict[str, Any]]:
        """The rows one after the other, whatever memory holds of them; nothing else may be asked meanwhile.

        The batches of Ibis ask the backend for what its versions call differently.
        """
        self.backend._run_pre_execute_hooks(table)
        reader = self.backend.con.sql(self.backend.compile(table)).to_arrow_reader(_READ_ROWS)
        for batch in reader:
            yield from batch.to_pylist()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do set work in a thread, so that the event loop goes on; one piece at a time.

        Raise `RefreshTooLarge` where disk or memory are not enough. A refresh that is to end interrupts the work.
        """
        running = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            while not running.done():
                self.check()
                await asyncio.wait([running], timeout=_WATCHED_SECONDS)
            with self.within_limits():
                return running.result()
        finally:
            await self._interrupted(running)

    def within_limits(self) -> AbstractContextManager[None]:
        """For what others write into the folder; raises as `run`."""
        return _within_limits(self.folder)

    async def _interrupted(self, running: asyncio.Future[Result]) -> None:
        """Once may not do: between two questions there is nothing to interrupt."""
        while not running.done():
            self.backend.con.interrupt()
            await asyncio.wait([running], timeout=_INTERRUPTED_SECONDS)
        running.exception()  # of interest to nobody, if there is one that was not raised


@contextmanager
def _within_limits(folder: Path) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, OSError) as error:
        reason = _find_shortage(error)
        if reason is None:
            raise
        raise errors.RefreshTooLarge(folder=folder, reason=reason) from error


def _find_shortage(error: duckdb.Error | OSError) -> str | None:
    """What there is not enough of; the database says it in many ways, as a failed commit among them."""
    if isinstance(error, OSError):
        return error.strerror if error.errno in _SHORTAGES else None
    said = next((os.strerror(number) for number in _SHORTAGES if os.strerror(number) in str(error)), None)
    if said is None and isinstance(error, duckdb.OutOfMemoryException | duckdb.IOException):
        return _first_line(error)
    return said


def create_table(backend: Backend, name: str, expression: ir.Table, *, is_temporary: bool = False) -> ir.Table:
    """Compute a table, in place of one that has the name.

    Ibis takes six statements for that, and asks for the columns that it knows: most of the time where rows are few.
    """
    types = expression.schema().to_sqlglot_column_defs(backend.dialect)
    typed = [
        f"CAST({_quoted(type_.name)} AS {type_.kind.sql(backend.dialect)}) AS {_quoted(type_.name)}" for type_ in types
    ]
    kind = "TEMPORARY TABLE" if is_temporary else "TABLE"
    _create(backend, f"{kind} {_quoted(name)} AS SELECT {', '.join(typed)} FROM", expression)
    return _named(backend, name, expression)


def create_view(backend: Backend, name: str, expression: ir.Table) -> ir.Table:
    """Have an expression computed whenever the name is asked, in place of a view that has it."""
    _create(backend, f"VIEW {_quoted(name)} AS FROM", expression)
    return _named(backend, name, expression)


def count(backend: Backend, table: ir.Table) -> int:
    """Of the rows of a table that has a name."""
    named = table.op()
    path = ".".join(_quoted(part) for part in (named.namespace.catalog, named.namespace.database, named.name) if part)
    [(rows,)] = backend.con.execute(f"SELECT count(*) FROM {path}").fetchall()
    return int(rows)


def _create(backend: Backend, what: str, expression: ir.Table) -> None:
    backend._run_pre_execute_hooks(expression)  # what the expression holds of Python
    backend.con.execute(f"CREATE OR REPLACE {what} ({backend.compile(expression)})")


def _named(backend: Backend, name: str, expression: ir.Table) -> ir.Table:
    here = ops.Namespace(catalog=None, database=None)
    return ops.DatabaseTable(name, schema=expression.schema(), source=backend, namespace=here).to_expr()


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _connect(folder: Path, workspace: Workspace) -> Backend:
    backend = ibis.duckdb.connect(
        folder / _DATABASE,
        memory_limit=workspace.memory_max,
        threads=workspace.threads,
        temp_directory=str(folder / _SCRATCH),
        preserve_insertion_order=False,
        autoinstall_known_extensions=False,  # nothing is fetched while it runs
    )
    backend.raw_sql("SET TimeZone = 'UTC'")
    return backend


def _remove_database(folder: Path) -> None:
    """With its log, which a refresh that was killed left."""
    for file in folder.glob(f"{_DATABASE}*"):
        file.unlink()
    shutil.rmtree(folder / _SCRATCH, ignore_errors=True)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
