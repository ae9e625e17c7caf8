"""The merged record: the snapshot's columns under the live overrides (S7, S8)."""

from collections.abc import Iterable, Mapping
from typing import Any

from topcoat.core import catalog
from topcoat.core.catalog import Document, Table
from topcoat.core.overlay import override
from topcoat.core.overlay.override import Override


def merge_record(table: Table, snapshot: Mapping[str, Any], overrides: Iterable[Override]) -> Document:
    """Every column of the table: of the live overrides naming it the one with the highest sequence, else the snapshot.

    `overrides` are live ones (`override.live_overrides`), in any order. An explicit null hides the snapshot's value;
    what a refresh has left without a place in the table is not shown (S5).
    """
    merged = dict(snapshot)
    for change in sorted(overrides, key=lambda change: change.sequence):
        merged.update(override.counting_columns(table, change))
    return catalog.complete_record(table, merged)


def winning_overrides(table: Table, overrides: Iterable[Override]) -> dict[str, Override]:
    """Column -> the live override whose value shows."""
    winners: dict[str, Override] = {}
    for change in sorted(overrides, key=lambda change: change.sequence):
        winners.update(dict.fromkeys(override.counting_columns(table, change), change))
    return winners
