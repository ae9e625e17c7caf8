"""What a refresh makes of changes and activities, on both databases (S9)."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.conftest import INSTANCE, Service, open_service
from tests.flows import asking
from tests.flows.test_refresh import activity, customer, environment, key, sale
from topcoat.core import errors
from topcoat.core.overlay.reconciliation import Kind, Outcome
from topcoat.flows.reconciliation import Asked
from topcoat.flows.refresh import publish, reconcile
from topcoat.flows.refresh.progress import Silent

pytestmark = pytest.mark.measured_once

NONE = {
    "change": {"confirmed": 0, "contradicted": 0, "unknownToSource": 0, "lost": 0},
    "activity": {"takenOver": 0, "onlyRealTime": 0, "lost": 0},
}
Rows = dict[tuple[str, str], str]
PEOPLE = [customer(name) for name in "abcde"]


@pytest.fixture(scope="module")
def peopled_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database as a refresh leaves it that brought PEOPLE."""
    folder = tmp_path_factory.mktemp("peopled")
    shutil.copyfile(sqlite_template, folder / "topcoat.db")

    async def refresh() -> None:
        async with open_service(f"sqlite:///{folder / 'topcoat.db'}") as opened:
            await opened.refresh(environment(folder, PEOPLE))

    asyncio.run(refresh())
    return folder / "topcoat.db"


@pytest.fixture
async def peopled(peopled_file: Path, tmp_path: Path) -> AsyncIterator[Service]:
    """For what no database makes a difference to, with PEOPLE."""
    shutil.copyfile(peopled_file, tmp_path / "topcoat.db")
    async with open_service(f"sqlite:///{tmp_path / 'topcoat.db'}") as opened:
        yield opened


async def outcomes(service: Service, generation: int | None = None, kind: Kind | None = None) -> Rows:
    """By the id that the call named, and the column or activity."""
    asked = Asked(generation, kind, outcome=None, top=100, skiptoken=None)
    page = await service.flows.reconciliation.list_reconciled(INSTANCE, asked)
    return {(row.customer_id, row.column or row.activity_id or ""): row.outcome.value for row in page.rows}


async def test_each_column_of_a_live_change_has_an_outcome(service: Service, tmp_path: Path) -> None:
    people = [customer("a", Points=1), customer("b", Points=1), customer("c")]
    await service.refresh(environment(tmp_path, people))
    await asking.override(service, "a", {"City": "Paris", "Points": 5})
    await asking.override(service, "b", {"City": "Rome"})

    report = await service.refresh(environment(tmp_path, [customer("a", "Paris", Points=2), *people[1:]]))

    assert await outcomes(service) == {
        ("a", "City"): "confirmed",
        ("a", "Points"): "contradicted",
        ("b", "City"): "unknownToSource",
    }
    counts = {"confirmed": 1, "contradicted": 1, "unknownToSource": 1, "lost": 0}
    assert report.reconciliation == NONE | {"change": counts}


async def test_a_contradiction_stays_while_the_source_brings_nothing_new(peopled: Service, tmp_path: Path) -> None:
    await asking.override(peopled, "a", {"City": "Paris"})
    await peopled.refresh(environment(tmp_path, [customer("a", "Rome"), *PEOPLE[1:]]))

    again = await peopled.refresh(environment(tmp_path, [customer("a", "Rome"), *PEOPLE[1:]]))

    assert await outcomes(peopled) == {("a", "City"): "contradicted"}
    assert (again.opened["reconciliation"], again.closed["reconciliation"]) == (0, 0)


async def test_what_lapsed_before_the_source_had_it_is_lost_and_told_once(service: Service, tmp_path: Path) -> None:
    people = [customer("a"), customer("b")]
    await service.refresh(environment(tmp_path, people))
    await asking.override(service, "a", {"City": "Paris"})
    await asking.override(service, "b", {"City": "Paris"})
    await asking.post(service, "a", "1", asking.write(timedelta(hours=1)))
    await asking.post(service, "b", "2", asking.write(timedelta(hours=1)))
    await service.advance(timedelta(hours=4))

    report = await service.refresh(environment(tmp_path, [customer("a"), customer("b", "Paris")], [activity("2", "b")]))

    assert await outcomes(service) == {("a", "City"): "lost", ("a", "1"): "lost"}
    assert (report.reconciliation["change"]["lost"], report.reconciliation["activity"]["lost"]) == (1, 1)
    assert (await service.refresh(environment(tmp_path, people))).reconciliation == NONE


