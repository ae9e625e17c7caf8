"""Relationships between tables, and hierarchies of accounts."""

from typing import Any

from tests.contract.stage import Stage
from tests.contract.telling import story


@story("Get-all-relationships")
def list_relationships(stage: Stage) -> None:
    create(stage, "Listed")

    listed = stage.call("Get-all-relationships", role="viewer")
    assert [r["name"] for r in listed.body if r["name"] == "Listed"] == ["Listed"]
    assert {r["source"] for r in listed.body} == {"user"}

    delete(stage, "Listed")


@story("Create-a-relationship")
def create_a_relationship(stage: Stage) -> None:
    created = create(stage, "Created")
    assert (created["source"], created["cardinality"]) == ("user", "manyToOne")
    assert read(stage, "Created").body == created
    assert "Created" in related(stage, "PoS_posPurchases")

    for name, ends, named in (
        ("Created", {}, "Created"),
        ("with-dash", {}, "name"),
        ("Unknown", {"toEntityName": "Nowhere"}, "Nowhere"),
        ("Unknown", {"fromAttributeName": "Nothing"}, "Nothing"),
    ):
        refused = stage.call("Create-a-relationship", body=relationship(name, **ends))
        assert refused.status == 400
        assert named in refused.body["message"]
    stage.call("Create-a-relationship", role="viewer", body=relationship("Refused"), undeclared=403)
    assert related(stage, "PoS_posPurchases").isdisjoint({"Unknown", "Refused", "with-dash"})

    delete(stage, "Created")


@story("Get-a-relationship")
def describe_a_relationship(stage: Stage) -> None:
    created = create(stage, "Described")

    assert read(stage, "Described").body == created
    assert read(stage, "described").status == 404

    delete(stage, "Described")


@story("Update-a-relationship")
def replace_a_relationship(stage: Stage) -> None:
    create(stage, "Replaced")

    body = relationship("Replaced", toAttributeName="PostalCode", cardinality="oneToMany")
    replaced = stage.call("Update-a-relationship", relationship_name="Replaced", body=body)
    assert (replaced.body["toAttributeName"], replaced.body["version"]) == ("PostalCode", 2)
    assert read(stage, "Replaced").body == replaced.body

    faulty = body | {"toAttributeName": "Nothing"}
    assert stage.call("Update-a-relationship", relationship_name="Replaced", body=faulty).status == 400
    unknown = relationship("Nobody")
    assert stage.call("Update-a-relationship", relationship_name="Nobody", body=unknown).status == 404
    assert read(stage, "Replaced").body == replaced.body

    delete(stage, "Replaced")


@story("Delete-a-relationship")
def delete_a_relationship(stage: Stage) -> None:
    create(stage, "Deleted")

    assert stage.call("Delete-a-relationship", relationship_name="Deleted").body["statusCode"] == 200
    assert read(stage, "Deleted").status == 404
    assert stage.call("Delete-a-relationship", relationship_name="Deleted").status == 404


@story("Get-all-system-created-relationships")
def list_what_the_tables_have(stage: Stage) -> None:
    listed = stage.call("Get-all-system-created-relationships", role="viewer")

    by_name = {r["name"]: r for r in listed.body}
    assert by_name["UnifiedActivity_Customer"]["toEntityName"] == "Customer"
    assert by_name["PoS_posPurchases_LoyaltyScheme_loyCustomers"]["fromAttributeName"] == "LoyaltyID"
    assert {r["source"] for r in listed.body} == {"system"}


@story("Get-all-hierarchies")
def list_hierarchies(stage: Stage) -> None:
    create_hierarchy(stage, "Listed")

    listed = stage.call("Get-all-hierarchies", role="viewer")
    assert "Listed" in [h["name"] for h in listed.body]

    delete_hierarchy(stage, "Listed")


@story("Create-a-hierarchy")
def create_a_hierarchy(stage: Stage) -> None:
    created = create_hierarchy(stage, "Created")
    assert read_hierarchy(stage, "Created") == created

    stage.call("Create-a-hierarchy", body=hierarchy("Created"), undeclared=400)
    stage.call("Create-a-hierarchy", body=hierarchy("Faulty", sourceEntity="Nowhere"), undeclared=400)
    stage.call("Create-a-hierarchy", body=hierarchy("Faulty", parentAccountIdAttribute="Nothing"), undeclared=400)
    stage.call("Create-a-hierarchy", role="viewer", body=hierarchy("Refused"), undeclared=403)
    assert stage.call("Get-a-hierarchy", hierarchy_id="Faulty").status == 404

    delete_hierarchy(stage, "Created")


