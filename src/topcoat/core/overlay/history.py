"""Which generation was active at an instant of the past (S28)."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from topcoat.core import errors
from topcoat.core.catalog import format_instant


class GenerationState(enum.Enum):
    """As the store writes them; `undone` and `discarded` were active once, `building` and `failed` never."""

    BUILDING = "building"
    FAILED = "failed"
    ACTIVE = "active"
    CLOSED = "closed"
    PRUNED = "pruned"
    UNDONE = "undone"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class GenerationRecord:
    """A generation was active in `[activated_at, closed_at)`; an undo makes the one before active again."""

    number: int
    state: GenerationState
    activated_at: datetime | None
    closed_at: datetime | None

    def was_active(self, instant: datetime) -> bool:
        has_begun = self.activated_at is not None and self.activated_at <= instant
        return has_begun and (self.closed_at is None or instant < self.closed_at)


_VOID = (GenerationState.UNDONE, GenerationState.DISCARDED)
_READABLE = (GenerationState.ACTIVE, GenerationState.CLOSED)


def generation_at(generations: Iterable[GenerationRecord], instant: datetime, *, kept_since: datetime) -> int:
    """Raise `InstantNotKept`, with the reason, where there is nothing that could answer."""
    if instant < kept_since:
        raise _not_kept(instant, f"nothing is kept from before {format_instant(kept_since)}")
    active = [generation for generation in generations if generation.was_active(instant)]
    if any(generation.state in _VOID for generation in active):
        raise _not_kept(instant, "the refresh that was active then was undone")
    numbers = [generation.number for generation in active if generation.state in _READABLE]
    if numbers:
        return max(numbers)
    if active:
        raise _not_kept(instant, "the refresh that was active then is no longer kept")
    raise _not_kept(instant, "it is before the first refresh")


def _not_kept(instant: datetime, reason: str) -> errors.InstantNotKept:
    return errors.InstantNotKept(as_of=format_instant(instant), reason=reason)
