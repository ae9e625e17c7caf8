"""Descriptions of tables and of their alternate keys."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from topcoat.surfaces.dataverse.metadata.attributes import ATTRIBUTE, describe_attributes
from topcoat.surfaces.dataverse.metadata.relationships import (
    MANY_TO_MANY,
    ONE_TO_MANY,
    describe_from,
    describe_to,
)
from topcoat.surfaces.dataverse.metadata.shapes import (
    ID,
    NO_LABEL,
    Description,
    Shape,
    describe,
    label,
    managed,
    metadata_id,
)
from topcoat.surfaces.dataverse.names import DataverseTable, DataverseTables

PARTITION_KEY: Final = "KeyForNoSqlEntityWithPKPartitionId"
_CUSTOM_CODES: Final = 10_000
_CODES: Final = 50_000

KEY: Final = Shape(
    "EntityKeyMetadata",
    {
        "DisplayName": NO_LABEL,
        "EntityKeyIndexStatus": "Active",
        "EntityLogicalName": None,
        "HasChanged": None,
        "IntroducedVersion": None,
        "IsCustomizable": managed("iscustomizable"),
        "IsManaged": True,
        "IsSynchronous": False,
        "KeyAttributes": [],
        "LogicalName": None,
        ID: None,
        "SchemaName": None,
    },
    ("LogicalName",),
)
ENTITY: Final = Shape(
    "EntityMetadata",
    {
        "ActivityTypeMask": 0,
        "AutoCreateAccessTeams": False,
        "AutoRouteToOwnerQueue": False,
        "CanBeInCustomEntityAssociation": managed("canbeincustomentityassociation"),
        "CanBeInManyToMany": managed("canbeinmanytomany"),
        "CanBePrimaryEntityInRelationship": managed("canbeprimaryentityinrelationship"),
        "CanBeRelatedEntityInRelationship": managed("canberelatedentityinrelationship"),
        "CanChangeTrackingBeEnabled": managed("canchangetrackingbeenabled"),
        "CanCreateAttributes": managed("cancreateattributes"),
        "CanCreateCharts": managed("cancreatecharts"),
        "CanCreateForms": managed("cancreateforms"),
        "CanCreateViews": managed("cancreateviews"),
        "CanModifyAdditionalSettings": managed("canmodifyadditionalsettings"),
        "CanTriggerWorkflow": False,
        "ChangeTrackingEnabled": False,
        "CollectionSchemaName": None,
        "DataProviderId": None,
        "DataSourceId": None,
        "Description": NO_LABEL,
        "DisplayCollectionName": NO_LABEL,
        "DisplayName": NO_LABEL,
        "EntitySetName": None,
        "ExternalCollectionName": None,
        "ExternalName": None,
        "HasActivities": False,
        "HasChanged": None,
        "HasFeedback": False,
        "HasNotes": False,
        "IntroducedVersion": None,
        "IsActivity": False,
        "IsActivityParty": False,
        "IsAuditEnabled": managed("canmodifyauditsettings"),
        "IsAvailableOffline": False,
        "IsBPFEntity": False,
        "IsBusinessProcessEnabled": False,
        "IsChildEntity": False,
        "IsConnectionsEnabled": managed("canmodifyconnectionsettings"),
        "IsCustomEntity": True,
        "IsCustomizable": managed("iscustomizable"),
        "IsDocumentManagementEnabled": False,
        "IsDuplicateDetectionEnabled": managed("canmodifyduplicatedetectionsettings"),
        "IsEnabledForCharts": False,
        "IsEnabledForExternalChannels": False,
        "IsImportable": False,
        "IsIntersect": False,
        "IsKnowledgeManagementEnabled": False,
        "IsLogicalEntity": False,
        "IsMailMergeEnabled": managed("canmodifymailmergesettings"),
        "IsManaged": True,
        "IsMappable": managed("ismappable"),
        "IsOfflineInMobileClient": managed("canmodifymobileclientoffline"),
        "IsOptimisticConcurrencyEnabled": True,
        "IsPrivate": False,
        "IsQuickCreateEnabled": False,
        "IsReadOnlyInMobileClient": managed("canmodifymobileclientreadonly"),
        "IsRenameable": managed("isrenameable"),
        "IsStateModelAware": False,
        "IsValidForAdvancedFind": True,
        "IsValidForQueue": managed("canmodifyqueuesettings"),
        "IsVisibleInMobile": managed("canmodifymobilevisibility"),
        "IsVisibleInMobileClient": managed("canmodifymobileclientvisibility"),
        "LogicalCollectionName": None,
        "LogicalName": None,
        ID: None,
        "ObjectTypeCode": 0,
        "OwnershipType": "UserOwned",
        "PrimaryIdAttribute": None,
        "PrimaryImageAttribute": None,
        "PrimaryNameAttribute": None,
        "ReportViewName": None,
        "SchemaName": None,
        "SyncToExternalSearchIndex": False,
        "TableType": "Elastic",
    },
    ("LogicalName",),
    {
        "Attributes": ATTRIBUTE,
        "Keys": KEY,
        "ManyToManyRelationships": MANY_TO_MANY,
        "ManyToOneRelationships": ONE_TO_MANY,
        "OneToManyRelationships": ONE_TO_MANY,
    },
)


def describe_tables(tables: DataverseTables) -> tuple[Description, ...]:
    return tuple(_describe(tables, table) for table in tables.tables)


def _describe(tables: DataverseTables, table: DataverseTable) -> Description:
    properties = {
        "CollectionSchemaName": table.collection,
        "DisplayCollectionName": label(table.titles),
        "DisplayName": label(table.title),
        "EntitySetName": table.entity_set,
        "LogicalCollectionName": table.collection,
        "LogicalName": table.logical,
        ID: metadata_id("entity", table.logical),
        "ObjectTypeCode": _object_type_code(table),
        "PrimaryIdAttribute": table.primary_id,
        "PrimaryNameAttribute": table.primary_name,
        "SchemaName": table.logical,
    }
    related = {
        "Attributes": lambda: describe_attributes(tables, table),
        "Keys": lambda: _describe_keys(table),
        "ManyToManyRelationships": lambda: (),
        "ManyToOneRelationships": lambda: describe_to(tables, table),
        "OneToManyRelationships": lambda: describe_from(tables, table),
    }
    return describe(ENTITY, properties, related)


def _object_type_code(table: DataverseTable) -> int:
    """Made from the name, among the numbers that custom tables have."""
    return _CUSTOM_CODES + uuid.UUID(metadata_id("code", table.logical)).int % _CODES


def _describe_keys(table: DataverseTable) -> tuple[Description, ...]:
    single = [_describe_key(table, f"{column.name}_key", [column.name]) for column in table.alternate_keys]
    return (*single, _describe_key(table, PARTITION_KEY, [table.primary_id, "partitionid"]))


def _describe_key(table: DataverseTable, name: str, columns: Sequence[str]) -> Description:
    properties: dict[str, Any] = {
        "DisplayName": label(name),
        "EntityLogicalName": table.logical,
        "KeyAttributes": columns,
        "LogicalName": name.lower(),
        ID: metadata_id("key", table.logical, name),
        "SchemaName": name,
    }
    return describe(KEY, properties)
