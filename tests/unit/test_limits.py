"""Budgets of calls."""

from datetime import UTC, datetime, timedelta

import pytest

from topcoat.core import errors, limits
from topcoat.core.limits import LIMITS, Ledger, LimitName, Running, Slot

NOW = datetime(2026, 11, 25, 10, 0, 2, tzinfo=UTC)
CONNECTOR = LIMITS[LimitName.CONNECTOR]
DATAVERSE = LIMITS[LimitName.DATAVERSE]
SECOND = timedelta(seconds=1)


def begun(ledger: Ledger, limit: limits.Limit = CONNECTOR, now: datetime = NOW, calls: int = 1) -> Ledger:
    for _ in range(calls):
        ledger = limits.begin_call(ledger, limit, worker="w", now=now)
    return ledger


def ended(ledger: Ledger, duration: timedelta, now: datetime = NOW, worker: str = "w") -> Ledger:
    return limits.end_call(ledger, DATAVERSE, worker=worker, now=now, duration=duration)


def left(ledger: Ledger, limit: limits.Limit, now: datetime = NOW) -> list[tuple[int, int | None]]:
    return [(s.left, s.seconds_until_more) for s in limits.list_standings(ledger, limit, now)]


def test_the_hundred_and_first_call_in_sixty_seconds_is_refused_until_the_first_is_sixty_seconds_old() -> None:
    ledger = begun(begun(Ledger()), now=NOW + 20 * SECOND, calls=99)

    with pytest.raises(errors.TooManyCalls) as refused:
        begun(ledger, now=NOW + timedelta(seconds=59.5))

    assert refused.value.retry_after_seconds == 1
    ledger = begun(ledger, now=NOW + 60 * SECOND)
    with pytest.raises(errors.TooManyCalls) as refused:
        begun(ledger, now=NOW + 60 * SECOND)
    assert refused.value.retry_after_seconds == 20
    assert left(ledger, CONNECTOR, NOW + 60 * SECOND) == [(0, 20)]


def test_what_is_left_grows_as_calls_leave_the_window() -> None:
    ledger = begun(begun(Ledger(), calls=3), now=NOW + 10 * SECOND, calls=2)

    assert left(Ledger(), CONNECTOR) == [(100, 0)]
    assert left(ledger, CONNECTOR, NOW + 10 * SECOND) == [(95, 50)]
    assert left(ledger, CONNECTOR, NOW + 61 * SECOND) == [(98, 9)]


def test_a_slot_counts_until_all_of_it_has_left_the_window() -> None:
    ledger = begun(Ledger(), DATAVERSE)

    assert ledger.slots == (Slot(NOW - 2 * SECOND, calls=1),)
    assert left(ledger, DATAVERSE, NOW + 302 * SECOND)[0] == (5999, 1)
    assert left(ledger, DATAVERSE, NOW + 303 * SECOND)[0] == (6000, 0)


def test_a_clock_that_is_behind_counts_into_the_last_slot() -> None:
    ledger = begun(begun(Ledger()), now=NOW - SECOND)

    assert ledger.slots == (Slot(NOW, calls=2),)


def test_six_thousand_requests_in_five_minutes_are_the_most() -> None:
    ledger = Ledger((Slot(NOW - 2 * SECOND, calls=5_999),))

    with pytest.raises(errors.TooManyCalls) as refused:
        begun(ledger, DATAVERSE, calls=2)

    assert refused.value.message == "Number of requests exceeded the limit of 6000 over time window of 300 seconds."
    assert refused.value.retry_after_seconds == 303


def test_execution_time_beyond_twenty_minutes_refuses_until_enough_of_it_has_left_the_window() -> None:
    ledger = ended(begun(Ledger(), DATAVERSE), timedelta(minutes=1))
    later = NOW + 100 * SECOND
    ledger = ended(begun(ledger, DATAVERSE, later), timedelta(minutes=20), later)

    with pytest.raises(errors.TooMuchExecutionTime) as refused:
        begun(ledger, DATAVERSE, later)

    assert refused.value.retry_after_seconds == 303
    assert left(ledger, DATAVERSE, later)[1] == (0, 303)


def test_fifty_two_calls_at_once_are_the_most_over_all_workers() -> None:
    ledger = Ledger(running={"other": Running(50, NOW + SECOND)})
    ledger = begun(ledger, DATAVERSE, calls=2)

    with pytest.raises(errors.TooManyConcurrentCalls) as refused:
        begun(ledger, DATAVERSE)

    assert refused.value.retry_after_seconds == 1
    assert left(ledger, DATAVERSE)[2] == (0, None)
    assert left(ended(ledger, SECOND), DATAVERSE)[2] == (1, None)


def test_the_calls_of_a_dead_worker_are_forgotten_and_their_end_changes_nothing() -> None:
    ledger = begun(Ledger(), DATAVERSE)
    later = NOW + DATAVERSE.window

    assert left(ledger, DATAVERSE, later)[2] == (52, None)
    assert ended(ledger, SECOND, later).running == {}


def test_only_dataverse_wants_to_know_the_end_of_a_call() -> None:
    assert (limits.settles(CONNECTOR), limits.settles(DATAVERSE)) == (False, True)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, set()),
        ("", set()),
        ("connector", {LimitName.CONNECTOR}),
        ("dataverse, connector", {LimitName.CONNECTOR, LimitName.DATAVERSE}),
    ],
)
def test_limits_are_chosen_by_name(text: str | None, names: set[LimitName]) -> None:
    assert limits.parse_limits(text) == names


def test_a_limit_that_there_is_not_is_refused() -> None:
    with pytest.raises(errors.ParameterInvalid, match="expected connector or dataverse"):
        limits.parse_limits("connector,burst")
