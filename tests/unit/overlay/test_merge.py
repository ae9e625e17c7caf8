"""The merged record (S7, S8)."""

from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from tests.unit.overlay import strategies
from tests.unit.overlay.strategies import Overlay
from topcoat.core import catalog
from topcoat.core.catalog import Document
from topcoat.core.overlay import merge, override
from topcoat.core.overlay.override import Override, View

TABLE = make.table()


def merged_at(snapshot: Document, overlay: Overlay, view: View) -> Document:
    live = override.live_overrides(overlay.overrides, overlay.releases, view)
    return merge.merge_record(TABLE, snapshot, live)


def at(view: View, now: datetime) -> View:
    return make.view(generation=view.generation, sequence=view.sequence, now=now)


def test_a_change_hides_the_snapshot_in_the_columns_that_it_names_and_no_others() -> None:
    """S8."""
    snapshot = make.profile(City="Seattle", FullName="Abbie Moss")

    merged = merge.merge_record(TABLE, snapshot, [make.override(columns={"City": "Paris"})])

    assert merged == catalog.complete_record(TABLE, snapshot) | {"City": "Paris"}


def test_of_two_live_changes_of_a_column_the_highest_sequence_shows() -> None:
    """S7."""
    older = make.override(sequence=1, columns={"City": "Paris"})
    newer = make.override(sequence=2, columns={"City": "Rome"})

    assert merge.merge_record(TABLE, make.profile(), [newer, older])["City"] == "Rome"


def test_the_sequence_decides_and_not_the_instant_of_recording() -> None:
    """S6, S7."""
    lower = make.override(sequence=1, columns={"City": "Paris"}, recorded_at=make.NOW + timedelta(hours=1))
    higher = make.override(sequence=2, columns={"City": "Rome"}, recorded_at=make.NOW)

    assert merge.merge_record(TABLE, make.profile(), [lower, higher])["City"] == "Rome"


def test_changes_of_different_columns_show_together() -> None:
    """S7."""
    changes = [
        make.override(sequence=2, columns={"City": "Paris"}),
        make.override(sequence=1, columns={"FullName": "A. Moss"}),
    ]

    merged = merge.merge_record(TABLE, make.profile(), changes)

    assert (merged["City"], merged["FullName"]) == ("Paris", "A. Moss")


def test_an_explicit_null_hides_the_value_of_the_snapshot() -> None:
    """S7."""
    merged = merge.merge_record(TABLE, make.profile(City="Seattle"), [make.override(columns={"City": None})])

    assert merged["City"] is None


def test_an_earlier_change_shows_again_when_a_later_shorter_one_lapses() -> None:
    """S7."""
    longer = make.override(sequence=1, columns={"City": "Paris"}, valid_for=timedelta(hours=4))
    shorter = make.override(sequence=2, columns={"City": "Rome"}, valid_for=timedelta(hours=1))
    overlay = Overlay((longer, shorter), ())

    cities = [
        merged_at(make.profile(City="Seattle"), overlay, make.view(now=make.NOW + timedelta(hours=hours)))["City"]
        for hours in (0, 1, 3, 4)
    ]

    assert cities == ["Rome", "Paris", "Paris", "Seattle"]


def test_changes_written_under_an_alias_are_ordered_with_the_others_by_sequence() -> None:
    """S18: what was written under a losing id follows the survivor."""
    under_survivor = make.override(sequence=1, columns={"City": "Paris"}, customer_id="survivor")
    under_alias = make.override(sequence=2, columns={"City": "Rome"}, customer_id="alias")

    assert merge.merge_record(TABLE, make.profile(), [under_alias, under_survivor])["City"] == "Rome"


def test_a_change_of_a_column_that_the_table_no_longer_has_is_not_shown() -> None:
    """S5, S8."""
    snapshot = make.profile()

    merged = merge.merge_record(TABLE, snapshot, [make.override(columns={"GoneColumn": "x"})])

    assert merged == catalog.complete_record(TABLE, snapshot)


