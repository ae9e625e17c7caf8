"""Data profiles say of the snapshot what its records say, on both databases."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import INSTANCE, NOW, Service
from tests.flows import asking
from tests.flows.test_source_records import ENVIRONMENT, MEMBERS, environment, sale
from topcoat.core import errors
from topcoat.core.catalog import ColumnType
from topcoat.flows import data_profiles
from topcoat.flows.data_profiles import ColumnProfile

NUMBERS = (ColumnType.INTEGER, ColumnType.DECIMAL)
KEYS = (ColumnType.STRING, ColumnType.INTEGER)


async def profile(service: Service, table: str, column: str) -> ColumnProfile:
    return await service.flows.data_profiles.profile_column(INSTANCE, table, column)


def most_frequent(values: list[Any]) -> list[tuple[Any, int]]:
    return sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))[: data_profiles.FREQUENT_MAX]


@pytest.mark.parametrize("table", ["Customer", "UnifiedActivity", "Customer_Measure", "PoS_posPurchases"])
async def test_a_profile_says_what_the_records_say(service: Service, table: str) -> None:
    records = await asking.all_pages(service, table)

    found = await service.flows.data_profiles.profile_table(INSTANCE, table, has_columns=True)

    assert (found.records, found.profiled_at) == (len(records), NOW)
    assert [column.column.name for column in found.columns] == list(records[0])
    for column in found.columns:
        values = [record[column.column.name] for record in records]
        there = [value for value in values if value is not None]
        summary = column.summary
        assert (summary.records, summary.missing) == (len(records), len(records) - len(there))
        assert summary.unique == len(set(there))
        assert (summary.lowest, summary.highest) == (min(there, default=None), max(there, default=None))
        assert list(summary.frequent) == most_frequent(there)
        assert column.is_suggested_key is (column.column.type in KEYS and len(set(values) - {None}) == len(records))
        assert (column.numbers is not None) is (column.column.type in NUMBERS and bool(there))
        if column.numbers is not None:
            assert column.numbers.is_exact
            assert column.numbers.quantiles[500] == sorted(there)[-(-len(there) // 2) - 1]
            assert sum(bin_.records for bin_ in column.numbers.histogram) == len(there)


async def test_live_changes_and_activities_are_not_profiled(sqlite_service: Service, abbie: str) -> None:
    """S10."""
    await asking.override(sqlite_service, abbie, {"City": "Ys"})
    await asking.post(sqlite_service, abbie, "a-1")

    cities = await profile(sqlite_service, "Customer", "City")
    activities = await profile(sqlite_service, "UnifiedActivity", "ActivityId")

    assert "Ys" not in dict(cities.summary.frequent)
    assert "a-1" not in dict(activities.summary.frequent)
    assert activities.summary.records == len(await asking.all_pages(sqlite_service, "UnifiedActivity")) - 1


async def test_more_different_numbers_than_are_kept_make_a_profile_that_is_not_exact(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_profiles, "BLOCKS_MAX", 50)
    sales = [sale(number, Amount=float(number), MemberId="é" * 1_001) for number in range(1, 201)]
    await service.refresh(environment(tmp_path, [*sales, sale(201, Amount=None)]))

    amounts = await profile(service, "Shop_sales", "Amount")
    numbers = await profile(service, "Shop_sales", "SaleId")
    texts = await profile(service, "Shop_sales", "MemberId")

    assert (amounts.summary.unique, amounts.summary.missing) == (200, 1)
    assert amounts.numbers is not None
    assert not amounts.numbers.is_exact
    assert amounts.numbers.quantiles[500] == pytest.approx(100, abs=4)
    assert [bin_.records for bin_ in amounts.numbers.histogram] == pytest.approx([20] * 10, abs=4)
    assert numbers.is_suggested_key
    assert texts.summary.frequent == (("é" * 1_000, 200),)


async def test_a_table_without_records_has_a_profile_of_nothing(service: Service, tmp_path: Path) -> None:
    await service.refresh(environment(tmp_path, []))

    amounts = await profile(service, "Shop_sales", "Amount")

    summary = amounts.summary
    assert (summary.records, summary.missing, summary.unique, summary.lowest, summary.frequent) == (0, 0, 0, None, ())
    assert (amounts.numbers, amounts.is_suggested_key) == (None, False)


async def test_activities_that_no_read_returns_are_not_profiled(sqlite_service: Service, tmp_path: Path) -> None:
    """S16."""
    (tmp_path / "activities.csv").write_text(
        "ActivityId,CustomerId,ActivityTime,ActivityType,EntityName\n"
        "1,a,2026-01-01T00:00:00Z,Note,\n"
        "2,a,2026-01-01T00:00:00Z,Note,Shop_sales\n"
    )
    hidden = ENVIRONMENT.replace("    time_zone", "    timeline: false\n    time_zone")
    await sqlite_service.refresh(
        environment(tmp_path, [], MEMBERS, f"{hidden}  activities: [{{file: activities.csv}}]\n")
    )

    assert (await profile(sqlite_service, "UnifiedActivity", "ActivityId")).summary.frequent == (("1", 1),)


async def test_a_profile_is_kept_within_a_generation_only(
    sqlite_service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_profiles, "KEPT_MAX", 2)
    await sqlite_service.refresh(environment(tmp_path, [sale(1)]))
    first = await profile(sqlite_service, "Shop_sales", "SaleId")
    assert await profile(sqlite_service, "Shop_sales", "SaleId") is first
    for column in ("Amount", "MemberId"):
        await profile(sqlite_service, "Shop_sales", column)
    assert await profile(sqlite_service, "Shop_sales", "SaleId") is not first

    await sqlite_service.refresh(environment(tmp_path, [sale(1), sale(2)]))

    assert (await profile(sqlite_service, "Shop_sales", "SaleId")).summary.records == 2


async def test_a_profile_that_many_ask_for_at_once_is_computed_once(sqlite_service: Service) -> None:
    found = await asyncio.gather(*(profile(sqlite_service, "Customer", "City") for _ in range(5)))

    assert all(one is found[0] for one in found)


async def test_what_takes_too_long_is_stopped(sqlite_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """S31."""
    monkeypatch.setattr(sqlite_service.store, "statement_timeout_seconds", 0)

    with pytest.raises(errors.QueryTooSlow):
        await sqlite_service.flows.data_profiles.profile_table(INSTANCE, "Customer", has_columns=True)
    with pytest.raises(errors.QueryTooSlow):
        await profile(sqlite_service, "Customer", "City")


async def test_what_is_not_there_is_named(sqlite_service: Service, tmp_path: Path) -> None:
    await sqlite_service.refresh(environment(tmp_path, []))

    with pytest.raises(errors.ColumnNotFound, match="did you mean 'SaleId'"):
        await profile(sqlite_service, "Shop_sales", "saleid")
    with pytest.raises(errors.TableNotFound, match="did you mean 'Shop_sales'"):
        await profile(sqlite_service, "Shop_sale", "SaleId")
    with pytest.raises(errors.NotSupported, match="names no file of its records"):
        await profile(sqlite_service, "Web_visits", "VisitId")
