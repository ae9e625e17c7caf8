"""What tables of reference have about profiles, joined on levelled keys."""

from typing import Final

import ibis
from ibis.expr import types as ir

from topcoat.core.enrichment import Reference
from topcoat.flows.refresh.unify import normalising

ROWS_MET: Final = "number of rows"  # no column of a table has a blank in its name
_PRIMARY_KEY: Final = "primary key"
_PLACE: Final = "place among them"


def refer(profiles: ir.Table, rows: ir.Table, reference: Reference, primary_key: str) -> ir.Table:
    """Add the reference's columns and `ROWS_MET`; of several rows the one with the lowest primary key counts.

    A profile or a row without one of the keys meets nothing.
    """
    match = {f"key {number}": columns for number, columns in enumerate(reference.match)}
    ours = {key: _levelled(profiles[a], rows[b], reference) for key, (a, b) in match.items()}
    theirs = {key: _levelled(rows[b], profiles[a], reference) for key, (a, b) in match.items()}
    added = {column.name: rows[column.source] for column in reference.columns}
    candidates = rows.select(**theirs, **added, **{_PRIMARY_KEY: rows[primary_key]})
    joined = profiles.mutate(**ours).left_join(_first_of_each(candidates, list(match)), list(match))
    return joined.select(*profiles.columns, *added, ROWS_MET)


def _first_of_each(rows: ir.Table, keys: list[str]) -> ir.Table:
    whole = rows.filter(*(rows[key].notnull() for key in keys))
    place = ibis.row_number().over(group_by=keys, order_by=_PRIMARY_KEY)
    numbered = whole.mutate(**{_PLACE: place, ROWS_MET: whole.count().over(group_by=keys)})
    return numbered.filter(numbered[_PLACE] == 0).drop(_PLACE, _PRIMARY_KEY)


def _levelled(value: ir.Value, other: ir.Value, reference: Reference) -> ir.Value:
    """Values of one kind are compared as they are; where one is a text, both are."""
    if not value.type().is_string() and not other.type().is_string():
        return value
    return normalising.normalise(value.cast("string"), reference.normalizations, region=reference.region)