def test_a_value_that_its_column_no_longer_accepts_is_not_shown_and_hides_no_other() -> None:
    """S5, S7."""
    fitting = make.override(sequence=1, columns={"RewardsPoints": 5, "City": "Paris"})
    misfit = make.override(sequence=2, columns={"RewardsPoints": "many", "City": "Rome"})

    over_another = merge.merge_record(TABLE, make.profile(RewardsPoints=1), [fitting, misfit])
    alone = merge.merge_record(TABLE, make.profile(RewardsPoints=1), [misfit])

    assert (over_another["RewardsPoints"], over_another["City"]) == (5, "Rome")
    assert (alone["RewardsPoints"], alone["City"]) == (1, "Rome")
    assert merge.winning_overrides(TABLE, [fitting, misfit]) == {"RewardsPoints": fitting, "City": misfit}


def test_every_column_is_in_the_record_in_catalog_order_and_null_when_empty() -> None:
    """S8."""
    merged = merge.merge_record(TABLE, {"City": "Seattle", "CustomerId": "c1"}, [])

    assert list(merged) == [column.name for column in TABLE.columns]
    assert {name: value for name, value in merged.items() if value is not None} == {
        "CustomerId": "c1",
        "City": "Seattle",
    }


def test_merging_leaves_the_snapshot_and_the_changes_as_they_were() -> None:
    """S6: nothing is updated in place."""
    snapshot, change = make.profile(City="Seattle"), make.override(columns={"City": "Paris"})

    merge.merge_record(TABLE, snapshot, [change])["City"] = "Rome"

    assert snapshot == make.profile(City="Seattle")
    assert change.columns == {"City": "Paris"}


@given(strategies.snapshots())
def test_without_a_live_change_the_merged_record_is_the_snapshots(snapshot: Document) -> None:
    """S8."""
    assert merge.merge_record(TABLE, snapshot, []) == catalog.complete_record(TABLE, snapshot)


@given(
    strategies.snapshots(),
    strategies.overlays(),
    strategies.views(),
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3650)),
)
def test_from_the_last_valid_until_on_the_snapshot_shows_for_ever(
    snapshot: Document, overlay: Overlay, view: View, later: timedelta
) -> None:
    """S2, S8."""
    last = max((change.valid_until for change in overlay.overrides), default=view.now)

    merged = merged_at(snapshot, overlay, at(view, last + later))

    assert merged == catalog.complete_record(TABLE, snapshot)


@given(strategies.snapshots(), strategies.overlays(), strategies.views(), st.floats(0, 1, exclude_max=True))
def test_between_two_lapses_the_merged_record_does_not_change(
    snapshot: Document, overlay: Overlay, view: View, fraction: float
) -> None:
    """S2: it changes when something is written, published or lapses, and at no other instant."""
    lapses = [change.valid_until for change in overlay.overrides if change.valid_until > view.now]
    next_lapse = min(lapses, default=view.now + timedelta(days=1))
    last_before = next_lapse - timedelta(microseconds=1)
    between = min(view.now + (next_lapse - view.now) * fraction, last_before)

    merged = merged_at(snapshot, overlay, view)

    assert merged_at(snapshot, overlay, at(view, between)) == merged
    assert merged_at(snapshot, overlay, at(view, last_before)) == merged


@given(strategies.snapshots(), strategies.override_lists(), st.randoms(use_true_random=False))
def test_the_list_order_of_changes_does_not_matter(snapshot: Document, changes: list[Override], random: Random) -> None:
    """S7: only their sequence does."""
    shuffled = list(changes)
    random.shuffle(shuffled)

    assert merge.merge_record(TABLE, snapshot, shuffled) == merge.merge_record(TABLE, snapshot, changes)


@given(strategies.snapshots(), strategies.override_lists())
def test_merging_again_changes_nothing(snapshot: Document, changes: list[Override]) -> None:
    once = merge.merge_record(TABLE, snapshot, changes)

    assert merge.merge_record(TABLE, once, changes) == once


@given(strategies.snapshots(), strategies.override_lists())
def test_no_column_appears_that_the_table_does_not_have(snapshot: Document, changes: list[Override]) -> None:
    """S8."""
    with_a_gone_column = snapshot | {"GoneColumn": "x"}

    merged = merge.merge_record(TABLE, with_a_gone_column, changes)

    assert list(merged) == [column.name for column in TABLE.columns]


