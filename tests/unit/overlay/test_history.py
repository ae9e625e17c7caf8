"""Which generation answers for an instant of the past, and why none does (S21, S28)."""

from datetime import datetime, timedelta

import pytest

from tests.make import NOW
from topcoat.core import errors
from topcoat.core.overlay.history import GenerationRecord, GenerationState, generation_at

HOUR = timedelta(hours=1)
KEPT_SINCE = NOW - timedelta(days=7)


def generation(
    number: int, state: GenerationState, activated_at: datetime | None, closed_at: datetime | None = None
) -> GenerationRecord:
    return GenerationRecord(number, state, activated_at, closed_at)


CLOSED = generation(1, GenerationState.CLOSED, NOW - 4 * HOUR, NOW - 2 * HOUR)
ACTIVE = generation(2, GenerationState.ACTIVE, NOW - 2 * HOUR)
REOPENED = generation(1, GenerationState.ACTIVE, NOW - 4 * HOUR)
UNDONE = generation(2, GenerationState.UNDONE, NOW - 2 * HOUR, NOW - HOUR)
FAILED = generation(3, GenerationState.FAILED, None)


@pytest.mark.parametrize(
    ("before", "number"),
    [(4 * HOUR, 1), (2 * HOUR + timedelta(microseconds=1), 1), (2 * HOUR, 2), (timedelta(0), 2)],
)
def test_a_generation_answers_from_its_activation_until_the_next(before: timedelta, number: int) -> None:
    assert generation_at([CLOSED, ACTIVE, FAILED], NOW - before, kept_since=KEPT_SINCE) == number


@pytest.mark.parametrize("state", [GenerationState.UNDONE, GenerationState.DISCARDED])
def test_around_an_undone_refresh_the_one_before_answers(state: GenerationState) -> None:
    undone = generation(2, state, UNDONE.activated_at, UNDONE.closed_at)

    for before in (3 * HOUR, HOUR, timedelta(0)):
        assert generation_at([REOPENED, undone], NOW - before, kept_since=KEPT_SINCE) == 1


@pytest.mark.parametrize(
    ("generations", "before", "reason"),
    [
        ([CLOSED, ACTIVE], timedelta(days=8), "nothing is kept from before"),
        ([CLOSED, ACTIVE], 5 * HOUR, "before the first refresh"),
        ([], HOUR, "before the first refresh"),
        ([REOPENED, UNDONE], 2 * HOUR, "was undone"),
        ([generation(1, GenerationState.PRUNED, NOW - 4 * HOUR, NOW - 2 * HOUR), ACTIVE], 3 * HOUR, "no longer kept"),
    ],
)
def test_where_none_answers_the_reason_is_told(
    generations: list[GenerationRecord], before: timedelta, reason: str
) -> None:
    with pytest.raises(errors.InstantNotKept, match=reason):
        generation_at(generations, NOW - before, kept_since=KEPT_SINCE)
