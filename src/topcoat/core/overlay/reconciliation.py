"""What became of changes when the sources were asked again: their outcomes after a refresh (S9)."""

import enum
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from topcoat.core.catalog import Document, Table
from topcoat.core.overlay import lifetime, merge, override
from topcoat.core.overlay.override import Override, Release, View


class Kind(enum.Enum):
    """What has an outcome: a change, in each of its columns, or an activity."""

    CHANGE = "change"
    ACTIVITY = "activity"


class Outcome(enum.Enum):
    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    UNKNOWN = "unknownToSource"
    TAKEN_OVER = "takenOver"
    ONLY_REAL_TIME = "onlyRealTime"
    LOST = "lost"


OUTCOMES: Final = {
    Kind.CHANGE: (Outcome.CONFIRMED, Outcome.CONTRADICTED, Outcome.UNKNOWN, Outcome.LOST),
    Kind.ACTIVITY: (Outcome.TAKEN_OVER, Outcome.ONLY_REAL_TIME, Outcome.LOST),
}


ABSENT: Final = object()
"""The value of a column that a profile does not have, or of any column where there is no profile."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What is kept of an outcome: of a column of a change, or of an activity; the other of the two is None."""

    customer_id: str
    sequence: int
    column: str | None
    activity_id: str | None
    outcome: Outcome
    recorded_at: datetime
    valid_until: datetime
    caller: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    column: str
    change: Override
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Judging:
    """`view` is of the generation that is judged by; changes that lapsed after `since` are judged as well.

    Changes above the sequence `asked` were recorded after the sources had been asked, which so cannot deny them.
    """

    view: View
    since: datetime
    asked: int


def judge_column(change: Any, *, before: Any, after: Any, was_contradicted: bool) -> Outcome:
    """The sources bring the change's value, have brought another since it was recorded, or still have the old one.

    `before` is what the refresh before this one brought, and `was_contradicted` how it judged.
    """
    if after == change:
        return Outcome.CONFIRMED
    return Outcome.CONTRADICTED if was_contradicted or after != before else Outcome.UNKNOWN


def judge_changes(
    table: Table,
    overrides: Iterable[Override],
    releases: Iterable[Release],
    judging: Judging,
    *,
    before: Mapping[str, Document],
    after: Document | None,
    contradicted: Collection[tuple[int, str]],
) -> list[Verdict]:
    """One for each column that live changes name, about the one that shows; and those that are lost.

    Lost is the newest change of a column that lapsed before the sources brought its value. `before` has the earlier
    snapshot records by the ids that changes name, `contradicted` the sequence and column of what was so judged.
    """
    known = override.live_overrides(overrides, releases, replace(judging.view, now=judging.since))
    live = [change for change in known if lifetime.is_live(change.valid_until, judging.view.now)]
    verdicts = []
    for column, change in (_newest(live) | merge.winning_overrides(table, live)).items():
        new = _value(after, column, table)
        old = new if change.sequence > judging.asked else _value(before.get(change.customer_id), column)
        is_known = (change.sequence, column) in contradicted
        outcome = judge_column(change.columns[column], before=old, after=new, was_contradicted=is_known)
        verdicts.append(Verdict(column, change, outcome))
    for column, change in _newest(known).items():
        is_live = lifetime.is_live(change.valid_until, judging.view.now)
        if not is_live and change.columns[column] != _value(after, column, table):
            verdicts.append(Verdict(column, change, Outcome.LOST))
    return verdicts


def _newest(changes: Iterable[Override]) -> dict[str, Override]:
    """By column, whether it has a place in the table or not (S5); `changes` are in the order of their sequences."""
    return {column: change for change in changes for column in change.columns}


def _value(record: Document | None, column: str, table: Table | None = None) -> Any:
    """A record of an earlier table had the column, or no change could name it."""
    if record is None or (table is not None and column not in table.columns_by_name):
        return ABSENT
    return record.get(column)
