"""Changes to profiles, and the releases that end them before their lapse (S6, S9)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from topcoat.core import catalog
from topcoat.core.catalog import Document, Table
from topcoat.core.overlay import lifetime


@dataclass(frozen=True, slots=True)
class View:
    """What one request sees: a generation, the writes up to a sequence, and one instant (S20, S25).

    One of the past has the writes up to an instant instead, `recorded_until` (S28).
    """

    generation: int
    sequence: int
    now: datetime
    recorded_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """New values for some columns of the profile called `customer_id`, until `valid_until`."""

    sequence: int
    customer_id: str
    columns: Document
    recorded_at: datetime
    valid_until: datetime
    caller: str | None = None
    principal: str | None = None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """From `sequence` on, the change `withdrawn` no longer counts."""

    sequence: int
    withdrawn: int


@dataclass(frozen=True, slots=True)
class Confirmation:
    """From `generation` on, changes of `column` up to the sequence `judged` no longer count: the source has them."""

    sequence: int
    column: str
    judged: int
    generation: int


Release = Withdrawal | Confirmation


def live_overrides(overrides: Iterable[Override], releases: Iterable[Release], view: View) -> list[Override]:
    """The overrides that count in a view, by sequence, each without the columns that were confirmed."""
    withdrawn, confirmed = _released(releases, view)
    live = []
    for override in overrides:
        if override.sequence > view.sequence or override.sequence in withdrawn:
            continue
        if view.recorded_until is not None and override.recorded_at > view.recorded_until:
            continue
        if not lifetime.is_live(override.valid_until, view.now):
            continue
        remaining = _without_confirmed(override, confirmed)
        if remaining is not None:
            live.append(remaining)
    return sorted(live, key=lambda override: override.sequence)


def counting_columns(table: Table, override: Override) -> Document:
    """The columns of a change that the table has, with values that their types accept; the others do not show (S5)."""
    columns = table.columns_by_name
    return {n: v for n, v in override.columns.items() if n in columns and catalog.accepts(columns[n], v)}


def _released(releases: Iterable[Release], view: View) -> tuple[set[int], dict[str, int]]:
    withdrawn: set[int] = set()
    confirmed: dict[str, int] = {}
    for release in releases:
        if release.sequence > view.sequence:
            continue
        if isinstance(release, Withdrawal):
            withdrawn.add(release.withdrawn)
        elif release.generation <= view.generation:
            confirmed[release.column] = max(release.judged, confirmed.get(release.column, 0))
    return withdrawn, confirmed


def _without_confirmed(override: Override, confirmed: dict[str, int]) -> Override | None:
    if not any(confirmed.get(name, 0) >= override.sequence for name in override.columns):
        return override
    columns = {n: v for n, v in override.columns.items() if confirmed.get(n, 0) < override.sequence}
    if not columns:
        return None
    return Override(
        sequence=override.sequence,
        customer_id=override.customer_id,
        columns=columns,
        recorded_at=override.recorded_at,
        valid_until=override.valid_until,
        caller=override.caller,
        principal=override.principal,
    )