async def test_activities_are_taken_over_or_only_real_time(service: Service, tmp_path: Path) -> None:
    """S15."""
    await service.refresh(environment(tmp_path, [customer("a"), customer("b")]))
    for customer_id, activity_id in (("a", "1"), ("a", "2"), ("b", "1")):
        await asking.post(service, customer_id, activity_id)

    merged = [customer("b", PreviousCustomerId="a")]
    report = await service.refresh(environment(tmp_path, merged, [activity("1", "b")]))

    assert await outcomes(service, kind=Kind.ACTIVITY) == {
        ("a", "1"): "takenOver",
        ("a", "2"): "onlyRealTime",
        ("b", "1"): "takenOver",
    }
    assert report.reconciliation["activity"] == {"takenOver": 2, "onlyRealTime": 1, "lost": 0}


async def test_changes_of_a_merged_profile_are_judged_once_by_what_they_hid(
    sqlite_service: Service, tmp_path: Path
) -> None:
    """S7, S18: of two ids the later change shows; the value before is that of the profile it was made to."""
    await sqlite_service.refresh(environment(tmp_path, [customer("a", "Bergen"), customer("b", "Oslo", Points=1)]))
    await asking.override(sqlite_service, "b", {"Points": 2})
    await asking.override(sqlite_service, "a", {"City": "Paris"})

    await sqlite_service.refresh(environment(tmp_path, [customer("b", "Bergen", Points=1, PreviousCustomerId="a")]))

    assert await outcomes(sqlite_service) == {("a", "City"): "unknownToSource", ("b", "Points"): "unknownToSource"}


async def test_a_change_whose_profile_a_refresh_removes_is_told_while_it_lives(
    peopled: Service, tmp_path: Path
) -> None:
    """S5."""
    await asking.override(peopled, "a", {"City": "Paris"})

    for _ in range(2):
        await peopled.refresh(environment(tmp_path, PEOPLE[1:]))

        assert await outcomes(peopled) == {("a", "City"): "contradicted"}
    await peopled.advance(timedelta(hours=4))
    await peopled.refresh(environment(tmp_path, PEOPLE[1:]))
    assert await outcomes(peopled) == {("a", "City"): "lost"}


async def test_an_undone_refresh_takes_its_outcomes_along(peopled: Service, tmp_path: Path) -> None:
    """S21."""
    await asking.override(peopled, "a", {"City": "Paris"})
    first = await peopled.refresh(environment(tmp_path, PEOPLE))
    undone = await peopled.refresh(environment(tmp_path, [customer("a", "Rome"), *PEOPLE[1:]]))
    assert await outcomes(peopled) == {("a", "City"): "contradicted"}
    assert await outcomes(peopled, first.generation) == {("a", "City"): "unknownToSource"}

    await peopled.undo()

    assert await outcomes(peopled) == {("a", "City"): "unknownToSource"}
    with pytest.raises(errors.ParameterInvalid, match="kept"):
        await outcomes(peopled, undone.generation)
    await peopled.refresh(environment(tmp_path, PEOPLE))
    assert await outcomes(peopled) == {("a", "City"): "unknownToSource"}


async def test_outcomes_stay_when_only_measures_are_computed(peopled: Service, tmp_path: Path) -> None:
    """Nothing was asked of the sources."""
    await asking.override(peopled, "a", {"City": "Paris"})
    await peopled.refresh(environment(tmp_path, PEOPLE))

    await publish.compute_insights(peopled.store, peopled.clock, INSTANCE, Silent(), horizon=timedelta(days=7))

    asked = Asked(None, Kind.CHANGE, Outcome.UNKNOWN, top=1, skiptoken=None)
    page = await peopled.flows.reconciliation.list_reconciled(INSTANCE, asked)
    assert page.judged is not None
    assert page.judged.outcomes["change"]["unknownToSource"] == len(page.rows) == 1


