"""Segments and measures as they are defined, computed by a refresh, with or without files (S10)."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import INSTANCE, Service, open_service
from tests.flows import asking
from tests.flows.test_refresh import customer
from tests.flows.test_segments_and_measures import environment, list_members
from tests.flows.test_segments_and_measures import measure as ready_measure
from tests.unit.insights import defining
from tests.unit.insights.defining import both, condition
from topcoat.core import errors
from topcoat.core.insights.definition import Definition, Kind
from topcoat.core.workflow import Status
from topcoat.flows import data_sources
from topcoat.flows.insights import Insight
from topcoat.flows.refresh import publish
from topcoat.flows.refresh.progress import Silent
from topcoat.flows.refresh.report import RunReport

PURCHASES = "PoS_posPurchases"
OTHER_INSTANCE = "c0ffee00-0000-4000-8000-000000000009"


@pytest.fixture
async def embedded(sqlite_url: str) -> AsyncIterator[Service]:
    """On SQLite alone, for what has no SQL of its own."""
    async with open_service(sqlite_url) as opened:
        yield opened


async def define(service: Service, definition: Definition, instance: str = INSTANCE) -> Insight:
    flow = service.flows.insights
    return await flow.create(instance, definition.kind, definition.name, definition.document, "tests")


async def compute(service: Service, instance: str = INSTANCE) -> RunReport:
    return await publish.compute_insights(service.store, service.clock, instance, Silent(), horizon=timedelta(days=7))


async def get(service: Service, kind: Kind, name: str, history: timedelta | None = None) -> Insight:
    return await service.flows.insights.get_insight(INSTANCE, kind, name, history)


async def measures_of(service: Service, customer_id: str) -> dict[str, Any]:
    found = await asking.page(service, "Customer_Measure", filter=f"CustomerId eq '{customer_id}'")
    return found.records[0] if found.records else {}


def spent_in_shops(sample: Path) -> dict[str, float]:
    """What the sample's files say, by customer."""
    spent: dict[str, int] = {}
    for line in (sample / "activities.jsonl").read_text().splitlines():
        activity = json.loads(line)
        if activity["EntityName"] == PURCHASES:
            cents = round(json.loads(activity["SemanticData"])["TotalAmount"] * 100)
            spent[activity["CustomerId"]] = spent.get(activity["CustomerId"], 0) + cents
    return {customer_id: cents / 100 for customer_id, cents in spent.items()}


SPEND = defining.measure("ShopSpend", "sum", "TotalAmount", PURCHASES)
BUYERS = defining.segment(
    "GoodBuyers",
    both(condition("Customer_Measure.ShopSpend", "greaterThan", "60"), condition("Country", "isNotNull")),
)


async def test_a_refresh_computes_what_is_defined(service: Service, sample_folder: Path, abbie: str) -> None:
    """Beside what came with files, and without a look at changes and activities in real time."""
    await define(service, SPEND)
    await define(service, BUYERS)
    await asking.post_purchase(service, "P-NEW", "L-1", TotalAmount=10_000.0)
    await asking.override(service, abbie, {"Country": None})
    expected = spent_in_shops(sample_folder)

    report = await service.refresh(sample_folder / "contoso.yaml")

    records = await asking.all_pages(service, "Customer_Measure")
    assert {r["CustomerId"]: r["ShopSpend"] for r in records if r["ShopSpend"] is not None} == expected
    assert all(r["LifetimeSpend"] is not None for r in records)
    assert await list_members(service, "GoodBuyers") == sorted(c for c, spent in expected.items() if spent > 60)
    assert await list_members(service, "LoyaltyGold")
    assert report.measures == len(records)
    expanded = await asking.read(service, abbie, expand="Customer_Measure")
    assert expanded["Customer_Measure"]["ShopSpend"] == expected[abbie]
    richest = await asking.page(service, "Customer_Measure", orderby="ShopSpend desc", top="1")
    assert richest.records[0]["ShopSpend"] == max(expected.values())
    stored = await get(service, Kind.SEGMENT, "GoodBuyers")
    assert stored.fault is None
    assert stored.evaluations[0].record_count == sum(spent > 60 for spent in expected.values())


