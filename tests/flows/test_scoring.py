"""Scores of unification, held against a truth (pairwise precision, recall and F1)."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import ibis
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from tests.conftest import INSTANCE, Service
from topcoat.core import errors
from topcoat.flows.jobs import command_line
from topcoat.flows.refresh import scoring
from topcoat.flows.refresh.environment import load_environment
from topcoat.flows.refresh.progress import Silent
from topcoat.flows.refresh.report import Quality, RunReport
from topcoat.flows.refresh.workspace import Workspace
from topcoat.store import instances

RECORDS = [("Club", "1"), ("Club", "2"), ("Shop", "1"), ("Shop", "2"), ("Shop", "3")]
Labels = list[int | None]
labels = st.lists(st.none() | st.integers(0, 2), min_size=len(RECORDS), max_size=len(RECORDS))


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    opened = ibis.duckdb.connect()
    yield opened
    opened.disconnect()


def scored(backend: Backend, people: Labels, profiles: Labels) -> Quality:
    """Records without a person are not in the truth, those without a profile not in the key ring."""

    def table(name: str, label: str, labels: Labels) -> ibis.Table:
        rows = [(*record, str(value)) for record, value in zip(RECORDS, labels, strict=True) if value is not None]
        columns = ("source_table", "source_key", label)
        schema = pyarrow.schema([(column, pyarrow.string()) for column in columns])
        data = pyarrow.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows], schema=schema)
        return backend.create_table(name, data, overwrite=True)

    return scoring.quality(table("truth", "person", people), table("ring", "customer_id", profiles))


def test_a_score_is_what_is_right_of_what_is_said_and_what_is_found_of_what_is_right(backend: Backend) -> None:
    """Said: 12, 34, 35, 45; right: 12, 13, 23, 45."""
    assert scored(backend, [0, 0, 0, 1, 1], [0, 0, 1, 1, 1]) == Quality(0.5, 0.5, 0.5)


def test_a_record_outside_the_key_ring_is_alone(backend: Backend) -> None:
    quality = scored(backend, [0, 0, 0, None, None], [0, 0, None, None, None])

    assert quality == Quality(1.0, 1 / 3, pytest.approx(0.5))


def test_who_says_nothing_says_nothing_wrong(backend: Backend) -> None:
    assert scored(backend, [0, 0, 1, 2, 2], [None] * 5) == Quality(1.0, 0.0, 0.0)
    assert scored(backend, [0, 1, 2, None, None], [0, 1, 2, 2, 2]) == Quality(1.0, 1.0, 1.0)


@settings(max_examples=15)
@given(people=labels, profiles=labels)
def test_pairs_counted_by_groups_are_the_pairs_themselves(backend: Backend, people: Labels, profiles: Labels) -> None:
    def pairs(labels: Labels) -> set[tuple[int, int]]:
        known = [place for place in range(len(RECORDS)) if people[place] is not None]
        return {(a, b) for a, b in itertools.combinations(known, 2) if labels[a] is not None and labels[a] == labels[b]}

    said, right = pairs(profiles), pairs(people)
    precision = len(said & right) / len(said) if said else 1.0
    recall = len(said & right) / len(right) if right else 1.0

    quality = scored(backend, people, profiles)

    assert (quality.precision, quality.recall) == (precision, recall)
    assert quality.f1 == pytest.approx(2 * precision * recall / ((precision + recall) or 1))


async def refresh(service: Service, sample_folder: Path, truth: Path) -> RunReport:
    environment = load_environment(sample_folder / "contoso.yaml")
    return await command_line.refresh(
        service.store, service.clock, environment, Silent(), horizon=timedelta(days=7), truth=truth
    )


async def score(service: Service, sample_folder: Path, truth: Path) -> Quality:
    """Of the generation that is active."""
    async with service.store.glancing() as connection:
        stand = await instances.find_stand(connection, INSTANCE)
    assert stand is not None
    assert stand.generation is not None
    environment = load_environment(sample_folder / "contoso.yaml")
    return await scoring.score(service.store, environment, stand.generation, truth, Workspace())


@pytest.mark.measured_once
async def test_a_key_ring_is_scored_in_pages(
    service: Service, sample_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "PAGE_ROWS", 7)

    assert await score(service, sample_folder, sample_folder / "truth.csv") == Quality(1.0, 1.0, 1.0)


async def test_the_score_of_a_refresh_is_kept(sqlite_service: Service, sample_folder: Path) -> None:
    report = await refresh(sqlite_service, sample_folder, sample_folder / "truth.csv")

    assert report.quality == Quality(1.0, 1.0, 1.0)
    [job] = await sqlite_service.flows.jobs.list_jobs(INSTANCE, limit=10)
    kept = await sqlite_service.flows.jobs.get_report(INSTANCE, job.job.job_id)
    assert kept["quality"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["Loyalty_members,1,1"], "line 2: 'Loyalty_members' is no source table of the environment"),
        (["Website_webReviews,,1"], "line 2: column Key is empty"),
        (["Website_webReviews,1,1"] * 2, "line 3: the key '1' of table Website_webReviews is there already, in line 2"),
        (["Website_webReviews,one,1"], "line 2: there is no record with the key 'one' of table Website_webReviews"),
    ],
)
async def test_a_faulty_truth_names_its_line(
    sqlite_service: Service, sample_folder: Path, tmp_path: Path, rows: list[str], said: str
) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("\n".join(["Table,Key,Person", *rows, ""]))

    with pytest.raises(errors.SourceInvalid) as raised:
        await score(sqlite_service, sample_folder, truth)

    assert said in raised.value.message


async def test_a_truth_that_cannot_be_read_is_told_before_the_refresh(
    sqlite_service: Service, sample_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(errors.SourceInvalid):
        await refresh(sqlite_service, sample_folder, tmp_path / "none.csv")

    assert await sqlite_service.flows.jobs.list_jobs(INSTANCE, limit=1) == []