@given(strategies.snapshots(), strategies.override_lists())
def test_each_column_has_the_value_of_the_highest_sequence_naming_it_else_the_snapshots(
    snapshot: Document, changes: list[Override]
) -> None:
    """S7, said once more, column by column."""
    merged = merge.merge_record(TABLE, snapshot, changes)

    for column in TABLE.columns:
        naming = [change for change in changes if column.name in change.columns]
        winner = max(naming, key=lambda change: change.sequence, default=None)
        expected = snapshot.get(column.name) if winner is None else winner.columns[column.name]
        assert merged[column.name] == expected


@given(strategies.snapshots(), strategies.overlays(), strategies.views())
def test_a_withdrawn_change_shows_like_one_that_was_never_made(
    snapshot: Document, overlay: Overlay, view: View
) -> None:
    """S9."""
    for change in overlay.overrides:
        withdrawal = make.withdrawal(change.sequence, sequence=view.sequence)
        withdrawn = Overlay(overlay.overrides, (*overlay.releases, withdrawal))
        never_made = Overlay(tuple(c for c in overlay.overrides if c is not change), overlay.releases)

        assert merged_at(snapshot, withdrawn, view) == merged_at(snapshot, never_made, view)


@given(strategies.snapshots(), strategies.override_lists(), strategies.views())
def test_when_a_refresh_confirms_what_shows_the_merged_record_stays_the_same(
    snapshot: Document, changes: list[Override], view: View
) -> None:
    """S9: a refresh that publishes the winning values takes over from the changes without a flicker."""
    overlay = Overlay(tuple(changes), ())
    live = override.live_overrides(changes, [], view)
    winners = merge.winning_overrides(TABLE, live)
    published = snapshot | {column: winner.columns[column] for column, winner in winners.items()}
    confirmations = tuple(
        make.confirmation(column, judged=winner.sequence, sequence=view.sequence, generation=view.generation)
        for column, winner in winners.items()
    )

    before = merged_at(snapshot, overlay, view)
    after = merged_at(published, Overlay(tuple(changes), confirmations), view)

    assert after == before
    left = override.live_overrides(changes, confirmations, view)
    assert [override.counting_columns(TABLE, change) for change in left] == [{}] * len(left)


@pytest.mark.parametrize("other", ["Seattle", "Rome", None])
def test_a_refresh_that_brings_another_value_does_not_end_a_change(other: str | None) -> None:
    """S9."""
    overlay = Overlay((make.override(columns={"City": "Paris"}),), ())

    merged = merged_at(make.profile(City=other), overlay, make.view(generation=2))

    assert merged["City"] == "Paris"


def test_a_change_made_after_the_judging_outlives_the_confirmation() -> None:
    """S9."""
    judged = make.override(sequence=1, columns={"City": "Paris"})
    newer = make.override(sequence=2, columns={"City": "Rome"})
    overlay = Overlay((judged, newer), (make.confirmation("City", judged=1, sequence=3, generation=2),))

    assert merged_at(make.profile(City="Paris"), overlay, make.view(generation=2))["City"] == "Rome"


@given(strategies.snapshots(), strategies.override_lists())
def test_the_winning_overrides_give_the_values_that_show(snapshot: Document, changes: list[Override]) -> None:
    """S7."""
    merged = merge.merge_record(TABLE, snapshot, changes)

    winners = merge.winning_overrides(TABLE, changes)

    assert set(winners) == {column for change in changes for column in change.columns if column in merged}
    for column, winner in winners.items():
        assert all(change.sequence <= winner.sequence for change in changes if column in change.columns)
        assert merged[column] == winner.columns[column]


def test_each_lapse_shows_what_was_beneath_it() -> None:
    """S7: a stack of ever shorter changes is taken off one by one."""
    stack = [
        make.override(sequence=depth, columns={"RewardsPoints": depth}, valid_for=timedelta(hours=5 - depth))
        for depth in (1, 2, 3, 4)
    ]
    overlay = Overlay(tuple(stack), ())

    shown = [
        merged_at(make.profile(RewardsPoints=0), overlay, make.view(now=make.NOW + timedelta(hours=hours)))
        for hours in range(5)
    ]

    assert [record["RewardsPoints"] for record in shown] == [4, 3, 2, 1, 0]
    assert all(earlier != later for earlier, later in pairwise(shown))
