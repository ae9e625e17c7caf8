"""What becomes of changes when the sources were asked again (S9)."""

from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from tests.unit.overlay import strategies
from tests.unit.overlay.strategies import Overlay
from topcoat.core.catalog import Document
from topcoat.core.overlay import merge, override, reconciliation
from topcoat.core.overlay.override import Override, View
from topcoat.core.overlay.reconciliation import ABSENT, Judging, Outcome, Verdict

TABLE = make.table()
ASKED = 1_000
VALUES = st.sampled_from([None, "Oslo", "Paris", "Rome", 0, 7])


def judged(
    overlay: Overlay,
    before: Document | None,
    after: Document | None,
    *,
    view: View | None = None,
    asked: int = ASKED,
    contradicted: set[tuple[int, str]] | None = None,
    hours_since: int = 24,
) -> list[Verdict]:
    seen = view or make.view()
    return reconciliation.judge_changes(
        TABLE,
        overlay.overrides,
        overlay.releases,
        Judging(seen, seen.now - timedelta(hours=hours_since), asked),
        before={} if before is None else {c.customer_id: before for c in overlay.overrides},
        after=after,
        contradicted=contradicted or set(),
    )


def outcomes(verdicts: list[Verdict]) -> dict[tuple[int, str], Outcome]:
    return {(verdict.change.sequence, verdict.column): verdict.outcome for verdict in verdicts}


def changed(*changes: Override) -> Overlay:
    return Overlay(changes, ())


def lapsed(sequence: int, columns: Document) -> Override:
    """An hour ago."""
    recorded_at = make.NOW - timedelta(hours=5)
    return make.override(sequence=sequence, columns=columns, recorded_at=recorded_at, valid_for=timedelta(hours=4))


@pytest.mark.parametrize(
    ("before", "after", "was_contradicted", "expected"),
    [
        ("Oslo", "Paris", False, Outcome.CONFIRMED),
        ("Paris", "Paris", False, Outcome.CONFIRMED),
        ("Rome", "Paris", True, Outcome.CONFIRMED),
        ("Oslo", "Oslo", False, Outcome.UNKNOWN),
        (None, None, False, Outcome.UNKNOWN),
        (ABSENT, ABSENT, False, Outcome.UNKNOWN),
        ("Oslo", "Rome", False, Outcome.CONTRADICTED),
        ("Paris", "Rome", False, Outcome.CONTRADICTED),
        ("Oslo", None, False, Outcome.CONTRADICTED),
        ("Oslo", ABSENT, False, Outcome.CONTRADICTED),
        ("Rome", "Rome", True, Outcome.CONTRADICTED),
    ],
)
def test_a_change_to_paris_is_judged(before: Any, after: Any, was_contradicted: bool, expected: Outcome) -> None:
    found = reconciliation.judge_column("Paris", before=before, after=after, was_contradicted=was_contradicted)

    assert found is expected


def test_null_is_confirmed_by_null_and_not_by_a_profile_that_is_gone() -> None:
    overlay = changed(make.override(columns={"City": None}))

    assert outcomes(judged(overlay, make.profile(), make.profile(City=None))) == {(1, "City"): Outcome.CONFIRMED}
    assert outcomes(judged(overlay, make.profile(), None)) == {(1, "City"): Outcome.CONTRADICTED}


def test_each_column_of_a_change_is_judged_by_itself() -> None:
    overlay = changed(make.override(columns={"City": "Paris", "RewardsPoints": 7, "FullName": "A. Moss"}))
    before = make.profile(City="Oslo", RewardsPoints=1, FullName="Abbie Moss")

    found = outcomes(judged(overlay, before, before | {"City": "Paris", "RewardsPoints": 2}))

    assert found == {
        (1, "City"): Outcome.CONFIRMED,
        (1, "RewardsPoints"): Outcome.CONTRADICTED,
        (1, "FullName"): Outcome.UNKNOWN,
    }


def test_of_several_live_changes_the_one_that_shows_is_judged() -> None:
    """S7."""
    overlay = changed(make.override(sequence=1, columns={"City": "Oslo"}), make.override(sequence=2))

    assert outcomes(judged(overlay, make.profile(City="Rome"), make.profile(City="Oslo"))) == {
        (2, "City"): Outcome.CONTRADICTED
    }


def test_a_change_that_came_in_after_the_sources_were_asked_is_not_denied_by_them() -> None:
    """S22."""
    overlay = changed(make.override(sequence=8, columns={"City": "Paris"}))

    found = outcomes(judged(overlay, make.profile(City="Oslo"), make.profile(City="Rome"), asked=7))

    assert found == {(8, "City"): Outcome.UNKNOWN}


def test_a_change_of_a_column_that_is_gone_is_contradicted() -> None:
    """S5."""
    overlay = changed(make.override(columns={"GoneColumn": "x"}))

    assert outcomes(judged(overlay, make.profile(), make.profile())) == {(1, "GoneColumn"): Outcome.CONTRADICTED}


