"""Publishing generations, on both databases (S9, S14-S16, S18-S22)."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import INSTANCE, NOW, Service
from tests.flows import asking
from topcoat.core import catalog, errors
from topcoat.flows.refresh import publish

ENVIRONMENT = """
instance: {id: c0ffee00-0000-4000-8000-000000000001, name: Contoso Coffee}
tables:
  Shop_sales:
    primary_key: SaleId
    columns: {SaleId: string, MemberId: string, SoldOn: date-time, Shop: string}
  Club_members:
    primary_key: MemberId
    columns: {MemberId: string}
  Web_visits:
    primary_key: VisitId
    columns: {VisitId: string, MemberId: string, VisitedOn: date-time}
activities:
  Shop_sales:
    name: Sale
    type: SalesOrder
    timestamp: SoldOn
    event: Shop
    customer: {column: MemberId, table: Club_members}
  Web_visits:
    name: Visit
    type: Other
    timestamp: VisitedOn
    customer: {column: MemberId, table: Club_members}
    timeline: false
unified:
  customer:
    file: customers.jsonl
    columns:
      CustomerId: string
      City: string
      Points: integer
      Club_members_MemberId: string
      PreviousCustomerId: string
  key_ring: {file: keys.jsonl}
  activities: [{file: activities.jsonl}]
