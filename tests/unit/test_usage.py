"""What calls amount to."""

from topcoat.core import usage
from topcoat.core.usage import BOUNDS_SECONDS, CALLERS_MAX, KINDS_MAX, OTHER, Counted, Kind, Tally

INSTANCE = "one"


def kind(number: int = 0, caller: str = "till") -> Kind:
    return Kind(INSTANCE, "Create-an-entity", f"T{number}", caller, 201, "")


def tally(calls: int = 1, seconds: float = 0.002) -> Tally:
    made = Tally()
    for _ in range(calls):
        made.add(10, 20, seconds)
    return made


def test_a_call_counts_within_the_first_bound_that_is_not_below_its_duration() -> None:
    made = Tally()

    for seconds in (BOUNDS_SECONDS[0], BOUNDS_SECONDS[0] + 1e-9, BOUNDS_SECONDS[-1] + 1):
        made.add(0, 0, seconds)

    assert made.within == [1, 1, *[0] * (len(BOUNDS_SECONDS) - 2), 1]


def test_kinds_beyond_the_limit_are_told_apart_by_operation_and_end_only() -> None:
    tallies: usage.Tallies = {}

    for number in range(KINDS_MAX + 50):
        usage.tally_of(tallies, kind(number)).add(0, 0, 0)

    assert len(tallies) == KINDS_MAX + 1
    assert tallies[Kind("", "Create-an-entity", "", "", 201, "")].calls == 50


def test_callers_beyond_the_limit_become_one_and_those_known_before_come_first() -> None:
    tallies = {kind(caller=f"till {number}"): tally() for number in range(CALLERS_MAX + 20)}

    capped = usage.cap_callers(tallies, {INSTANCE: ["yesterday's", f"till {CALLERS_MAX + 10}"]})

    callers = {one.caller: made.calls for one, made in capped.items()}
    assert len(callers) == CALLERS_MAX
    assert callers[OTHER] == 20 + 1
    assert callers[f"till {CALLERS_MAX + 10}"] == 1


def test_the_services_counters_add_up_all_instances_and_leave_zeros_out() -> None:
    here = kind()

    counts = usage.counts_of({here: tally(2), here._replace(instance="two", caller="other"): tally()})

    own = ("Create-an-entity",)
    assert counts == {
        Counted(usage.CALLS, (*own, "201", "")): 3,
        Counted(usage.RECEIVED_BYTES, own): 30,
        Counted(usage.SENT_BYTES, own): 60,
        Counted(usage.MICROSECONDS, own): 6000,
        Counted(usage.CALLS_WITHIN, (*own, "1")): 3,
    }