async def test_definitions_are_computed_without_files(service: Service, abbie: str) -> None:
    """What was there before stays, what is no longer defined goes, and it can be undone."""
    before = await service.flows.instances.get_instance(INSTANCE)
    ready = await measures_of(service, abbie)
    await define(service, SPEND)
    await define(service, defining.measure("Everybody", "count", None, "Customer", kind="entity"))

    first = await compute(service)

    with_spend = await measures_of(service, abbie)
    assert with_spend == ready | {"ShopSpend": with_spend["ShopSpend"]}
    assert with_spend["ShopSpend"] > 0
    assert (await get(service, Kind.MEASURE, "Everybody")).evaluations[0].output == {"count": 20}
    spenders = [r for r in await asking.all_pages(service, "Customer_Measure") if r["ShopSpend"] is not None]
    assert first.opened == {"measure_record": len(spenders), "segment_membership": 0}
    assert await asking.timeline(service, abbie)
    after = await service.flows.instances.get_instance(INSTANCE)
    assert after.generation == first.generation
    assert before.generation == first.generation - 1

    await service.flows.insights.delete(INSTANCE, Kind.MEASURE, "ShopSpend")
    await define(service, defining.segment("Locals", condition("City", "equals", "Seattle")))
    second = await compute(service)

    assert await measures_of(service, abbie) == ready
    assert abbie in await list_members(service, "Locals")
    assert await list_members(service, "LoyaltyGold")
    assert second.opened["segment_membership"] == 1 + len(await list_members(service, "Locals"))
    await service.undo()
    assert "ShopSpend" in await measures_of(service, abbie)
    with pytest.raises(errors.UnknownSegment):
        await list_members(service, "Locals")


@pytest.mark.parametrize("operation", ["measures", "segmentation"])
async def test_a_job_of_either_kind_computes_both_and_nothing_else(embedded: Service, operation: str) -> None:
    await define(embedded, SPEND)
    await define(embedded, BUYERS)
    submitted = await embedded.flows.jobs.submit(INSTANCE, operation, (), principal="tests")

    assert await embedded.flows.runner.run_next()

    report = await embedded.flows.jobs.get_job(INSTANCE, submitted.job.job_id)
    done = {task.operation_type for task in report.tasks if task.status is Status.SUCCESSFUL}
    assert (report.job.status, done) == (Status.SUCCESSFUL, {"measures", "segmentation"})
    assert await list_members(embedded, "GoodBuyers")
    assert report.job.generation == (await embedded.flows.instances.get_instance(INSTANCE)).generation


async def test_an_evaluation_leaves_changes_and_counts_as_they_are(embedded: Service, abbie: str) -> None:
    await asking.override(embedded, abbie, {"City": "Seattle"})
    await define(embedded, SPEND)

    report = await compute(embedded)

    assert report.confirmed == 0
    assert (await asking.page(embedded, "Customer", count="true")).count == 20
    assert len(await embedded.flows.query.list_changes(INSTANCE, abbie)) == 1


async def test_an_inactive_segment_has_no_members_from_the_next_evaluation_on(embedded: Service, abbie: str) -> None:
    flow = embedded.flows.insights
    await define(embedded, defining.segment("Locals", condition("City", "equals", "Seattle")))
    await compute(embedded)

    await flow.set_state(INSTANCE, "Locals", "inactive", "tests")
    assert abbie in await list_members(embedded, "Locals")
    await compute(embedded)
    assert await list_members(embedded, "Locals") == []

    await flow.set_state(INSTANCE, "Locals", "active", "tests")
    await compute(embedded)
    assert abbie in await list_members(embedded, "Locals")
    counts = [one.record_count for one in (await get(embedded, Kind.SEGMENT, "Locals", timedelta(days=1))).history]
    assert counts == [counts[2], 0, counts[2]]


async def test_a_segment_ends_at_its_end_date(embedded: Service) -> None:
    await define(embedded, defining.segment("Locals", condition("City", "isNotNull")))
    document = (await get(embedded, Kind.SEGMENT, "Locals")).document | {"endDate": "2026-11-25T00:00:00Z"}
    stored = await embedded.flows.insights.replace(INSTANCE, Kind.SEGMENT, "Locals", document, "tests")
    assert stored.is_active

    await embedded.advance(timedelta(days=1))
    await compute(embedded)

    assert not (await get(embedded, Kind.SEGMENT, "Locals")).is_active
    assert await list_members(embedded, "Locals") == []