async def test_outcomes_are_pruned_with_their_generation(service: Service, tmp_path: Path) -> None:
    """S21, S28."""
    await service.refresh(environment(tmp_path, [customer("a")]))
    await asking.override(service, "a", {"City": "Paris"}, asking.write(timedelta(days=1)))
    told = await service.refresh(environment(tmp_path, [customer("a")]))
    for _ in range(3):
        await service.advance(timedelta(days=8))
        await service.refresh(environment(tmp_path, [customer("a")]))

    with pytest.raises(errors.ParameterInvalid, match="kept"):
        await outcomes(service, told.generation)
    async with service.store.glancing() as connection:
        left = await connection.fetch_all(text("SELECT outcome FROM reconciliation"))
    assert left == []


async def test_what_waited_is_judged_once_it_is_an_activity(peopled: Service, tmp_path: Path) -> None:
    """S14."""
    await sale(peopled, "s-1", "m-1")

    await peopled.refresh(environment(tmp_path, PEOPLE, [], [key("m-1", "a")]))
    assert await outcomes(peopled) == {}

    await peopled.refresh(environment(tmp_path, PEOPLE, [], [key("m-1", "a")]))
    assert list((await outcomes(peopled)).values()) == ["onlyRealTime"]


async def test_profiles_are_judged_in_bounded_pages(
    peopled: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id of a merged profile on one page brings those on later ones."""
    monkeypatch.setattr(reconcile, "CUSTOMERS_PER_PAGE_MAX", 2)
    for person in PEOPLE:
        await asking.override(peopled, str(person["CustomerId"]), {"City": "Paris", "Points": 3})

    report = await peopled.refresh(
        environment(tmp_path, [customer("e", "Paris", PreviousCustomerId="a"), *PEOPLE[1:4]])
    )

    assert report.confirmed == 2
    found = await outcomes(peopled)
    assert {name for name, outcome in found.items() if outcome == "confirmed"} == {("e", "City")}
    assert len(found) == 8


async def test_pages_of_outcomes_are_the_whole_and_stay_in_their_generation(service: Service, tmp_path: Path) -> None:
    people = [customer(name) for name in "abc"]
    await service.refresh(environment(tmp_path, people))
    for name in "abc":
        await asking.override(service, name, {"City": "Paris", "Points": 1})
    await asking.post(service, "b", "1")
    await service.refresh(environment(tmp_path, people))
    whole = await service.flows.reconciliation.list_reconciled(INSTANCE, Asked(None, None, None, 100, None))

    rows, token = [], None
    while True:
        asked = Asked(None, None, None, top=2, skiptoken=token)
        page = await service.flows.reconciliation.list_reconciled(INSTANCE, asked)
        rows += page.rows
        token = page.next_token
        if token is None:
            break
        if len(rows) == 2:
            await service.refresh(environment(tmp_path, [customer(name, "Paris") for name in "abc"]))

    assert rows == list(whole.rows)
    assert len(rows) == 7


async def test_a_token_of_another_question_is_refused(peopled: Service, tmp_path: Path) -> None:
    for name in "ab":
        await asking.override(peopled, name, {"City": "Paris"})
    await peopled.refresh(environment(tmp_path, PEOPLE))
    asked = Asked(None, None, None, top=1, skiptoken=None)
    token = (await peopled.flows.reconciliation.list_reconciled(INSTANCE, asked)).next_token

    with pytest.raises(errors.ContinuationInvalid):
        await peopled.flows.reconciliation.list_reconciled(
            INSTANCE, Asked(None, Kind.CHANGE, None, top=1, skiptoken=token)
        )


async def test_outcomes_are_those_of_an_instance_that_was_refreshed(sqlite_service: Service) -> None:
    asked = Asked(None, None, None, top=1, skiptoken=None)

    with pytest.raises(errors.InstanceNotFound):
        await sqlite_service.flows.reconciliation.list_reconciled("nowhere", asked)
