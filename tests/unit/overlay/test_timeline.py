"""A profile's activities, newest first (S12, S13, S15-S17)."""

from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from tests.unit.overlay import strategies
from topcoat.core.overlay import timeline
from topcoat.core.overlay.override import View
from topcoat.core.overlay.timeline import Activity

HOUR = timedelta(hours=1)

hidden_tables = st.sets(st.sampled_from(["PoS_posPurchases", "Website_webReviews"]))


def ids(activities: list[Activity]) -> list[str]:
    return [activity.activity_id for activity in activities]


def is_visible(activity: Activity, view: View, hidden: set[str]) -> bool:
    """S2, S6 and S16, said once more."""
    if activity.source_table in hidden:
        return False
    if activity.sequence is None:
        return True
    assert activity.valid_until is not None
    return activity.sequence <= view.sequence and view.now < activity.valid_until


def test_a_timeline_is_newest_first() -> None:
    """S17."""
    activities = [make.activity(name, at=make.NOW - age * HOUR) for name, age in (("b", 2), ("a", 3), ("c", 1))]

    assert ids(timeline.merge_timeline(activities, make.view())) == ["c", "b", "a"]


def test_activities_of_one_instant_are_ordered_by_id_in_the_same_direction() -> None:
    """S17: the whole order turns round when the oldest come first."""
    activities = [make.activity(name, at=make.NOW) for name in ("b", "a", "c")]

    assert ids(timeline.merge_timeline(activities, make.view())) == ["c", "b", "a"]
    assert ids(sorted(activities, key=timeline.timeline_key)) == ["a", "b", "c"]


def test_snapshot_and_real_time_activities_stand_in_one_order() -> None:
    """S17."""
    activities = [
        make.activity("old", at=make.NOW - 3 * HOUR),
        make.activity("live", at=make.NOW - 2 * HOUR, sequence=1),
        make.activity("new", at=make.NOW - 1 * HOUR),
    ]

    assert ids(timeline.merge_timeline(activities, make.view())) == ["new", "live", "old"]


@pytest.mark.parametrize(
    ("now", "is_shown"),
    [
        (make.NOW + HOUR - timedelta(microseconds=1), True),
        (make.NOW + HOUR, False),
        (make.NOW + 2 * HOUR, False),
    ],
)
def test_a_real_time_activity_shows_until_its_valid_until(now: datetime, is_shown: bool) -> None:
    """S2, S17."""
    activity = make.activity(sequence=1, valid_for=HOUR)

    assert timeline.merge_timeline([activity], make.view(now=now)) == ([activity] if is_shown else [])


def test_an_activity_of_the_snapshot_does_not_lapse() -> None:
    """S17."""
    activity = make.activity()

    assert timeline.merge_timeline([activity], make.view(now=make.NOW + timedelta(days=3650))) == [activity]


@pytest.mark.parametrize(("sequence", "is_seen"), [(4, False), (5, True)])
def test_a_view_sees_the_activities_up_to_its_sequence(sequence: int, is_seen: bool) -> None:
    """S6."""
    activity = make.activity(sequence=5)

    assert timeline.merge_timeline([activity], make.view(sequence=sequence)) == ([activity] if is_seen else [])


@pytest.mark.parametrize("snapshot_comes_first", [True, False])
def test_of_equal_ids_the_snapshots_copy_shows(snapshot_comes_first: bool) -> None:
    """S15."""
    snapshot, real_time = make.activity("a", at=make.NOW - HOUR), make.activity("a", at=make.NOW, sequence=1)
    activities = [snapshot, real_time] if snapshot_comes_first else [real_time, snapshot]

    assert timeline.merge_timeline(activities, make.view()) == [snapshot]


@pytest.mark.parametrize("sequences", [(1, 2), (2, 1)])
def test_of_equal_real_time_ids_of_merged_profiles_the_lowest_sequence_shows(sequences: tuple[int, int]) -> None:
    """S12, S18."""
    twins = [make.activity("a", sequence=sequence, customer_id=f"c{sequence}") for sequence in sequences]

    (shown,) = timeline.merge_timeline(twins, make.view())

    assert shown.sequence == 1