@story("Get-a-hierarchy", differs="the id is the name")
def describe_a_hierarchy(stage: Stage) -> None:
    created = create_hierarchy(stage, "Described")

    assert read_hierarchy(stage, "Described") == created
    assert stage.call("Get-a-hierarchy", hierarchy_id="described").status == 404

    delete_hierarchy(stage, "Described")


@story("Update-a-hierarchy", differs="the id is the name")
def change_a_hierarchy(stage: Stage) -> None:
    created = create_hierarchy(stage, "Changed")

    changed = stage.call("Update-a-hierarchy", hierarchy_id="Changed", body={"displayName": "Chains of shops"})
    assert (changed.body["displayName"], changed.body["dependency"]) == ("Chains of shops", created["dependency"])
    assert read_hierarchy(stage, "Changed") == changed.body

    assert stage.call("Update-a-hierarchy", hierarchy_id="Nobody", body={"displayName": "X"}).status == 404
    delete_hierarchy(stage, "Changed")


@story("Delete-a-hierarchy", differs="the id is the name")
def delete_a_hierarchy(stage: Stage) -> None:
    create_hierarchy(stage, "Deleted")

    assert stage.call("Delete-a-hierarchy", hierarchy_id="Deleted").body["statusCode"] == 200
    assert stage.call("Get-a-hierarchy", hierarchy_id="Deleted").status == 404
    assert stage.call("Delete-a-hierarchy", hierarchy_id="Deleted").status == 404


@story("Get-profile-store-state")
def tell_the_state_of_the_profile_store(stage: Stage) -> None:
    told = stage.call("Get-profile-store-state", role="viewer")

    size = stage.call("Get-entity-size", entity_name="Customer").body
    primary = told.body["primaryInfo"]
    assert (primary["currentState"], primary["rowCount"], primary["size"]) == (
        "queryable",
        size["rowCount"],
        size["size"],
    )
    assert primary["profileStoreHydrationStateInfo"]["UnifiedActivity"] == "hydrated"
    assert told.body["secondaryInfo"]["currentState"] == "empty"


def relationship(name: str, **parts: Any) -> dict[str, Any]:
    ends = {
        "fromEntityName": "PoS_posPurchases",
        "fromAttributeName": "StoreName",
        "toEntityName": "Customer",
        "toAttributeName": "City",
    }
    return {"name": name, "friendlyName": f"{name}, of shops"} | ends | parts


def create(stage: Stage, name: str) -> dict[str, Any]:
    created: dict[str, Any] = stage.call("Create-a-relationship", role="contributor", body=relationship(name)).body
    return created


def read(stage: Stage, name: str) -> Any:
    return stage.call("Get-a-relationship", role="viewer", relationship_name=name)


def delete(stage: Stage, name: str) -> None:
    assert stage.call("Delete-a-relationship", relationship_name=name).status == 200


def related(stage: Stage, table: str) -> set[str]:
    """The relationships that a table's own metadata has."""
    return {r["name"] for r in stage.call("Get-entity-metadata", entity_name=table).body["relationships"]}


def hierarchy(name: str, **parts: str) -> dict[str, Any]:
    dependency = {
        "sourceEntity": "PoS_posPurchases",
        "accountIdAttribute": "StoreName",
        "parentAccountIdAttribute": "Currency",
    }
    return {"name": name, "displayName": f"{name} chains", "dependency": dependency | parts}


def create_hierarchy(stage: Stage, name: str) -> dict[str, Any]:
    created: dict[str, Any] = stage.call("Create-a-hierarchy", role="contributor", body=hierarchy(name)).body
    return created


def read_hierarchy(stage: Stage, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stage.call("Get-a-hierarchy", role="viewer", hierarchy_id=name).body
    return found


def delete_hierarchy(stage: Stage, name: str) -> None:
    assert stage.call("Delete-a-hierarchy", hierarchy_id=name).status == 200
