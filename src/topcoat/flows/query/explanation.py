"""Where what is shown comes from, in the words of the answer (S29)."""

from typing import Any

from topcoat.core.catalog import Table, format_instant
from topcoat.core.overlay import provenance
from topcoat.core.overlay.override import Override, View
from topcoat.core.overlay.provenance import Provenance
from topcoat.core.overlay.timeline import Activity
from topcoat.store.profiles import StoredProfile

Explanation = dict[str, Any]


def explain_profile(table: Table, stored: StoredProfile, live: list[Override], view: View) -> dict[str, Explanation]:
    """Column -> its source, and what that hides, newest first down to the snapshot's value."""
    explained = provenance.explain_record(table, stored.document, live, view.generation)
    return {name: _explained(name, found) for name, found in explained.items()}


def explain_activity(activity: Activity, view: View) -> Explanation:
    if activity.sequence is None or activity.valid_until is None or activity.recorded_at is None:
        return _of_snapshot(view.generation)
    return {
        "source": "activity",
        "sequence": activity.sequence,
        "caller": activity.caller,
        "principal": activity.principal,
        "recordedAt": format_instant(activity.recorded_at),
        "validUntil": format_instant(activity.valid_until),
    }


def _explained(name: str, found: Provenance) -> Explanation:
    if found.override is None:
        return _of_snapshot(found.generation) | {"hides": []}
    below = [_of_change(change) | {"value": change.columns[name]} for change in found.hidden]
    below.append(_of_snapshot(found.generation) | {"value": found.snapshot_value})
    return _of_change(found.override) | {"hides": below}


def _of_snapshot(generation: int) -> Explanation:
    return {"source": "snapshot", "generation": generation}


def _of_change(change: Override) -> Explanation:
    return {
        "source": "change",
        "sequence": change.sequence,
        "caller": change.caller,
        "principal": change.principal,
        "recordedAt": format_instant(change.recorded_at),
        "validUntil": format_instant(change.valid_until),
    }
