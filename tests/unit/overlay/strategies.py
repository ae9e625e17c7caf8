"""Overlays drawn from few values, so that sequences, columns and instants meet often."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests import make
from topcoat.core.catalog import Document
from topcoat.core.overlay.override import Confirmation, Override, Release, View, Withdrawal
from topcoat.core.overlay.timeline import Activity

SEQUENCE_MAX = 8
COLUMN_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "City": st.sampled_from([None, "Paris", "Rome"]),
    "FullName": st.sampled_from([None, "Abbie Moss", "A. Moss"]),
    "RewardsPoints": st.sampled_from([None, 0, 7]),
    "GoneColumn": st.just("the table has it no longer"),
}


@dataclass(frozen=True, slots=True)
class Overlay:
    """What is stored about one profile; sequences are given once, in commit order (S6)."""

    overrides: tuple[Override, ...]
    releases: tuple[Release, ...]


def instants() -> st.SearchStrategy[datetime]:
    return st.integers(-3, 6).map(lambda hours: make.NOW + timedelta(hours=hours))


def views() -> st.SearchStrategy[View]:
    return st.builds(View, generation=st.integers(1, 4), sequence=st.integers(0, 2 * SEQUENCE_MAX + 1), now=instants())


def snapshots() -> st.SearchStrategy[Document]:
    return st.fixed_dictionaries({"CustomerId": st.just(make.CUSTOMER_ID)}, optional=COLUMN_VALUES)


def changed_columns() -> st.SearchStrategy[Document]:
    return st.fixed_dictionaries({}, optional=COLUMN_VALUES).filter(bool)


def override_lists(*, size_max: int = SEQUENCE_MAX) -> st.SearchStrategy[list[Override]]:
    """In any order of the list, each with a sequence of its own."""

    def numbered(parts: list[tuple[int, Document, datetime]]) -> list[Override]:
        return [_override(*part) for part in parts]

    part = st.tuples(st.integers(1, SEQUENCE_MAX), changed_columns(), instants())
    return st.lists(part, max_size=size_max, unique_by=lambda p: p[0]).map(numbered)


def releases() -> st.SearchStrategy[Release]:
    return st.one_of(
        st.builds(
            Withdrawal,
            sequence=st.integers(SEQUENCE_MAX + 1, 2 * SEQUENCE_MAX),
            withdrawn=st.integers(1, SEQUENCE_MAX),
        ),
        st.builds(
            Confirmation,
            sequence=st.integers(SEQUENCE_MAX + 1, 2 * SEQUENCE_MAX),
            column=st.sampled_from(sorted(COLUMN_VALUES)),
            judged=st.integers(1, SEQUENCE_MAX),
            generation=st.integers(1, 4),
        ),
    )


def overlays() -> st.SearchStrategy[Overlay]:
    release_tuples = st.lists(releases(), max_size=4, unique_by=lambda r: r.sequence).map(tuple)
    return st.builds(Overlay, overrides=override_lists().map(tuple), releases=release_tuples)


def activity_lists() -> st.SearchStrategy[list[Activity]]:
    """All activities of one profile: the snapshot has an id once, real-time ones may share it across aliases (S12)."""
    return st.lists(_activities(), max_size=12, unique_by=(_snapshot_id_or_sequence,))


def _activities() -> st.SearchStrategy[Activity]:
    times = st.integers(-3, 0).map(lambda hours: make.NOW + timedelta(hours=hours))
    return st.builds(
        lambda activity_id, at, sequence, lapse_hours, table: make.activity(
            activity_id, at=at, sequence=sequence, valid_for=timedelta(hours=lapse_hours), source_table=table
        ),
        activity_id=st.sampled_from(["a-1", "a-2", "a-3", "a-4"]),
        at=times,
        sequence=st.none() | st.integers(1, SEQUENCE_MAX),
        lapse_hours=st.integers(-3, 6),
        table=st.sampled_from([None, "PoS_posPurchases", "Website_webReviews"]),
    )


def _snapshot_id_or_sequence(activity: Activity) -> str | int:
    return activity.activity_id if activity.sequence is None else activity.sequence


def _override(sequence: int, columns: Document, valid_until: datetime) -> Override:
    recorded_at = make.NOW - timedelta(hours=4)
    return make.override(
        sequence=sequence, columns=columns, recorded_at=recorded_at, valid_for=valid_until - recorded_at
    )
