"""Topcoat in a process of its own, with what a worker has loaded, so that its memory is that of a worker."""

import multiprocessing
import time
from dataclasses import replace
from datetime import timedelta
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Final, Self

import uvloop

from benchmarks import processes
from benchmarks.queries.answers import Answer
from benchmarks.queries.questions import Asking, Question
from benchmarks.queries.scale import GUID
from topcoat import app
from topcoat.clock import Clock
from topcoat.core import errors
from topcoat.flows.query import Query
from topcoat.settings import Settings
from topcoat.store.engine import Store
from topcoat.store.writer import Writer

NOT_ANSWERED: Final = "not answered"


class Worker:
    def __init__(self, url: str) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawning.Pipe()
        self._process = spawning.Process(target=_serve, args=(url, theirs))
        self._process.start()
        theirs.close()
        self._token: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pipe.close()
        self._process.join(processes.STOP_TIMEOUT_SECONDS)
        self._process.kill()

    def prepare(self, question: Question) -> None:
        """Walk to the page asked for, and stay there."""
        self._token = None
        for _ in range(question.page - 1):
            answer = self.ask(question.askings[0])
            if answer.next_token is None:
                break
            self._token = answer.next_token

    def ask(self, asking: Asking) -> Answer:
        if self._token is not None:
            asking = replace(asking, options=replace(asking.options, skiptoken=self._token))
        try:
            self._pipe.send(asking)
            answer: Answer = self._pipe.recv()
        except (EOFError, BrokenPipeError):
            raise processes.ProcessFailed("the worker ended; its last words are above") from None
        return answer

    def peak_memory_mb(self) -> float | None:
        return processes.peak_memory_mb(self._process.pid or 0)


def _serve(url: str, pipe: Connection) -> None:
    """Answer until the other end closes."""
    settings = Settings(database_url=url)
    app.configure_logging(settings)
    app.settle_garbage_collection()
    uvloop.run(_answer_all(settings, pipe))


async def _answer_all(settings: Settings, pipe: Connection) -> None:
    store = Store(settings.effective_database_url, statement_timeout_seconds=settings.statement_timeout_seconds)
    clock = Clock(is_adjustable=True)
    writer = Writer(store, clock, queue_max=settings.writer_queue_max, batch_max=settings.writer_batch_max)
    query = app.build_flows(store, writer, clock, horizon=timedelta(days=7), is_emulator=True).query
    try:
        while True:
            pipe.send(await _answer(query, pipe.recv()))
    except EOFError:
        pass
    finally:
        await writer.close()
        await store.close()


async def _answer(query: Query, asking: Asking) -> Answer:
    address = asking.address
    started = time.perf_counter()
    try:
        if address.key is not None and address.navigation is None:
            record = await query.read_record(GUID, address, asking.options)
            return Answer(time.perf_counter() - started, [record])
        page = await query.read_records(GUID, address, asking.options)
        return Answer(time.perf_counter() - started, page.records, page.count, page.next_token)
    except errors.NotSupported:
        return Answer(time.perf_counter() - started, refusal=NOT_ANSWERED)
    except errors.TopcoatError as error:
        return Answer(time.perf_counter() - started, refusal=f"failed: {error.code}")
