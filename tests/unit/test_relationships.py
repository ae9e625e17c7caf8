"""Which relationships may be defined, and which the tables have by what they are."""

from dataclasses import replace

import pytest

from tests import make
from topcoat.core import errors, relationships
from topcoat.core.catalog import UNIFIED_ACTIVITY_TABLE, Column, TableKind
from topcoat.core.relationships import Cardinality, Relationship

PURCHASES = make.source_table(activity=make.activity_configuration())
MEMBERS = make.source_table(name="LoyaltyScheme_loyCustomers", columns=(Column("LoyaltyID", is_key=True),))
MEASURES = make.table(name="Customer_Measure", kind=TableKind.CUSTOMER_MEASURE)
ALTERNATE_KEY = Column("LoyaltyScheme_loyCustomers_LoyaltyID", is_key=True)
CUSTOMER = make.table(columns=(*make.CUSTOMER_COLUMNS, ALTERNATE_KEY))
CATALOG = make.catalog(CUSTOMER, UNIFIED_ACTIVITY_TABLE, MEASURES, MEMBERS, PURCHASES)
SHOPS = Relationship("Shops", "PoS_posPurchases", "StoreName", "Customer", "City")


def test_the_catalog_shows_what_its_tables_have_to_do_with_each_other() -> None:
    made = relationships.list_system_made(CATALOG)

    assert all(relationship.is_system_made for relationship in made)
    assert [(r.name, r.from_column, r.to_column, r.cardinality) for r in made] == [
        ("UnifiedActivity_Customer", "CustomerId", "CustomerId", Cardinality.MANY_TO_ONE),
        ("Customer_Measure_Customer", "CustomerId", "CustomerId", Cardinality.ONE_TO_ONE),
        ("LoyaltyScheme_loyCustomers_Customer", "LoyaltyID", ALTERNATE_KEY.name, Cardinality.ONE_TO_ONE),
        ("PoS_posPurchases_LoyaltyScheme_loyCustomers", "LoyaltyID", "LoyaltyID", Cardinality.MANY_TO_ONE),
    ]


def test_a_table_that_is_not_there_is_related_to_nothing() -> None:
    assert relationships.list_system_made(make.catalog(UNIFIED_ACTIVITY_TABLE, PURCHASES)) == []


def test_a_relationship_between_columns_that_are_there_is_accepted() -> None:
    relationships.check_relationship(CATALOG, SHOPS)
    relationships.check_relationship(CATALOG, replace(SHOPS, friendly_name="Shops", description="by\ncity"))


@pytest.mark.parametrize(
    ("changes", "error", "named"),
    [
        ({"name": "no-dashes"}, errors.ParameterInvalid, "name"),
        ({"friendly_name": " "}, errors.ParameterInvalid, "friendlyName"),
        ({"description": "\0"}, errors.ParameterInvalid, "description"),
        ({"from_table": "PoS_posPurchase"}, errors.TableNotFoundForWriting, "PoS_posPurchases"),
        ({"from_column": "StoreNam"}, errors.UnknownColumn, "StoreName"),
        ({"to_table": "Customers"}, errors.TableNotFoundForWriting, "Customer"),
        ({"to_column": "city"}, errors.UnknownColumn, "City"),
    ],
)
def test_what_a_relationship_names_in_vain_is_named(
    changes: dict[str, str], error: type[errors.TopcoatError], named: str
) -> None:
    with pytest.raises(error, match=named):
        relationships.check_relationship(CATALOG, replace(SHOPS, **changes))


@pytest.mark.parametrize("changes", [{"from_table": "Gone"}, {"from_column": "Gone"}, {"to_table": "Gone"}])
def test_a_relationship_whose_ends_a_refresh_took_away_is_not_visible(changes: dict[str, str]) -> None:
    assert relationships.list_visible(CATALOG, [replace(SHOPS, **changes), SHOPS]) == [SHOPS]
