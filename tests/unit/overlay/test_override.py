"""Which overrides count in a view (S2, S6, S9)."""

from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from tests.unit.overlay import strategies
from tests.unit.overlay.strategies import Overlay
from topcoat.core.overlay import override
from topcoat.core.overlay.override import Confirmation, Override, Release, View, Withdrawal


def sequences(live: list[Override]) -> list[int]:
    return [change.sequence for change in live]


def counted(live: list[Override]) -> set[tuple[int, str]]:
    """The sequence and the column of everything that counts."""
    return {(change.sequence, column) for change in live for column in change.columns}


def test_an_override_counts_until_its_valid_until() -> None:
    """S2: half open."""
    change = make.override(valid_for=timedelta(hours=4))
    lapse = change.valid_until

    just_before = override.live_overrides([change], [], make.view(now=lapse - timedelta(microseconds=1)))
    at_lapse = override.live_overrides([change], [], make.view(now=lapse))

    assert just_before == [change]
    assert at_lapse == []


@pytest.mark.parametrize(("minutes", "is_seen"), [(-1, False), (0, True), (1, True)])
def test_a_view_of_the_past_sees_the_writes_up_to_its_instant(minutes: int, is_seen: bool) -> None:
    """S28"""
    change = make.override(recorded_at=make.NOW)
    instant = make.NOW + timedelta(minutes=minutes)
    view = View(generation=1, sequence=1_000, now=instant, recorded_until=instant)

    assert override.live_overrides([change], [], view) == ([change] if is_seen else [])


@pytest.mark.parametrize(("sequence", "is_seen"), [(6, False), (7, True), (8, True)])
def test_a_view_sees_the_writes_up_to_its_sequence(sequence: int, is_seen: bool) -> None:
    """S6: `sequence <= n` names the same set for ever."""
    change = make.override(sequence=7)

    live = override.live_overrides([change], [], make.view(sequence=sequence))

    assert live == ([change] if is_seen else [])


def test_live_overrides_come_in_the_order_of_their_sequences() -> None:
    """S6."""
    changes = [make.override(sequence=sequence) for sequence in (3, 1, 2)]

    assert sequences(override.live_overrides(changes, [], make.view())) == [1, 2, 3]


def test_a_withdrawal_ends_exactly_one_change() -> None:
    """S9."""
    changes = [make.override(sequence=sequence) for sequence in (1, 2, 3)]

    live = override.live_overrides(changes, [make.withdrawal(2)], make.view())

    assert sequences(live) == [1, 3]


@pytest.mark.parametrize(("sequence", "is_withdrawn"), [(9, False), (10, True), (11, True)])
def test_a_withdrawal_counts_from_its_own_sequence_on(sequence: int, is_withdrawn: bool) -> None:
    """S9: a release is itself a fact with a sequence, so an earlier view still shows the change."""
    change = make.override(sequence=1)
    release = make.withdrawal(1, sequence=10)

    live = override.live_overrides([change], [release], make.view(sequence=sequence))

    assert live == ([] if is_withdrawn else [change])


def test_a_confirmation_ends_only_the_column_that_it_names() -> None:
    """S9."""
    change = make.override(sequence=1, columns={"City": "Paris", "FullName": "A. Moss"}, caller="crm")
    release = make.confirmation("City", judged=1)

    (remaining,) = override.live_overrides([change], [release], make.view())

    assert remaining.columns == {"FullName": "A. Moss"}
    assert change.columns == {"City": "Paris", "FullName": "A. Moss"}


def test_what_remains_of_a_confirmed_change_keeps_who_and_when() -> None:
    """S6, S9."""
    change = make.override(
        sequence=1, columns={"City": "Paris", "FullName": "A. Moss"}, caller="crm", principal="topcoat-owner"
    )

    (remaining,) = override.live_overrides([change], [make.confirmation("City", judged=1)], make.view())

    assert remaining == make.override(
        sequence=1, columns={"FullName": "A. Moss"}, caller="crm", principal="topcoat-owner"
    )


def test_a_change_whose_columns_are_all_confirmed_no_longer_counts() -> None:
    """S9."""
    change = make.override(sequence=1, columns={"City": "Paris", "FullName": "A. Moss"})
    confirmations = [make.confirmation("City", judged=1), make.confirmation("FullName", judged=1, sequence=101)]

    assert override.live_overrides([change], confirmations, make.view()) == []


def test_a_confirmation_ends_every_change_of_the_column_up_to_the_one_it_judged() -> None:
    """S9: an older change does not come back when the winning one is confirmed."""
    changes = [make.override(sequence=sequence) for sequence in (1, 2, 3)]

    live = override.live_overrides(changes, [make.confirmation("City", judged=2)], make.view())

    assert sequences(live) == [3]


