"""Hearing of what becomes visible, whoever committed it.

On PostgreSQL by LISTEN, on a connection that is made anew when it breaks. On SQLite the process is told of its own
writes after the commit; that others committed is seen by `data_version`, and of what a look at a few rows tells.
"""

import asyncio
import sqlite3
from contextlib import suppress
from typing import Any, Final

import asyncpg
import structlog

from topcoat.core import errors
from topcoat.store.changes import CHANNEL, Change, Hearer, read_payload
from topcoat.store.engine import Store
from topcoat.store.point import POSTGRESQL_ERRORS, PointStatement

LOOK_SECONDS: Final = 0.25
RECONNECT_SECONDS: Final = 1.0
BEGIN_SECONDS: Final = 2.0
CONNECT_TIMEOUT_SECONDS: Final = 10
EVERYTHING: Final = Change()

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Listening:
    """Goes on while anybody hears; what may have been missed is told as everything."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hearers: set[Hearer] = set()
        self._task: asyncio.Task[None] | None = None
        self._is_on = asyncio.Event()

    async def begin(self, hearer: Hearer) -> None:
        """From the return on nothing is missed; where the database is out of reach, everything is told later."""
        self._hearers.add(hearer)
        self._store.hearers.add(hearer)
        if self._task is None:
            run = self._listen if self._store.is_postgresql else self._look
            self._task = asyncio.get_running_loop().create_task(run())
        with suppress(TimeoutError):
            async with asyncio.timeout(BEGIN_SECONDS):
                await self._is_on.wait()

    def end(self, hearer: Hearer) -> None:
        self._hearers.discard(hearer)
        self._store.hearers.remove(hearer)
        if not self._hearers and self._task is not None:
            self._task.cancel()
            self._task = None
            self._is_on.clear()

    async def close(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except POSTGRESQL_ERRORS as error:
                log.warning("listening_broke", reason=type(error).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen_once(self) -> None:
        """Until the connection breaks."""
        broken = asyncio.Event()
        url = self._store.url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_SECONDS)
        try:
            connection.add_termination_listener(lambda _: broken.set())
            await connection.add_listener(CHANNEL, self._notified)
            self._store.hearers.tell(EVERYTHING)
            self._is_on.set()
            await broken.wait()
        finally:
            if not connection.is_closed():
                connection.terminate()

    def _notified(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        self._store.hearers.tell(read_payload(str(payload)))

    async def _look(self) -> None:
        looker = _Looker(self._store)
        self._store.hearers.add(looker.note)
        try:
            await looker.look()
            self._is_on.set()
            await looker.run()
        finally:
            self._store.hearers.remove(looker.note)
            looker.close()


class _Looker:
    """Compares where instances and the clock stand with where they stood."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: sqlite3.Connection | None = None
        self._version: int | None = None
        self._marks: dict[int | None, tuple[Any, ...]] = {}
        self._told: dict[int | None, int] = {}

    def note(self, change: Change) -> None:
        """What the process was told of by itself."""
        if change.sequence is not None:
            self._told[change.instance_id] = change.sequence

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """A database that cannot be asked is asked again."""
        with suppress(sqlite3.Error, errors.StoreUnreachable):
            if self._has_moved():
                await self._compare()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _has_moved(self) -> bool:
        if self._connection is None:
            self._connection = sqlite3.connect(str(self._store.url.database), isolation_level=None)
        before, self._version = self._version, self._connection.execute("PRAGMA data_version").fetchone()[0]
        return before != self._version

    async def _compare(self) -> None:
        rows = await self._store.point.fetch_point(_STANDS, {})
        marks = {row[0]: tuple(row[1:]) for row in rows}
        before, self._marks = self._marks, marks
        for instance_id, mark in marks.items():
            if before and before.get(instance_id) != mark and not self._is_told(instance_id, before, mark):
                self._store.hearers.tell(Change(instance_id))

    def _is_told(
        self, instance_id: int | None, before: dict[int | None, tuple[Any, ...]], mark: tuple[Any, ...]
    ) -> bool:
        """Whether nothing moved but the last write, which the process told of itself."""
        same_generation = before.get(instance_id, (None,))[0] == mark[0]
        return instance_id is not None and same_generation and mark[1] == self._told.get(instance_id)


_STANDS: Final = PointStatement("""
SELECT i.instance_id, i.active_generation, n.last_sequence
FROM instance i JOIN instance_counter n ON n.instance_id = i.instance_id
UNION ALL SELECT NULL, shift, frozen_at FROM service_clock
""")
