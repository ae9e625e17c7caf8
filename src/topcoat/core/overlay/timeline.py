"""A profile's activities, newest first: the snapshot's and the live real-time ones (S13, S15, S17)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from topcoat.core.catalog import Document
from topcoat.core.overlay import lifetime
from topcoat.core.overlay.override import View


@dataclass(frozen=True, slots=True)
class Activity:
    """What comes after `source_table` is None for the snapshot's activities, which do not lapse."""

    activity_id: str
    customer_id: str
    activity_time: datetime
    document: Document
    source_table: str | None = None
    sequence: int | None = None
    valid_until: datetime | None = None
    recorded_at: datetime | None = None
    caller: str | None = None
    principal: str | None = None


def merge_timeline(activities: Iterable[Activity], view: View, hidden_tables: Iterable[str] = ()) -> list[Activity]:
    """The timeline of one profile, from all its activities under all its aliases.

    Of equal ids the snapshot's shows, else the one with the lowest sequence (S12, S15).
    """
    hidden = frozenset(hidden_tables)
    shown: dict[str, Activity] = {}
    for activity in activities:
        if activity.source_table in hidden or not _counts(activity, view):
            continue
        other = shown.get(activity.activity_id)
        if other is None or _precedence(activity) < _precedence(other):
            shown[activity.activity_id] = activity
    return sorted(shown.values(), key=timeline_key, reverse=True)


def timeline_key(activity: Activity) -> tuple[datetime, str]:
    """Sorts oldest first; ties by id."""
    return activity.activity_time, activity.activity_id


def _counts(activity: Activity, view: View) -> bool:
    if activity.sequence is None or activity.valid_until is None:
        return True
    is_recorded = view.recorded_until is None or (
        activity.recorded_at is not None and activity.recorded_at <= view.recorded_until
    )
    return is_recorded and activity.sequence <= view.sequence and lifetime.is_live(activity.valid_until, view.now)


def _precedence(activity: Activity) -> int:
    return -1 if activity.sequence is None else activity.sequence
