"""Tables: what columns they have, and how large they are."""

from tests.contract.stage import Stage
from tests.contract.telling import story


@story("Get-all-entity-metadata")
def list_tables(stage: Stage) -> None:
    plain = stage.call("Get-all-entity-metadata", role="viewer")
    annotated = stage.call("Get-all-entity-metadata", role="viewer", attributes_annotations=True)

    names = [table["qualifiedEntityName"] for table in plain.body["entities"]]
    assert {"Customer", "UnifiedActivity", "Customer_Measure", "PoS_posPurchases"} <= set(names)
    [without, with_notes] = (answer.body["entities"][0]["attributes"][0] for answer in (plain, annotated))
    assert "annotations" not in without
    assert {"name": "ReadOnly", "value": "true"} in with_notes["annotations"]

    refused = stage.send("Get-all-entity-metadata", "includeQuarantined=perhaps")
    assert refused.status == 400
    assert "includeQuarantined" in refused.body["message"]


@story("Get-entity-metadata")
def describe_a_table(stage: Stage) -> None:
    described = stage.call("Get-entity-metadata", role="viewer", entity_name="PoS_posPurchases")
    types = {attribute["name"]: attribute["dataType"] for attribute in described.body["attributes"]}
    assert (types["PurchasedOn"], types["TotalAmount"]) == ("dateTimeOffset", "decimal")
    assert described.body["timestampAttribute"]["name"] == "PurchasedOn"

    unknown = stage.call("Get-entity-metadata", role="viewer", entity_name="PoS_posPurchase")
    assert unknown.status == 404
    assert "PoS_posPurchases" in unknown.body["message"]
    assert stage.send("Get-entity-metadata", "attributesAnnotations=perhaps").status == 400


@story("Get-entity-size")
def measure_a_table(stage: Stage) -> None:
    customers = stage.call("Get-entities-with-OData-path", relative_path="Customer?$top=1000").body["value"]

    measured = stage.call("Get-entity-size", role="viewer", entity_name="Customer")
    assert (measured.body["qualifiedEntityName"], measured.body["rowCount"]) == ("Customer", len(customers))
    assert measured.body["size"] > 100 * len(customers)

    assert stage.call("Get-entity-size", role="viewer", entity_name="Custmer").status == 404
