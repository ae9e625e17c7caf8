"""`$search` and `contains` about merged records, with the search index and without it (S24, S27)."""

from datetime import timedelta

import pytest

from tests.conftest import INSTANCE, Service
from tests.flows import asking
from topcoat.core.search_configuration import IndexedColumn
from topcoat.flows.search_index import TableColumns


async def found(service: Service, search: str, **options: str) -> list[str]:
    return [record["CustomerId"] for record in await asking.all_pages(service, "Customer", search=search, **options)]


async def configure(service: Service, *columns: IndexedColumn) -> None:
    await service.flows.search_index.replace_configuration(INSTANCE, [TableColumns("Customer", columns)], "tests")


@pytest.mark.parametrize(
    "search", ["abbie", "ABBIE", '"Abbie"', "moss AND abbie", "abbie NOT smith", "abbie-zzz", "moss"]
)
async def test_a_word_of_a_searched_column_finds_its_customer(service: Service, abbie: str, search: str) -> None:
    assert abbie in await found(service, search)


@pytest.mark.parametrize("search", ["abb", "zzz", "abbie AND zzz", "abbie NOT moss", "98101-zzz", "!!!"])
async def test_other_words_do_not_find_it(service: Service, abbie: str, search: str) -> None:
    assert abbie not in await found(service, search)


async def test_a_column_that_is_not_searched_finds_nothing(service: Service, abbie: str) -> None:
    tier = (await asking.read(service, abbie))["LoyaltyTier"]

    assert await found(service, tier) == []


async def test_a_changed_value_is_found_and_the_hidden_one_is_not_until_the_change_lapses(
    service: Service, abbie: str
) -> None:
    """S2, S24."""
    await asking.override(service, abbie, {"FullName": "Ébène Straße", "FirstName": None, "LastName": None})
    await asking.override(service, abbie, {"EMail": "other@contoso.example"})

    assert await found(service, "ébène") == [abbie]
    assert await found(service, "STRASSE") == [abbie]
    assert abbie not in await found(service, "abbie")

    await service.advance(timedelta(hours=4))

    assert await found(service, "ébène") == []
    assert abbie in await found(service, "abbie")


async def test_searching_and_filtering_hold_together(service: Service, abbie: str) -> None:
    in_seattle = await found(service, "seattle", filter="City eq 'Seattle' and RewardsPoints ge 0")

    assert in_seattle == [
        record["CustomerId"]
        for record in await asking.all_pages(service, "Customer", filter="City eq 'Seattle'")
        if record["RewardsPoints"] is not None and record["RewardsPoints"] >= 0
    ]
    assert abbie in in_seattle


async def test_the_same_is_found_before_a_configuration_is_built_and_after(service: Service, abbie: str) -> None:
    """S27."""
    await configure(service, IndexedColumn("Country", is_searchable=True, is_filterable=True))

    before = await found(service, "usa-germany")
    await service.flows.search_index.run(INSTANCE)

    assert await found(service, "usa-germany") == before
    assert await found(service, "abbie") == []


async def test_nothing_is_found_where_no_column_is_searched(service: Service) -> None:
    await configure(service, IndexedColumn("City", is_filterable=True))
    await service.flows.search_index.run(INSTANCE)

    assert await found(service, "seattle") == []
