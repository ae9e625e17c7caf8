"""Where each value comes from and what it hides (S29)."""

from hypothesis import given

from tests import make
from tests.unit.overlay import strategies
from topcoat.core.catalog import Document
from topcoat.core.overlay import merge, provenance
from topcoat.core.overlay.override import Override
from topcoat.core.overlay.provenance import Provenance

TABLE = make.table()


def test_a_value_of_the_snapshot_comes_from_its_generation() -> None:
    """S29."""
    explained = provenance.explain_record(TABLE, make.profile(City="Seattle"), [], generation=7)

    assert explained["City"] == Provenance(
        value="Seattle", generation=7, override=None, hidden=(), snapshot_value="Seattle"
    )


def test_a_changed_value_comes_from_its_change_and_hides_the_older_ones_and_the_snapshots() -> None:
    """S29: what is hidden is listed newest first."""
    oldest, older, winner = (
        make.override(sequence=sequence, columns={"City": city}, caller="crm")
        for sequence, city in ((1, "Lima"), (2, "Rome"), (3, "Paris"))
    )

    explained = provenance.explain_record(TABLE, make.profile(City="Seattle"), [older, winner, oldest], generation=7)

    assert explained["City"] == Provenance(
        value="Paris", generation=7, override=winner, hidden=(older, oldest), snapshot_value="Seattle"
    )


def test_an_explicit_null_is_explained_by_its_change() -> None:
    """S7, S29: null as a value is not the absence of a change."""
    change = make.override(columns={"City": None})

    explained = provenance.explain_record(TABLE, make.profile(City="Seattle"), [change], generation=1)["City"]

    assert explained.value is None
    assert explained.override is change
    assert explained.snapshot_value == "Seattle"


def test_a_column_that_nobody_fills_is_explained_as_null() -> None:
    """S8, S29."""
    explained = provenance.explain_record(TABLE, {}, [], generation=1)["City"]

    assert explained == Provenance(value=None, generation=1, override=None, hidden=(), snapshot_value=None)


def test_a_value_that_its_column_no_longer_accepts_explains_nothing() -> None:
    """S5, S29."""
    misfit = make.override(columns={"RewardsPoints": "many"})

    explained = provenance.explain_record(TABLE, make.profile(RewardsPoints=1), [misfit], generation=1)["RewardsPoints"]

    assert explained == Provenance(value=1, generation=1, override=None, hidden=(), snapshot_value=1)


@given(strategies.snapshots(), strategies.override_lists())
def test_the_explained_values_are_the_merged_record(snapshot: Document, changes: list[Override]) -> None:
    """S29: in the same columns, in the same order."""
    explained = provenance.explain_record(TABLE, snapshot, changes, generation=1)

    values = {column: found.value for column, found in explained.items()}

    merged = merge.merge_record(TABLE, snapshot, changes)
    assert list(values.items()) == list(merged.items())


@given(strategies.snapshots(), strategies.override_lists())
def test_every_change_of_a_column_either_shows_or_is_hidden(snapshot: Document, changes: list[Override]) -> None:
    """S29."""
    winners = merge.winning_overrides(TABLE, changes)

    explained = provenance.explain_record(TABLE, snapshot, changes, generation=1)

    for column, found in explained.items():
        naming = sorted((c for c in changes if column in c.columns), key=lambda c: c.sequence, reverse=True)
        shown = () if found.override is None else (found.override,)
        assert [*shown, *found.hidden] == naming
        assert found.override is winners.get(column)
        assert found.snapshot_value == snapshot.get(column)