def test_a_lapsed_activity_does_not_hide_a_later_one_with_its_id() -> None:
    """S13: after a lapse the id may be used again."""
    lapsed = make.activity("a", sequence=1, valid_for=-HOUR)
    again = make.activity("a", sequence=2)

    assert timeline.merge_timeline([lapsed, again], make.view()) == [again]


@pytest.mark.parametrize("sequence", [None, 1])
def test_an_activity_of_a_hidden_kind_is_not_shown(sequence: int | None) -> None:
    """S16."""
    activity = make.activity(sequence=sequence, source_table="Website_webReviews")

    assert timeline.merge_timeline([activity], make.view(), ["Website_webReviews"]) == []
    assert timeline.merge_timeline([activity], make.view(), ["PoS_posPurchases"]) == [activity]


def test_an_activity_of_no_source_table_is_of_no_hidden_kind() -> None:
    """S16: those in UnifiedActivity format name none."""
    activity = make.activity(source_table=None)

    assert timeline.merge_timeline([activity], make.view(), ["Website_webReviews"]) == [activity]


def test_a_profile_without_activities_has_an_empty_timeline() -> None:
    assert timeline.merge_timeline([], make.view()) == []


@given(strategies.activity_lists(), strategies.views(), hidden_tables)
def test_a_timeline_is_sorted_and_has_no_id_twice(activities: list[Activity], view: View, hidden: set[str]) -> None:
    """S12, S17."""
    merged = timeline.merge_timeline(activities, view, hidden)

    keys = [(activity.activity_time, activity.activity_id) for activity in merged]
    assert keys == sorted(keys, reverse=True)
    assert len(set(ids(merged))) == len(merged)


@given(strategies.activity_lists(), strategies.views(), hidden_tables)
def test_a_timeline_holds_every_visible_activity_of_the_snapshot(
    activities: list[Activity], view: View, hidden: set[str]
) -> None:
    """S15, S17."""
    merged = timeline.merge_timeline(activities, view, hidden)

    expected = [a for a in activities if a.sequence is None and a.source_table not in hidden]
    assert all(activity in merged for activity in expected)


@given(strategies.activity_lists(), strategies.views(), hidden_tables)
def test_a_timeline_holds_only_live_real_time_activities(
    activities: list[Activity], view: View, hidden: set[str]
) -> None:
    """S2, S16, S17."""
    merged = timeline.merge_timeline(activities, view, hidden)

    assert all(activity in activities for activity in merged)
    assert all(is_visible(activity, view, hidden) for activity in merged)


@given(strategies.activity_lists(), strategies.views(), hidden_tables)
def test_each_visible_id_is_shown_by_the_snapshots_copy_else_by_the_lowest_sequence(
    activities: list[Activity], view: View, hidden: set[str]
) -> None:
    """S12, S15."""
    visible = [activity for activity in activities if is_visible(activity, view, hidden)]

    merged = timeline.merge_timeline(activities, view, hidden)

    assert set(ids(merged)) == {activity.activity_id for activity in visible}
    for shown in merged:
        twins = [activity.sequence for activity in visible if activity.activity_id == shown.activity_id]
        assert shown.sequence == (None if None in twins else min(twin for twin in twins if twin is not None))


@given(strategies.activity_lists(), strategies.views(), st.randoms(use_true_random=False))
def test_the_list_order_of_activities_does_not_matter(activities: list[Activity], view: View, random: Random) -> None:
    shuffled = list(activities)
    random.shuffle(shuffled)

    assert timeline.merge_timeline(shuffled, view) == timeline.merge_timeline(activities, view)


@given(strategies.activity_lists(), strategies.views(), hidden_tables)
def test_merging_a_timeline_again_changes_nothing(activities: list[Activity], view: View, hidden: set[str]) -> None:
    merged = timeline.merge_timeline(activities, view, hidden)

    assert timeline.merge_timeline(merged, view, hidden) == merged


@given(strategies.activity_lists(), strategies.views(), st.timedeltas(timedelta(0), timedelta(days=3650)))
def test_from_the_last_valid_until_on_only_the_snapshot_is_left(
    activities: list[Activity], view: View, later: timedelta
) -> None:
    """S2, S17."""
    last = max((a.valid_until for a in activities if a.valid_until is not None), default=view.now)

    merged = timeline.merge_timeline(activities, make.view(now=last + later))

    assert merged == timeline.merge_timeline([a for a in activities if a.sequence is None], view)