def test_the_newest_change_of_a_column_is_lost_when_it_lapsed_before_the_sources_had_it() -> None:
    overlay = changed(lapsed(1, {"City": "Oslo"}), lapsed(2, {"City": "Paris", "FullName": "A. Moss"}))

    found = outcomes(judged(overlay, make.profile(), make.profile(City="Rome", FullName="A. Moss")))

    assert found == {(2, "City"): Outcome.LOST}


def test_what_lapsed_before_the_refresh_before_is_not_lost_again() -> None:
    assert judged(changed(lapsed(1, {"City": "Paris"})), make.profile(), make.profile(), hours_since=1) == []


def test_what_a_later_change_replaced_is_not_lost() -> None:
    overlay = changed(lapsed(1, {"City": "Paris"}), make.override(sequence=2, columns={"City": "Rome"}))

    assert outcomes(judged(overlay, make.profile(), make.profile())) == {(2, "City"): Outcome.UNKNOWN}


def test_what_lapsed_above_an_earlier_change_that_lives_on_is_lost() -> None:
    """S7: the earlier one shows again."""
    overlay = changed(make.override(sequence=1, columns={"City": "Rome"}), lapsed(2, {"City": "Paris"}))

    assert outcomes(judged(overlay, make.profile(), make.profile())) == {
        (1, "City"): Outcome.UNKNOWN,
        (2, "City"): Outcome.LOST,
    }


def test_what_was_withdrawn_or_confirmed_is_not_lost() -> None:
    overlay = Overlay(
        (lapsed(1, {"City": "Paris"}), lapsed(2, {"FullName": "A. Moss"})),
        (make.withdrawal(1), make.confirmation("FullName", judged=2)),
    )

    assert judged(overlay, make.profile(), make.profile()) == []


@given(change=VALUES, values=st.lists(VALUES, min_size=2, max_size=6))
def test_once_contradicted_a_change_stays_so_until_the_sources_bring_its_value(change: Any, values: list[Any]) -> None:
    was_contradicted, has_moved = False, False
    for before, after in pairwise(values):
        outcome = reconciliation.judge_column(change, before=before, after=after, was_contradicted=was_contradicted)
        has_moved = has_moved or after != before

        if after == change:
            assert outcome is Outcome.CONFIRMED
            return
        assert outcome is (Outcome.CONTRADICTED if has_moved else Outcome.UNKNOWN)
        was_contradicted = outcome is Outcome.CONTRADICTED


@given(overlay=strategies.overlays(), view=strategies.views(), after=strategies.snapshots(), random=st.randoms())
def test_every_column_that_a_live_change_names_has_one_outcome_whatever_the_order_of_the_list(
    overlay: Overlay, view: View, after: Document, random: Random
) -> None:
    live = override.live_overrides(overlay.overrides, overlay.releases, view)
    shuffled = list(overlay.overrides)
    random.shuffle(shuffled)

    verdicts = judged(Overlay(tuple(shuffled), overlay.releases), None, after, view=view)

    assert verdicts == judged(overlay, None, after, view=view)
    about_live = [v for v in verdicts if v.outcome is not Outcome.LOST]
    assert sorted(v.column for v in about_live) == sorted({name for change in live for name in change.columns})
    for verdict in about_live:
        assert any(c.sequence == verdict.change.sequence and verdict.column in c.columns for c in live)


@given(
    overlay=strategies.overlays(), view=strategies.views(), before=strategies.snapshots(), after=strategies.snapshots()
)
def test_confirmed_are_those_columns_in_which_a_live_change_shows_the_snapshots_value(
    overlay: Overlay, view: View, before: Document, after: Document
) -> None:
    """So releasing them changes no record (S8, S9)."""
    live = override.live_overrides(overlay.overrides, overlay.releases, view)
    merged = merge.merge_record(TABLE, after, live)

    verdicts = judged(overlay, before, after, view=view)

    shown = {name for name in merge.winning_overrides(TABLE, live) if merged[name] == after.get(name)}
    assert {v.column for v in verdicts if v.outcome is Outcome.CONFIRMED} == shown


@given(overlay=strategies.overlays(), view=strategies.views(), after=strategies.snapshots())
def test_lost_is_nothing_that_lives_and_nothing_that_the_snapshot_has(
    overlay: Overlay, view: View, after: Document
) -> None:
    live = {c.sequence for c in override.live_overrides(overlay.overrides, overlay.releases, view)}

    for verdict in judged(overlay, None, after, view=view):
        if verdict.outcome is Outcome.LOST:
            assert verdict.change.sequence not in live
            assert verdict.column == "GoneColumn" or verdict.change.columns[verdict.column] != after.get(verdict.column)
