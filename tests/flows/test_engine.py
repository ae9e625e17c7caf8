"""The engine's work ends where the refresh is to end (S20), whatever the database is at."""

import asyncio
import errno
import os
import resource
import threading
from pathlib import Path

import ibis
import pytest

from topcoat.core import errors
from topcoat.flows.refresh.engine import Engine
from topcoat.flows.refresh.workspace import Workspace

GUID = "c0ffee00-0000-4000-8000-000000000001"
LONG = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range + b.range = 7"


async def test_long_work_ends_when_the_job_is_stopped_meanwhile(tmp_path: Path) -> None:
    stopping = threading.Event()

    def check() -> None:
        if stopping.is_set():
            raise errors.JobStopped

    async with Engine.opened(Workspace(tmp_path), GUID, check) as engine:

        def work() -> None:
            stopping.set()
            engine.backend.raw_sql(LONG)

        with pytest.raises(errors.JobStopped):
            await engine.run(work)

    assert not list((tmp_path / GUID).iterdir())


async def test_work_that_is_cancelled_between_two_questions_ends_with_the_next(tmp_path: Path) -> None:
    """An interruption that meets no question is forgotten by the database."""
    begun, asked = threading.Event(), threading.Event()

    async with Engine.opened(Workspace(tmp_path), GUID, lambda: None) as engine:

        def work() -> None:
            begun.set()
            asked.wait()
            engine.backend.raw_sql(LONG)

        running = asyncio.create_task(engine.run(work))
        await asyncio.to_thread(begun.wait)
        running.cancel()
        await asyncio.sleep(0)  # the first interruption
        asked.set()

        with pytest.raises(asyncio.CancelledError):
            await running


async def test_a_disk_that_is_full_is_told_as_such_whatever_the_database_makes_of_it(tmp_path: Path) -> None:
    """A file that may not grow stands for it: what fails is that a transaction is committed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with Engine.opened(Workspace(tmp_path), GUID, lambda: None) as engine:
        rows = ibis.range(3_000).unnest().as_table()

        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
        try:
            with pytest.raises(errors.RefreshTooLarge, match=r"disk to work in \S+: File too large\.$"):
                await engine.run(lambda: engine.keep("many", rows))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_files_that_others_write_there_are_within_the_same_limits(tmp_path: Path) -> None:
    async with Engine.opened(Workspace(tmp_path), GUID, lambda: None) as engine:
        with pytest.raises(errors.RefreshTooLarge, match="No space left on device"), engine.within_limits():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with pytest.raises(FileNotFoundError), engine.within_limits():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    taken = tmp_path / "refresh"
    taken.touch()

    with pytest.raises(errors.RefreshTooLarge, match="Not a directory"):
        async with Engine.opened(Workspace(taken), GUID, lambda: None):
            pass