async def test_what_is_not_computed_is_kept_and_says_why(embedded: Service) -> None:
    stored = await define(embedded, defining.measure("Best", "argMax", "TotalAmount", PURCHASES))
    await define(embedded, SPEND)

    await compute(embedded)

    told = await get(embedded, Kind.MEASURE, "Best", timedelta(days=1))
    assert stored.fault == told.fault == "It is kept and not computed: definition.aggregates[0] is argMax."
    assert [one.error for one in told.history] == [told.fault]
    assert (await get(embedded, Kind.MEASURE, "ShopSpend")).evaluations[0].error is None
    with pytest.raises(errors.UnknownColumn):
        await asking.page(embedded, "Customer_Measure", filter="Best gt 1")


@pytest.mark.parametrize(
    ("definition", "error"),
    [
        (defining.measure("Bad-Name", "count"), errors.ParameterInvalid),
        (defining.measure("1st", "count"), errors.ParameterInvalid),
        (defining.measure("lifetimespend", "count"), errors.NameTaken),
        (defining.measure("CustomerId", "count"), errors.NameTaken),
        (defining.measure("shopspend", "count"), errors.NameTaken),
        (defining.segment("HighValue", condition("City", "isNull")), errors.NameTaken),
        (defining.measure("M", "sum", "Amount", PURCHASES), errors.DefinitionInvalid),
        (defining.segment("S", condition("IsMemberOfSegment", "equals", "Nobody")), errors.DefinitionInvalid),
        (defining.segment("S", condition("IsMemberOfSegment", "equals", "S")), errors.DefinitionsCyclic),
    ],
)
async def test_what_cannot_be_defined_is_refused(
    embedded: Service, definition: Definition, error: type[Exception]
) -> None:
    await define(embedded, SPEND)

    with pytest.raises(error):
        await define(embedded, definition)

    assert len(await embedded.flows.insights.list_insights(INSTANCE, Kind.MEASURE)) == 4
    assert len(await embedded.flows.insights.list_insights(INSTANCE, Kind.SEGMENT)) == 3


async def test_what_others_lean_on_stays_as_they_need_it(embedded: Service) -> None:
    flow = embedded.flows.insights
    await define(embedded, SPEND)
    await define(embedded, BUYERS)
    scalar = defining.measure("ShopSpend", "sum", "TotalAmount", PURCHASES, kind="entity").document
    leaning = defining.measure("ShopSpend", "count", None, where=condition("IsMemberOfSegment", "equals", "GoodBuyers"))

    with pytest.raises(errors.DefinitionInUse, match="segment 'GoodBuyers'"):
        await flow.delete(INSTANCE, Kind.MEASURE, "ShopSpend")
    with pytest.raises(errors.DefinitionInvalid, match="would leave the segment 'GoodBuyers' without what it needs"):
        await flow.replace(INSTANCE, Kind.MEASURE, "ShopSpend", scalar, "tests")
    with pytest.raises(errors.DefinitionsCyclic):
        await flow.replace(INSTANCE, Kind.MEASURE, "ShopSpend", leaning.document, "tests")

    assert (await get(embedded, Kind.MEASURE, "ShopSpend")).document == SPEND.document
    await flow.delete(INSTANCE, Kind.SEGMENT, "GoodBuyers")
    await flow.delete(INSTANCE, Kind.MEASURE, "ShopSpend")


async def test_ready_made_ones_are_told_and_cannot_be_changed(embedded: Service) -> None:
    flow = embedded.flows.insights
    golden = await get(embedded, Kind.SEGMENT, "LoyaltyGold")
    assert golden.authorship is None
    assert golden.evaluations[0].record_count == len(await list_members(embedded, "LoyaltyGold"))
    assert [m.name for m in await flow.list_insights(INSTANCE, Kind.MEASURE)] == [
        "LifetimeSpend",
        "PurchaseCount",
        "LastPurchaseOn",
    ]

    for change in (
        flow.delete(INSTANCE, Kind.SEGMENT, "LoyaltyGold"),
        flow.set_state(INSTANCE, "LoyaltyGold", "inactive", "tests"),
        flow.replace(INSTANCE, Kind.MEASURE, "LifetimeSpend", SPEND.document, "tests"),
    ):
        with pytest.raises(errors.ReadyMade):
            await change
    with pytest.raises(errors.DefinitionNotFound, match="did you mean 'LoyaltyGold'"):
        await flow.delete(INSTANCE, Kind.SEGMENT, "LoyaltyGolden")


