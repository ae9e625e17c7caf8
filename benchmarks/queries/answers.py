"""What every subject gives back, and who can be asked."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from benchmarks.queries.questions import Asking, Question


@dataclass(frozen=True, slots=True)
class Answer:
    """`refusal` says in a word why there is none."""

    seconds: float
    records: list[dict[str, Any]] = field(default_factory=list)
    count: int | None = None
    next_token: str | None = None
    refusal: str | None = None

    def agrees_with(self, other: "Answer") -> bool:
        """Columns without a value may be left out."""
        return self.count == other.count and self._values() == other._values()

    def _values(self) -> list[dict[str, Any]]:
        return [{name: value for name, value in record.items() if value is not None} for record in self.records]


class Subject(Protocol):
    def prepare(self, question: Question) -> None:
        """Do what is done once for all the times that a question is asked."""

    def ask(self, asking: Asking) -> Answer: ...