@pytest.mark.parametrize("judged_in_order", [(1, 2), (2, 1)])
def test_of_several_confirmations_of_a_column_the_farthest_counts(judged_in_order: tuple[int, int]) -> None:
    """S9."""
    changes = [make.override(sequence=sequence) for sequence in (1, 2, 3)]
    confirmations = [
        make.confirmation("City", judged=judged, sequence=100 + place) for place, judged in enumerate(judged_in_order)
    ]

    assert sequences(override.live_overrides(changes, confirmations, make.view())) == [3]


@pytest.mark.parametrize(("generation", "is_confirmed"), [(4, False), (5, True), (6, True)])
def test_a_confirmation_counts_from_its_generation_on(generation: int, is_confirmed: bool) -> None:
    """S9: after an undo the generation before is read again, and the change shows again."""
    change = make.override(sequence=1)
    release = make.confirmation("City", judged=1, generation=5)

    live = override.live_overrides([change], [release], make.view(generation=generation))

    assert live == ([] if is_confirmed else [change])


def test_a_view_before_a_confirmation_still_sees_the_change() -> None:
    """S9."""
    change = make.override(sequence=1)
    release = make.confirmation("City", judged=1, sequence=10)

    assert override.live_overrides([change], [release], make.view(sequence=9)) == [change]


@given(strategies.overlays(), strategies.views())
def test_a_column_of_a_change_counts_unless_it_is_unseen_or_lapsed_or_released(overlay: Overlay, view: View) -> None:
    """S2, S6, S9, said once more, column by column."""
    expected = {
        (change.sequence, column)
        for change in overlay.overrides
        for column in change.columns
        if change.sequence <= view.sequence
        and view.now < change.valid_until
        and not any(ends(release, change, column, view) for release in overlay.releases)
    }

    live = override.live_overrides(overlay.overrides, overlay.releases, view)

    assert counted(live) == expected


def ends(release: Release, change: Override, column: str, view: View) -> bool:
    if release.sequence > view.sequence:
        return False
    match release:
        case Withdrawal(withdrawn=withdrawn):
            return withdrawn == change.sequence
        case Confirmation(column=name, judged=judged, generation=generation):
            return name == column and change.sequence <= judged and generation <= view.generation


@given(strategies.overlays(), strategies.views(), st.randoms(use_true_random=False))
def test_the_list_order_of_changes_and_releases_does_not_matter(overlay: Overlay, view: View, random: Random) -> None:
    changes, releases = list(overlay.overrides), list(overlay.releases)
    random.shuffle(changes)
    random.shuffle(releases)

    shuffled = override.live_overrides(changes, releases, view)

    assert shuffled == override.live_overrides(overlay.overrides, overlay.releases, view)


@given(strategies.overlays(), strategies.views())
def test_what_counts_keeps_its_values_and_names_at_least_one_column(overlay: Overlay, view: View) -> None:
    stored = {change.sequence: change for change in overlay.overrides}

    live = override.live_overrides(overlay.overrides, overlay.releases, view)

    assert sequences(live) == sorted(set(sequences(live)))
    assert all(change.columns for change in live)
    assert all(change.columns.items() <= stored[change.sequence].columns.items() for change in live)


@given(strategies.overlays(), strategies.views(), strategies.instants())
def test_time_alone_only_takes_changes_away(overlay: Overlay, view: View, later: datetime) -> None:
    """S2: nothing that has lapsed counts again."""
    after = make.view(generation=view.generation, sequence=view.sequence, now=max(view.now, later))

    live_before = override.live_overrides(overlay.overrides, overlay.releases, view)
    live_after = override.live_overrides(overlay.overrides, overlay.releases, after)

    assert counted(live_after) <= counted(live_before)


@given(strategies.overlays(), strategies.views(), strategies.override_lists(size_max=2))
def test_later_writes_change_nothing_in_an_earlier_view(
    overlay: Overlay, view: View, written_later: list[Override]
) -> None:
    """S6, S20, S25: a reader is pinned, and its sequence names the same set for ever."""
    unseen = [
        make.override(sequence=view.sequence + change.sequence, columns=change.columns) for change in written_later
    ]
    release = make.withdrawal(1, sequence=view.sequence + 50)

    live = override.live_overrides([*overlay.overrides, *unseen], [*overlay.releases, release], view)

    assert live == override.live_overrides(overlay.overrides, overlay.releases, view)
