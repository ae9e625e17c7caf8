"""Key rings, counts and sizes, on both databases."""

from pathlib import Path

import pytest

from tests.conftest import INSTANCE, Service
from tests.flows import asking
from tests.flows.test_refresh import activity, customer, environment, key, sale
from topcoat.core import errors
from topcoat.flows.inventory import KeyRing
from topcoat.flows.refresh import publish

OTHER_INSTANCE = "c0ffee00-0000-4000-8000-000000000002"


async def key_ring(service: Service, member: str, instance: str = INSTANCE) -> KeyRing:
    return await service.flows.inventory.get_key_ring(instance, data_source="Club", table="members", key=member)


async def counts(service: Service, customer_id: str, instance: str = INSTANCE) -> dict[tuple[str | None, ...], int]:
    found = await service.flows.inventory.count_activities(instance, customer_id)
    return {(count.activity_type, count.display): count.count for count in found.types}


async def size(service: Service, table: str, instance: str = INSTANCE) -> tuple[int, int]:
    found = await service.flows.inventory.measure_table(instance, table)
    return found.records, found.size_bytes


def another_instance(file: Path) -> Path:
    file.write_text(file.read_text().replace(INSTANCE, OTHER_INSTANCE))
    return file


async def test_the_preferred_of_several_keys_is_that_of_the_profile(service: Service, tmp_path: Path) -> None:
    """S19."""
    people = [customer("a", Club_members_MemberId="m-2"), customer("b"), customer("c", Club_members_MemberId="m-9")]
    keys = [key("m-3", "a"), key("m-1", "a"), key("m-2", "a"), key("m-5", "b"), key("m-4", "b"), key("m-6", "c")]
    await service.refresh(environment(tmp_path, people, [], keys))

    rings = [await key_ring(service, member) for member in ("m-1", "m-5", "m-6")]

    assert [ring.customer_id for ring in rings] == ["a", "b", "c"]
    assert [(t.preferred, t.keys) for ring in rings for t in ring.tables] == [
        ("m-2", ("m-1", "m-2", "m-3")),
        ("m-4", ("m-4", "m-5")),
        ("m-6", ("m-6",)),
    ]


async def test_the_keys_of_a_merged_profile_lead_to_the_survivor(service: Service, tmp_path: Path) -> None:
    """S18, S19."""
    keys = [key("m-1", "a"), key("m-2", "b")]
    await service.refresh(environment(tmp_path, [customer("a"), customer("b")], [], keys))
    before = await key_ring(service, "m-1")
    await service.refresh(environment(tmp_path, [customer("b", PreviousCustomerId="a")], [], keys))

    ring = await key_ring(service, "m-1")

    assert (before.customer_id, ring.customer_id) == ("a", "b")
    assert [t.keys for t in ring.tables] == [("m-1", "m-2")]
    assert ring == await key_ring(service, "m-2")


async def test_a_key_that_a_refresh_took_away_leads_nowhere_until_the_refresh_is_undone(
    service: Service, tmp_path: Path
) -> None:
    """S21."""
    await service.refresh(environment(tmp_path, [customer("a")], [], [key("m-1", "a")]))
    await service.refresh(environment(tmp_path, [customer("a")]))
    with pytest.raises(errors.RecordNotFound):
        await key_ring(service, "m-1")

    await publish.undo_refresh(service.store, service.clock, INSTANCE)

    assert (await key_ring(service, "m-1")).customer_id == "a"


