"""Raw tables become profiles and timelines: whole refreshes, on both databases (S9, S12, S14, S18, S20, S22)."""

import asyncio
import csv
import random
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import INSTANCE, Service, open_service
from tests.flows import asking
from topcoat import sample
from topcoat.core import catalog, errors
from topcoat.flows.refresh import publish, scoring
from topcoat.flows.refresh.environment import load_environment
from topcoat.flows.refresh.progress import Silent
from topcoat.flows.refresh.report import RunReport
from topcoat.flows.refresh.workspace import Workspace

# What a refresh runs, the first test measures; each module has its own tests.
pytestmark = pytest.mark.unmeasured

ENVIRONMENT = """
instance: {id: c0ffee00-0000-4000-8000-000000000001, name: Contoso Coffee}
tables:
  Shop_contacts:
    primary_key: ContactId
    columns: {ContactId: string, FirstName: string, EMail: string, City: string, Since: date-time}
    file: contacts.csv
  Club_members:
    primary_key: MemberId
    columns: {MemberId: integer, FirstName: string, EMail: string, City: string, Points: integer, Since: date-time}
    file: members.csv
  Shop_sales:
    primary_key: SaleId
    columns: {SaleId: string, MemberId: integer, SoldOn: date-time, Shop: string, Amount: decimal}
    file: sales.csv
activities:
  Shop_sales:
    name: Sale
    type: SalesOrder
    timestamp: SoldOn
    event: Shop
    detail: Amount
    customer: {column: MemberId, table: Club_members}
quarantine_share_max: 0.5
unification:
  tables: [Shop_contacts, Club_members]
  deduplication:
    Club_members:
      winner: {most_recent: Since}
      rules: [{name: Same mail, conditions: [{column: EMail, normalize: [case]}]}]
    Shop_contacts:
      rules: [{name: Same mail, conditions: [{column: EMail}]}]
  matching:
    - name: Mail
      table: Club_members
      other_table: Shop_contacts
      conditions: [{column: EMail, normalize: [case, whitespace]}]
  columns:
    City: {policy: {most_recent: {Shop_contacts: Since, Club_members: Since}}}
  exclude: [Since]
"""

Row = dict[str, str]

CONTACTS: list[Row] = [
    {"ContactId": "c1", "FirstName": "Ann", "EMail": "ann@x.example", "City": "Oslo", "Since": "2024-01-01T00:00:00Z"},
    {"ContactId": "c2", "FirstName": "Bob", "EMail": "bob@x.example", "City": "Rome", "Since": "2024-01-01T00:00:00Z"},
    {"ContactId": "c3", "FirstName": "Eve", "EMail": "eve@x.example", "City": "Pisa", "Since": "2024-01-01T00:00:00Z"},
]
MEMBERS: list[Row] = [
    {"MemberId": "1", "FirstName": "Anna", "EMail": "ANN@x.example", "City": "Bergen", "Points": "5",
     "Since": "2025-01-01T00:00:00Z"},
    {"MemberId": "2", "FirstName": "Anne", "EMail": "ann@X.example", "City": "Bodø", "Points": "7",
     "Since": "2023-01-01T00:00:00Z"},
    {"MemberId": "3", "FirstName": "Cid", "EMail": "cid@x.example", "City": "Cork", "Points": "", "Since": ""},
]  # fmt: skip
CONTACTS_LATER = [*CONTACTS[:2], CONTACTS[2] | {"City": "Turin"}]
MEMBERS_LATER = [
    *(row | {"EMail": "other@x.example"} for row in MEMBERS[:2]),
    MEMBERS[2] | {"EMail": "bob@x.example"},
    MEMBERS[2] | {"MemberId": "4", "Points": "x"},
    {"MemberId": "9", "FirstName": "Dora", "EMail": "dora@x.example", "City": "Bern", "Points": "", "Since": ""},
]
CHANGES = {"c1": {"Points": 100}, "c2": {"City": "Rimini"}, "3": {"Points": 3}, "c3": {"City": "Turin"}}
WAITING = {"SaleId": "s7", "MemberId": 9, "SoldOn": "2025-07-01T10:00:00Z", "Shop": "Quay"}
SALES: list[Row] = [
    {"SaleId": "s1", "MemberId": "2", "SoldOn": "2025-06-01T10:00:00Z", "Shop": "Pier", "Amount": "4.5"},
    {"SaleId": "s2", "MemberId": "9", "SoldOn": "2025-06-01T10:00:00Z", "Shop": "Pier", "Amount": "1"},
]


def write(folder: Path, contacts: list[Row] = CONTACTS, members: list[Row] = MEMBERS, sales: list[Row] = SALES) -> Path:
    for name, rows in (("contacts", contacts), ("members", members), ("sales", sales)):
        columns = list({"contacts": CONTACTS, "members": MEMBERS, "sales": SALES}[name][0])
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
    environment = folder / "raw.yaml"
    environment.write_text(ENVIRONMENT)
    return environment


