"""Data profiles: what a table and each of its columns hold."""

from collections import Counter
from typing import Any

from tests.contract.stage import Stage
from tests.contract.telling import story


@story("Get-an-entity-profile")
def profile_a_table(stage: Stage) -> None:
    customers = stage.call("Get-entities-with-OData-path", relative_path="Customer?$top=1000").body["value"]

    told = stage.call(
        "Get-an-entity-profile", role="viewer", qualified_entity_name="Customer", include_attribute_data=True
    )

    assert told.body["rowCount"] == len(customers)
    assert [profile["attributeName"] for profile in told.body["attributeDataProfiles"]] == list(customers[0])
    assert told.body["profiledAttributes"].split(",") == list(customers[0])
    alone = stage.call("Get-an-entity-profile", role="viewer", qualified_entity_name="Customer")
    assert alone.body["attributeDataProfiles"] == []

    assert stage.call("Get-an-entity-profile", qualified_entity_name="Custmer").status == 404


@story("Get-an-attribute-profile")
def profile_a_column(stage: Stage) -> None:
    purchases = stage.call("Get-entities-with-OData-path", relative_path="PoS_posPurchases?$top=1000").body["value"]
    stores = Counter(purchase["StoreName"] for purchase in purchases)

    told = profile_of(stage, "StoreName")
    assert {entry["value"]: entry["count"] for entry in told["valueCounts"]} == stores
    assert (told["count"], told["missingCount"]) == (len(purchases), 0)
    assert (told["min"], told["max"], told["uniqueValueCount"]) == (min(stores), max(stores), len(stores))
    assert profile_of(stage, "PurchaseId")["isSuggestedPrimaryKey"]
    amounts = profile_of(stage, "TotalAmount")
    assert amounts["quantiles"]["p50"] in {purchase["TotalAmount"] for purchase in purchases}
    assert sum(bin_["count"] for bin_ in amounts["histogram"]) == len(purchases)

    unknown = stage.call("Get-an-attribute-profile", qualified_entity_name="PoS_posPurchases", attribute_name="Store")
    assert (unknown.status, unknown.body["errorCode"]) == (404, "ColumnNotFound")


def profile_of(stage: Stage, column: str) -> dict[str, Any]:
    told = stage.call(
        "Get-an-attribute-profile", role="viewer", qualified_entity_name="PoS_posPurchases", attribute_name=column
    )
    body: dict[str, Any] = told.body
    return body
