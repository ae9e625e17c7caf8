"""The search configuration: which columns it names, and what it refuses."""

import pytest

from tests import make
from topcoat.core import errors, search_configuration
from topcoat.core.catalog import Column
from topcoat.core.search_configuration import IndexedColumn, SearchConfiguration

WITH_KEY = make.table(columns=(*make.CUSTOMER_COLUMNS, Column("Club_MemberId", is_key=True)))


def test_searched_columns_are_the_strings_among_the_searchable() -> None:
    named = (IndexedColumn("RewardsPoints", is_searchable=True), IndexedColumn("City", is_searchable=True))
    configuration = SearchConfiguration((*named, IndexedColumn("Gone", is_searchable=True)))

    assert [column.name for column in configuration.searched(WITH_KEY)] == ["City"]
    assert configuration.searched_names() == ("RewardsPoints", "City", "Gone")


def test_ordered_columns_are_those_filtered_faceted_or_sorted_and_the_alternate_keys() -> None:
    configuration = SearchConfiguration(
        (
            IndexedColumn("City", is_filterable=True),
            IndexedColumn("RewardsPoints", is_sortable=True),
            IndexedColumn("DateOfBirth", is_facetable=True),
            IndexedColumn("FullName", is_searchable=True),
        )
    )

    ordered = [column.name for column in configuration.ordered(WITH_KEY)]
    assert ordered == ["City", "DateOfBirth", "RewardsPoints", "Club_MemberId"]


def test_a_column_is_found_by_its_name() -> None:
    city = IndexedColumn("City", is_filterable=True)
    configuration = SearchConfiguration((city,))

    assert configuration.find_column("City") == city
    assert configuration.find_column("Town") is None


def test_without_configuration_the_keys_are_filterable_and_nothing_is_searched() -> None:
    generated = search_configuration.system_generated(WITH_KEY)

    assert generated.is_system_generated
    assert [(c.name, c.is_filterable) for c in generated.columns] == [("CustomerId", True), ("Club_MemberId", True)]
    assert generated.searched_names() == ()


def test_before_the_first_refresh_nothing_is_configured() -> None:
    table = search_configuration.customer_table(make.catalog(make.source_table()))

    assert table is None
    assert search_configuration.system_generated(table) == SearchConfiguration()


def test_the_table_with_a_search_index_is_that_of_the_customers() -> None:
    assert search_configuration.customer_table(make.catalog()) == make.table()


def test_checked_columns_come_in_the_tables_order() -> None:
    columns = [IndexedColumn("City", is_searchable=True), IndexedColumn("FullName"), IndexedColumn("DateOfBirth")]

    checked = search_configuration.checked_columns(make.table(), columns)

    assert [column.name for column in checked] == ["FullName", "City", "DateOfBirth"]


@pytest.mark.parametrize(
    ("columns", "error", "said"),
    [
        ([IndexedColumn("Cty")], errors.UnknownColumn, "did you mean 'City'?"),
        ([IndexedColumn("RewardsPoints", is_searchable=True)], errors.ColumnNotSearchable, "of type integer"),
        ([IndexedColumn("City"), IndexedColumn("City")], errors.ColumnTwice, "City"),
    ],
)
def test_what_cannot_be_configured_is_refused(
    columns: list[IndexedColumn], error: type[errors.TopcoatError], said: str
) -> None:
    with pytest.raises(error) as refused:
        search_configuration.checked_columns(make.table(), columns)

    assert said in refused.value.message
