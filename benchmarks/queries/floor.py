"""The floor: the snapshot alone, as if nothing had been written since the last refresh."""

from dataclasses import replace

from benchmarks.queries.plain_sql import PAGE, PlainSql
from benchmarks.queries.questions import Question, Source
from benchmarks.queries.scale import GENERATION


class SnapshotAlone(PlainSql):
    def __init__(self, url: str, instance_id: int) -> None:
        rows = f"instance_id = {instance_id} AND generation_from <= {GENERATION} AND generation_to > {GENERATION}"
        sources = {
            Source.PROFILES: f"(SELECT * FROM snapshot_profile WHERE {rows}) AS profile",
            Source.ACTIVITIES: f"(SELECT * FROM snapshot_activity WHERE {rows}) AS activity",
        }
        self._instance_id = instance_id
        super().__init__(url, sources, {})

    def prepare(self, question: Question) -> None:
        """A look-up must not sort: the generic plan takes each customer for one with few activities."""
        self._run(self._connection.execute(f"SET enable_sort = {'off' if question.is_look_up else 'on'}"))
        super().prepare(self._at_floor(question))

    def count_rows(self, question: Question) -> int:
        return super().count_rows(self._at_floor(question))

    def _at_floor(self, question: Question) -> Question:
        if question.at_floor is None:
            return question
        return replace(question, condition=question.at_floor.format(instance=self._instance_id))

    def _statement_of(self, question: Question) -> str:
        """A later page begins behind the key of the last row before it."""
        self._key = ()
        if question.page == 1:
            return self._select(question, "document::text")
        keys = ", ".join(key.removesuffix(" NULLS FIRST") for key in question.order)
        before = self._select(question, keys, skipped=(question.page - 1) * PAGE - 1)
        self._key = tuple(self._run(self._connection.fetchrow(before)))
        marks = ", ".join(f"${number}" for number in range(1, len(self._key) + 1))
        return self._select(question, "document::text", condition=f"({keys}) > ({marks})")
