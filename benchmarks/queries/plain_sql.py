"""A question as one prepared statement on one connection, the rows decoded: no more than the driver must do."""

import asyncio
import time
from types import TracebackType
from typing import Any, Final, Self

import asyncpg
import orjson
import uvloop

from benchmarks.queries.answers import Answer
from benchmarks.queries.questions import Asking, Question, Source
from topcoat.flows.query import plan

PAGE: Final = plan.PAGE_DEFAULT


class PlainSql:
    """`sources` are table expressions with the columns `customer_id`, `document` and those of the order."""

    def __init__(self, url: str, sources: dict[Source, str], settings: dict[str, str]) -> None:
        self._sources = sources
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        # Topcoat's connections have no jit either; it makes the slow statements slower.
        self._connection = self._run(asyncpg.connect(url, server_settings={"jit": "off", **settings}))
        self._is_count = False
        self._statement: Any = None
        self._key: tuple[object, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.terminate()
        self._runner.close()

    def prepare(self, question: Question) -> None:
        self._is_count = not question.order
        self._statement = self._run(self._connection.prepare(self._statement_of(question)))

    def ask(self, asking: Asking) -> Answer:
        return self._runner.run(self._ask(*asking.arguments, *self._key))

    def count_rows(self, question: Question) -> int:
        """How many rows meet the condition the first time, whatever the page shows of them."""
        statement = f"SELECT count(*) FROM {self._sources[question.source]} WHERE {question.condition}"
        count: int = self._run(self._connection.fetchval(statement, *question.askings[0].arguments))
        return count

    def _statement_of(self, question: Question) -> str:
        return self._select(question, "document::text", skipped=(question.page - 1) * PAGE)

    def _select(self, question: Question, columns: str, *, condition: str = "true", skipped: int = 0) -> str:
        found = f"FROM {self._sources[question.source]} WHERE {question.condition} AND {condition}"
        if not question.order:
            return f"SELECT count(*) {found}"
        skipping = f" OFFSET {skipped}" if skipped else ""
        return f"SELECT {columns} {found} ORDER BY {', '.join(question.order)} LIMIT {PAGE}{skipping}"

    async def _ask(self, *arguments: object) -> Answer:
        started = time.perf_counter()
        try:
            rows = await self._statement.fetch(*arguments)
        except asyncpg.QueryCanceledError:
            return Answer(time.perf_counter() - started, refusal="timed out")
        if self._is_count:
            return Answer(time.perf_counter() - started, count=rows[0][0])
        records = [orjson.loads(row[0]) for row in rows]
        return Answer(time.perf_counter() - started, records)

    def _run(self, awaitable: Any) -> Any:
        async def awaited() -> Any:
            return await awaitable

        return self._runner.run(awaited())
