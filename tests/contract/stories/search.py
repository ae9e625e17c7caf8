"""The search configuration: which columns are looked up by the index."""

from typing import Any

from tests.contract.stage import Stage
from tests.contract.telling import story


@story("Get-search-configuration")
def tell_the_configuration(stage: Stage) -> None:
    told = stage.call("Get-search-configuration", role="viewer")

    [customer] = told.body["entityConfig"]
    assert customer["qualifiedEntityName"] == "Customer"
    assert searchable_columns(stage) == {a["name"] for a in customer["attributes"] if a["properties"]["isSearchable"]}


@story("Update-search-configuration")
def replace_the_configuration(stage: Stage) -> None:
    found = stage.call("Get-search-configuration").body

    replaced = stage.call("Update-search-configuration", body=configuration("City"))
    assert replaced.body["version"] == found["version"] + 1
    assert searchable_columns(stage) == {"City"}

    refused = stage.call("Update-search-configuration", body=configuration("RewardsPoints"))
    assert (refused.status, refused.body["errorCode"]) == (400, "ColumnNotSearchable")
    stage.call("Update-search-configuration", role="contributor", body=configuration("FullName"), undeclared=403)
    assert searchable_columns(stage) == {"City"}

    stage.call("Update-search-configuration", body={"entityConfig": found["entityConfig"]})


def configuration(searchable: str) -> dict[str, Any]:
    attributes = [{"name": searchable, "properties": {"isSearchable": True, "isFilterable": True}}]
    return {"entityConfig": [{"qualifiedEntityName": "Customer", "attributes": attributes}]}


def searchable_columns(stage: Stage) -> set[str]:
    """As the table's own metadata has them."""
    attributes = stage.call("Get-entity-metadata", entity_name="Customer").body["attributes"]
    return {attribute["name"] for attribute in attributes if attribute["searchProperties"]["isSearchable"]}