async def refresh(service: Service, environment: Path) -> RunReport:
    return await publish.refresh(
        service.store,
        service.clock,
        load_environment(environment),
        Silent(),
        horizon=timedelta(days=7),
        workspace=Workspace(environment.parent / "work"),
    )


async def profiles(service: Service) -> dict[str, catalog.Document]:
    """By the shop's key, or else the club's."""
    records = await asking.all_pages(service, "Customer")
    return {str(r["Shop_contacts_ContactId"] or r["Club_members_MemberId"]): r for r in records}


@pytest.fixture(scope="module")
def unified_home(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the database and the workspace as one refresh leaves them."""
    home = tmp_path_factory.mktemp("unified")
    shutil.copyfile(sqlite_template, home / "topcoat.db")

    async def unify() -> None:
        async with open_service(f"sqlite:///{home / 'topcoat.db'}") as opened:
            await refresh(opened, write(home))

    asyncio.run(unify())
    return home


@pytest.fixture
async def unified(unified_home: Path, tmp_path: Path) -> AsyncIterator[Service]:
    """After one refresh; `tmp_path` has its files."""
    shutil.copytree(unified_home, tmp_path, dirs_exist_ok=True)
    async with open_service(f"sqlite:///{tmp_path / 'topcoat.db'}") as opened:
        yield opened


@pytest.mark.measured_once
async def test_records_of_one_person_become_one_profile(service: Service, tmp_path: Path) -> None:
    """S18: deduplicated by mail within the club, matched by mail with the shop."""
    report = await refresh(service, write(tmp_path))

    found = await profiles(service)
    assert found.keys() == {"c1", "c2", "c3", "3"}
    ann = found["c1"]
    assert (ann["FirstName"], ann["City"], ann["Points"]) == ("Ann", "Bergen", 5)
    assert (ann["Shop_contacts_ContactId"], ann["Club_members_MemberId"]) == ("c1", "1")
    assert all(len(profile["CustomerId"]) == 32 for profile in found.values())
    assert (report.profiles, report.singletons, dict(report.clusters)) == (4, 3, {1: 3, 3: 1})
    assert (dict(report.deduplicated), dict(report.matched)) == ({"Same mail": 2}, {"Mail": 1})


async def test_a_second_run_leaves_all_alone_whatever_the_order_of_rows(unified: Service, tmp_path: Path) -> None:
    """S18, S21."""
    found = await profiles(unified)

    again = await refresh(unified, write(tmp_path, CONTACTS[::-1], MEMBERS[::-1], SALES[::-1]))

    assert set(again.opened.values()) == set(again.closed.values()) == {0}
    assert await profiles(unified) == found


@dataclass(frozen=True)
class Change:
    """Profiles before and after a refresh of other rows, which are of many people: none of them bears on another."""

    home: Path
    before: dict[str, catalog.Document]
    after: dict[str, catalog.Document]
    report: RunReport


@pytest.fixture(scope="module")
def change(unified_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Change:
    """Bob turns out to be Cid, the club's Ann somebody else; Eve has moved, Dora has come, and a row is faulty."""
    home = tmp_path_factory.mktemp("changed")
    shutil.copytree(unified_home, home, dirs_exist_ok=True)

    async def refresh_later() -> Change:
        async with open_service(f"sqlite:///{home / 'topcoat.db'}") as opened:
            before = await profiles(opened)
            for key, columns in CHANGES.items():
                await asking.override(opened, before[key]["CustomerId"], columns)
            posted = await opened.flows.ingest.ingest_activity(INSTANCE, "Shop_sales", WAITING, asking.write())
            assert posted.is_waiting
            report = await refresh(opened, write(home, CONTACTS_LATER, MEMBERS_LATER))
            return Change(home, before, await profiles(opened), report)

    return asyncio.run(refresh_later())


@pytest.fixture
async def changed(change: Change) -> AsyncIterator[Service]:
    """After that refresh, to be read."""
    async with open_service(f"sqlite:///{change.home / 'topcoat.db'}") as opened:
        yield opened


async def test_activities_follow_the_key_ring_even_of_a_record_that_gave_way(unified: Service) -> None:
    """S12, S19: under the very id that the record gets in real time, which is taken then (S13)."""
    ann = (await profiles(unified))["c1"]["CustomerId"]

    [sale] = await asking.timeline(unified, ann)

    assert (sale["Title"], sale["Description"], sale["EntityName"]) == ("Pier", "4.5", "Shop_sales")
    record = {"SaleId": "s1", "MemberId": 2, "SoldOn": "2025-06-01T10:00:00Z", "Shop": "Pier", "Amount": 4.5}
    with pytest.raises(errors.ActivityExists, match=sale["ActivityId"]):
        await unified.flows.ingest.ingest_activity(INSTANCE, "Shop_sales", record, asking.write())


async def test_a_record_that_waited_attaches_when_its_customer_is_unified(change: Change, changed: Service) -> None:
    """S14."""
    shown = await asking.timeline(changed, change.after["9"]["CustomerId"])

    assert change.report.attached == 1
    assert [activity["Title"] for activity in shown] == ["Quay", "Pier"]


async def test_without_what_was_kept_the_difference_is_the_same(unified: Service, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "work")

    report = await refresh(unified, tmp_path / "raw.yaml")

    assert set(report.opened.values()) == set(report.closed.values()) == {0}


async def test_a_merge_leads_the_lost_id_and_its_live_changes_to_the_survivor(change: Change, changed: Service) -> None:
    """S18: the shop's Bob turns out to be the club's Cid."""
    merged = change.after["c2"]

    survivor = merged["CustomerId"]
    [lost] = {change.before[key]["CustomerId"] for key in ("c2", "3")} - {survivor}
    assert merged["PreviousCustomerId"] == lost
    assert (merged["City"], merged["Points"]) == ("Rimini", 3)
    assert (await asking.read(changed, lost))["CustomerId"] == survivor


def test_a_split_leaves_the_id_and_its_live_changes_with_the_larger_part(change: Change) -> None:
    """S18: the club's records of Ann turn out to be somebody else's."""
    before, found = change.before["c1"]["CustomerId"], change.after

    assert (found["1"]["CustomerId"], found["1"]["Points"]) == (before, 100)
    assert found["c1"]["CustomerId"] != before
    assert found["c1"]["PreviousCustomerId"] == before


async def test_people_who_were_gone_come_back_with_their_ids(unified: Service, tmp_path: Path) -> None:
    """S18: an id that was split off is not made anew, which would be that of the others."""
    others = [MEMBERS[0] | {"EMail": "other@x.example"}, *MEMBERS[1:]]
    await refresh(unified, write(tmp_path, members=others))
    before = {key: profile["CustomerId"] for key, profile in (await profiles(unified)).items()}
    await refresh(unified, write(tmp_path, [], [], []))
    assert await profiles(unified) == {}

    await refresh(unified, write(tmp_path, members=others))

    assert {key: profile["CustomerId"] for key, profile in (await profiles(unified)).items()} == before


async def test_a_change_is_confirmed_when_the_sources_bring_it(change: Change, changed: Service) -> None:
    """S9."""
    eve = change.before["c3"]["CustomerId"]

    assert (change.report.confirmed, change.report.reconciliation["change"]["confirmed"]) == (1, 1)
    assert change.after["c3"]["City"] == "Turin"
    assert await asking.live_changes(changed, eve) == []


async def test_a_faulty_row_is_quarantined_to_be_read_and_the_rest_is_published(
    change: Change, changed: Service
) -> None:
    members = change.report.tables["Club_members"]
    assert (members.rows, members.quarantined) == (5, 1)
    assert change.after.keys() == {"c1", "c2", "c3", "1", "9"}
    [corrupt] = (await asking.page(changed, "Club_members_corrupt")).records
    assert "Points" in str(corrupt)


async def test_too_many_faulty_rows_leave_the_active_generation(unified: Service, tmp_path: Path) -> None:
    """S20."""
    before = await profiles(unified)

    with pytest.raises(errors.TooManyQuarantined, match="table Club_members"):
        await refresh(unified, write(tmp_path, members=[row | {"Points": "many"} for row in MEMBERS]))

    assert await profiles(unified) == before


async def test_after_an_undo_the_next_refresh_brings_everything_again(unified: Service, tmp_path: Path) -> None:
    """S21: what was kept of the generation that is gone is not believed."""
    changed = write(tmp_path, [CONTACTS[0], CONTACTS[1] | {"FirstName": "Robert"}, CONTACTS[2]])
    await refresh(unified, changed)
    await unified.undo()

    await refresh(unified, changed)

    assert (await profiles(unified))["c2"]["FirstName"] == "Robert"


async def test_contoso_is_told_apart_nearly_perfectly_whatever_the_order_of_its_rows(
    sqlite_service: Service, tmp_path: Path
) -> None:
    """1,000 people by the shipped rules: pairwise F1 of 0.98 at least, and nobody's id changes (S18)."""
    sample.write_sample(tmp_path, 1000)
    raw = tmp_path / sample.RAW_ENVIRONMENT_FILE
    await refresh(sqlite_service, raw)
    for table in ("eCommerce_eCommerceContacts", "LoyaltyScheme_loyCustomers"):
        shuffle(tmp_path / f"{table}.csv")

    report = await refresh(sqlite_service, raw)

    quality = await scoring.score(
        sqlite_service.store, load_environment(raw), report.generation, tmp_path / "truth.csv", Workspace()
    )
    assert quality.f1 >= 0.98
    assert set(report.opened.values()) == set(report.closed.values()) == {0}


def shuffle(file: Path) -> None:
    header, *rows = file.read_text().splitlines(keepends=True)
    random.Random(5).shuffle(rows)
    file.write_text(header + "".join(rows))
