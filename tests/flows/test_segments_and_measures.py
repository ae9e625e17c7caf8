"""Segments and measures of the snapshot, published, undone and pruned, on both databases (S10, S18, S20, S21)."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.conftest import INSTANCE, Service
from tests.flows import asking
from tests.flows.test_refresh import customer
from topcoat.core import errors
from topcoat.flows.refresh import publish
from topcoat.store import instances, measures, segments

OTHER_INSTANCE = "c0ffee00-0000-4000-8000-000000000002"
ENVIRONMENT = """
instance: {id: INSTANCE, name: Contoso Coffee}
unified:
  customer: {file: customers.jsonl, columns: {CustomerId: string, City: string, PreviousCustomerId: string}}
  measures: {file: measures.jsonl, columns: {CustomerId: string, Spend: decimal, Count: integer}}
  segments: {file: segments.jsonl}
"""

Rows = Sequence[dict[str, object]]
Members = Sequence[tuple[str, str | None]]


def environment(
    folder: Path, customers: Rows, measures: Rows = (), members: Members = (), instance: str = INSTANCE
) -> Path:
    rows = [{"Segment": segment, "CustomerId": customer_id} for segment, customer_id in members]
    for name, records in (("customers", customers), ("measures", measures), ("segments", rows)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    file = folder / "environment.yaml"
    file.write_text(ENVIRONMENT.replace("INSTANCE", instance))
    return file


def measure(customer_id: str, **values: object) -> dict[str, object]:
    return {"CustomerId": customer_id, **values}


async def stored(service: Service, *ids: str, instance: str = INSTANCE) -> dict[str, Any]:
    """Everything that the store tells of the active generation."""
    async with service.store.reading() as connection:
        stand = await instances.find_stand(connection, instance)
        assert stand is not None
        assert stand.generation is not None
        at = stand.instance_id, stand.generation
        names = await segments.list_segments(connection, *at)
        return {
            "segments": {name: await list_members(service, name, instance=instance) for name in names},
            "memberships": await segments.list_memberships(connection, *at, ids),
            "measures": await measures.fetch_measures(connection, *at, ids),
        }


async def list_members(service: Service, segment: str, *, instance: str = INSTANCE) -> list[str]:
    """As reads find them."""
    members = f"IsMemberOfSegment('{segment}')"
    return [record["CustomerId"] for record in await asking.all_pages(service, "Customer", instance, filter=members)]


async def count_rows(service: Service) -> list[int]:
    counts = []
    async with service.store.glancing() as connection:
        for table in ("measure_record", "segment_membership"):
            statement = text(f"SELECT count(*) FROM {table} WHERE instance_id = 1")
            (row,) = await connection.fetch_all(statement)
            counts.append(int(row[0]))
    return counts


async def test_segments_and_measures_are_what_the_files_say(service: Service, tmp_path: Path) -> None:
    people = [customer("a"), customer("b"), customer("c")]
    values = [measure("a", Spend=12.5, Count=3), measure("b", Count=0)]
    members: Members = [("Gold", "b"), ("Empty", None), ("Gold", "a"), ("Café ☕", "a"), ("Café ☕", None)]

    report = await service.refresh(environment(tmp_path, people, values, members))

    assert (report.measures, report.segments) == (2, 3)
    assert await stored(service, "a", "b", "c", "nobody") == {
        "segments": {"Café ☕": ["a"], "Empty": [], "Gold": ["a", "b"]},
        "memberships": {
            "a": frozenset({"Gold", "Café ☕"}),
            "b": frozenset({"Gold"}),
            "c": frozenset(),
            "nobody": frozenset(),
        },
        "measures": {
            "a": {"CustomerId": "a", "Spend": 12.5, "Count": 3},
            "b": {"CustomerId": "b", "Count": 0},
        },
    }


async def test_the_sample_has_segments_and_measures(service: Service, abbie: str) -> None:
    found = await stored(service, abbie)

    assert list(found["segments"]) == ["HighValue", "LoyaltyGold", "NewCustomers"]
    assert abbie in found["segments"]["HighValue"]
    profile = await asking.read(service, abbie)
    assert found["measures"][abbie]["LifetimeSpend"] == profile["TotalSpend"]


async def test_members_are_listed_in_the_order_of_their_ids(service: Service, tmp_path: Path) -> None:
    ids = ["B", "a", "b", "é", "😀"]
    members: Members = [("Gold", customer_id) for customer_id in reversed(ids)]
    await service.refresh(environment(tmp_path, [customer(customer_id) for customer_id in ids], [], members))

    assert await list_members(service, "Gold") == ids
    with pytest.raises(errors.UnknownSegment, match="did you mean 'Gold'"):
        await list_members(service, "gold")


async def test_a_refresh_writes_only_the_measures_and_memberships_that_changed(
    service: Service, tmp_path: Path
) -> None:
    """S21."""
    people = [customer("a"), customer("b")]
    await service.refresh(environment(tmp_path, people, [measure("a", Count=1), measure("b")], [("Gold", "a")]))

    again = await service.refresh(environment(tmp_path, people, [measure("b"), measure("a", Count=1)], [("Gold", "a")]))
    changed = await service.refresh(
        environment(tmp_path, people, [measure("a", Count=2)], [("Gold", "b"), ("Empty", None)])
    )

    assert set(again.opened.values()) == set(again.closed.values()) == {0}
    assert (changed.opened["measure_record"], changed.closed["measure_record"]) == (1, 2)
    assert (changed.opened["segment_membership"], changed.closed["segment_membership"]) == (2, 1)
    found = await stored(service, "a", "b")
    assert found["segments"] == {"Empty": [], "Gold": ["b"]}
    assert found["measures"] == {"a": {"CustomerId": "a", "Count": 2}}


async def test_an_undone_refresh_gives_segments_and_measures_back(service: Service, tmp_path: Path) -> None:
    """S21."""
    people = [customer("a"), customer("b")]
    await service.refresh(environment(tmp_path, people, [measure("a", Count=1)], [("Gold", "a"), ("Empty", None)]))
    before, rows = await stored(service, "a", "b"), await count_rows(service)
    await service.refresh(environment(tmp_path, people, [measure("b")], [("Silver", "a"), ("Gold", "b")]))

    await publish.undo_refresh(service.store, service.clock, INSTANCE)

    assert await stored(service, "a", "b") == before
    assert await count_rows(service) == rows


async def test_rows_of_old_generations_are_pruned(service: Service, tmp_path: Path) -> None:
    """S28."""
    people = [customer("a")]
    for count in range(3):
        await service.refresh(environment(tmp_path, people, [measure("a", Count=count)], [(f"Segment {count}", "a")]))
        await service.advance(timedelta(days=8))

    report = await service.refresh(environment(tmp_path, people, [measure("a", Count=3)], [("Segment 3", "a")]))

    assert report.pruned > 0
    kept = [2, 4]  # of the active generation and of the one that an undo goes back to
    assert await count_rows(service) == kept
    assert (await stored(service, "a"))["segments"] == {"Segment 3": ["a"]}


async def test_measures_and_members_of_a_merged_profile_are_the_survivors(service: Service, tmp_path: Path) -> None:
    """S18."""
    people = [customer("b", PreviousCustomerId="a;z"), customer("c")]
    members: Members = [("Gold", "a"), ("Gold", "b"), ("Gold", "z"), ("Gold", "c"), ("Silver", "a"), ("Silver", "z")]

    await service.refresh(environment(tmp_path, people, [measure("a", Count=1)], members))

    assert await stored(service, "a", "b") == {
        "segments": {"Gold": ["b", "c"], "Silver": ["b"]},
        "memberships": {"a": frozenset(), "b": frozenset({"Gold", "Silver"})},
        "measures": {"b": {"CustomerId": "b", "Count": 1}},
    }


@pytest.mark.parametrize(
    ("people", "values", "members", "file", "line", "said"),
    [
        ([customer("a")], [measure("b")], [], "measures.jsonl", 1, "'b' names no profile of customers.jsonl"),
        ([customer("a")], [measure("a"), measure("a")], [], "measures.jsonl", 2, "'a' is there already, in line 1"),
        (
            [customer("b", PreviousCustomerId="a")],
            [measure("a"), measure("b")],
            [],
            "measures.jsonl",
            2,
            "the CustomerId 'b' is there already, in line 1",
        ),
        ([customer("a")], [], [("Gold", "a"), ("Gold", "b")], "segments.jsonl", 2, "'b' names no profile"),
        (
            [customer("a")],
            [],
            [("Gold", "a"), ("Silver", "a"), ("Gold", "a")],
            "segments.jsonl",
            3,
            "the CustomerId of segment 'Gold' is there already, in line 1",
        ),
        ([customer("a")], [], [("Gold", None), ("Gold", None)], "segments.jsonl", 2, "in line 1"),
    ],
)
async def test_a_faulty_file_names_its_line_and_leaves_the_active_generation(
    service: Service, tmp_path: Path, people: Rows, values: Rows, members: Members, file: str, line: int, said: str
) -> None:
    """S20."""
    await service.refresh(environment(tmp_path, [customer("a")], [measure("a", Count=7)], [("Gold", "a")]))
    before = await stored(service, "a")

    with pytest.raises(errors.SourceInvalid) as raised:
        await service.refresh(environment(tmp_path, people, values, members))

    assert str(raised.value.parts["file"]).endswith(file)
    assert raised.value.parts["line"] == line
    assert said in raised.value.message
    assert await stored(service, "a") == before


async def test_segments_and_measures_of_one_instance_are_not_those_of_another(service: Service, tmp_path: Path) -> None:
    """S33."""
    people = [customer("a")]
    await service.refresh(environment(tmp_path, people, [measure("a", Count=1)], [("Gold", "a"), ("Ours", None)]))
    ours = await stored(service, "a")

    await service.refresh(
        environment(tmp_path, people, [measure("a", Count=2)], [("Gold", None), ("Theirs", "a")], OTHER_INSTANCE)
    )

    assert await stored(service, "a") == ours
    assert await stored(service, "a", instance=OTHER_INSTANCE) == {
        "segments": {"Gold": [], "Theirs": ["a"]},
        "memberships": {"a": frozenset({"Theirs"})},
        "measures": {"a": {"CustomerId": "a", "Count": 2}},
    }


async def test_changes_and_activities_move_nobody_between_segments(service: Service, abbie: str) -> None:
    """S10."""
    before = await stored(service, abbie)

    await asking.override(service, abbie, {"LoyaltyTier": "Platinum", "TotalSpend": 0})
    await asking.post_purchase(service, "P-1", "LOYID_1001", TotalAmount=9999)

    assert await stored(service, abbie) == before


async def test_the_size_of_the_measures_is_that_of_the_active_generation(service: Service, tmp_path: Path) -> None:
    people = [customer("a"), customer("b")]
    await service.refresh(environment(tmp_path, people, [measure("a", Count=1), measure("b", Count=1)]))
    await service.refresh(environment(tmp_path, people, [measure("a", Count=2)]))

    size = await service.flows.inventory.measure_table(INSTANCE, "Customer_Measure")

    assert size.records == 1
    assert size.size_bytes > 0
