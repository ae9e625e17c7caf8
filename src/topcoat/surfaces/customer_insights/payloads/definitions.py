"""Relationships and hierarchies."""

from typing import Literal

from topcoat.surfaces.customer_insights.payloads import Audited, Wire


class RelationshipDefinition(Wire):
    """What a caller may say of a relationship; `name` may stand in the address alone."""

    friendly_name: str | None = None
    name: str | None = None
    description: str | None = None
    relationship_type: (
        Literal[
            "singleKeyRelationshipOrigin",
            "singleKeyRelationshipDestination",
            "dataSourceLineageOrigin",
            "dataSourceLineageDestination",
        ]
        | None
    ) = None
    from_attribute_name: str
    from_entity_name: str
    to_attribute_name: str
    to_entity_name: str
    cardinality: Literal["oneToMany", "oneToOne", "manyToOne"] | None = None
    source: Literal["user"] | None = None


class RelationshipMetadata(Audited):
    friendly_name: str
    name: str
    description: str | None
    relationship_type: str
    from_attribute_name: str
    from_entity_name: str
    to_attribute_name: str
    to_entity_name: str
    cardinality: str
    source: Literal["user", "system"]


class HierarchyDependency(Wire):
    source_entity: str
    account_id_attribute: str
    parent_account_id_attribute: str


class HierarchyDefinition(Wire):
    """What a caller may say of a hierarchy."""

    name: str
    display_name: str | None = None
    dependency: HierarchyDependency


class HierarchyDependencyChange(Wire):
    source_entity: str | None = None
    account_id_attribute: str | None = None
    parent_account_id_attribute: str | None = None


class HierarchyChange(Wire):
    """Parts of a hierarchy; those left out or null stay."""

    name: str | None = None
    display_name: str | None = None
    dependency: HierarchyDependencyChange | None = None


class HierarchyMetadata(HierarchyDefinition, Audited):
    display_name: str
