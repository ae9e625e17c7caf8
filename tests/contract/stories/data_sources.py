"""Data sources: what each brings, and what goes with one that is deleted."""

from typing import Any

from tests.contract.stage import Stage
from tests.contract.telling import story

NOBODYS = "c0ffee00-0000-4000-8000-00000000dead"


@story("Get-all-data-sources")
def list_data_sources(stage: Stage) -> None:
    told = stage.call("Get-all-data-sources", role="viewer")

    tables = stage.call("Get-all-entity-metadata").body["entities"]
    assert {(m["name"], m["dataSourceId"]) for m in metadata(told.body)} == {
        (table["dataSourceName"], table["datasourceId"]) for table in tables if table["datasourceId"]
    }
    assert {m["refreshState"] for m in metadata(told.body)} == {"updated"}


@story("Get-data-source")
def describe_a_data_source(stage: Stage) -> None:
    source_id = id_of(stage, "eCommerce")

    told = stage.call("Get-data-source", role="viewer", data_source_id=source_id, include_model=True)
    assert [entity["name"] for entity in told.body["model"]["entities"]] == ["eCommerceContacts", "eCommercePurchases"]
    assert told.body["dataSourceMetadata"] == find(stage, "eCommerce")
    bare = stage.call("Get-data-source", role="viewer", data_source_id=source_id, include_model=False)
    assert bare.body["model"] is None

    stage.call("Get-data-source", data_source_id=NOBODYS, undeclared=404)


@story("Delete-a-data-source")
def delete_a_data_source(stage: Stage) -> None:
    source_id = id_of(stage, "Website")
    reviews = reviews_of_everybody(stage)

    stage.call("Delete-a-data-source", role="viewer", data_source_id=source_id, undeclared=403)
    stage.call("Delete-a-data-source", data_source_id=id_of(stage, "eCommerce"), undeclared=400)
    assert stage.call("Delete-a-data-source", role="contributor", data_source_id=source_id).body == {"statusCode": 200}

    assert reviews
    assert not reviews_of_everybody(stage)
    assert stage.call("Get-entity-metadata", entity_name="Website_webReviews").status == 404
    assert stage.call("Delete-a-data-source", data_source_id=source_id).status == 404

    stage.installation.do("refresh", str(stage.installation.home / "contoso" / "contoso.yaml"))
    assert reviews_of_everybody(stage) == reviews
    assert id_of(stage, "Website") == source_id


def metadata(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [info["dataSourceMetadata"] for info in listed]


def find(stage: Stage, name: str) -> dict[str, Any]:
    listed = metadata(stage.call("Get-all-data-sources").body)
    return next(source for source in listed if source["name"] == name)


def id_of(stage: Stage, name: str) -> str:
    return str(find(stage, name)["dataSourceId"])


def reviews_of_everybody(stage: Stage) -> list[dict[str, Any]]:
    address = "UnifiedActivity?$filter=ActivityType eq 'Feedback'&$top=1000"
    found: list[dict[str, Any]] = stage.call("Get-entities-with-OData-path", relative_path=address).body["value"]
    return found