"""

Rows = list[dict[str, object]]


def environment(folder: Path, customers: Rows, activities: Rows = [], keys: Rows = []) -> Path:  # noqa: B006
    for name, rows in (("customers", customers), ("activities", activities), ("keys", keys)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = folder / "environment.yaml"
    file.write_text(ENVIRONMENT)
    return file


def customer(customer_id: str, city: str = "Oslo", **columns: object) -> dict[str, object]:
    return {"CustomerId": customer_id, "City": city, **columns}


def activity(activity_id: str, customer_id: str, **columns: object) -> dict[str, object]:
    return {
        "ActivityId": activity_id,
        "CustomerId": customer_id,
        "ActivityTime": "2026-01-01T00:00:00Z",
        "ActivityType": "Note",
        **columns,
    }


def key(member: str, customer_id: str) -> dict[str, object]:
    return {"Table": "Club_members", "Key": member, "CustomerId": customer_id}


async def sale(service: Service, sale_id: str, member: str) -> bool:
    record = {"SaleId": sale_id, "MemberId": member, "SoldOn": "2026-11-20T10:00:00Z", "Shop": "Pier"}
    posted = await service.flows.ingest.ingest_activity(INSTANCE, "Shop_sales", record, asking.write())
    return posted.is_waiting


async def test_a_refresh_writes_only_what_changed(service: Service, tmp_path: Path) -> None:
    """S21."""
    people = [customer("a"), customer("b"), customer("c")]
    await service.refresh(environment(tmp_path, people, [activity("1", "a"), activity("2", "b")]))

    again = await service.refresh(environment(tmp_path, people, [activity("1", "a"), activity("2", "b")]))
    changed = await service.refresh(
        environment(tmp_path, [customer("a", "Bergen"), customer("b"), customer("d")], [activity("1", "a")])
    )

    assert set(again.opened.values()) == set(again.closed.values()) == {0}
    assert (changed.opened["snapshot_profile"], changed.closed["snapshot_profile"]) == (2, 2)
    assert (changed.opened["snapshot_activity"], changed.closed["snapshot_activity"]) == (0, 1)
    assert [r["CustomerId"] for r in (await asking.page(service, "Customer")).records] == ["a", "b", "d"]


async def test_an_undone_refresh_is_gone_and_its_number_stays_burnt(service: Service, tmp_path: Path) -> None:
    """S21."""
    first = await service.refresh(environment(tmp_path, [customer("a"), customer("b")], [activity("1", "a")]))
    second = await service.refresh(environment(tmp_path, [customer("a", "Bergen"), customer("c")]))

    active = await publish.undo_refresh(service.store, service.clock, INSTANCE)

    assert active == first.generation
    assert [r["City"] for r in (await asking.page(service, "Customer")).records] == ["Oslo", "Oslo"]
    assert len(await asking.timeline(service, "a")) == 1
    third = await service.refresh(environment(tmp_path, [customer("a", "Bergen")]))
    assert third.generation == second.generation + 1
    assert (await asking.read(service, "a"))["City"] == "Bergen"


async def test_a_token_of_an_undone_generation_is_refused(service: Service, tmp_path: Path) -> None:
    """S21, S25."""
    await service.refresh(environment(tmp_path, [customer(f"{number:04}") for number in range(150)]))
    page = await asking.page(service, "Customer")
    assert page.next_token is not None
    await publish.undo_refresh(service.store, service.clock, INSTANCE)

    async with service.store.glancing():
        pass
    with pytest.raises(errors.ContinuationInvalid):
        await asking.page(service, "Customer", skiptoken=page.next_token)


async def test_pages_go_on_in_the_generation_of_the_first(service: Service, tmp_path: Path) -> None:
    """S25."""
    people = [customer(f"{number:04}") for number in range(150)]
    await service.refresh(environment(tmp_path, people))
    page = await asking.page(service, "Customer")
    assert page.next_token is not None

    await service.refresh(environment(tmp_path, [customer("0000", "Bergen"), customer("9999")]))
    rest = await asking.page(service, "Customer", skiptoken=page.next_token)

    assert page.records + rest.records == [
        r | {"Points": None, "Club_members_MemberId": None, "PreviousCustomerId": None} for r in people
    ]


async def test_a_first_generation_cannot_be_undone_twice(service: Service, tmp_path: Path) -> None:
    await service.refresh(environment(tmp_path, [customer("a")]))
    await publish.undo_refresh(service.store, service.clock, INSTANCE)

    with pytest.raises(errors.NothingToUndo):
        await publish.undo_refresh(service.store, service.clock, INSTANCE)


@pytest.mark.parametrize(
    ("people", "acts", "keys", "file", "line", "said"),
    [
        ([customer("a"), customer("b"), customer("a")], [], [], "customers.jsonl", 3, "line 1"),
        ([customer("a")], [activity("1", "a"), activity("1", "a")], [], "activities.jsonl", 2, "line 1"),
        ([customer("a")], [activity("1", "b")], [], "activities.jsonl", 1, "'b' names no profile"),
        ([customer("a")], [], [key("m", "b")], "keys.jsonl", 1, "'b' names no profile"),
        ([customer("a"), customer("b")], [], [key("m", "a"), key("m", "b")], "keys.jsonl", 2, "line 1"),
        ([customer("a", Points="many")], [], [], "customers.jsonl", 1, "Points"),
    ],
)
async def test_a_faulty_file_names_its_line_and_leaves_the_active_generation(
    service: Service, tmp_path: Path, people: Rows, acts: Rows, keys: Rows, file: str, line: int, said: str
) -> None:
    """S20."""
    before = (await asking.page(service, "Customer")).records

    with pytest.raises(errors.SourceInvalid) as raised:
        await service.refresh(environment(tmp_path, people, acts, keys))

    assert str(raised.value.parts["file"]).endswith(file)
    assert raised.value.parts["line"] == line
    assert said in raised.value.message
    assert (await asking.page(service, "Customer")).records == before


async def test_a_waiting_activity_attaches_when_a_refresh_brings_its_customer(service: Service, tmp_path: Path) -> None:
    """S14."""
    await service.refresh(environment(tmp_path, [customer("a")]))
    assert await sale(service, "s-1", "m-1")

    report = await service.refresh(environment(tmp_path, [customer("a")], [], [key("m-1", "a")]))

    assert report.attached == 1
    assert [x["ActualActivityId"] for x in await asking.timeline(service, "a")] == ["s-1"]
    with pytest.raises(errors.ActivityExists):
        await sale(service, "s-1", "m-1")


async def test_a_waiting_activity_that_lapsed_does_not_attach(service: Service, tmp_path: Path) -> None:
    """S14."""
    await service.refresh(environment(tmp_path, [customer("a")]))
    await sale(service, "s-1", "m-1")
    await service.advance(timedelta(days=30))

    report = await service.refresh(environment(tmp_path, [customer("a")], [], [key("m-1", "a")]))

    assert report.attached == 0
    assert await asking.timeline(service, "a") == []


async def test_an_activity_that_the_snapshot_brings_hides_its_real_time_copy(service: Service, tmp_path: Path) -> None:
    """S15."""
    await service.refresh(environment(tmp_path, [customer("a")]))
    await asking.post(service, "a", "1", Title="real time")

    await service.refresh(environment(tmp_path, [customer("a")], [activity("1", "a", Title="source")]))
    assert [x["Title"] for x in await asking.timeline(service, "a")] == ["source"]

    await service.refresh(environment(tmp_path, [customer("a")]))
    assert [x["Title"] for x in await asking.timeline(service, "a")] == ["real time"]


async def test_a_kind_hidden_from_the_timeline_is_stored_but_never_read(service: Service, tmp_path: Path) -> None:
    """S16."""
    await service.refresh(environment(tmp_path, [customer("a")], [], [key("m-1", "a")]))
    record = {"VisitId": "v-1", "MemberId": "m-1", "VisitedOn": "2026-11-20T10:00:00Z"}

    await service.flows.ingest.ingest_activity(INSTANCE, "Web_visits", record, asking.write())

    assert await asking.timeline(service, "a") == []
    with pytest.raises(errors.ActivityExists):
        await service.flows.ingest.ingest_activity(INSTANCE, "Web_visits", record, asking.write())


async def test_what_was_written_to_a_merged_profile_follows_the_survivor(service: Service, tmp_path: Path) -> None:
    """S7, S12, S13, S18, S24."""
    await service.refresh(environment(tmp_path, [customer("a"), customer("b")]))
    await asking.override(service, "a", {"City": "Paris", "Points": 1})
    await asking.override(service, "b", {"City": "Rome"})
    await asking.post(service, "a", "x", Title="first")
    await asking.post(service, "b", "x", Title="second")
    await asking.post(service, "b", "y")

    await service.refresh(environment(tmp_path, [customer("b", PreviousCustomerId="a")]))

    merged = await asking.read(service, "a")
    assert (merged["CustomerId"], merged["City"], merged["Points"]) == ("b", "Rome", 1)
    assert merged == await asking.read(service, "b")
    timeline = await asking.timeline(service, "a")
    assert [(x["ActivityId"], x["Title"], x["CustomerId"]) for x in timeline] == [("y", None, "b"), ("x", "first", "b")]
    assert (await asking.page(service, "UnifiedActivity")).records == timeline
    with pytest.raises(errors.ActivityExists):
        await asking.post(service, "a", "y")
    await asking.override(service, "a", {"City": "Lima"})
    assert (await asking.read(service, "b"))["City"] == "Lima"


async def test_aliases_are_flattened_over_several_refreshes(service: Service, tmp_path: Path) -> None:
    """S18."""
    await service.refresh(environment(tmp_path, [customer("a"), customer("b"), customer("c")]))
    await asking.override(service, "a", {"City": "Paris"})
    await service.refresh(environment(tmp_path, [customer("b", PreviousCustomerId="a"), customer("c")]))
    await service.refresh(environment(tmp_path, [customer("c", PreviousCustomerId="b")]))

    assert (await asking.read(service, "a"))["CustomerId"] == "c"
    assert (await asking.read(service, "c"))["City"] == "Paris"


async def test_a_profile_that_split_keeps_what_was_written_to_its_id(service: Service, tmp_path: Path) -> None:
    """S18."""
    await service.refresh(environment(tmp_path, [customer("a")]))
    await asking.override(service, "a", {"City": "Paris"})

    await service.refresh(environment(tmp_path, [customer("a"), customer("b", PreviousCustomerId="a")]))

    assert [(await asking.read(service, i))["City"] for i in ("a", "b")] == ["Paris", "Oslo"]


async def test_a_refresh_that_brings_the_value_of_a_change_confirms_it(service: Service, tmp_path: Path) -> None:
    """S9."""
    await service.refresh(environment(tmp_path, [customer("a", Points=1)]))
    await asking.override(service, "a", {"City": "Paris", "Points": 5})

    report = await service.refresh(environment(tmp_path, [customer("a", "Paris", Points=2)]))
    assert report.confirmed == 1
    assert [c.columns for c in await asking.live_changes(service, "a")] == [{"Points": 5}]

    await service.refresh(environment(tmp_path, [customer("a", "Rome", Points=2)]))
    record = await asking.read(service, "a")
    assert (record["City"], record["Points"]) == ("Rome", 5)


async def test_a_confirmation_is_void_when_its_generation_is_undone(service: Service, tmp_path: Path) -> None:
    """S9, S21."""
    await service.refresh(environment(tmp_path, [customer("a")]))
    await asking.override(service, "a", {"City": "Paris"})
    await service.refresh(environment(tmp_path, [customer("a", "Paris")]))
    await publish.undo_refresh(service.store, service.clock, INSTANCE)

    await service.refresh(environment(tmp_path, [customer("a", "Bergen")]))

    assert (await asking.read(service, "a"))["City"] == "Paris"


async def test_a_change_that_does_not_fit_a_refreshed_type_waits_until_it_fits_again(
    service: Service, tmp_path: Path
) -> None:
    """S5, S9, S21, S24, S28, S29."""
    file = environment(tmp_path, [customer("a", Points="1"), customer("b", Points="7")])
    file.write_text(ENVIRONMENT.replace("Points: integer", "Points: string"))
    await service.refresh(file)
    await asking.override(service, "a", {"Points": "many", "City": "Paris"})
    await service.advance(timedelta(minutes=1))

    report = await service.refresh(environment(tmp_path, [customer("a", Points=1), customer("b", Points=7)]))

    assert report.confirmed == 0
    record = await asking.read(service, "a", explain="true")
    assert (record["Points"], record["City"]) == (1, "Paris")
    assert record["@topcoat.explain"]["Points"]["source"] == "snapshot"
    for options in ({"orderby": "Points"}, {"orderby": "Points,City"}, {"filter": "Points gt 0", "orderby": "Points"}):
        page = await asking.page(service, "Customer", **options, count="true")
        assert ([r["CustomerId"] for r in page.records], page.count) == (["a", "b"], 2)
    (listed,) = await service.flows.query.list_changes(INSTANCE, "a")
    assert (listed.change.columns, listed.not_shown) == ({"Points": "many", "City": "Paris"}, ("Points",))
    earlier = catalog.format_instant(NOW + timedelta(seconds=30))
    assert (await asking.read(service, "a", asOf=earlier))["Points"] == "many"

    await publish.undo_refresh(service.store, service.clock, INSTANCE)

    assert (await asking.read(service, "a"))["Points"] == "many"


async def test_a_change_outlives_a_refresh_that_brings_another_value(service: Service, tmp_path: Path) -> None:
    """S9."""
    await service.refresh(environment(tmp_path, [customer("a")]))
    await asking.override(service, "a", {"City": "Paris"})

    await service.refresh(environment(tmp_path, [customer("a", "Bergen")]))

    assert (await asking.read(service, "a"))["City"] == "Paris"
    await service.advance(timedelta(hours=4))
    assert (await asking.read(service, "a"))["City"] == "Bergen"


async def test_a_change_of_a_profile_that_a_refresh_removes_is_kept_but_not_shown(
    service: Service, tmp_path: Path
) -> None:
    """S5."""
    await service.refresh(environment(tmp_path, [customer("a"), customer("b")]))
    await asking.override(service, "a", {"City": "Paris"})
    await asking.post(service, "a", "x")

    await service.refresh(environment(tmp_path, [customer("b")]))
    with pytest.raises(errors.RecordNotFound):
        await asking.read(service, "a")
    assert (await asking.page(service, "UnifiedActivity")).records == []

    await service.refresh(environment(tmp_path, [customer("a"), customer("b")]))
    assert (await asking.read(service, "a"))["City"] == "Paris"


async def test_old_generations_are_pruned_but_one_can_still_be_undone(service: Service, tmp_path: Path) -> None:
    """S21, S28."""
    for city in ("Oslo", "Bergen", "Tromsø"):
        await service.refresh(environment(tmp_path, [customer("a", city)]))
        await service.advance(timedelta(days=8))

    report = await service.refresh(environment(tmp_path, [customer("a", "Molde")]))
    assert report.pruned > 0

    await publish.undo_refresh(service.store, service.clock, INSTANCE)
    assert (await asking.read(service, "a"))["City"] == "Tromsø"


async def test_an_instance_is_made_by_its_first_refresh_and_is_a_stranger_to_others(
    service: Service, tmp_path: Path, abbie: str
) -> None:
    """S33."""
    other = "11111111-1111-4111-8111-111111111111"
    file = environment(tmp_path, [customer("a"), customer(abbie, "Elsewhere")])
    file.write_text(ENVIRONMENT.replace("c0ffee00-0000-4000-8000-000000000001", other))
    await service.refresh(file)

    await asking.override(service, abbie, {"City": "Paris"})

    assert {i.guid for i in await service.flows.instances.list_instances()} == {INSTANCE, other}
    changes = await asking.live_changes(service, abbie)
    assert await asking.live_changes(service, abbie, other) == []
    with pytest.raises(errors.ChangeNotFound):
        await service.flows.ingest.withdraw_change(other, changes[0].sequence, asking.write())
    with pytest.raises(errors.RecordNotFound):
        await asking.read(service, "a")
