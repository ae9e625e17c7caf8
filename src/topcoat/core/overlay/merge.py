"""The merged record: the snapshot's columns under the live overrides (S7, S8)."""

from collections.abc import Iterable, Mapping
from typing import Any

from topcoat.core import catalog
from topcoat.core.catalog import Document, Table
from topcoat.core.overlay.override import Override


def merge_record(table: Table, snapshot: Mapping[str, Any], overrides: Iterable[Override]) -> Document:
    """Every column of the table: of the live overrides naming it the one with the highest sequence, else the snapshot.

    `overrides` are live ones (`override.live_overrides`), in any order. An explicit null hides the snapshot's value;
    a column that the table no longer has is not shown.
    """
    merged = dict(snapshot)
    for override in sorted(overrides, key=lambda override: override.sequence):
        merged.update(override.columns)
    return catalog.complete_record(table, merged)


def winning_overrides(overrides: Iterable[Override]) -> dict[str, Override]:
    """Column -> the live override whose value shows."""
    winners: dict[str, Override] = {}
    for override in sorted(overrides, key=lambda override: override.sequence):
        winners.update(dict.fromkeys(override.columns, override))
    return winners
