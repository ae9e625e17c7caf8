"""Descriptions of what leads from profiles to the rows of other tables, and back."""

from typing import Any, Final

from topcoat.surfaces.dataverse.metadata.shapes import (
    ID,
    NO_LABEL,
    Description,
    Shape,
    describe,
    managed,
    metadata_id,
)
from topcoat.surfaces.dataverse.names import LOOKUP, DataverseTable, DataverseTables

_COMMON: Final[dict[str, Any]] = {
    "HasChanged": None,
    "IntroducedVersion": None,
    "IsCustomRelationship": True,
    "IsCustomizable": managed("iscustomizable"),
    "IsManaged": True,
    "IsValidForAdvancedFind": True,
    ID: None,
    "RelationshipType": None,
    "SchemaName": None,
    "SecurityTypes": "None",
}
_MENU: Final[dict[str, Any]] = {"Behavior": "DoNotDisplay", "Group": "Details", "Label": NO_LABEL, "Order": None}
_EVENTS: Final = ("Assign", "Delete", "Merge", "Reparent", "RollupView", "Share", "Unshare")
ONE_TO_MANY: Final = Shape(
    "OneToManyRelationshipMetadata",
    {
        **_COMMON,
        "AssociatedMenuConfiguration": _MENU,
        "CascadeConfiguration": dict.fromkeys(_EVENTS, "NoCascade"),
        "EntityKey": None,
        "IsHierarchical": False,
        "ReferencedAttribute": None,
        "ReferencedEntity": None,
        "ReferencedEntityNavigationPropertyName": None,
        "ReferencingAttribute": None,
        "ReferencingEntity": None,
        "ReferencingEntityNavigationPropertyName": None,
        "RelationshipBehavior": 1,
    },
    ("SchemaName",),
)
MANY_TO_MANY: Final = Shape(
    "ManyToManyRelationshipMetadata",
    {
        **_COMMON,
        "Entity1AssociatedMenuConfiguration": _MENU,
        "Entity1IntersectAttribute": None,
        "Entity1LogicalName": None,
        "Entity1NavigationPropertyName": None,
        "Entity2AssociatedMenuConfiguration": _MENU,
        "Entity2IntersectAttribute": None,
        "Entity2LogicalName": None,
        "Entity2NavigationPropertyName": None,
        "IntersectEntityName": None,
    },
    ("SchemaName",),
)
RELATIONSHIP: Final = Shape("RelationshipMetadataBase", _COMMON, ("SchemaName",), derived=(ONE_TO_MANY, MANY_TO_MANY))


def describe_relationships(tables: DataverseTables) -> tuple[Description, ...]:
    return tuple(_describe(tables.profiles, rows) for rows in tables.of_profiles)


def describe_from(tables: DataverseTables, table: DataverseTable) -> tuple[Description, ...]:
    """Those in which rows of other tables refer to rows of this one."""
    return describe_relationships(tables) if table.is_profiles else ()


def describe_to(tables: DataverseTables, table: DataverseTable) -> tuple[Description, ...]:
    """Those in which rows of this table refer to rows of another."""
    return () if table.is_profiles else (_describe(tables.profiles, table),)


def _describe(profiles: DataverseTable, rows: DataverseTable) -> Description:
    return describe(
        ONE_TO_MANY,
        {
            ID: metadata_id("relationship", rows.relationship),
            "ReferencedAttribute": profiles.primary_id,
            "ReferencedEntity": profiles.logical,
            "ReferencedEntityNavigationPropertyName": rows.relationship,
            "ReferencingAttribute": LOOKUP,
            "ReferencingEntity": rows.logical,
            "ReferencingEntityNavigationPropertyName": LOOKUP,
            "RelationshipType": "OneToManyRelationship",
            "SchemaName": rows.relationship,
        },
    )
