"""Which hierarchies may be defined."""

from dataclasses import replace

import pytest

from tests import make
from topcoat.core import errors, hierarchies
from topcoat.core.hierarchies import Hierarchy

CATALOG = make.catalog(make.table(), make.source_table())
CHAINS = Hierarchy("Chains", "PoS_posPurchases", "StoreName", "Currency")


def test_a_hierarchy_of_columns_that_are_there_is_accepted() -> None:
    hierarchies.check_hierarchy(CATALOG, CHAINS)
    hierarchies.check_hierarchy(CATALOG, replace(CHAINS, display_name="Chains of shops"))


@pytest.mark.parametrize(
    ("changes", "error", "named"),
    [
        ({"name": "no dashes"}, errors.ParameterInvalid, "name"),
        ({"display_name": ""}, errors.ParameterInvalid, "displayName"),
        ({"table": "PoS"}, errors.TableNotFoundForWriting, "PoS"),
        ({"account_column": "StoreNam"}, errors.UnknownColumn, "StoreName"),
        ({"parent_column": "Curency"}, errors.UnknownColumn, "Currency"),
        ({"parent_column": "StoreName"}, errors.ParameterInvalid, "parentAccountIdAttribute"),
    ],
)
def test_what_a_hierarchy_names_in_vain_is_named(
    changes: dict[str, str], error: type[errors.TopcoatError], named: str
) -> None:
    with pytest.raises(error, match=named):
        hierarchies.check_hierarchy(CATALOG, replace(CHAINS, **changes))