@pytest.mark.parametrize(
    ("definition", "line"),
    [
        (defining.measure("spend", "count"), "measures.jsonl, line 1: the measure 'Spend' is defined"),
        (
            defining.segment("gold", condition("City", "isNull")),
            "segments.jsonl, line 2: the segment 'Gold' is defined",
        ),
    ],
)
async def test_a_file_that_brings_a_name_that_is_defined_is_refused(
    embedded: Service, tmp_path: Path, definition: Definition, line: str
) -> None:
    people, members = [customer("a"), customer("b")], [("Silver", "a"), ("Gold", "b")]
    await define(embedded, definition)

    with pytest.raises(errors.SourceInvalid) as caught:
        await embedded.refresh(environment(tmp_path, people, [ready_measure("a", Spend=1.0)], members))

    assert line in caught.value.message
    assert (await embedded.flows.instances.get_instance(INSTANCE)).generation == 1


async def test_a_column_that_a_refresh_takes_away_fails_the_definition_alone(embedded: Service, tmp_path: Path) -> None:
    await define(embedded, SPEND)
    await define(embedded, BUYERS)
    await define(embedded, defining.segment("Locals", condition("City", "isNotNull")))

    await embedded.refresh(environment(tmp_path, [customer("a", City="Rome")]))

    spend, buyers = await get(embedded, Kind.MEASURE, "ShopSpend"), await get(embedded, Kind.SEGMENT, "GoodBuyers")
    assert "names the table 'PoS_posPurchases', which this instance does not have" in (spend.fault or "")
    assert "leans on the measure 'ShopSpend'" in (buyers.fault or "")
    assert [one.error for one in spend.evaluations] == [spend.fault]
    assert await list_members(embedded, "Locals") == ["a"]


async def test_semantic_data_that_is_no_record_has_no_columns(
    embedded: Service, tmp_path: Path, sample_folder: Path
) -> None:
    changed = asking.changed_sample(sample_folder, tmp_path, {})
    file = changed.parent / "activities.jsonl"
    activities = [json.loads(line) for line in file.read_text().splitlines()]
    mine = [a for a in activities if a["EntityName"] == PURCHASES and a["CustomerId"] == activities[0]["CustomerId"]]
    for activity, data in zip(mine, ("words", "[1]", None), strict=False):
        activity["SemanticData"] = data
    file.write_text("".join(json.dumps(a) + "\n" for a in activities))
    await define(embedded, SPEND)
    await define(embedded, defining.measure("Bought", "count", None, PURCHASES))

    await embedded.refresh(changed)

    found = await measures_of(embedded, activities[0]["CustomerId"])
    assert found["Bought"] == len(mine)
    assert found["ShopSpend"] is None or len(mine) > 3


async def test_an_instance_without_a_refresh_keeps_definitions_and_computes_nothing(embedded: Service) -> None:
    async with embedded.store.writing() as connection:
        await publish.instances.save_instance(
            connection,
            guid=OTHER_INSTANCE,
            name="Empty",
            instance_type="sandbox",
            profile_lifetime=timedelta(hours=4),
            activity_lifetime=timedelta(days=30),
            now=embedded.clock.system_now(),
        )

    stored = await define(embedded, SPEND, OTHER_INSTANCE)

    assert stored.fault is not None
    with pytest.raises(errors.NotRefreshed):
        await compute(embedded, OTHER_INSTANCE)
    with pytest.raises(errors.InstanceNotFound):
        await compute(embedded, "nobody")
    with pytest.raises(errors.InstanceNotFound):
        await define(embedded, SPEND, "nobody")


async def test_activities_of_a_deleted_data_source_no_longer_count(embedded: Service) -> None:
    """What was computed before stays until the next evaluation."""
    reviews = condition("EntityName", "equals", "Website_webReviews")
    await define(embedded, defining.measure("Reviews", "count", None, "UnifiedActivity", reviews))
    await define(embedded, defining.measure("Ratings", "count", None, "Website_webReviews"))
    await compute(embedded)
    before = {r["CustomerId"]: r["Reviews"] for r in await asking.all_pages(embedded, "Customer_Measure")}

    await embedded.flows.data_sources.delete_data_source(INSTANCE, data_sources.data_source_id(INSTANCE, "Website"))

    kept = {r["CustomerId"]: r["Reviews"] for r in await asking.all_pages(embedded, "Customer_Measure")}
    await compute(embedded)
    after = {r["Reviews"] for r in await asking.all_pages(embedded, "Customer_Measure")}
    assert kept == before
    assert any(before.values())
    assert after == {0}
    assert (await get(embedded, Kind.MEASURE, "Ratings")).fault is not None