async def test_keys_counts_and_sizes_of_one_instance_are_not_those_of_another(service: Service, tmp_path: Path) -> None:
    """S33."""
    keys = [key("m", "a"), key("o", "b")]
    await service.refresh(environment(tmp_path, [customer("a"), customer("b")], [activity("1", "a")], keys))
    ours = await size(service, "Customer"), await size(service, "UnifiedActivity")

    await service.refresh(
        another_instance(environment(tmp_path, [customer("b"), customer("a")], [activity("2", "a")], [key("m", "b")]))
    )
    await service.refresh(another_instance(environment(tmp_path, [customer("b")], [], [key("m", "b")])))

    assert (await key_ring(service, "m")).customer_id == "a"
    assert (await key_ring(service, "m", OTHER_INSTANCE)).customer_id == "b"
    assert [t.keys for t in (await key_ring(service, "o")).tables] == [("o",)]
    assert await counts(service, "a") == {("Note", None): 1}
    assert await counts(service, "b", OTHER_INSTANCE) == {}
    with pytest.raises(errors.RecordNotFound):
        await counts(service, "a", OTHER_INSTANCE)
    assert (await size(service, "Customer"), await size(service, "UnifiedActivity")) == ours
    assert (await size(service, "Customer", OTHER_INSTANCE))[0] == 1
    assert await size(service, "UnifiedActivity", OTHER_INSTANCE) == (0, 0)


async def test_counts_leave_out_what_the_timeline_leaves_out(service: Service, tmp_path: Path) -> None:
    """S15, S16."""
    keys = [key("m-1", "a")]
    visit = {"VisitId": "v-1", "MemberId": "m-1", "VisitedOn": "2026-11-20T10:00:00Z"}
    hidden = activity("2", "a", EntityName="Web_visits")
    await service.refresh(environment(tmp_path, [customer("a")], [activity("1", "a"), hidden], keys))
    await service.flows.ingest.ingest_activity(INSTANCE, "Web_visits", visit, asking.write())
    await sale(service, "s-1", "m-1")
    await asking.post(service, "a", "3")

    await service.refresh(
        environment(tmp_path, [customer("a")], [activity("1", "a"), activity("3", "a"), hidden], keys)
    )

    assert await counts(service, "a") == {("Note", None): 2, ("SalesOrder", "Sale"): 1}
    assert (await size(service, "UnifiedActivity"))[0] == len(await asking.timeline(service, "a")) == 3


async def test_counts_of_a_merged_profile_hold_what_was_written_under_any_id(service: Service, tmp_path: Path) -> None:
    """S12, S18."""
    await service.refresh(environment(tmp_path, [customer("a"), customer("b")], [activity("1", "b")]))
    for customer_id, activity_id in (("a", "x"), ("b", "x"), ("b", "y")):
        await asking.post(service, customer_id, activity_id)

    await service.refresh(environment(tmp_path, [customer("b", PreviousCustomerId="a")], [activity("1", "b")]))

    assert await counts(service, "a") == await counts(service, "b") == {("Note", None): 3}
    assert (await service.flows.inventory.count_activities(INSTANCE, "a")).customer_id == "b"


async def test_the_size_of_the_customer_table_is_that_of_the_active_generation(
    service: Service, tmp_path: Path
) -> None:
    """S21."""
    await service.refresh(environment(tmp_path, [customer("a"), customer("b")]))
    before = await size(service, "Customer")

    await service.refresh(environment(tmp_path, [customer("a"), customer("b"), customer("c", "x" * 400)]))
    after = await size(service, "Customer")
    await publish.undo_refresh(service.store, service.clock, INSTANCE)

    assert (before[0], after[0]) == (2, 3)
    assert after[1] > before[1] > 0
    assert await size(service, "Customer") == before


async def test_before_the_first_refresh_there_is_nothing_to_count(service: Service, tmp_path: Path) -> None:
    broken = another_instance(environment(tmp_path, [customer("a", Points="many")]))
    with pytest.raises(errors.SourceInvalid):
        await service.refresh(broken)

    with pytest.raises(errors.TableNotFound):
        await key_ring(service, "m", OTHER_INSTANCE)
    with pytest.raises(errors.TableNotFound):
        await size(service, "Customer", OTHER_INSTANCE)
    with pytest.raises(errors.RecordNotFound):
        await counts(service, "a", OTHER_INSTANCE)
