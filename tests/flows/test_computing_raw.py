"""Segments and measures that a refresh of raw tables computes, written as differences, on both databases (S10, S21)."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import INSTANCE, Service
from tests.flows import asking
from tests.flows.test_insights import OTHER_INSTANCE, compute, define, get
from tests.flows.test_pipeline import SALES, profiles, refresh, write
from tests.flows.test_segments_and_measures import list_members
from tests.unit.insights import defining
from tests.unit.insights.defining import both, condition
from topcoat.core import errors
from topcoat.core.insights.definition import Definition, Kind
from topcoat.flows.refresh import publish
from topcoat.flows.refresh.environment import load_environment
from topcoat.flows.refresh.report import RunReport
from topcoat.store.staging import MEASURES, MEMBERSHIPS

pytestmark = pytest.mark.measured_once

AMOUNT = defining.measure("Spent", "sum", "Amount", "Shop_sales")
MEAN = defining.measure("Mean", "avg", "Amount", "Shop_sales")
NUMBER = defining.measure("Number", "count", None)
LAST = defining.measure("LastSeen", "max", "ActivityTime")
WHOSE = defining.measure("Whose", "max", "CustomerId")
TOTAL = defining.measure("Total", "sum", "Amount", "Shop_sales", kind="entity")
BUYERS = defining.segment("Buyers", condition("Customer_Measure.Spent", "greaterThan", "4"))
OTHERS = defining.segment(
    "Others",
    both(condition("Customer_Measure.CustomerId", "isNotNull"), condition("IsMemberOfSegment", "notEquals", "Buyers")),
)
CLOSED = Definition(Kind.SEGMENT, "Closed", {**OTHERS.document, "state": "inactive"})
NEVER = defining.segment("Never", condition("City", "childOf", "Norway"))

LATER = [*SALES[:1], SALES[1] | {"MemberId": "3", "SoldOn": "2025-06-02T10:00:00.5Z"}]


def written(report: RunReport) -> dict[str, tuple[int, int]]:
    return {table.name: (report.opened[table.name], report.closed[table.name]) for table in (MEASURES, MEMBERSHIPS)}


async def measured(service: Service) -> dict[str, Any]:
    """By the shop's key, or else the club's; without the ids."""
    keys = {profile["CustomerId"]: key for key, profile in (await profiles(service)).items()}
    records = await asking.all_pages(service, "Customer_Measure")
    return {keys[r.pop("CustomerId")]: {name: value for name, value in r.items() if value is not None} for r in records}


async def test_a_refresh_of_raw_tables_computes_what_is_defined(service: Service, tmp_path: Path) -> None:
    """The generation that is computed customer by customer differs in nothing, so the digests are the same, too."""
    without = await refresh(service, write(tmp_path))
    assert (without.measures, without.segments, await asking.all_pages(service, "Customer_Measure")) == (0, 0, [])
    for definition in (AMOUNT, MEAN, NUMBER, LAST, WHOSE, TOTAL, BUYERS, OTHERS, CLOSED, NEVER):
        await define(service, definition)

    first = await refresh(service, tmp_path / "raw.yaml")

    ids = {key: profile["CustomerId"] for key, profile in (await profiles(service)).items()}
    spent = {"Number": 1, "Spent": 4.5, "Mean": 4.5, "LastSeen": "2025-06-01T10:00:00Z", "Whose": ids["c1"]}
    assert await measured(service) == {"c1": spent, "c2": {"Number": 0}, "c3": {"Number": 0}, "3": {"Number": 0}}
    assert (first.measures, first.segments) == (4, 3)
    assert await list_members(service, "Buyers") == [ids["c1"]]
    assert await list_members(service, "Others") == sorted(ids[key] for key in ("c2", "c3", "3"))
    assert await list_members(service, "Closed") == []
    total = (await get(service, Kind.MEASURE, "Total")).evaluations[0]
    assert (total.output, total.record_count, total.generation) == ({"sum": 4.5}, 1, first.generation)
    assert "childOf" in str((await get(service, Kind.SEGMENT, "Never")).evaluations[0].error)

    assert written(await compute(service)) == {MEASURES.name: (0, 0), MEMBERSHIPS.name: (0, 0)}
    await service.flows.insights.delete(INSTANCE, Kind.SEGMENT, "Closed")

    later = await refresh(service, write(tmp_path, sales=LATER))

    assert written(later) == {MEASURES.name: (1, 1), MEMBERSHIPS.name: (0, 1)}
    assert later.segments == 2
    found = {"Number": 1, "Spent": 1.0, "Mean": 1.0, "LastSeen": "2025-06-02T10:00:00.500000Z", "Whose": ids["3"]}
    assert (await measured(service))["3"] == found


async def test_no_measure_is_called_as_the_column_that_all_have(sqlite_service: Service, tmp_path: Path) -> None:
    """Before the first refresh there is no table yet to refuse it."""
    file = write(tmp_path)
    file.write_text(file.read_text().replace(INSTANCE, OTHER_INSTANCE))
    await publish.save_instance(sqlite_service.store, sqlite_service.clock, load_environment(file))
    await define(sqlite_service, defining.measure("CustomerId", "count", None), OTHER_INSTANCE)

    with pytest.raises(errors.SourceInvalid, match=r"raw\.yaml.*the measure 'CustomerId' is defined"):
        await refresh(sqlite_service, file)
