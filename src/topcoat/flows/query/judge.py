"""The core's word on every candidate: SQL may have let through too much (S27)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from topcoat.core.catalog import Column, Document, Table
from topcoat.core.odata import evaluate, matching
from topcoat.core.odata.evaluate import Subject
from topcoat.core.odata.matching import Matcher
from topcoat.core.odata.syntax import Expression, Search

_IN_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Judge:
    """Whether a merged record belongs to the answer."""

    now: datetime
    holds: Callable[[Subject], bool | None] | None = None
    matches: Matcher | None = None
    searched: tuple[Column, ...] = ()

    @property
    def is_lenient(self) -> bool:
        """Whether every record belongs."""
        return self.holds is None and self.matches is None

    def accepts(self, record: Document, segments: frozenset[str] = _IN_NONE) -> bool:
        if self.holds is not None and self.holds(Subject(record, self.now, segments)) is not True:
            return False
        return self.matches is None or self.matches(matching.search_tokens(record, self.searched))


def make_judge(
    table: Table,
    tree: Expression | None,
    now: datetime,
    search: Search | None = None,
    searched: tuple[Column, ...] = (),
) -> Judge:
    return Judge(
        now=now,
        holds=None if tree is None else evaluate.compile_filter(tree, table),
        matches=None if search is None else matching.compile_search(search),
        searched=searched,
    )
