"""Profiles: their keys in the data sources, and the activities they have."""

from collections import Counter

from tests.contract.stage import Stage
from tests.contract.telling import story
from topcoat.sample import ABBIE_MOSS_ID

SOURCE = {"data_source_name": "LoyaltyScheme", "entity_name": "loyCustomers"}


@story("Get-KeyRing")
def follow_a_source_key(stage: Stage) -> None:
    [abbie] = stage.call("Get-entities-with-OData-path", relative_path=f"Customer?$filter={who()}").body["value"]
    key = abbie["LoyaltyScheme_loyCustomers_LoyaltyID"]

    found = stage.call("Get-KeyRing", role="viewer", **SOURCE, key=key)
    assert found.body["customerId"] == ABBIE_MOSS_ID
    rings = found.body["keyRing"]
    assert rings["LoyaltyScheme_loyCustomers"]["keys"] == [key]
    assert rings["eCommerce_eCommerceContacts"]["keys"] == [abbie["eCommerce_eCommerceContacts_ContactId"]]

    assert stage.call("Get-KeyRing", role="viewer", **SOURCE, key="CNT/1 2").status == 404
    assert stage.call("Get-KeyRing", role="viewer", **SOURCE, key="").status == 400


@story("Get-Activity-Types-and-Counts")
def count_activities_by_type(stage: Stage) -> None:
    timeline = f"UnifiedActivity?$filter={who()}&$top=1000"
    activities = stage.call("Get-entities-with-OData-path", relative_path=timeline).body["value"]

    counted = stage.call("Get-Activity-Types-and-Counts", role="viewer", customer_id=ABBIE_MOSS_ID)
    assert counted.body["customerId"] == ABBIE_MOSS_ID
    kinds = counted.body["keyRing"]["activityTypes"]
    assert {(kind["activityType"], kind["activityTypeDisplay"]): kind["count"] for kind in kinds} == Counter(
        (activity["ActivityType"], activity["ActivityTypeDisplay"]) for activity in activities
    )
    assert counted.body["keyRing"]["activityCount"] == len(activities) > 0

    assert stage.call("Get-Activity-Types-and-Counts", role="viewer", customer_id="f" * 32).status == 404
    assert stage.call("Get-Activity-Types-and-Counts", role="viewer", customer_id="").status == 400


def who() -> str:
    return f"CustomerId eq '{ABBIE_MOSS_ID}'"
